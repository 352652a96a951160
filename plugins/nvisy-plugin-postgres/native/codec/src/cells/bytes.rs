//! Values that have a size each: text, bytes, UUIDs, JSON.

use super::{Cell, NULL};
use crate::block::write;
use crate::encode::Refusal;
use crate::json::Printer;
use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayAccessor, OffsetSizeTrait};
use arrow_schema::DataType;

/// Text in any layout, perhaps after a byte that says its version.
pub(super) fn text(array: &dyn Array, version: Option<u8>) -> Option<Box<dyn Cell + '_>> {
    Some(match array.data_type() {
        DataType::Utf8 => {
            let array = array.as_string::<i32>();
            let clean = clean(array.value_data(), array.value_offsets());
            Box::new(Bytes { array, version, clean })
        }
        DataType::LargeUtf8 => {
            let array = array.as_string::<i64>();
            let clean = clean(array.value_data(), array.value_offsets());
            Box::new(Bytes { array, version, clean })
        }
        DataType::Utf8View => Box::new(Bytes { array: array.as_string_view(), version, clean: false }),
        _ => return None,
    })
}

/// Bytes in any layout.
pub(super) fn bytes(array: &dyn Array) -> Option<Box<dyn Cell + '_>> {
    let (version, clean) = (None, true);
    Some(match array.data_type() {
        DataType::Binary => Box::new(Bytes { array: array.as_binary::<i32>(), version, clean }),
        DataType::LargeBinary => Box::new(Bytes { array: array.as_binary::<i64>(), version, clean }),
        DataType::BinaryView => Box::new(Bytes { array: array.as_binary_view(), version, clean }),
        DataType::FixedSizeBinary(_) => {
            Box::new(Bytes { array: array.as_fixed_size_binary(), version, clean })
        }
        _ => return None,
    })
}

/// Whether the text of a whole column has no NUL, so that its values need not be looked at one by one.
fn clean<O: OffsetSizeTrait>(text: &[u8], offsets: &[O]) -> bool {
    match offsets {
        [first, .., last] => !text[first.as_usize()..last.as_usize()].contains(&0),
        _ => true,
    }
}

struct Bytes<A> {
    array: A,
    version: Option<u8>,
    /// Whether NUL is known not to be there, or does not matter.
    clean: bool,
}

impl<A: ArrayAccessor> Cell for Bytes<A>
where
    A::Item: AsRef<[u8]>,
{
    fn put(&self, row: usize, out: &mut Vec<u8>) -> Result<(), Refusal> {
        if self.array.is_null(row) {
            out.extend_from_slice(&NULL);
            return Ok(());
        }
        let value = self.array.value(row);
        let value = value.as_ref();
        if !self.clean && value.contains(&0) {
            return Err(Refusal::text("has a NUL, which PostgreSQL's text cannot hold"));
        }
        let length =
            i32::try_from(value.len() + usize::from(self.version.is_some())).map_err(|_| too_large())?;
        out.reserve(5 + value.len());
        out.extend_from_slice(&length.to_be_bytes());
        if let Some(version) = self.version {
            out.push(version);
        }
        out.extend_from_slice(value);
        Ok(())
    }

    fn measure(&self, sizes: &mut [usize]) -> bool {
        let version = usize::from(self.version.is_some());
        self.clean
            && sizes.iter_mut().enumerate().all(|(row, size)| {
                let length =
                    if self.array.is_null(row) { 0 } else { self.array.value(row).as_ref().len() + version };
                *size += 4 + length;
                i32::try_from(length).is_ok()
            })
    }

    fn scatter(&self, places: &mut [usize], out: &mut [u8]) {
        for (row, place) in places.iter_mut().enumerate() {
            if self.array.is_null(row) {
                write(place, NULL, &[], out);
                continue;
            }
            let value = self.array.value(row);
            let value = value.as_ref();
            let length = value.len() + usize::from(self.version.is_some());
            let length = i32::try_from(length).unwrap_or(0).to_be_bytes();
            match self.version {
                None => write(place, length, value, out),
                Some(version) => {
                    write(place, length, &[version], out);
                    append(place, value, out);
                }
            }
        }
    }
}

/// Write what follows to its place.
fn append(place: &mut usize, bytes: &[u8], out: &mut [u8]) {
    let end = *place + bytes.len();
    if let Some(room) = out.get_mut(*place..end) {
        room.copy_from_slice(bytes);
    }
    *place = end;
}

/// Lists and structs as JSON.
pub(super) struct Json<'a> {
    pub(super) printer: Printer<'a>,
    pub(super) version: Option<u8>,
}

impl Cell for Json<'_> {
    fn put(&self, row: usize, out: &mut Vec<u8>) -> Result<(), Refusal> {
        if self.printer.is_null(row) {
            out.extend_from_slice(&NULL);
            return Ok(());
        }
        sized(out, |out| {
            out.extend(self.version);
            self.printer.print(row, out)
        })
    }
}

/// Append what `write` appends, and before it its length.
pub(super) fn sized(
    out: &mut Vec<u8>,
    write: impl FnOnce(&mut Vec<u8>) -> Result<(), Refusal>,
) -> Result<(), Refusal> {
    let begin = out.len();
    out.extend_from_slice(&NULL);
    write(out)?;
    let length = i32::try_from(out.len() - begin - 4).map_err(|_| too_large())?;
    out[begin..begin + 4].copy_from_slice(&length.to_be_bytes());
    Ok(())
}

fn too_large() -> Refusal {
    Refusal::range("has more bytes than a value of PostgreSQL")
}
