//! CSV and JSON lines objects: the header, the moment types are decided, and the chunks that become batches.
//! All of it counts records, never pieces, so that how the bytes arrive cannot change the result.

use crate::cells::{Cell, Cells};
use crate::csv::Dialect;
use crate::decode::Decoded;
use crate::frame::{Framer, Record};
use crate::infer::{Keys, Shape, Texts};
use crate::jsonl::{Unread, members};
use crate::rows::{Layout, Plan};
use crate::scan::Text;
use arrow_schema::SchemaRef;
use nvisy_dal::{ColumnType, Error, ErrorKind, Field, Result, Schema};
use std::collections::{BTreeMap, BTreeSet};
use std::str;
use std::sync::Arc;

/// The sample that decides types: whichever is full first.
const SAMPLE_ROWS: usize = 10_000;
const SAMPLE_BYTES: usize = 4 * 1024 * 1024;

/// Decodes one CSV or JSON lines object.
pub(crate) struct TextDecoder {
    layout: Layout,
    header: bool,
    overrides: BTreeMap<String, ColumnType>,
    batch_rows: usize,
    framer: Framer,
    given: Option<Schema>,
    /// The columns of a CSV object, in its own order.
    names: Option<Vec<String>>,
    plan: Option<Plan>,
    /// Whether any row stood behind the plan's types.
    decided: bool,
}

impl TextDecoder {
    pub(crate) fn csv(
        dialect: Dialect,
        header: bool,
        batch_rows: usize,
        overrides: BTreeMap<String, ColumnType>,
        given: Option<Schema>,
    ) -> Self {
        let framer = Framer::new(Some(dialect.delimiter));
        let (layout, decided) = (Layout::Csv(dialect), given.is_some());
        Self { layout, header, overrides, batch_rows, framer, given, names: None, plan: None, decided }
    }

    pub(crate) fn jsonl(
        batch_rows: usize,
        overrides: BTreeMap<String, ColumnType>,
        given: Option<Schema>,
    ) -> Self {
        let (framer, decided) = (Framer::new(None), given.is_some());
        Self {
            layout: Layout::Jsonl,
            header: false,
            overrides,
            batch_rows,
            framer,
            given,
            names: None,
            plan: None,
            decided,
        }
    }

    pub(crate) fn push(&mut self, bytes: &[u8], out: &mut Vec<Decoded>) -> Result<()> {
        self.framer.push(bytes)?;
        if !self.ready(false)? {
            return Ok(());
        }
        while let (Some(plan), Some(chunk)) = (&self.plan, self.framer.take_full(self.batch_rows)) {
            out.extend(plan.decode(&self.layout, chunk, false)?);
        }
        Ok(())
    }

    pub(crate) fn finish(&mut self, out: &mut Vec<Decoded>) -> Result<()> {
        let open = self.framer.finish()?;
        if !self.ready(true)? {
            return Ok(());
        }
        while let (Some(plan), Some(chunk)) = (&self.plan, self.framer.take_rest(self.batch_rows)) {
            out.extend(plan.decode(&self.layout, chunk, open)?);
        }
        Ok(())
    }

    pub(crate) fn schema(&self) -> Option<SchemaRef> {
        match (&self.plan, &self.given) {
            (Some(plan), _) if self.decided => Some(plan.schema.clone()),
            (_, Some(given)) => Some(Arc::new(given.to_arrow())),
            _ => None,
        }
    }

    /// Whether the columns and their types are known; with `ended`, make do with what there is.
    fn ready(&mut self, ended: bool) -> Result<bool> {
        if self.plan.is_some() {
            return Ok(true);
        }
        if let Layout::Csv(_) = self.layout
            && self.names.is_none()
            && !self.read_names()?
        {
            return Ok(false);
        }
        let schema = match &self.given {
            Some(given) => given.clone(),
            None => match self.infer(ended)? {
                Some(schema) => schema,
                None => return Ok(false),
            },
        };
        self.plan = Some(Plan::new(schema, self.names.as_deref())?);
        Ok(true)
    }

    /// Take the names of CSV columns from the header, or count the cells of the first record.
    fn read_names(&mut self) -> Result<bool> {
        let Layout::Csv(dialect) = &self.layout else { return Ok(true) };
        if !self.header
            && let Some(given) = &self.given
        {
            self.names = Some(given.fields.iter().map(|field| field.name.clone()).collect());
            return Ok(true);
        }
        loop {
            let Some(record) = self.framer.peek() else { return Ok(false) };
            if record.is_empty() {
                self.framer.take_one();
                continue;
            }
            if record.starts_with(&[0xFF, 0xFE]) || record.starts_with(&[0xFE, 0xFF]) {
                return Err(unreadable("it is UTF-16 text").with_hint("convert the object to UTF-8"));
            }
            let cells = header_cells(dialect, record)?;
            if self.header {
                self.framer.take_one();
                self.names = Some(check_header(cells, &self.overrides)?);
            } else {
                let names = (1..=cells.len()).map(|place| format!("column_{place}")).collect();
                self.names = Some(check_header(names, &self.overrides)?);
            }
            return Ok(true);
        }
    }

