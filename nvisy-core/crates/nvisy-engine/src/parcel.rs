//! What travels through the engine: some items, the stretch of the stream they stand for, and what became of the items
//! of that stretch which are not among them. Cutting a parcel in two never loses or repeats an item.

use crate::position::Position;
use arrow_array::RecordBatch;
use nvisy_dal::{Batch, DataKind, Result};
use std::sync::Arc;

/// Items on their way, with the stretch they stand for.
#[derive(Clone, Debug)]
pub(crate) struct Parcel {
    pub(crate) kind: DataKind,
    pub(crate) data: RecordBatch,
    /// Where the stretch begins and where it ends.
    pub(crate) from: Position,
    pub(crate) through: Position,
    /// Records of the stretch.
    pub(crate) read: u64,
    /// Those of them that were refused on the way.
    pub(crate) refused: Vec<Refusal>,
    /// Whether the one item is an object that holds every record of the stretch.
    pub(crate) packed: bool,
    /// For each item, which record of the stretch it is; `None` when every record is still there.
    places: Option<Arc<[u32]>>,
    /// How to find positions inside the stretch.
    origin: Origin,
}

/// One record that could not be taken further.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// Its place in the stretch.
    pub(crate) place: u64,
    /// The node that refused it.
    pub(crate) node: String,
    pub(crate) code: String,
    pub(crate) reason: String,
    /// The record as far as it can be shown, as JSON or text.
    pub(crate) item: String,
}

#[derive(Clone, Debug)]
enum Origin {
    /// The stretch is this batch from that row on: its contexts point inside.
    Batch(Arc<Batch>, usize),
    /// Only counting helps: records decoded from an object.
    Count,
}

impl Parcel {
    /// A batch as its source gave it, beginning at `from`.
    pub(crate) fn of_batch(batch: Batch, from: Position) -> Result<Self> {
        let count = batch.len();
        let through = if batch.is_empty() {
            let context = batch.context_after(0)?.or_else(|| from.context.clone());
            Position { context, ..from.clone() }
        } else {
            after(&batch, 0, count, &from)?
        };
        let (kind, data) = (batch.kind(), batch.data().clone());
        let origin = Origin::Batch(Arc::new(batch), 0);
        Ok(Self {
            kind,
            data,
            from,
            through,
            read: count as u64,
            refused: Vec::new(),
            packed: false,
            places: None,
            origin,
        })
    }

    /// Records decoded after `from`; `through` says whether their object is finished with them.
    pub(crate) fn decoded(
        data: RecordBatch,
        read: u64,
        refused: Vec<Refusal>,
        from: Position,
        through: Option<Position>,
    ) -> Self {
        let through = through.unwrap_or_else(|| from.skipping(read));
        let places = places_without(&refused, read);
        Self {
            kind: DataKind::Record,
            data,
            from,
            through,
            read,
            refused,
            packed: false,
            places,
            origin: Origin::Count,
        }
    }

    /// One object that holds all the records of a stretch that were not refused.
    pub(crate) fn packed(
        data: RecordBatch,
        read: u64,
        refused: Vec<Refusal>,
        from: Position,
        through: Position,
    ) -> Self {
        Self {
            kind: DataKind::Object,
            data,
            from,
            through,
            read,
            refused,
            packed: true,
            places: None,
            origin: Origin::Count,
        }
    }

    /// The same stretch, its records counted from `records` on.
    pub(crate) fn counted_from(mut self, records: u64) -> Self {
        self.from.records = records;
        self.through.records = records + self.read;
        self
    }

    /// Records that the items stand for.
    pub(crate) fn live(&self) -> u64 {
        self.read - self.refused.len() as u64
    }

    /// The same stretch with other items in the place of these, one for one.
    pub(crate) fn with_data(self, data: RecordBatch) -> Self {
        Self { data, ..self }
    }

