//! Values that all have one size, and numbers.

use super::{Cell, NULL};
use crate::block::write;
use crate::encode::Refusal;
use crate::numeric;
use arrow_array::types::{ArrowPrimitiveType, Decimal128Type};
use arrow_array::{Array as _, BooleanArray, PrimitiveArray};

/// What is a number in Arrow and has `N` bytes on the wire.
pub(super) struct Fixed<'a, T: ArrowPrimitiveType, W> {
    pub(super) array: &'a PrimitiveArray<T>,
    pub(super) write: W,
}

impl<T: ArrowPrimitiveType, W, const N: usize> Cell for Fixed<'_, T, W>
where
    W: Fn(T::Native) -> Result<[u8; N], Refusal>,
{
    fn put(&self, row: usize, out: &mut Vec<u8>) -> Result<(), Refusal> {
        if self.array.is_null(row) {
            out.extend_from_slice(&NULL);
            return Ok(());
        }
        let value = (self.write)(self.array.value(row))?;
        put(&value, out);
        Ok(())
    }

    fn measure(&self, sizes: &mut [usize]) -> bool {
        let values = &self.array.values()[..sizes.len()];
        match self.array.nulls() {
            None => {
                for size in sizes {
                    *size += 4 + N;
                }
                values.iter().all(|value| (self.write)(*value).is_ok())
            }
            Some(nulls) => values.iter().zip(nulls).zip(sizes).all(|((value, valid), size)| {
                *size += if valid { 4 + N } else { 4 };
                !valid || (self.write)(*value).is_ok()
            }),
        }
    }

    fn scatter(&self, places: &mut [usize], out: &mut [u8]) {
        let length = length::<N>();
        let values = self.array.values().iter();
        match self.array.nulls() {
            None => {
                for (value, place) in values.zip(places) {
                    if let Ok(bytes) = (self.write)(*value) {
                        write(place, length, &bytes, out);
                    }
                }
            }
            Some(nulls) => {
                for ((value, valid), place) in values.zip(nulls).zip(places) {
                    match (self.write)(*value) {
                        Ok(bytes) if valid => write(place, length, &bytes, out),
                        _ => write(place, NULL, &[], out),
                    }
                }
            }
        }
    }
}

/// The length of every value.
#[inline]
fn length<const N: usize>() -> [u8; 4] {
    u32::try_from(N).unwrap_or(0).to_be_bytes()
}

/// Append the length and the bytes. No value here is longer than 16 bytes.
#[inline]
fn put<const N: usize>(value: &[u8; N], out: &mut Vec<u8>) {
    out.reserve(4 + N);
    out.extend_from_slice(&length::<N>());
    out.extend_from_slice(value);
}

/// Truth values.
pub(super) struct Flags<'a>(pub(super) &'a BooleanArray);

impl Cell for Flags<'_> {
    fn put(&self, row: usize, out: &mut Vec<u8>) -> Result<(), Refusal> {
        if self.0.is_null(row) {
            out.extend_from_slice(&NULL);
        } else {
            put(&[u8::from(self.0.value(row))], out);
        }
        Ok(())
    }
}

/// Integers as `numeric`.
pub(super) struct Wholes<'a, T: ArrowPrimitiveType>(pub(super) &'a PrimitiveArray<T>);

impl<T: ArrowPrimitiveType> Cell for Wholes<'_, T>
where
    T::Native: Into<i128>,
{
    fn put(&self, row: usize, out: &mut Vec<u8>) -> Result<(), Refusal> {
        if self.0.is_null(row) {
            out.extend_from_slice(&NULL);
        } else {
            numeric::write(self.0.value(row).into(), 0, out);
        }
        Ok(())
    }
}

/// Decimals as `numeric`, with the scale they have.
pub(super) struct Decimals<'a> {
    pub(super) array: &'a PrimitiveArray<Decimal128Type>,
    pub(super) scale: u8,
}

impl Cell for Decimals<'_> {
    fn put(&self, row: usize, out: &mut Vec<u8>) -> Result<(), Refusal> {
        if self.array.is_null(row) {
            out.extend_from_slice(&NULL);
        } else {
            numeric::write(self.array.value(row), self.scale, out);
        }
        Ok(())
    }
}
