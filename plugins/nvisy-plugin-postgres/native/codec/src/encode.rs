//! Record batches -> the bytes of `COPY ... FROM STDIN (FORMAT binary)`, the mirror of `decode`. A row that cannot be
//! written is left out as a whole and reported; the others follow each other as if it had not been there. A stream is
//! made piece by piece, so that its first rows can be on their way while the last ones are still Arrow.

use crate::block::Blocks;
use crate::cells::{Cell, open};
use crate::error::Error;
use crate::scan::{SIGNATURE, TRAILER};
use crate::wire::Wire;
use arrow_array::RecordBatch;
use std::borrow::Cow;
use std::sync::Arc;

/// Turns batches into streams, each batch into one of its own.
#[derive(Clone, Debug)]
pub struct Encoder {
    columns: Arc<[(String, Wire)]>,
    ordinal: bool,
    /// What every row begins with: how many columns it has.
    count: [u8; 2],
}

/// The length of a row's number in the batch, before it.
const ORDINAL: [u8; 4] = 4_u32.to_be_bytes();

/// The stream of one batch.
#[derive(Debug)]
pub struct Stream {
    encoder: Encoder,
    batch: RecordBatch,
    /// The row that comes next; `None` behind the trailer.
    next: Option<usize>,
    blocks: Blocks,
    /// How many bytes the last piece had, for the room of the next one.
    last: usize,
    rejected: Vec<Rejected>,
}

/// A whole stream, and what is not in it.
#[derive(Debug)]
pub struct Encoded {
    /// Signature, rows and trailer.
    pub bytes: Vec<u8>,
    /// The rows that were left out, in order.
    pub rejected: Vec<Rejected>,
}

/// A row that cannot be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// Its number in the batch, from 0.
    pub row: usize,
    /// `out_of_range` or `invalid_text`.
    pub code: &'static str,
    /// A sentence that names the column.
    pub reason: String,
}

/// Why a value cannot be written: a code, and a fragment that completes "the value ...".
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) code: &'static str,
    pub(crate) reason: Cow<'static, str>,
}

impl Refusal {
    pub(crate) fn range(reason: impl Into<Cow<'static, str>>) -> Self {
        Self { code: "out_of_range", reason: reason.into() }
    }

    pub(crate) fn text(reason: impl Into<Cow<'static, str>>) -> Self {
        Self { code: "invalid_text", reason: reason.into() }
    }
}

impl Encoder {
    /// An encoder of columns: of each the name and the type on the wire. With `ordinal` every row begins with one more
    /// column, an `int4` that is the row's number in the batch.
    ///
    /// # Errors
    /// The column whose type has no known binary form.
    pub fn new<S: AsRef<str>>(columns: &[(S, S)], ordinal: bool) -> Result<Self, Error> {
        let parsed = columns.iter().map(|(name, wire)| {
            let name = name.as_ref();
            let wire = wire.as_ref().parse().map_err(|reason: String| Error::column(name, reason))?;
            Ok((name.to_owned(), wire))
        });
        let columns = parsed.collect::<Result<Arc<[_]>, Error>>()?;
        let count = i16::try_from(columns.len() + usize::from(ordinal))
            .map_err(|_| Error::stream("a row has at most 32,767 columns"))?;
        Ok(Self { columns, ordinal, count: count.to_be_bytes() })
    }

    /// Begin the stream of a batch. Columns are found by name; those of the batch that have no name here are not written.
    ///
    /// # Errors
    /// A column that the batch does not have, or whose type in Arrow does not go with the one on the wire; more rows than
    /// can be numbered.
    pub fn begin(&self, batch: RecordBatch) -> Result<Stream, Error> {
        self.cells(&batch.slice(0, 0))?;
        if self.ordinal && i32::try_from(batch.num_rows()).is_err() {
            return Err(Error::stream("a batch whose rows are numbered has at most 2,147,483,647 of them"));
        }
        let (encoder, blocks) = (self.clone(), Blocks::new());
        Ok(Stream { encoder, batch, next: Some(0), blocks, last: 0, rejected: Vec::new() })
    }

    /// The whole stream of a batch.
    ///
    /// # Errors
    /// Those of `begin`.
    pub fn encode(&self, batch: &RecordBatch) -> Result<Encoded, Error> {
        let mut stream = self.begin(batch.clone())?;
        let bytes = stream.piece(usize::MAX)?;
        Ok(Encoded { bytes, rejected: stream.rejected })
    }