    /// The same stretch without the items that were refused; `rows` are their places among the items.
    pub(crate) fn without(mut self, data: RecordBatch, rows: &[usize], mut refusals: Vec<Refusal>) -> Self {
        for (refusal, row) in refusals.iter_mut().zip(rows) {
            refusal.place = self.place_of(*row);
        }
        self.refused.append(&mut refusals);
        self.refused.sort_by_key(|refusal| refusal.place);
        self.places = places_without(&self.refused, self.read);
        self.data = data;
        self
    }

    /// Which record of the stretch the item at `row` is.
    pub(crate) fn place_of(&self, row: usize) -> u64 {
        self.places.as_ref().map_or(row as u64, |places| places[row].into())
    }

    /// Bytes held by the items.
    pub(crate) fn bytes(&self) -> usize {
        self.data.columns().iter().map(|column| column.to_data().get_slice_memory_size().unwrap_or(0)).sum()
    }

    /// Cut after the first `rows` items (and whatever was refused before the next one).
    pub(crate) fn cut_rows(self, rows: usize) -> Result<(Self, Self)> {
        let records = if rows >= self.data.num_rows() { self.read } else { self.place_of(rows) };
        self.cut(records)
    }

    /// Leave out everything up to `position`.
    pub(crate) fn drop_through(self, position: &Position) -> Result<Option<Self>> {
        if self.from.order(position).is_ge() {
            return Ok(Some(self));
        }
        if self.through.order(position).is_le() {
            return Ok(None);
        }
        let records = match self.origin {
            Origin::Batch(..) => {
                (position.items + position.skip).saturating_sub(self.from.items + self.from.skip)
            }
            Origin::Count => position.skip.saturating_sub(self.from.skip),
        };
        let (_, mut rest) = self.cut(records)?;
        rest.from = position.clone();
        Ok(Some(rest))
    }

    /// Where the stretch stands after its first `records` records.
    pub(crate) fn position_after(&self, records: u64) -> Result<Position> {
        if records == self.read {
            return Ok(self.through.clone());
        }
        match &self.origin {
            Origin::Count => Ok(self.from.skipping(records)),
            Origin::Batch(batch, start) => {
                after(batch, *start, usize::try_from(records).unwrap_or(usize::MAX), &self.from)
            }
        }
    }

    fn cut(self, records: u64) -> Result<(Self, Self)> {
        let middle = self.position_after(records)?;
        let rows = match &self.places {
            None => usize::try_from(records).unwrap_or(usize::MAX).min(self.data.num_rows()),
            Some(places) => places.partition_point(|place| u64::from(*place) < records),
        };
        let (before, mut later): (Vec<_>, Vec<_>) =
            self.refused.into_iter().partition(|refusal| refusal.place < records);
        for refusal in &mut later {
            refusal.place -= records;
        }
        let origin = match &self.origin {
            Origin::Count => Origin::Count,
            Origin::Batch(batch, start) => {
                Origin::Batch(batch.clone(), start + usize::try_from(records).unwrap_or(0))
            }
        };
        let head = Self {
            kind: self.kind,
            data: self.data.slice(0, rows),
            from: self.from,
            through: middle.clone(),
            read: records,
            places: places_without(&before, records),
            refused: before,
            packed: self.packed,
            origin: self.origin,
        };
        let read = self.read - records;
        let tail = Self {
            kind: self.kind,
            data: self.data.slice(rows, self.data.num_rows() - rows),
            from: middle,
            through: self.through,
            read,
            places: places_without(&later, read),
            refused: later,
            packed: self.packed,
            origin,
        };
        Ok((head, tail))
    }
}

/// The position after `count` rows of `batch`, counted from row `start`, where the stretch begins at `from`.
fn after(batch: &Batch, start: usize, count: usize, from: &Position) -> Result<Position> {
    let records = from.records + count as u64;
    Ok(match batch.context_after(start + count)? {
        Some(context) if count > 0 => Position {
            items: from.items + from.skip + count as u64,
            context: Some(context),
            skip: 0,
            records,
        },
        _ => from.skipping(count as u64),
    })
}

