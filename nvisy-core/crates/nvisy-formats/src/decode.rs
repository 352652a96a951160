//! Bytes in, batches out. What did not fit is handed over beside the rows, so that read = rows + refused always holds.

use crate::csv::Dialect;
use crate::format::{Compression, Format, tab_separated};
use crate::inflate::Inflate;
use crate::normalise::portable;
use crate::options::DecodeOptions;
use crate::spool::{Groups, Spool};
use crate::text::TextDecoder;
use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use nvisy_dal::{Error, ErrorKind, Result};
use std::vec;

/// Rows of one object, and the lines among them that did not fit.
#[derive(Clone, Debug)]
pub struct Decoded {
    /// The rows that fit, in order.
    pub batch: RecordBatch,
    /// The records that did not, in order. Each counts as one record read and rejected.
    pub refused: Vec<Refused>,
}

/// A record that did not fit the stream's columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// How many rows of the batch come before it.
    pub before: usize,
    /// The line it begins on, counted from 1; of a Parquet or Arrow object, its row.
    pub line: u64,
    /// The column that did not fit, where it was one.
    pub column: Option<String>,
    /// Why, naming line, column and what a person can do.
    pub reason: String,
    /// The record itself, cut after 1 KiB.
    pub text: String,
}

/// Decodes ONE object. The types it decides are handed on through `schema`, so that they hold for the whole stream.
pub struct Decoder {
    inflate: Inflate,
    body: Body,
}

enum Body {
    Text(Box<TextDecoder>),
    Spool(Spool),
    /// It was finished; these are the stream's columns.
    Done(Option<SchemaRef>),
}

impl Decoder {
    /// The most bytes worth pushing at once: whatever they inflate to is decoded before `push` returns.
    pub const PIECE: usize = 64 * 1024;

    /// A decoder of the object at `path`. `schema` is what the stream's first object decided, if there was one;
    /// declared `columns` are then part of it already.
    ///
    /// # Errors
    /// `invalid_config` when the options cannot work or no format is known.
    pub fn new(options: &DecodeOptions, path: &str, schema: Option<SchemaRef>) -> Result<Self> {
        options.check()?;
        let format = options.format.or_else(|| Format::from_path(path)).ok_or_else(|| {
            Error::new(ErrorKind::InvalidConfig, "decode an object", "its extension names no known format")
                .with_hint("set `format:` to csv, jsonl, parquet or arrow")
        })?;
        let given = schema.map(|schema| portable(&schema)).transpose()?;
        let overrides = options.columns.clone().unwrap_or_default();
        let rows = usize::try_from(options.batch_rows).unwrap_or(usize::MAX);
        let body = match format {
            Format::Csv => {
                let tabs = options.delimiter == ',' && options.format.is_none() && tab_separated(path);
                let delimiter = if tabs { b'\t' } else { u8::try_from(options.delimiter).unwrap_or(b',') };
                let dialect = Dialect { delimiter, null: options.null.clone() };
                Body::Text(Box::new(TextDecoder::csv(dialect, options.header, rows, overrides, given)))
            }
            Format::Jsonl => Body::Text(Box::new(TextDecoder::jsonl(rows, overrides, given))),
            Format::Parquet | Format::ArrowIpc => Body::Spool(Spool::new(format, rows, overrides, given)?),
        };
        let inflate = Inflate::new(options.compression.unwrap_or_else(|| Compression::from_path(path)))?;
        Ok(Self { inflate, body })
    }

    /// Take the object's next bytes, in pieces of any size, and give the batches they complete.
    ///
    /// # Errors
    /// `invalid_data` when the object cannot be read on from here; `closed` after `finish`.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Vec<Decoded>> {
        let mut out = Vec::new();
        let Self { inflate, body } = self;
        inflate.push(bytes, |plain| body.push(plain, &mut out))?;
        Ok(out)
    }

    /// The object has ended: give what remains, lazily. A Parquet or Arrow object is read only now, group by group,
    /// so the whole of it never lies in memory. Iterate to the end: an error may still come.
    ///
    /// # Errors
    /// `invalid_data` when the object is cut short or cannot be read.
    pub fn finish(&mut self) -> Result<Remaining> {
        let mut ready = Vec::new();
        let Self { inflate, body } = self;
        inflate.finish(|plain| body.push(plain, &mut ready))?;
        if let Body::Text(text) = body {
            text.finish(&mut ready)?;
        }
        let mut groups = None;
        let schema = match std::mem::replace(body, Body::Done(None)) {
            Body::Text(text) => text.schema(),
            Body::Spool(spool) => Some(groups.insert(spool.open()?).schema()),
            Body::Done(schema) => schema,
        };
        self.body = Body::Done(schema);
        Ok(Remaining { ready: ready.into_iter(), groups })
    }

    /// The stream's columns: known from the start where they were given, else from the first batch on (of a Parquet
    /// or Arrow object from `finish` on). `None` after `finish` when the object had no row that could decide them:
    /// the next object does.
    pub fn schema(&self) -> Option<SchemaRef> {
        match &self.body {
            Body::Text(text) => text.schema(),
            Body::Spool(spool) => spool.schema(),
            Body::Done(schema) => schema.clone(),
        }
    }
}

impl Body {
    fn push(&mut self, plain: &[u8], out: &mut Vec<Decoded>) -> Result<()> {
        match self {
            Self::Text(text) => text.push(plain, out),
            Self::Spool(spool) => spool.push(plain),
            Self::Done(_) if plain.is_empty() => Ok(()),
            Self::Done(_) => {
                Err(Error::new(ErrorKind::Closed, "decode an object", "bytes came after its end"))
            }
        }
    }
}

/// What remains of an object after its last byte. An error ends it.
pub struct Remaining {
    ready: vec::IntoIter<Decoded>,
    groups: Option<Groups>,
}

impl Iterator for Remaining {
    type Item = Result<Decoded>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(decoded) = self.ready.next() {
            return Some(Ok(decoded));
        }
        let next = self.groups.as_mut()?.next().transpose();
        if !matches!(next, Some(Ok(_))) {
            self.groups = None;
        }
        next
    }
}