    fn cells<'a>(&self, batch: &'a RecordBatch) -> Result<Vec<Box<dyn Cell + 'a>>, Error> {
        let schema = batch.schema_ref();
        let cell = |(name, wire): &(String, Wire)| {
            let refuse = |reason: String| Error::column(name, reason);
            let index = schema.index_of(name).map_err(|_| refuse("the batch does not have it".into()))?;
            open(*wire, &schema.fields()[index], batch.columns()[index].as_ref()).map_err(refuse)
        };
        self.columns.iter().map(cell).collect()
    }

    /// How many bytes a row has before its first value.
    fn head_size(&self) -> usize {
        if self.ordinal { 10 } else { 2 }
    }

    /// Write them.
    #[inline]
    fn head(&self, number: usize, out: &mut [u8]) {
        let (count, ordinal) = out.split_at_mut(2);
        count.copy_from_slice(&self.count);
        if let Some((length, rest)) = ordinal.split_first_chunk_mut() {
            *length = ORDINAL;
            rest.copy_from_slice(&i32::try_from(number).unwrap_or(i32::MAX).to_be_bytes());
        }
    }

    /// Append row `row` of these columns, which is that number of the batch.
    fn row(
        &self,
        row: usize,
        number: usize,
        cells: &[Box<dyn Cell + '_>],
        out: &mut Vec<u8>,
    ) -> Result<(), (usize, Refusal)> {
        let begin = out.len();
        out.resize(begin + self.head_size(), 0);
        self.head(number, &mut out[begin..]);
        for (column, cell) in cells.iter().enumerate() {
            cell.put(row, out).map_err(|refusal| (column, refusal))?;
        }
        Ok(())
    }
}

impl Stream {
    /// The next bytes: `least` (at least one) or a row more, fewer only at the end; none behind it.
    ///
    /// # Errors
    /// None: `Encoder::begin` has met every column.
    pub fn piece(&mut self, least: usize) -> Result<Vec<u8>, Error> {
        let Some(first) = self.next else {
            return Ok(Vec::new());
        };
        let least = least.max(1);
        // A little more room than the last piece has needed costs less than a second home.
        let mut bytes = Vec::with_capacity(self.last + self.last / 16 + 64);
        if first == 0 {
            bytes.extend_from_slice(&SIGNATURE);
            bytes.extend_from_slice(&[0; 8]);
        }
        let mut row = first;
        // At least one row goes along, so that no piece is the first one twice.
        while row < self.batch.num_rows() && (row == first || bytes.len() < least) {
            row += self.block(row, least.saturating_sub(bytes.len()), &mut bytes)?;
        }
        self.next = Some(row);
        if row == self.batch.num_rows() {
            bytes.extend_from_slice(&TRAILER.to_be_bytes());
            self.next = None;
        }
        self.last = bytes.len();
        Ok(bytes)
    }

    /// Append some rows from `first` on, no more than it takes for `least` bytes; gives how many they were.
    fn block(&mut self, first: usize, least: usize, out: &mut Vec<u8>) -> Result<usize, Error> {
        let rows = self.blocks.rows().min(self.batch.num_rows() - first);
        let part = self.batch.slice(first, rows);
        let (start, encoder) = (out.len(), &self.encoder);
        let cells = encoder.cells(&part)?;
        let head = |row: usize, room: &mut [u8]| encoder.head(first + row, room);
        let written = match self.blocks.put(&cells, rows, least, encoder.head_size(), head, out) {
            Some(written) => written,
            None => one_by_one(encoder, &cells, first, rows, least, &mut self.rejected, out),
        };
        self.blocks.learn(written, out.len() - start);
        Ok(written)
    }

    /// The rows left out so far, in order.
    pub fn rejected(&self) -> &[Rejected] {
        &self.rejected
    }
}

/// Append rows one after another until there are `least` bytes more; a row that is refused is left out. Gives how many
/// were looked at.
fn one_by_one(
    encoder: &Encoder,
    cells: &[Box<dyn Cell + '_>],
    first: usize,
    rows: usize,
    least: usize,
    rejected: &mut Vec<Rejected>,
    out: &mut Vec<u8>,
) -> usize {
    let stop = out.len().saturating_add(least);
    for row in 0..rows {
        let start = out.len();
        if let Err((column, refusal)) = encoder.row(row, first + row, cells, out) {
            out.truncate(start);
            let name = &encoder.columns[column].0;
            let reason = format!("column `{name}`: the value {}", refusal.reason);
            rejected.push(Rejected { row: first + row, code: refusal.code, reason });
        }
        if out.len() >= stop {
            return row + 1;
        }
    }
    rows
}
