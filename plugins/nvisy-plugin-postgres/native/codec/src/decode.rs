//! The bytes of `COPY ... TO STDOUT (FORMAT binary)` -> record batches, in pieces of any size on either side.
//! Bytes are kept until their rows are taken, so a batch is built in one go, with room for exactly its rows.

use crate::columns::{Column, open};
use crate::error::{Error, Refused};
use crate::field::field;
use crate::scan::{Scanner, Walk};
use crate::wire::Wire;
use arrow_array::{Array, ArrayRef, RecordBatch, RecordBatchOptions};
use arrow_schema::{Field, Schema, SchemaRef};
use std::sync::Arc;

/// A batch ends early when its rows have so many bytes: 32 MiB.
const MOST_BYTES: usize = 32 << 20;

/// Turns one stream into batches.
#[derive(Debug)]
pub struct Decoder {
    wires: Vec<Wire>,
    schema: SchemaRef,
    scanner: Scanner,
    bytes: Vec<u8>,
    /// The first byte that was not taken.
    start: usize,
    taken: u64,
    failed: Option<Error>,
}

impl Decoder {
    /// A decoder of columns: of each the name, the type on the wire, the JSON of its portable type, whether null may be.
    ///
    /// # Errors
    /// The column whose types do not go together.
    pub fn new<S: AsRef<str>>(columns: &[(S, S, S, bool)]) -> Result<Self, Error> {
        let mut wires = Vec::with_capacity(columns.len());
        let mut fields = Vec::with_capacity(columns.len());
        for (name, wire, json, nullable) in columns {
            let refuse = |reason: String| Error::column(name.as_ref(), reason);
            let wire = wire.as_ref().parse().map_err(refuse)?;
            let field = field(name.as_ref(), json.as_ref(), *nullable).map_err(refuse)?;
            open(wire, &field, 0).map_err(refuse)?;
            wires.push(wire);
            fields.push(field);
        }
        Ok(Self {
            scanner: Scanner::new(wires.len()),
            wires,
            schema: Arc::new(Schema::new(fields)),
            bytes: Vec::new(),
            start: 0,
            taken: 0,
            failed: None,
        })
    }

    /// The columns in Arrow.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Rows that are complete and not taken.
    pub fn ready(&self) -> usize {
        usize::try_from(self.scanner.rows() - self.taken).unwrap_or(usize::MAX)
    }

    /// Bytes that were fed and not taken.
    pub fn buffered(&self) -> usize {
        if self.scanner.ended() && self.ready() == 0 { 0 } else { self.bytes.len() - self.start }
    }

    /// Take in the next piece of the stream; gives the rows that are ready.
    ///
    /// # Errors
    /// What about the form of the stream is wrong. Every later call repeats the error.
    pub fn feed(&mut self, piece: &[u8]) -> Result<usize, Error> {
        self.sound()?;
        if self.start >= self.buffered() {
            self.bytes.drain(..self.start);
            self.scanner.forget(self.start);
            self.start = 0;
            // One giant row must not hold its memory for the rest of the stream.
            if self.bytes.capacity() > MOST_BYTES && self.bytes.len() < MOST_BYTES / 4 {
                self.bytes.shrink_to(MOST_BYTES / 4);
            }
        }
        self.bytes.extend_from_slice(piece);
        let scanned = self.scanner.scan(&self.bytes);
        if let Some(first) = self.keep(scanned)? {
            self.start = first;
        }
        Ok(self.ready())
    }

    /// The next rows: at most `most`, fewer when they are large; `None` when none is complete.
    ///
    /// # Errors
    /// The value that the column's type cannot hold. Every later call repeats the error.
    pub fn take(&mut self, most: usize) -> Result<Option<RecordBatch>, Error> {
        self.sound()?;
        let most = most.min(self.ready());
        if most == 0 {
            return Ok(None);
        }
        let built = self.build(most);
        let (batch, start) = self.keep(built)?;
        self.taken += batch.num_rows() as u64;
        self.start = start;
        Ok(Some(batch))
    }

    /// The stream is said to be over.
    ///
    /// # Errors
    /// It was cut: there was no trailer.
    pub fn finish(&self) -> Result<(), Error> {
        self.sound()?;
        if self.scanner.ended() {
            return Ok(());
        }
        let reason = if self.scanner.begun() { "the stream was cut" } else { "the stream has no header" };
        let rows = self.scanner.rows();
        Err(Error::stream(format!("{reason}: it ended after {rows} rows without the mark of its end")))
    }

    fn sound(&self) -> Result<(), Error> {
        self.failed.clone().map_or(Ok(()), Err)
    }

    fn keep<T>(&mut self, result: Result<T, Error>) -> Result<T, Error> {
        if let Err(error) = &result {
            self.failed = Some(error.clone());
        }
        result
    }

    /// A batch, and where the row after it begins.
    fn build(&self, most: usize) -> Result<(RecordBatch, usize), Error> {
        let fields = self.schema.fields();
        let opened = self.wires.iter().zip(fields).map(|(wire, field)| {
            open(*wire, field, most).map_err(|reason| Error::column(field.name(), reason))
        });
        let mut columns: Vec<Box<dyn Column>> = opened.collect::<Result<_, _>>()?;
        let mut walk = Walk::new(&self.bytes, self.start, columns.len());
        let end = self.start.saturating_add(MOST_BYTES);
        let mut rows = 0;
        loop {
            let more = walk.block(most - rows, end);
            if more == 0 {
                break;
            }
            for (index, column) in columns.iter_mut().enumerate() {
                column
                    .fill(walk.cells(index, more))
                    .map_err(|refused| self.refuse(&fields[index], rows, refused))?;
            }
            rows += more;
        }
        let arrays = columns.into_iter().zip(fields).map(|(column, field)| self.close(column, field));
        let arrays = arrays.collect::<Result<Vec<_>, _>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let batch = RecordBatch::try_new_with_options(self.schema.clone(), arrays, &options)
            .map_err(|error| Error::stream(error.to_string()))?;
        Ok((batch, walk.at()))
    }

    fn close(&self, column: Box<dyn Column>, field: &Field) -> Result<ArrayRef, Error> {
        let array = column.finish().map_err(|refused| self.refuse(field, 0, refused))?;
        match array.nulls().filter(|nulls| !field.is_nullable() && nulls.null_count() > 0) {
            None => Ok(array),
            Some(nulls) => {
                let place = nulls.iter().position(|valid| !valid).unwrap_or(0);
                let reason = "is null, and the column was said never to be".into();
                Err(self.refuse(field, 0, Refused { place, reason }))
            }
        }
    }

    fn refuse(&self, field: &Field, rows: usize, refused: Refused) -> Error {
        let row = self.taken + (rows + refused.place) as u64;
        Error::column(field.name(), refused.reason).at(row)
    }
}
