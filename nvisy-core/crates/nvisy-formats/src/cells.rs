//! Where the cells of some records lie in their text. Nothing is copied but cells with an escaped quote.

/// One cell as its column sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cell<'a> {
    /// No value.
    Null,
    /// Text that means a value.
    Text(&'a str),
    /// A JSON value as it was written.
    Json(&'a str),
}

/// Where a cell lies, and in what form.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    pub(crate) start: u32,
    pub(crate) end: u32,
    pub(crate) form: Form,
}

/// How the text of a span is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Missing,
    Text,
    /// A quoted cell that would mean null without its quotes: text to a text column, null to any other.
    QuotedNull,
    /// Text in the side buffer, without its escapes.
    Escaped,
    Json,
}

impl Span {
    pub(crate) const MISSING: Self = Self { start: 0, end: 0, form: Form::Missing };

    pub(crate) fn new(start: usize, end: usize, form: Form) -> Self {
        // A chunk holds far less than 4 GiB: see `frame`.
        let place = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        Self { start: place(start), end: place(end), form }
    }
}

/// The cells of some records, row after row.
pub(crate) struct Cells<'a> {
    pub(crate) text: &'a str,
    pub(crate) escaped: String,
    pub(crate) width: usize,
    pub(crate) spans: Vec<Span>,
}

impl<'a> Cells<'a> {
    pub(crate) fn new(text: &'a str, width: usize, rows: usize) -> Self {
        Self { text, escaped: String::new(), width, spans: Vec::with_capacity(width * rows) }
    }

    /// Take back what was added after the first `spans` spans.
    pub(crate) fn truncate(&mut self, spans: usize) {
        self.spans.truncate(spans);
    }

    /// Whole rows.
    pub(crate) fn rows(&self) -> usize {
        self.spans.len().checked_div(self.width).unwrap_or(0)
    }

    /// The cell, for a column that takes any text or one that does not.
    pub(crate) fn cell(&self, row: usize, column: usize, textual: bool) -> Cell<'_> {
        let span = self.spans[row * self.width + column];
        let range = span.start as usize..span.end as usize;
        match span.form {
            Form::Missing => Cell::Null,
            Form::QuotedNull if !textual => Cell::Null,
            Form::Text | Form::QuotedNull => Cell::Text(&self.text[range]),
            Form::Escaped => Cell::Text(&self.escaped[range]),
            Form::Json => Cell::Json(&self.text[range]),
        }
    }
}
