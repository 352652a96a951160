//! Lists as arrays, and vectors.

use super::bytes::sized;
use super::{Cell, NULL, open as open_cell};
use crate::encode::Refusal;
use crate::wire::Wire;
use arrow_array::cast::AsArray;
use arrow_array::types::Float32Type;
use arrow_array::{Array, Float32Array};
use arrow_schema::{DataType, FieldRef};
use std::ops::Range;

/// The most numbers that pgvector keeps in a vector.
const MOST_NUMBERS: usize = 16_000;

/// A column of lists: where each list's elements are among all of them.
pub(crate) struct Lists<'a> {
    array: &'a dyn Array,
    bounds: Bounds<'a>,
    /// The elements of all lists.
    pub(crate) elements: &'a dyn Array,
    /// Their field.
    pub(crate) item: &'a FieldRef,
}

enum Bounds<'a> {
    Small(&'a [i32]),
    Large(&'a [i64]),
    Equal(usize),
}

impl<'a> Lists<'a> {
    /// Lists in any layout.
    pub(crate) fn new(array: &'a dyn Array) -> Option<Self> {
        let (bounds, elements, item) = match array.data_type() {
            DataType::List(item) => {
                let list = array.as_list::<i32>();
                (Bounds::Small(list.value_offsets()), list.values(), item)
            }
            DataType::LargeList(item) => {
                let list = array.as_list::<i64>();
                (Bounds::Large(list.value_offsets()), list.values(), item)
            }
            DataType::FixedSizeList(item, size) => {
                let list = array.as_fixed_size_list();
                (Bounds::Equal(usize::try_from(*size).ok()?), list.values(), item)
            }
            _ => return None,
        };
        Some(Self { array, bounds, elements: elements.as_ref(), item })
    }

    /// Where the elements of a list are; `None` for null.
    pub(crate) fn range(&self, row: usize) -> Option<Range<usize>> {
        let index = |offset: i64| usize::try_from(offset).unwrap_or(0);
        (!self.array.is_null(row)).then(|| match self.bounds {
            Bounds::Small(offsets) => index(offsets[row].into())..index(offsets[row + 1].into()),
            Bounds::Large(offsets) => index(offsets[row])..index(offsets[row + 1]),
            Bounds::Equal(size) => row * size..(row + 1) * size,
        })
    }
}

/// Lists as arrays of that type; `None` for what is no list.
pub(super) fn open<'a>(wire: Wire, array: &'a dyn Array) -> Result<Option<Box<dyn Cell + 'a>>, String> {
    let Some(lists) = Lists::new(array) else { return Ok(None) };
    let Some(oid) = wire.scalar.oid() else {
        return Err(format!(
            "an array of type {wire} cannot be written in binary: its elements' id is not known"
        ));
    };
    let element = open_cell(Wire { array: false, ..wire }, lists.item, lists.elements)?;
    Ok(Some(Box::new(Arrays { lists, element, oid })))
}

struct Arrays<'a> {
    lists: Lists<'a>,
    element: Box<dyn Cell + 'a>,
    oid: u32,
}

impl Cell for Arrays<'_> {
    fn put(&self, row: usize, out: &mut Vec<u8>) -> Result<(), Refusal> {
        let Some(range) = self.lists.range(row) else {
            out.extend_from_slice(&NULL);
            return Ok(());
        };
        sized(out, |out| {
            let elements = self.lists.elements;
            let nulls = elements.null_count() > 0 && range.clone().any(|element| elements.is_null(element));
            let count = i32::try_from(range.len()).map_err(|_| Refusal::range("has too many elements"))?;
            out.extend_from_slice(&i32::from(count > 0).to_be_bytes());
            out.extend_from_slice(&i32::from(nulls).to_be_bytes());
            out.extend_from_slice(&self.oid.to_be_bytes());
            if count > 0 {
                out.extend_from_slice(&count.to_be_bytes());
                out.extend_from_slice(&1_i32.to_be_bytes());
            }
            range.into_iter().try_for_each(|element| self.element.put(element, out))
        })
    }
}

/// Lists of singles as vectors; `None` for anything else.
pub(super) fn vector(array: &dyn Array) -> Option<Box<dyn Cell + '_>> {
    let lists = Lists::new(array)?;
    let numbers = lists.elements.as_primitive_opt::<Float32Type>()?;
    Some(Box::new(Vectors { lists, numbers }))
}

struct Vectors<'a> {
    lists: Lists<'a>,
    numbers: &'a Float32Array,
}

impl Cell for Vectors<'_> {
    fn put(&self, row: usize, out: &mut Vec<u8>) -> Result<(), Refusal> {
        let Some(range) = self.lists.range(row) else {
            out.extend_from_slice(&NULL);
            return Ok(());
        };
        if range.len() > MOST_NUMBERS {
            return Err(Refusal::range("has more numbers than a vector of PostgreSQL"));
        }
        if self.numbers.null_count() > 0 && range.clone().any(|number| self.numbers.is_null(number)) {
            return Err(Refusal::range("has a null within a vector"));
        }
        sized(out, |out| {
            let count = u16::try_from(range.len()).unwrap_or(0);
            out.extend_from_slice(&count.to_be_bytes());
            out.extend_from_slice(&[0; 2]);
            out.reserve(4 * range.len());
            for number in &self.numbers.values()[range] {
                out.extend_from_slice(&number.to_be_bytes());
            }
            Ok(())
        })
    }
}
