//! One sink: prepare its target, write load after load, acknowledge what is durable.

use crate::commit::{Ack, Note};
use crate::ledger::Ledger;
use crate::load::{Delivery, Load, Most, joined};
use crate::parcel::Parcel;
use crate::position::Marked;
use crate::rejects::{self, Allowance};
use crate::retry::retrying;
use nvisy_dal::{
    Batch, DataOutput, Error, ErrorKind, Manifest, Mark, Positions, Prepare, Provider, Receipt, Result,
    Schema,
};
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::mpsc;

/// A path as its sink sees it.
pub(crate) struct Inlet {
    /// Where a transactional sink keeps this path's position.
    pub(crate) mark: String,
    pub(crate) epoch: String,
    prepared: bool,
    acks: u64,
}

impl Inlet {
    pub(crate) fn new(mark: String, epoch: String) -> Self {
        Self { mark, epoch, prepared: false, acks: 0 }
    }
}

pub(crate) struct Sink {
    pub(crate) node: String,
    pub(crate) session: Arc<dyn Provider>,
    pub(crate) manifest: Manifest,
    pub(crate) inlets: BTreeMap<usize, Inlet>,
    /// Whether every path to this sink starts at its beginning.
    pub(crate) fresh: bool,
    pub(crate) notes: mpsc::Sender<Note>,
    pub(crate) allowance: Arc<Allowance>,
}

impl Sink {
    /// Write until no source has anything more for this sink. What has come while one write was under way goes
    /// together into the next, so a sink that is slower than its sources gets larger batches and fewer transactions.
    pub(crate) async fn drain(mut self, mut deliveries: mpsc::Receiver<Delivery>) -> Result<()> {
        let most = Most::of(&self.manifest);
        let mut early = None;
        loop {
            let first = match early.take() {
                Some(first) => first,
                None => match deliveries.recv().await {
                    Some(first) => first,
                    None => return Ok(()),
                },
            };
            let mut load = Load::of(first);
            while early.is_none()
                && let Ok(next) = deliveries.try_recv()
            {
                early = load.join(next, &most);
            }
            self.deliver(&load, &most).await.map_err(|error| {
                error.with_context("node", &self.node).with_context("provider", self.manifest.name.as_str())
            })?;
        }
    }

    async fn deliver(&mut self, load: &Load, most: &Most) -> Result<()> {
        let session = self.session.clone();
        let output = session
            .output()
            .ok_or_else(|| Error::new(ErrorKind::Protocol, "write", "the session has no output"))?;
        let (path, parcels) = (load.path(), load.parcels());
        self.prepare(output, path, &parcels[0]).await?;
        let mut rows = most.rows_of(&parcels[0], load.bytes());
        if parcels.len() > 1 || rows == parcels[0].data.num_rows() {
            return self.write(output, path, parcels).await;
        }
        let mut rest = parcels[0].clone();
        loop {
            let (piece, tail) = rest.cut_rows(rows)?;
            self.write(output, path, &[piece]).await?;
            if tail.read == 0 {
                return Ok(());
            }
            rows = most.rows_of(&tail, tail.bytes());
            rest = tail;
        }
    }

    async fn prepare(&mut self, output: &dyn DataOutput, path: usize, parcel: &Parcel) -> Result<()> {
        let inlet = inlet(&mut self.inlets, path)?;
        if inlet.prepared || parcel.data.num_columns() == 0 {
            return Ok(());
        }
        inlet.prepared = true;
        let fresh = std::mem::take(&mut self.fresh);
        let Some(prepared) = output.prepared() else {
            return Ok(());
        };
        let schema = Schema::from_arrow(parcel.data.schema_ref())
            .map_err(|message| Error::new(ErrorKind::InvalidData, "prepare the target", message))?;
        let request = Prepare { kind: parcel.kind, schema, fresh };
        retrying(|| prepared.prepare(request.clone())).await
    }

    async fn write(&mut self, output: &dyn DataOutput, path: usize, parcels: &[Parcel]) -> Result<()> {
        let Some(last) = parcels.last() else {
            return Ok(());
        };
        let data = joined(parcels)?;
        let receipt = if data.num_rows() == 0 {
            Receipt::default()
        } else {
            let batch = Batch::new(last.kind, data, Positions::Withheld)?;
            let inlet = inlet(&mut self.inlets, path)?;
            match output.transactional() {
                None => retrying(|| output.write(batch.clone())).await?,
                Some(transactional) => {
                    let marked = Marked { epoch: inlet.epoch.clone(), position: last.through.clone() };
                    let value = serde_json::to_string(&marked).map_err(|error| {
                        Error::new(ErrorKind::Internal, "mark a position", error.to_string())
                    })?;
                    let mark = Mark { key: inlet.mark.clone(), value };
                    let mut tried = false;
                    retrying(|| {
                        let again = std::mem::replace(&mut tried, true);
                        let (batch, mark) = (batch.clone(), mark.clone());
                        async move {
                            // An answer lost on the way is no failure: the mark tells whether the transaction committed.
                            if again
                                && transactional.committed(mark.key.clone()).await?.as_ref() == Some(&mark)
                            {
                                return Ok(Receipt { accepted: batch.len() as u64, rejected: Vec::new() });
                            }
                            transactional.write_through(batch, mark).await
                        }
                    })
                    .await?
                }
            }
        };
        self.acknowledge(path, parcels, &receipt).await
    }

    /// Book each parcel of a write; all are booked, even when one of them takes the run over its allowance.
    async fn acknowledge(&mut self, path: usize, parcels: &[Parcel], receipt: &Receipt) -> Result<()> {
        let mut kept = Ok(());
        for (parcel, refused) in parcels.iter().zip(rejects::of_sink(&self.node, parcels, receipt)?) {
            let spent =
                self.allowance.spend(refused.iter().map(|row| (row.node.as_str(), row.reason.as_str())));
            let mut rows = rejects::of_steps(parcel);
            rows.extend(refused);
            let rejected = rows.len() as u64;
            let ledger = Ledger { read: parcel.read, written: parcel.read - rejected, rejected, filtered: 0 };
            let inlet = inlet(&mut self.inlets, path)?;
            let number = inlet.acks;
            inlet.acks += 1;
            let ack = Ack { path, number, through: parcel.through.clone(), ledger, rejects: rows };
            if self.notes.send(Note::Ack(ack)).await.is_err() {
                // What is written from here on could not be committed: stop, the committer's own error says why.
                return Err(Error::new(
                    ErrorKind::Cancelled,
                    "acknowledge a batch",
                    "the committer has stopped",
                ));
            }
            kept = kept.and(spent);
        }
        kept
    }
}

fn inlet(inlets: &mut BTreeMap<usize, Inlet>, path: usize) -> Result<&mut Inlet> {
    inlets.get_mut(&path).ok_or_else(|| {
        Error::new(ErrorKind::Internal, "deliver a parcel", "its path does not lead to this sink")
    })
}
