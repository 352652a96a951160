//! Some rows of a batch at once, column by column instead of row by row: first the sizes of all rows, then each value to
//! its place. What is decided about a column is then decided once for many rows.

use crate::cells::Cell;
use std::ops::Range;

/// A block has about so many bytes, so that it stays in the processor's cache while it is written column by column ...
const BYTES: usize = 64 * 1024;
/// ... and at most so many rows.
const ROWS: usize = 512;

/// How many rows the next block has, and room to work in.
#[derive(Debug)]
pub(crate) struct Blocks {
    rows: usize,
    sizes: Vec<usize>,
}

impl Blocks {
    pub(crate) fn new() -> Self {
        Self { rows: 16, sizes: Vec::new() }
    }

    /// How many rows to look at next.
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// So many rows had so many bytes.
    pub(crate) fn learn(&mut self, rows: usize, bytes: usize) {
        self.rows = (BYTES / (bytes / rows.max(1)).max(1)).clamp(1, ROWS);
    }

    /// Append the first rows of these columns: at most `rows`, and no more than it takes for `least` bytes. `begin`
    /// writes what is before the first value of a row, `head` bytes. Gives how many rows were written; `None`,
    /// with nothing written, where a value has no size of its own or cannot be written.
    pub(crate) fn put(
        &mut self,
        cells: &[Box<dyn Cell + '_>],
        rows: usize,
        least: usize,
        head: usize,
        begin: impl Fn(usize, &mut [u8]),
        out: &mut Vec<u8>,
    ) -> Option<usize> {
        self.sizes.clear();
        self.sizes.resize(rows, head);
        if !cells.iter().all(|cell| cell.measure(&mut self.sizes)) {
            return None;
        }
        let mut end = out.len();
        let stop = end.saturating_add(least);
        let mut count = 0;
        // From here on they are not the rows' sizes but their places.
        for size in &mut self.sizes {
            if count > 0 && end >= stop {
                break;
            }
            end += std::mem::replace(size, end);
            count += 1;
        }
        out.resize(end, 0);
        let places = &mut self.sizes[..count];
        for (row, place) in places.iter_mut().enumerate() {
            begin(row, &mut out[*place..*place + head]);
            *place += head;
        }
        for cell in cells {
            cell.scatter(places, out);
        }
        Some(count)
    }
}

/// Write a value's length and its bytes to its place, which moves behind them.
#[inline]
pub(crate) fn write(place: &mut usize, length: [u8; 4], bytes: &[u8], out: &mut [u8]) {
    let range: Range<usize> = *place..*place + 4 + bytes.len();
    *place = range.end;
    // The place was measured, so it is there.
    if let Some((room, rest)) = out.get_mut(range).and_then(|room| room.split_first_chunk_mut()) {
        *room = length;
        rest.copy_from_slice(bytes);
    }
}
