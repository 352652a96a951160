//! Arrow through capsules (the Arrow `PyCapsule` interface), the only unsafe code of the project.
//!
//! An imported array belongs to its producer, whose release callback may run Python. Batches end on tokio workers,
//! which must not attach to Python, so the last owner hands the array to a graveyard that the loop thread empties.
#![expect(unsafe_code, reason = "the Arrow C data interface is made of raw pointers")]

use crate::interpreter::lock;
use arrow_array::ffi::{FFI_ArrowArray, FFI_ArrowSchema, from_ffi_and_data_type};
use arrow_array::ffi_stream::{ArrowArrayStreamReader, FFI_ArrowArrayStream};
use arrow_array::{Array as _, RecordBatch, RecordBatchIterator, RecordBatchOptions, StructArray};
use arrow_schema::{ArrowError, DataType, Schema, SchemaRef};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyCapsule;
use std::ffi::CStr;
use std::ptr::NonNull;
use std::sync::{Arc, Mutex};

const SCHEMA: &CStr = c"arrow_schema";
const ARRAY: &CStr = c"arrow_array";
const STREAM: &CStr = c"arrow_array_stream";

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

/// The batch as the capsule of a stream of one.
pub(crate) fn export_stream<'py>(py: Python<'py>, batch: &RecordBatch) -> PyResult<Bound<'py, PyCapsule>> {
    let reader = RecordBatchIterator::new([Ok(batch.clone())], batch.schema());
    PyCapsule::new_with_value(py, FFI_ArrowArrayStream::new(Box::new(reader)), STREAM)
}

/// The batches behind an object with `__arrow_c_array__` or `__arrow_c_stream__`; `None` when it has neither.
pub(crate) fn import(object: &Bound<'_, PyAny>) -> PyResult<Option<Vec<RecordBatch>>> {
    bury();
    if object.hasattr("__arrow_c_array__")? {
        let (schema, array): (Bound<'_, PyAny>, Bound<'_, PyAny>) =
            object.call_method0("__arrow_c_array__")?.extract()?;
        return import_array(&schema, &array).map(|batch| Some(vec![batch]));
    }
    if object.hasattr("__arrow_c_stream__")? {
        return import_stream(&object.call_method0("__arrow_c_stream__")?).map(Some);
    }
    Ok(None)
}

fn import_array(schema: &Bound<'_, PyAny>, array: &Bound<'_, PyAny>) -> PyResult<RecordBatch> {
    let schema = pointer::<FFI_ArrowSchema>(schema, SCHEMA)?;
    let array = pointer::<FFI_ArrowArray>(array, ARRAY)?;
    // SAFETY: the capsule's name says that this points at an `ArrowSchema` which the capsule keeps alive; its object
    // is borrowed by our caller for the whole of this function, and the GIL keeps others from consuming it.
    let schema = Arc::new(Schema::try_from(unsafe { schema.as_ref() }).map_err(refuse)?);
    // SAFETY: the same for an `ArrowArray`. The interface says that a consumer moves the structure out and leaves a
    // released one behind, which is what `from_raw` does; the capsule's destructor then has nothing to release.
    let array = unsafe { FFI_ArrowArray::from_raw(array.as_ptr()) };
    if array.is_released() {
        return Err(PyValueError::new_err("the Arrow array was already consumed"));
    }
    batch_of(array, schema)
}

fn import_stream(stream: &Bound<'_, PyAny>) -> PyResult<Vec<RecordBatch>> {
    let mut stream = pointer::<FFI_ArrowArrayStream>(stream, STREAM)?;
    // SAFETY: the capsule's name says that this points at an `ArrowArrayStream` which the capsule keeps alive; nobody
    // else uses it while we hold the GIL, and it is moved out, leaving a released one behind.
    let stream = unsafe { FFI_ArrowArrayStream::from_raw(stream.as_mut()) };
    let mut reader = ArrowArrayStreamReader::try_new(stream).map_err(refuse)?;
    let batches: Result<Vec<_>, _> = reader.by_ref().collect();
    let batches = batches.map_err(refuse)?;
    // The reader has already imported the arrays; they are exported and imported once more so that each of them has
    // an owner of ours at its end. No buffer is copied.
    let guarded = batches.into_iter().map(|batch| {
        let schema = batch.schema();
        batch_of(FFI_ArrowArray::new(&StructArray::from(batch).into_data()), schema)
    });
    guarded.collect()
}

fn pointer<T>(capsule: &Bound<'_, PyAny>, name: &'static CStr) -> PyResult<NonNull<T>> {
    let capsule = capsule
        .cast::<PyCapsule>()
        .map_err(|_| PyValueError::new_err("the Arrow interface answered no capsule"))?;
    Ok(capsule.pointer_checked(Some(name))?.cast())
}

fn batch_of(array: FFI_ArrowArray, schema: SchemaRef) -> PyResult<RecordBatch> {
    let rows = array.len();
    let data_type = DataType::Struct(schema.fields().clone());
    // SAFETY: the producer promises an array that agrees with the schema it gave along with it; the array is owned and
    // not released. Values are validated below, before anything reads them.
    let data = unsafe { from_ffi_and_data_type(guard(array), data_type) }.map_err(refuse)?;
    data.validate_full().map_err(refuse)?;
    let (_, columns, nulls) = StructArray::from(data).into_parts();
    if nulls.is_some_and(|nulls| nulls.null_count() > 0) {
        return Err(PyValueError::new_err(
            "a row of the Arrow batch is null as a whole; give null cells instead",
        ));
    }
    RecordBatch::try_new_with_options(schema, columns, &RecordBatchOptions::new().with_row_count(Some(rows)))
        .map_err(refuse)
}

/// The producer's way to release the array, kept while ours stands in its place.
struct Producer {
    release: Option<unsafe extern "C" fn(*mut FFI_ArrowArray)>,
    private_data: *mut std::ffi::c_void,
}

/// Arrays nobody uses any more, waiting for the loop thread.
static GRAVEYARD: Mutex<Vec<FFI_ArrowArray>> = Mutex::new(Vec::new());

/// The same array with a release callback that runs on any thread.
fn guard(mut array: FFI_ArrowArray) -> FFI_ArrowArray {
    let producer = Box::new(Producer { release: array.release.take(), private_data: array.private_data });
    array.private_data = Box::into_raw(producer).cast();
    array.release = Some(release_later);
    array
}

unsafe extern "C" fn release_later(array: *mut FFI_ArrowArray) {
    // SAFETY: called once, by the `Drop` of the array that `guard` made, which passes a pointer to itself.
    let array = unsafe { &mut *array };
    array.release = None;
    // SAFETY: `guard` put a boxed `Producer` there and nobody else knows of it; `release` is None from here on, so this
    // runs once.
    let producer = unsafe { Box::from_raw(array.private_data.cast::<Producer>()) };
    let mut dead = FFI_ArrowArray::empty();
    std::mem::swap(&mut dead, array);
    dead.release = producer.release;
    dead.private_data = producer.private_data;
    lock(&GRAVEYARD).push(dead);
}

/// Release what is in the graveyard. Called on the loop thread, attached, at every import and when the loop ends; what
/// is left at the interpreter's exit is never released, which is what keeps that exit safe.
pub(crate) fn bury() {
    let dead = std::mem::take(&mut *lock(&GRAVEYARD));
    drop(dead);
}

#[expect(clippy::needless_pass_by_value, reason = "the shape `map_err` wants")]
fn refuse(error: ArrowError) -> PyErr {
    PyValueError::new_err(error.to_string())
}
