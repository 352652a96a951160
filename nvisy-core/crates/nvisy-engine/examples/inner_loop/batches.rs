//! The batches that travel: 10,000 rows of 8 columns, made once; each further one shares the columns of the first.

use crate::Outcome;
use arrow_array::{
    ArrayRef, BooleanArray, Date32Array, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use std::sync::Arc;

/// Rows of one batch.
pub(crate) const ROWS: u64 = 10_000;

/// The key column.
pub(crate) const KEY: &str = "id";

pub(crate) fn batch() -> Outcome<RecordBatch> {
    let ids = 0..i64::try_from(ROWS)?;
    let numbers = 0..i32::try_from(ROWS)?;
    let day = |id: i64| 1_700_000_000_000_000 + id * 86_400_000_000;
    let names: StringArray = ids.clone().map(|id| (id % 7 != 0).then(|| format!("name {id}"))).collect();
    let codes: StringArray =
        ids.clone().map(|id| Some(["EWR", "LGA", "JFK"][usize::from(id % 2 == 0)])).collect();
    let columns: [(&str, ArrayRef); 8] = [
        (KEY, Arc::new(Int64Array::from_iter_values(ids.clone()))),
        ("name", Arc::new(names)),
        ("code", Arc::new(codes)),
        (
            "amount",
            Arc::new(numbers.clone().map(|number| Some(f64::from(number) / 8.0)).collect::<Float64Array>()),
        ),
        (
            "at",
            Arc::new(TimestampMicrosecondArray::from_iter_values(ids.clone().map(day)).with_timezone("UTC")),
        ),
        ("on", Arc::new(Date32Array::from_iter_values(numbers.clone()))),
        (
            "count",
            Arc::new(numbers.map(|number| (number % 11 != 0).then_some(number)).collect::<Int32Array>()),
        ),
        ("open", Arc::new(ids.map(|id| Some(id % 3 == 0)).collect::<BooleanArray>())),
    ];
    Ok(RecordBatch::try_from_iter(columns)?)
}
