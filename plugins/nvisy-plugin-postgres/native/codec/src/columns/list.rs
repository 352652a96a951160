//! Columns of lists and of vectors.

use super::{Column, LENGTH, be};
use crate::error::{Reason, Refused};
use crate::scan::Cells;
use arrow_array::{ArrayRef, FixedSizeListArray, Float32Array, ListArray};
use arrow_buffer::{NullBufferBuilder, OffsetBuffer, ScalarBuffer};
use arrow_schema::FieldRef;
use std::sync::Arc;

const MALFORMED: Reason = Reason::Borrowed("is not a well-formed array");

/// Lists of what another column holds.
pub(super) struct List {
    item: FieldRef,
    element: Box<dyn Column>,
    offsets: Vec<i32>,
    nulls: NullBufferBuilder,
    places: Vec<usize>,
}

impl List {
    pub(super) fn new(item: FieldRef, element: Box<dyn Column>, rows: usize) -> Self {
        let mut offsets = Vec::with_capacity(rows + 1);
        offsets.push(0);
        Self { item, element, offsets, nulls: NullBufferBuilder::new(rows), places: Vec::new() }
    }
}

impl Column for List {
    fn fill(&mut self, cells: Cells<'_>) -> Result<(), Refused> {
        let before = self.offsets.last().map_or(0, |last| index(*last));
        let first = self.offsets.len() - 1;
        self.places.clear();
        let (bytes, ranges) = cells.ranges();
        for (place, range) in ranges.enumerate() {
            self.nulls.append(range.is_some());
            if let Some(range) = range {
                walk(&bytes[range.clone()], |at, _| self.places.push(range.start + at))
                    .map_err(|reason| Refused { place, reason })?;
            }
            let end = i32::try_from(before + self.places.len());
            self.offsets.push(end.map_err(|_| Refused { place, reason: MALFORMED })?);
        }
        self.element.fill(Cells::new(bytes, &self.places)).map_err(|refused| {
            let place = owner(&self.offsets, before + refused.place).saturating_sub(first);
            Refused { place, reason: refused.reason }
        })
    }

    fn finish(self: Box<Self>) -> Result<ArrayRef, Refused> {
        let element = self.element.finish().map_err(|refused| Refused {
            place: owner(&self.offsets, refused.place),
            reason: refused.reason,
        })?;
        let offsets = OffsetBuffer::new(ScalarBuffer::from(self.offsets));
        let array = ListArray::try_new(self.item, offsets, element, self.nulls.build());
        Ok(Arc::new(array.map_err(|error| Refused { place: 0, reason: error.to_string().into() })?))
    }
}

/// Which list that element belongs to.
fn owner(offsets: &[i32], element: usize) -> usize {
    offsets.partition_point(|offset| index(*offset) <= element).saturating_sub(1)
}

fn index(offset: i32) -> usize {
    usize::try_from(offset).unwrap_or(0)
}

/// Visit the elements of an array: where the length of each stands, and its bytes. Where its numbering begins is not kept.
#[inline]
fn walk<'a>(bytes: &'a [u8], mut visit: impl FnMut(usize, Option<&'a [u8]>)) -> Result<(), Reason> {
    let number = |at: usize| {
        let word = bytes.get(at..at + 4).ok_or(MALFORMED)?;
        be(word).map(i32::from_be_bytes)
    };
    let (mut left, mut at) = match number(0)? {
        0 => (0, 12),
        1 => (number(12)?, 20),
        2..=6 => return Err("is an array of more than one dimension; read it as text".into()),
        _ => return Err(MALFORMED),
    };
    while left > 0 {
        let length = number(at)?;
        let end = at + 4 + usize::try_from(length).unwrap_or(0);
        let element = match length {
            -1 => None,
            0.. => Some(bytes.get(at + 4..end).ok_or(MALFORMED)?),
            _ => return Err(MALFORMED),
        };
        visit(at, element);
        (at, left) = (end, left - 1);
    }
    if left == 0 && at == bytes.len() { Ok(()) } else { Err(MALFORMED) }
}

/// How the numbers of one vector are read.
type Numbers = fn(&[u8], &mut Vec<f32>) -> Result<(), Reason>;

/// Vectors, all of one length or each of its own.
pub(super) struct Vectors {
    item: FieldRef,
    dimension: Option<i32>,
    read: Numbers,
    offsets: Vec<i32>,
    values: Vec<f32>,
    nulls: NullBufferBuilder,
}

impl Vectors {
    pub(super) fn new(item: FieldRef, dimension: Option<i32>, rows: usize, read: Numbers) -> Self {
        let mut offsets = Vec::with_capacity(rows + 1);
        offsets.push(0);
        let room = rows.saturating_mul(dimension.map_or(0, index)).min(1 << 20);
        let nulls = NullBufferBuilder::new(rows);
        Self { item, dimension, read, offsets, values: Vec::with_capacity(room), nulls }
    }

