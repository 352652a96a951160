//! What one write carries: a parcel, and those of the same path that were waiting behind it, as far as the sink takes
//! them at once. Only what waits anyway is joined, so nothing is held back for it.

use crate::parcel::Parcel;
use arrow_array::RecordBatch;
use arrow_select::concat::concat_batches;
use nvisy_dal::{Ability, DataKind, Error, ErrorKind, Manifest, Result};
use tokio::sync::OwnedSemaphorePermit;

/// Bytes up to which waiting parcels are joined. A larger parcel is written by itself.
const JOINED_BYTES: usize = 4 * 1024 * 1024;

/// A parcel on its way to a sink. Its bytes count against the run's budget until it is dropped.
pub(crate) struct Delivery {
    pub(crate) path: usize,
    pub(crate) parcel: Parcel,
    /// What the parcel's items hold.
    pub(crate) bytes: usize,
    pub(crate) held: Option<OwnedSemaphorePermit>,
}

/// How much a sink takes at once, as its manifest says.
pub(crate) struct Most {
    rows: usize,
    bytes: usize,
}

impl Most {
    pub(crate) fn of(manifest: &Manifest) -> Self {
        let limit = |name| {
            let limit = manifest.limit(Ability::Write, name);
            limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX)
        };
        Self { rows: limit("max_batch_rows"), bytes: limit("max_batch_bytes") }
    }

    /// As many rows of a parcel, which holds so many bytes, as the sink takes at once.
    pub(crate) fn rows_of(&self, parcel: &Parcel, bytes: usize) -> usize {
        let all = parcel.data.num_rows();
        let each = bytes.div_ceil(all.max(1)).max(1);
        all.min(self.rows).min((self.bytes / each).max(1))
    }
}

/// Parcels of one path, in their order, that are written together. There is at least one.
pub(crate) struct Load {
    path: usize,
    parcels: Vec<Parcel>,
    held: Vec<Option<OwnedSemaphorePermit>>,
    rows: usize,
    bytes: usize,
}

impl Load {
    pub(crate) fn of(first: Delivery) -> Self {
        let (rows, bytes) = (first.parcel.data.num_rows(), first.bytes);
        Self { path: first.path, parcels: vec![first.parcel], held: vec![first.held], rows, bytes }
    }

    pub(crate) fn path(&self) -> usize {
        self.path
    }

    pub(crate) fn parcels(&self) -> &[Parcel] {
        &self.parcels
    }

    /// What the items of all parcels hold.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Take in the parcel that comes next; it comes back where it cannot be written together with these.
    pub(crate) fn join(&mut self, next: Delivery, most: &Most) -> Option<Delivery> {
        let first = &self.parcels[0];
        let rows = self.rows.saturating_add(next.parcel.data.num_rows());
        let bytes = self.bytes.saturating_add(next.bytes);
        let alike = next.path == self.path
            && next.parcel.kind == first.kind
            && next.parcel.data.schema_ref() == first.data.schema_ref();
        let separate = first.kind == DataKind::Object || first.data.num_columns() == 0;
        if !alike || separate || rows > most.rows || bytes > most.bytes.min(JOINED_BYTES) {
            return Some(next);
        }
        (self.rows, self.bytes) = (rows, bytes);
        self.parcels.push(next.parcel);
        self.held.push(next.held);
        None
    }
}

/// The items of all the parcels, one after another.
pub(crate) fn joined(parcels: &[Parcel]) -> Result<RecordBatch> {
    match parcels {
        [] => Err(Error::new(ErrorKind::Internal, "join batches", "there is none")),
        [parcel] => Ok(parcel.data.clone()),
        [first, ..] => concat_batches(first.data.schema_ref(), parcels.iter().map(|parcel| &parcel.data))
            .map_err(|error| Error::new(ErrorKind::Internal, "join batches", error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::position::Position;
    use arrow_array::cast::AsArray;
    use arrow_array::types::Int64Type;
    use arrow_array::{Array, Int64Array};
    use nvisy_dal::{Batch, Positions};
    use proptest::prelude::*;
    use std::sync::Arc;

    fn delivery(path: usize, name: &str, ids: std::ops::Range<i64>) -> Delivery {
        let column = Arc::new(Int64Array::from_iter_values(ids)) as Arc<dyn Array>;
        let data = RecordBatch::try_from_iter([(name, column)]).unwrap();
        let batch = Batch::new(DataKind::Record, data, Positions::Withheld).unwrap();
        let parcel = Parcel::of_batch(batch, Position::default()).unwrap();
        Delivery { path, bytes: parcel.bytes(), parcel, held: None }
    }

    const ANY: Most = Most { rows: usize::MAX, bytes: usize::MAX };

    proptest! {
        /// Whatever is joined comes out in its order, within what the sink takes; what is not joined comes back whole.
        #[test]
        fn load_keeps_order_and_limits(sizes in prop::collection::vec(0i64..20, 1..12), rows in 1usize..100, bytes in 1usize..800) {
            let most = Most { rows, bytes };
            let (mut loads, mut next): (Vec<Load>, i64) = (Vec::new(), 0);
            for size in sizes {
                let delivery = delivery(0, "id", next..next + size);
                next += size;
                match loads.last_mut() {
                    None => loads.push(Load::of(delivery)),
                    Some(load) => {
                        if let Some(back) = load.join(delivery, &most) {
                            loads.push(Load::of(back));
                        }
                    }
                }
            }
            let mut seen = Vec::new();
            for load in &loads {
                let data = joined(load.parcels()).unwrap();
                if load.parcels().len() > 1 {
                    prop_assert!(data.num_rows() <= rows && data.num_rows() * 8 <= bytes);
                }
                seen.extend_from_slice(data.column(0).as_primitive::<Int64Type>().values());
            }
            prop_assert_eq!(seen, (0..next).collect::<Vec<_>>());
        }
    }

    /// Another path, other columns and another kind are written apart, and so is more than is joined at all.
    #[test]
    fn load_refuses_what_is_not_alike() {
        let mut load = Load::of(delivery(0, "id", 0..3));
        assert!(load.join(delivery(1, "id", 3..6), &ANY).is_some());
        assert!(load.join(delivery(0, "other", 3..6), &ANY).is_some());
        let large = i64::try_from(JOINED_BYTES / 8).unwrap();
        assert!(load.join(delivery(0, "id", 3..3 + large), &ANY).is_some());
        assert!(load.join(delivery(0, "id", 3..6), &ANY).is_none());
        assert_eq!(load.parcels().len(), 2);
    }
}
