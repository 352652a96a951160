//! Arrow through capsules (the Arrow `PyCapsule` interface), the only unsafe code of the plugin.
//! An imported array is used within one call and released in it, attached to the interpreter.
#![expect(unsafe_code, reason = "the Arrow C data interface is made of raw pointers")]

use crate::error::refuse;
use arrow_array::ffi::{FFI_ArrowArray, FFI_ArrowSchema, from_ffi_and_data_type};
use arrow_array::{Array as _, RecordBatch, RecordBatchOptions, StructArray};
use arrow_schema::{DataType, Schema};
use pyo3::prelude::*;
use pyo3::types::PyCapsule;
use std::ffi::CStr;
use std::ptr::NonNull;
use std::sync::Arc;

const SCHEMA: &CStr = c"arrow_schema";
const ARRAY: &CStr = c"arrow_array";

/// The schema as a capsule.
pub(crate) fn export_schema<'py>(py: Python<'py>, schema: &Schema) -> PyResult<Bound<'py, PyCapsule>> {
    let schema = FFI_ArrowSchema::try_from(schema).map_err(refuse)?;
    PyCapsule::new_with_value(py, schema, SCHEMA)
}

/// The batch as the capsules of a struct array.
pub(crate) fn export_array<'py>(
    py: Python<'py>,
    batch: &RecordBatch,
) -> PyResult<(Bound<'py, PyCapsule>, Bound<'py, PyCapsule>)> {
    let array = FFI_ArrowArray::new(&StructArray::from(batch.clone()).into_data());
    Ok((export_schema(py, &batch.schema())?, PyCapsule::new_with_value(py, array, ARRAY)?))
}

/// The batch behind an object with `__arrow_c_array__`.
pub(crate) fn import(object: &Bound<'_, PyAny>) -> PyResult<RecordBatch> {
    let (schema, array): (Bound<'_, PyAny>, Bound<'_, PyAny>) =
        object.call_method0("__arrow_c_array__")?.extract()?;
    let schema = pointer::<FFI_ArrowSchema>(&schema, SCHEMA)?;
    let array = pointer::<FFI_ArrowArray>(&array, ARRAY)?;
    // SAFETY: the capsule's name says that this points at an `ArrowSchema` which the capsule keeps alive; we hold the
    // capsule until the end of this function, and the GIL keeps others from consuming it.
    let schema = Arc::new(Schema::try_from(unsafe { schema.as_ref() }).map_err(refuse)?);
    // SAFETY: the same for an `ArrowArray`. The interface says that a consumer moves the structure out and leaves a
    // released one behind, which is what `from_raw` does; the capsule's destructor then has nothing to release.
    let array = unsafe { FFI_ArrowArray::from_raw(array.as_ptr()) };
    if array.is_released() {
        return Err(refuse("the Arrow array was already consumed"));
    }
    batch_of(array, schema)
}

fn pointer<T>(capsule: &Bound<'_, PyAny>, name: &'static CStr) -> PyResult<NonNull<T>> {
    let capsule =
        capsule.cast::<PyCapsule>().map_err(|_| refuse("the Arrow interface answered no capsule"))?;
    Ok(capsule.pointer_checked(Some(name))?.cast())
}

fn batch_of(array: FFI_ArrowArray, schema: Arc<Schema>) -> PyResult<RecordBatch> {
    let rows = array.len();
    let data_type = DataType::Struct(schema.fields().clone());
    // SAFETY: the producer promises an array that agrees with the schema it gave along with it; the array is owned and
    // not released. Values are validated below, before anything reads them.
    let data = unsafe { from_ffi_and_data_type(array, data_type) }.map_err(refuse)?;
    data.validate_full().map_err(refuse)?;
    let (_, columns, nulls) = StructArray::from(data).into_parts();
    if nulls.is_some_and(|nulls| nulls.null_count() > 0) {
        return Err(refuse("a row of the Arrow batch is null as a whole; give null cells instead"));
    }
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    RecordBatch::try_new_with_options(schema, columns, &options).map_err(refuse)
}
