//! Columns whose values all have one size.

use super::{Column, LENGTH};
use crate::error::{Reason, Refused};
use crate::scan::Cells;
use arrow_array::{ArrayRef, ArrowPrimitiveType, BooleanArray, FixedSizeBinaryArray, PrimitiveArray};
use arrow_buffer::{BooleanBuffer, Buffer, NullBufferBuilder, ScalarBuffer};
use arrow_schema::DataType;
use std::sync::Arc;

/// Numbers, and what is kept as a number.
pub(super) struct Fixed<T: ArrowPrimitiveType, R> {
    data_type: DataType,
    values: Vec<T::Native>,
    nulls: NullBufferBuilder,
    read: R,
}

impl<T: ArrowPrimitiveType, R> Fixed<T, R> {
    pub(super) fn new(data_type: DataType, rows: usize, read: R) -> Self {
        Self { data_type, values: Vec::with_capacity(rows), nulls: NullBufferBuilder::new(rows), read }
    }
}

impl<T: ArrowPrimitiveType, R: Fn(&[u8]) -> Result<T::Native, Reason>> Column for Fixed<T, R> {
    fn fill(&mut self, cells: Cells<'_>) -> Result<(), Refused> {
        if !cells.gaps() {
            self.nulls.append_n_non_nulls(cells.len());
            let begin = self.values.len();
            self.values.resize(begin + cells.len(), T::Native::default());
            for ((place, cell), value) in cells.iter().enumerate().zip(&mut self.values[begin..]) {
                *value = (self.read)(cell.unwrap_or_default()).map_err(|reason| Refused { place, reason })?;
            }
            return Ok(());
        }
        self.values.reserve(cells.len());
        for (place, cell) in cells.iter().enumerate() {
            let value = match cell {
                None => {
                    self.nulls.append_null();
                    T::Native::default()
                }
                Some(bytes) => {
                    self.nulls.append_non_null();
                    (self.read)(bytes).map_err(|reason| Refused { place, reason })?
                }
            };
            self.values.push(value);
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<ArrayRef, Refused> {
        let array = PrimitiveArray::<T>::try_new(ScalarBuffer::from(self.values), self.nulls.build());
        let array = array.map_err(|error| Refused { place: 0, reason: error.to_string().into() })?;
        Ok(Arc::new(array.with_data_type(self.data_type)))
    }
}

/// Truth values.
pub(super) struct Flags {
    values: Vec<bool>,
    nulls: NullBufferBuilder,
}

impl Flags {
    pub(super) fn new(rows: usize) -> Self {
        Self { values: Vec::with_capacity(rows), nulls: NullBufferBuilder::new(rows) }
    }
}

impl Column for Flags {
    fn fill(&mut self, cells: Cells<'_>) -> Result<(), Refused> {
        for (place, cell) in cells.iter().enumerate() {
            let value = match cell {
                None => {
                    self.nulls.append_null();
                    false
                }
                Some([byte]) => {
                    self.nulls.append_non_null();
                    *byte != 0
                }
                Some(_) => return Err(Refused { place, reason: LENGTH }),
            };
            self.values.push(value);
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<ArrayRef, Refused> {
        Ok(Arc::new(BooleanArray::new(BooleanBuffer::from(self.values), self.nulls.build())))
    }
}

/// UUIDs.
pub(super) struct Uuids {
    values: Vec<u8>,
    nulls: NullBufferBuilder,
}

impl Uuids {
    pub(super) fn new(rows: usize) -> Self {
        Self { values: Vec::with_capacity(rows * 16), nulls: NullBufferBuilder::new(rows) }
    }
}

impl Column for Uuids {
    fn fill(&mut self, cells: Cells<'_>) -> Result<(), Refused> {
        for (place, cell) in cells.iter().enumerate() {
            self.nulls.append(cell.is_some());
            let bytes = cell.unwrap_or(&[0; 16]);
            let bytes: &[u8; 16] = bytes.try_into().map_err(|_| Refused { place, reason: LENGTH })?;
            self.values.extend_from_slice(bytes);
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<ArrayRef, Refused> {
        let array = FixedSizeBinaryArray::try_new(16, Buffer::from(self.values), self.nulls.build());
        Ok(Arc::new(array.map_err(|error| Refused { place: 0, reason: error.to_string().into() })?))
    }
}
