//! Columns whose values have a size each: text, numbers as text, bytes.

use super::Column;
use crate::error::{Reason, Refused};
use crate::numeric;
use crate::scan::Cells;
use arrow_array::{ArrayRef, LargeBinaryArray, StringArray};
use arrow_buffer::{Buffer, NullBufferBuilder, OffsetBuffer, ScalarBuffer};
use std::sync::Arc;

const TOO_MUCH: Reason =
    Reason::Borrowed("makes more than 2 GiB of text in one batch; take fewer rows at once");

/// Bytes up to which a text is short.
const SHORT: usize = 16;

/// Text as it is, perhaps after a byte that says its version.
pub(super) struct Text {
    version: Option<u8>,
    strings: Strings,
}

impl Text {
    pub(super) fn new(rows: usize, version: Option<u8>) -> Self {
        Self { version, strings: Strings::new(rows) }
    }
}

impl Column for Text {
    fn fill(&mut self, cells: Cells<'_>) -> Result<(), Refused> {
        if !cells.gaps() && self.version.is_none() {
            return self.strings.fill(cells);
        }
        for (place, cell) in cells.iter().enumerate() {
            let bytes = match (cell, self.version) {
                (Some([first, rest @ ..]), Some(version)) if *first == version => Some(rest),
                (Some(_), Some(_)) => {
                    return Err(Refused { place, reason: "has a version that is not known".into() });
                }
                (cell, _) => cell,
            };
            self.strings.values.extend_from_slice(bytes.unwrap_or_default());
            self.strings.end(bytes.is_some()).map_err(|reason| Refused { place, reason })?;
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<ArrayRef, Refused> {
        self.strings.finish()
    }
}

/// Numbers of any size in the server's own text form.
pub(super) struct Numerals(Strings);

impl Numerals {
    pub(super) fn new(rows: usize) -> Self {
        Self(Strings::new(rows))
    }
}

impl Column for Numerals {
    fn fill(&mut self, cells: Cells<'_>) -> Result<(), Refused> {
        for (place, cell) in cells.iter().enumerate() {
            let printed = cell.map_or(Ok(()), |bytes| numeric::print(bytes, &mut self.0.values));
            printed.and_then(|()| self.0.end(cell.is_some())).map_err(|reason| Refused { place, reason })?;
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<ArrayRef, Refused> {
        self.0.finish()
    }
}

struct Strings {
    offsets: Vec<i32>,
    values: Vec<u8>,
    nulls: NullBufferBuilder,
}

impl Strings {
    fn new(rows: usize) -> Self {
        let mut offsets = Vec::with_capacity(rows + 1);
        offsets.push(0);
        Self { offsets, values: Vec::with_capacity(rows * 8), nulls: NullBufferBuilder::new(rows) }
    }

    /// Append values of which none is null.
    fn fill(&mut self, cells: Cells<'_>) -> Result<(), Refused> {
        self.nulls.append_n_non_nulls(cells.len());
        let (bytes, ranges) = cells.ranges();
        for (place, range) in ranges.enumerate() {
            let range = range.unwrap_or_default();
            let end = self.values.len() + range.len();
            // Most texts are short, and a copy whose size is known to the compiler is no call.
            match bytes.get(range.start..).and_then(<[u8]>::first_chunk::<SHORT>) {
                Some(more) if range.len() <= SHORT => {
                    self.values.extend_from_slice(more);
                    self.values.truncate(end);
                }
                _ => self.values.extend_from_slice(&bytes[range]),
            }
            self.offsets.push(i32::try_from(end).map_err(|_| Refused { place, reason: TOO_MUCH })?);
        }
        Ok(())
    }

    #[inline]
    fn end(&mut self, valid: bool) -> Result<(), Reason> {
        if valid {
            self.nulls.append_non_null();
        } else {
            self.nulls.append_null();
        }
        self.offsets.push(i32::try_from(self.values.len()).map_err(|_| TOO_MUCH)?);
        Ok(())
    }

    fn finish(self) -> Result<ArrayRef, Refused> {
        let offsets = OffsetBuffer::new(ScalarBuffer::from(self.offsets));
        let values = Buffer::from(self.values);
        // The whole text is checked in one go; which value is at fault is looked for when there is one.
        match StringArray::try_new(offsets.clone(), values.clone(), self.nulls.build()) {
            Ok(array) => Ok(Arc::new(array)),
            Err(_) => Err(Refused { place: broken(&offsets, &values), reason: "is not valid UTF-8".into() }),
        }
    }
}

fn broken(offsets: &OffsetBuffer<i32>, values: &Buffer) -> usize {
    let at = |offset: i32| usize::try_from(offset).unwrap_or(0);
    let is_broken = |pair: &[i32]| std::str::from_utf8(&values[at(pair[0])..at(pair[1])]).is_err();
    offsets.windows(2).position(is_broken).unwrap_or(0)
}

/// Bytes as they are.
pub(super) struct Bytes {
    offsets: Vec<i64>,
    values: Vec<u8>,
    nulls: NullBufferBuilder,
}

impl Bytes {
    pub(super) fn new(rows: usize) -> Self {
        let mut offsets = Vec::with_capacity(rows + 1);
        offsets.push(0);
        Self { offsets, values: Vec::new(), nulls: NullBufferBuilder::new(rows) }
    }
}

impl Column for Bytes {
    fn fill(&mut self, cells: Cells<'_>) -> Result<(), Refused> {
        for (place, cell) in cells.iter().enumerate() {
            self.nulls.append(cell.is_some());
            self.values.extend_from_slice(cell.unwrap_or_default());
            let end = i64::try_from(self.values.len()).map_err(|_| Refused { place, reason: TOO_MUCH })?;
            self.offsets.push(end);
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<ArrayRef, Refused> {
        let offsets = OffsetBuffer::new(ScalarBuffer::from(self.offsets));
        let array = LargeBinaryArray::try_new(offsets, Buffer::from(self.values), self.nulls.build());
        Ok(Arc::new(array.map_err(|error| Refused { place: 0, reason: error.to_string().into() })?))
    }
}
