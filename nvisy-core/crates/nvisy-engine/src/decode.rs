//! The step that turns objects into records. It remembers which columns and types the stream has, so that they are
//! decided once; and it resumes inside an object by decoding it again from its beginning and counting.

use crate::parcel::{Parcel, Refusal};
use crate::position::Position;
use arrow_array::cast::AsArray;
use arrow_array::types::{Int64Type, UInt64Type};
use arrow_array::{Array, RecordBatch};
use arrow_schema::{DataType, SchemaRef};
use nvisy_dal::{Error, ErrorKind, Result};
use nvisy_formats::{DecodeOptions, Decoded, Decoder};

pub(crate) struct Decode {
    node: String,
    options: DecodeOptions,
    schema: Option<SchemaRef>,
    open: Option<Open>,
}

/// Where records go as soon as they are decoded.
pub(crate) type Give<'a> = &'a mut dyn FnMut(Parcel) -> Result<()>;

/// The object being decoded.
struct Open {
    path: String,
    decoder: Decoder,
    /// Before the object.
    before: Position,
    /// Records it has given so far.
    given: u64,
    /// Bytes it has given so far.
    bytes: u64,
}

/// One object, or a part of one.
struct Part<'a> {
    path: &'a str,
    data: &'a [u8],
    size: u64,
    offset: u64,
    before: Position,
    after: Position,
}

impl Decode {
    pub(crate) fn new(node: &str, options: DecodeOptions, schema: Option<SchemaRef>) -> Self {
        Self { node: node.to_owned(), options, schema, open: None }
    }

    /// The columns of the stream, once they are decided.
    pub(crate) fn schema(&self) -> Option<&SchemaRef> {
        self.schema.as_ref()
    }

    /// Decode what a parcel holds, giving each batch of records away as soon as it is there.
    pub(crate) fn push(&mut self, parcel: Parcel, give: Give<'_>) -> Result<()> {
        let data = parcel.data.clone();
        let mut rest = Some(parcel);
        for row in 0..data.num_rows() {
            let Some(parcel) = rest.take() else { break };
            let (one, later) = parcel.cut_rows(1)?;
            rest = Some(later);
            let part = Part {
                path: text(&data, "path", row)?,
                data: binary(&data, row)?,
                size: whole(&data, "size", row)?.unwrap_or(0),
                offset: whole(&data, "offset", row)?.unwrap_or(0),
                before: one.from,
                after: one.through,
            };
            self.part(&part, give)?;
        }
        if data.num_rows() == 0
            && self.open.is_none()
            && let Some(empty) = rest
        {
            let records = RecordBatch::new_empty(
                self.schema.clone().unwrap_or_else(|| arrow_schema::Schema::empty().into()),
            );
            give(Parcel::decoded(records, 0, Vec::new(), empty.from, Some(empty.through)))?;
        }
        Ok(())
    }

    fn part(&mut self, part: &Part<'_>, give: Give<'_>) -> Result<()> {
        if part.offset == 0 {
            self.complete_or_refuse()?;
            let decoder = Decoder::new(&self.options, part.path, self.schema.clone())
                .map_err(|error| self.of(error, part.path))?;
            let before = part.before.clone();
            self.open = Some(Open { path: part.path.to_owned(), decoder, before, given: 0, bytes: 0 });
        }
        let Some(mut open) = self.open.take() else {
            return Err(self.broken(part.path, "its first part is missing"));
        };
        if open.path != part.path || open.bytes != part.offset {
            return Err(self.broken(part.path, "its parts do not follow one another"));
        }
        for bytes in part.data.chunks(Decoder::PIECE) {
            for piece in open.decoder.push(bytes).map_err(|error| self.of(error, part.path))? {
                give(self.parcel(&mut open, piece, None))?;
            }
        }
        open.bytes += part.data.len() as u64;
        self.schema = self.schema.take().or_else(|| open.decoder.schema());
        if open.bytes < part.size {
            self.open = Some(open);
            return Ok(());
        }
        self.complete(open, &part.after, give)
    }