fn places_without(refused: &[Refusal], read: u64) -> Option<Arc<[u32]>> {
    if refused.is_empty() {
        return None;
    }
    let gone: std::collections::BTreeSet<u64> = refused.iter().map(|refusal| refusal.place).collect();
    Some(
        (0..read)
            .filter(|place| !gone.contains(place))
            .map(|place| u32::try_from(place).unwrap_or(u32::MAX))
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_array::{Array, Int64Array, cast::AsArray, types::Int64Type};
    use nvisy_dal::Positions;
    use proptest::prelude::*;

    fn parcel(rows: i64, refused: &std::collections::BTreeSet<i64>, keyed: bool) -> Parcel {
        let column = |values: Vec<i64>| {
            RecordBatch::try_from_iter([("id", Arc::new(Int64Array::from(values)) as Arc<dyn Array>)])
                .unwrap()
        };
        let context = |id: i64| {
            serde_json::from_value(serde_json::json!({
                "kind": "keyset", "version": 1, "fingerprint": "0123456789abcdef", "values": [{"type": "int", "value": id}]
            }))
            .unwrap()
        };
        let positions = if keyed {
            Positions::Keyset { columns: vec!["id".into()], fingerprint: "0123456789abcdef".parse().unwrap() }
        } else {
            Positions::End(context(rows - 1))
        };
        let batch = Batch::new(DataKind::Record, column((0..rows).collect()), positions).unwrap();
        let parcel = Parcel::of_batch(batch, Position::default()).unwrap();
        let gone: Vec<usize> = refused.iter().map(|id| usize::try_from(*id).unwrap()).collect();
        let refusal = |id: &i64| Refusal {
            place: 0,
            node: "n".into(),
            code: "c".into(),
            reason: id.to_string(),
            item: String::new(),
        };
        let refusals = refused.iter().map(refusal).collect();
        parcel.without(column((0..rows).filter(|id| !refused.contains(id)).collect()), &gone, refusals)
    }

    fn ids(parcel: &Parcel) -> Vec<i64> {
        parcel.data.column(0).as_primitive::<Int64Type>().values().to_vec()
    }

    proptest! {
        /// The two halves of a cut hold every item and every refusal once, and meet at one position.
        #[test]
        fn cut_loses_and_repeats_nothing(
            rows in 1i64..30,
            refused in prop::collection::btree_set(0i64..30, 0..10),
            cut in 0usize..31,
            keyed in any::<bool>(),
        ) {
            let refused: std::collections::BTreeSet<i64> = refused.into_iter().filter(|id| *id < rows).collect();
            let whole = parcel(rows, &refused, keyed);
            let (head, tail) = whole.clone().cut_rows(cut).unwrap();
            prop_assert_eq!(head.read + tail.read, whole.read);
            prop_assert_eq!(&head.through, &tail.from);
            prop_assert_eq!((&head.from, &tail.through), (&whole.from, &whole.through));
            prop_assert_eq!([ids(&head), ids(&tail)].concat(), ids(&whole));
            prop_assert_eq!(head.live() + tail.live(), whole.live());
            prop_assert_eq!(head.data.num_rows(), cut.min(whole.data.num_rows()));
            // A refusal keeps pointing at its own record on whichever side it lands.
            let reasons = |part: &Parcel, base: u64| part.refused.iter().map(|r| (r.place + base, r.reason.clone())).collect::<Vec<_>>();
            let all = [reasons(&head, 0), reasons(&tail, head.read)].concat();
            prop_assert!(all.iter().all(|(place, reason)| place.to_string() == *reason));
            prop_assert_eq!(all.len(), refused.len());
        }

        /// Leaving out everything up to the position after k records leaves exactly the rest.
        #[test]
        fn drop_through_leaves_the_exact_rest(rows in 1i64..30, after in 0u64..30, keyed in any::<bool>()) {
            let whole = parcel(rows, &std::collections::BTreeSet::new(), keyed);
            let after = after.min(whole.read);
            let position = whole.position_after(after).unwrap();
            let rest = whole.clone().drop_through(&position).unwrap();
            let expected: Vec<i64> = (i64::try_from(after).unwrap()..rows).collect();
            prop_assert_eq!(rest.as_ref().map(ids).unwrap_or_default(), expected);
        }
    }
}