    fn append(&mut self, cell: Option<&[u8]>) -> Result<(), Reason> {
        let begin = self.values.len();
        self.nulls.append(cell.is_some());
        match (cell, self.dimension) {
            (Some(bytes), _) => (self.read)(bytes, &mut self.values)?,
            (None, Some(dimension)) => self.values.resize(begin + index(dimension), 0.0),
            (None, None) => {}
        }
        if self.dimension.is_some_and(|dimension| self.values.len() - begin != index(dimension)) {
            return Err("is a vector of another dimension".into());
        }
        self.offsets.push(i32::try_from(self.values.len()).map_err(|_| MALFORMED)?);
        Ok(())
    }
}

impl Column for Vectors {
    fn fill(&mut self, cells: Cells<'_>) -> Result<(), Refused> {
        for (place, cell) in cells.iter().enumerate() {
            self.append(cell).map_err(|reason| Refused { place, reason })?;
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<ArrayRef, Refused> {
        let values: ArrayRef = Arc::new(Float32Array::from(self.values));
        let nulls = self.nulls.build();
        let array = if let Some(dimension) = self.dimension {
            FixedSizeListArray::try_new(self.item, dimension, values, nulls)
                .map(|array| Arc::new(array) as ArrayRef)
        } else {
            let offsets = OffsetBuffer::new(ScalarBuffer::from(self.offsets));
            ListArray::try_new(self.item, offsets, values, nulls).map(|array| Arc::new(array) as ArrayRef)
        };
        array.map_err(|error| Refused { place: 0, reason: error.to_string().into() })
    }
}

/// The numbers of a value of pgvector: how many, two bytes that are 0, and each.
pub(super) fn numbers(bytes: &[u8], out: &mut Vec<f32>) -> Result<(), Reason> {
    let (head, numbers) = bytes.split_first_chunk::<4>().ok_or(LENGTH)?;
    let (floats, rest) = numbers.as_chunks::<4>();
    if usize::from(u16::from_be_bytes([head[0], head[1]])) != floats.len() || !rest.is_empty() {
        return Err("is not a well-formed vector".into());
    }
    out.extend(floats.iter().map(|float| f32::from_be_bytes(*float)));
    Ok(())
}

/// The numbers of an array of `float4`.
pub(super) fn elements(bytes: &[u8], out: &mut Vec<f32>) -> Result<(), Reason> {
    let mut wrong = None;
    walk(bytes, |_, element| match element.map(be::<4>) {
        Some(Ok(float)) => out.push(f32::from_be_bytes(float)),
        Some(Err(reason)) => wrong = Some(reason),
        None => wrong = Some("has a null within a vector".into()),
    })?;
    wrong.map_or(Ok(()), Err)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn array(head: [i32; 5], elements: &[u8]) -> Vec<u8> {
        head.iter().flat_map(|word| word.to_be_bytes()).chain(elements.iter().copied()).collect()
    }

    #[test]
    fn arrays_are_walked_or_refused() {
        let count = |bytes: &[u8]| {
            let mut count = 0;
            walk(bytes, |_, _| count += 1).map(|()| count)
        };
        assert_eq!(count(&array([1, 0, 16, 2, 1], &[0, 0, 0, 1, 7, 255, 255, 255, 255])), Ok(2));
        assert_eq!(count(&array([1, 0, 16, 0, 1], &[])), Ok(0));
        assert_eq!(count(&[0; 12]), Ok(0));
        assert!(count(&array([2, 0, 16, 1, 1], &[])).unwrap_err().contains("dimension"));
        assert_eq!(count(&array([1, 0, 16, i32::MAX, 1], &[0, 0, 0, 0])), Err(MALFORMED));
        assert_eq!(count(&array([1, 0, 16, -1, 1], &[])), Err(MALFORMED));
        assert_eq!(count(&array([1, 0, 16, 1, 1], &[127, 255, 255, 255])), Err(MALFORMED));
        assert_eq!(count(&array([1, 0, 16, 1, 1], &[255, 255, 255, 254])), Err(MALFORMED));
        assert_eq!(count(&array([1, 0, 16, 0, 1], &[0])), Err(MALFORMED));
        assert_eq!(count(&[0, 0, 0]), Err(MALFORMED));
    }

    #[test]
    fn an_element_belongs_to_the_list_that_holds_it() {
        let offsets = [0, 2, 2, 5];
        assert_eq!([0, 1, 2, 4].map(|element| owner(&offsets, element)), [0, 0, 2, 2]);
    }
}