    /// The object's last byte is in: its last batch also carries the stream past the object.
    fn complete(&mut self, mut open: Open, after: &Position, give: Give<'_>) -> Result<()> {
        let path = open.path.clone();
        let mut remaining = open.decoder.finish().map_err(|error| self.of(error, &path))?.peekable();
        while let Some(piece) = remaining.next() {
            let piece = piece.map_err(|error| self.of(error, &path))?;
            let records =
                open.before.records + open.given + (piece.batch.num_rows() + piece.refused.len()) as u64;
            let through = remaining.peek().is_none().then(|| Position { records, ..after.clone() });
            let last = through.is_some();
            let parcel = self.parcel(&mut open, piece, through);
            if last {
                self.schema = self.schema.take().or_else(|| open.decoder.schema());
                return give(parcel);
            }
            give(parcel)?;
        }
        self.schema = self.schema.take().or_else(|| open.decoder.schema());
        let schema = self.schema.clone().unwrap_or_else(|| arrow_schema::Schema::empty().into());
        let through = Position { records: open.before.records + open.given, ..after.clone() };
        let from = open.before.skipping(open.given);
        give(Parcel::decoded(RecordBatch::new_empty(schema), 0, Vec::new(), from, Some(through)))
    }

    fn parcel(&self, open: &mut Open, piece: Decoded, through: Option<Position>) -> Parcel {
        let read = (piece.batch.num_rows() + piece.refused.len()) as u64;
        let mut refused = Vec::with_capacity(piece.refused.len());
        for (nth, line) in piece.refused.into_iter().enumerate() {
            let column = line.column.map(|name| format!(", column `{name}`")).unwrap_or_default();
            refused.push(Refusal {
                place: (line.before + nth) as u64,
                node: self.node.clone(),
                code: "decode".to_owned(),
                reason: format!("{} line {}{column}: {}", open.path, line.line, line.reason),
                item: line.text,
            });
        }
        let from = open.before.skipping(open.given);
        open.given += read;
        Parcel::decoded(piece.batch, read, refused, from, through)
    }

    /// Called at the end of the stream.
    pub(crate) fn finish(&mut self) -> Result<()> {
        self.complete_or_refuse()
    }

    fn complete_or_refuse(&mut self) -> Result<()> {
        match self.open.take() {
            Some(open) => Err(self.broken(&open.path, "it ended before its size was reached")),
            None => Ok(()),
        }
    }

    fn broken(&self, path: &str, what: &str) -> Error {
        self.of(Error::new(ErrorKind::InvalidData, "decode an object", what), path)
    }

    fn of(&self, error: Error, path: &str) -> Error {
        error.with_context("node", &self.node).with_context("object", path)
    }
}

fn missing(column: &str) -> Error {
    Error::new(
        ErrorKind::InvalidData,
        "decode an object",
        format!("column `{column}` is missing or has another type than objects have"),
    )
}

fn text<'a>(data: &'a RecordBatch, name: &str, row: usize) -> Result<&'a str> {
    let column = data.column_by_name(name).ok_or_else(|| missing(name))?;
    match column.data_type() {
        DataType::Utf8 => Ok(column.as_string::<i32>().value(row)),
        DataType::LargeUtf8 => Ok(column.as_string::<i64>().value(row)),
        _ => Err(missing(name)),
    }
}

fn binary(data: &RecordBatch, row: usize) -> Result<&[u8]> {
    let column = data.column_by_name("data").ok_or_else(|| missing("data"))?;
    match column.data_type() {
        DataType::Binary => Ok(column.as_binary::<i32>().value(row)),
        DataType::LargeBinary => Ok(column.as_binary::<i64>().value(row)),
        _ => Err(missing("data")),
    }
}

fn whole(data: &RecordBatch, name: &str, row: usize) -> Result<Option<u64>> {
    let Some(column) = data.column_by_name(name) else {
        return Ok(None);
    };
    if column.is_null(row) {
        return Ok(None);
    }
    match column.data_type() {
        DataType::Int64 => Ok(u64::try_from(column.as_primitive::<Int64Type>().value(row)).ok()),
        DataType::UInt64 => Ok(Some(column.as_primitive::<UInt64Type>().value(row))),
        _ => Err(missing(name)),
    }
}
