//! Refused records: none is lost, all are counted, and more than the workflow allows ends the run.

use crate::parcel::{Parcel, Refusal};
use crate::store::RejectRow;
use arrow_array::RecordBatch;
use nvisy_dal::{Error, ErrorKind, Receipt, Rejection, Result};
use nvisy_formats::{EncodeOptions, Encoder, Format};
use std::sync::atomic::{AtomicU64, Ordering};

/// How many records may be refused, and how many were.
pub(crate) struct Allowance {
    most: u64,
    used: AtomicU64,
}

impl Allowance {
    pub(crate) fn new(most: u64) -> Self {
        Self { most, used: AtomicU64::new(0) }
    }

    /// Count refusals; an error once there are too many.
    pub(crate) fn spend<'a>(
        &self,
        mut refusals: impl ExactSizeIterator<Item = (&'a str, &'a str)>,
    ) -> Result<()> {
        let count = refusals.len() as u64;
        if count == 0 || self.used.fetch_add(count, Ordering::Relaxed) + count <= self.most {
            return Ok(());
        }
        let (node, reason) = refusals.next().unwrap_or_default();
        let used = self.used.load(Ordering::Relaxed);
        let message =
            format!("{used} records were refused, {} are allowed; the first here: {reason}", self.most);
        Err(Error::new(ErrorKind::InvalidData, "keep every record", message)
            .with_hint("correct the data or the step, or raise `max_rejects` in the workflow")
            .with_context("node", node)
            .with_context("rejects", "exceeded"))
    }
}

/// Whether a run stopped because of refused records.
pub(crate) fn exceeded(error: &Error) -> bool {
    error.context.iter().any(|(name, _)| *name == "rejects")
}

/// The records a step refused, as they are kept.
pub(crate) fn of_steps(parcel: &Parcel) -> Vec<RejectRow> {
    let row = |refusal: &Refusal| RejectRow {
        node: refusal.node.clone(),
        code: refusal.code.clone(),
        reason: refusal.reason.clone(),
        record: parcel.from.records + refusal.place,
        item: refusal.item.clone(),
    };
    parcel.refused.iter().map(row).collect()
}

/// The records a sink refused of one write, for each of its parcels, as they are kept; checks that the receipt accounts
/// for every item.
pub(crate) fn of_sink(node: &str, parcels: &[Parcel], receipt: &Receipt) -> Result<Vec<Vec<RejectRow>>> {
    let items: usize = parcels.iter().map(|parcel| parcel.data.num_rows()).sum();
    let broken = |message: String| {
        Error::new(ErrorKind::Protocol, "read a receipt", message).with_context("node", node)
    };
    if receipt.accepted + receipt.rejected.len() as u64 != items as u64 {
        let (accepted, rejected) = (receipt.accepted, receipt.rejected.len());
        return Err(broken(format!(
            "{accepted} accepted and {rejected} rejected do not make {items}, the length of the batch"
        )));
    }
    let mut seen = std::collections::BTreeSet::new();
    let mut rows = vec![Vec::new(); parcels.len()];
    for rejection in &receipt.rejected {
        let place = usize::try_from(rejection.index).ok().and_then(|item| find(parcels, item));
        let Some((nth, row)) = place.filter(|_| seen.insert(rejection.index)) else {
            return Err(broken(format!(
                "item {} is rejected twice or is not in the batch of {items}",
                rejection.index
            )));
        };
        rows[nth].extend(of_item(node, &parcels[nth], row, rejection));
    }
    Ok(rows)
}

/// Which parcel of a write holds an item, and in which row.
fn find(parcels: &[Parcel], item: usize) -> Option<(usize, usize)> {
    let mut row = item;
    for (nth, parcel) in parcels.iter().enumerate() {
        match row.checked_sub(parcel.data.num_rows()) {
            None => return Some((nth, row)),
            Some(rest) => row = rest,
        }
    }
    None
}

/// The records that one refused item stands for: itself, or all that are packed into it.
fn of_item(node: &str, parcel: &Parcel, row: usize, rejection: &Rejection) -> Vec<RejectRow> {
    let base = RejectRow {
        node: node.to_owned(),
        code: rejection.code.clone(),
        reason: rejection.reason.clone(),
        record: parcel.from.records + parcel.place_of(row),
        item: String::new(),
    };
    if parcel.packed {
        (0..parcel.live())
            .map(|nth| RejectRow { record: parcel.from.records + nth, ..base.clone() })
            .collect()
    } else {
        vec![RejectRow { item: shown(&parcel.data, row), ..base }]
    }
}

/// An item as JSON, or nothing where it has no JSON form.
fn shown(data: &RecordBatch, row: usize) -> String {
    let options = EncodeOptions::new(Format::Jsonl);
    let encoded = Encoder::new(&options, data.schema()).and_then(|mut encoder| {
        encoder.write(&data.slice(row, 1))?;
        encoder.finish()
    });
    encoded.map(|bytes| String::from_utf8_lossy(&bytes).trim_end().to_owned()).unwrap_or_default()
}