    /// The types that the sample shows, once it is full.
    fn infer(&mut self, ended: bool) -> Result<Option<Schema>> {
        let Some((bytes, records)) = self.framer.sample(SAMPLE_ROWS, SAMPLE_BYTES, ended) else {
            return Ok(None);
        };
        let (rows, mut fields) = match &self.layout {
            Layout::Csv(dialect) => {
                infer_csv(dialect, self.names.as_deref().unwrap_or_default(), bytes, records)
            }
            Layout::Jsonl => infer_jsonl(bytes, records)?,
        };
        for (name, r#type) in &self.overrides {
            match fields.iter_mut().find(|field| field.name == *name) {
                Some(field) => field.r#type = r#type.clone(),
                None => fields.push(Field { name: name.clone(), r#type: r#type.clone(), nullable: true }),
            }
        }
        self.decided = rows > 0;
        Ok(Some(Schema { fields }))
    }
}

fn header_cells(dialect: &Dialect, record: &[u8]) -> Result<Vec<String>> {
    let text = str::from_utf8(record)
        .map_err(|_| unreadable("its first record is not UTF-8").with_hint("convert the object to UTF-8"))?;
    let mut cells = Cells::new(text, 1, 16);
    dialect
        .split(0..text.len(), &mut cells)
        .map_err(|why| unreadable(format!("its first record is broken: {why}")))?;
    let own = |place| match cells.cell(place, 0, true) {
        Cell::Null => String::new(),
        Cell::Text(text) | Cell::Json(text) => text.to_owned(),
    };
    Ok((0..cells.rows()).map(own).collect())
}

/// The names of the columns, where each is there once and every declared one is among them.
fn check_header(names: Vec<String>, overrides: &BTreeMap<String, ColumnType>) -> Result<Vec<String>> {
    let number =
        |(place, name): (usize, String)| if name.is_empty() { format!("column_{}", place + 1) } else { name };
    let names: Vec<_> = names.into_iter().enumerate().map(number).collect();
    let mut seen = BTreeSet::new();
    if let Some(twice) = names.iter().find(|name| !seen.insert(name.as_str())) {
        return Err(unreadable(format!("its header has the column `{twice}` twice"))
            .with_hint("give each column its own name"));
    }
    if let Some(unknown) = overrides.keys().find(|name| !seen.contains(name.as_str())) {
        let message = format!(
            "`columns:` names `{unknown}`, which the object does not have; it has {}",
            listed(&names)
        );
        return Err(Error::new(ErrorKind::InvalidConfig, "decode an object", message)
            .with_hint("correct the name under `columns:`"));
    }
    Ok(names)
}

fn infer_csv(
    dialect: &Dialect,
    names: &[String],
    bytes: &[u8],
    records: impl Iterator<Item = Record>,
) -> (usize, Vec<Field>) {
    let (mut rows, mut columns) = (0, vec![Texts::NONE; names.len()]);
    for record in records {
        let Ok(text) = str::from_utf8(&bytes[record.start..record.end]) else { continue };
        let mut cells = Cells::new(text, names.len(), 1);
        let blank = text.is_empty() && names.len() != 1;
        if blank || dialect.split(0..text.len(), &mut cells).is_err() || cells.spans.len() != names.len() {
            continue;
        }
        rows += 1;
        for (place, column) in columns.iter_mut().enumerate() {
            match cells.cell(0, place, false) {
                Cell::Null => {}
                Cell::Text(text) | Cell::Json(text) => column.see(text),
            }
        }
    }
    let field = |(name, texts): (&String, Texts)| Field {
        name: name.clone(),
        r#type: texts.decide(),
        nullable: true,
    };
    (rows, names.iter().zip(columns).map(field).collect())
}

fn infer_jsonl(bytes: &[u8], records: impl Iterator<Item = Record>) -> Result<(usize, Vec<Field>)> {
    let (mut rows, mut known) = (0, Vec::new());
    for record in records {
        let bytes = bytes[record.start..record.end].trim_ascii();
        if rows == 0 && record.line == 1 && bytes.starts_with(b"[") {
            return Err(unreadable("it is a JSON array").with_hint("write one JSON object on each line"));
        }
        let Ok(text) = str::from_utf8(bytes) else { continue };
        // A line that is refused must not name columns.
        if text.is_empty() || members(text, Text::Unknown, &mut Unread).is_err() {
            continue;
        }
        rows += 1;
        let _ = members(text, Text::Json, &mut Keys::new(&mut known));
    }
    let field = |(name, shape): (String, Shape)| Field { name, r#type: shape.decide(), nullable: true };
    Ok((rows, known.into_iter().map(field).collect()))
}

/// Names as a sentence lists them.
pub(crate) fn listed(names: &[impl AsRef<str>]) -> String {
    let names: Vec<_> = names.iter().map(|name| format!("`{}`", name.as_ref())).collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

pub(crate) fn unreadable(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidData, "decode an object", message)
}
