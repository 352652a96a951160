//! One sink: prepare its target, write parcel after parcel, acknowledge what is durable.

use crate::commit::{Ack, Note};
use crate::ledger::Ledger;
use crate::parcel::Parcel;
use crate::position::Marked;
use crate::rejects::{self, Allowance};
use crate::retry::retrying;
use nvisy_dal::{
    Ability, Batch, DataOutput, Error, ErrorKind, Manifest, Mark, Positions, Prepare, Provider, Receipt,
    Result, Schema,
};
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, mpsc};

/// A parcel on its way to a sink. Its bytes count against the run's budget until it is dropped.
pub(crate) struct Delivery {
    pub(crate) path: usize,
    pub(crate) parcel: Parcel,
    pub(crate) held: Option<OwnedSemaphorePermit>,
}

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
    /// Write until no source has anything more for this sink.
    pub(crate) async fn drain(mut self, mut deliveries: mpsc::Receiver<Delivery>) -> Result<()> {
        while let Some(delivery) = deliveries.recv().await {
            let (path, held) = (delivery.path, delivery.held);
            self.deliver(path, delivery.parcel).await.map_err(|error| {
                error.with_context("node", &self.node).with_context("provider", self.manifest.name.as_str())
            })?;
            drop(held);
        }
        Ok(())
    }

    async fn deliver(&mut self, path: usize, parcel: Parcel) -> Result<()> {
        let session = self.session.clone();
        let output = session
            .output()
            .ok_or_else(|| Error::new(ErrorKind::Protocol, "write", "the session has no output"))?;
        self.prepare(output, path, &parcel).await?;
        let mut rest = parcel;
        loop {
            let rows = self.most_rows(&rest);
            let (piece, tail) = rest.cut_rows(rows)?;
            self.write(output, path, piece).await?;
            if tail.read == 0 {
                return Ok(());
            }
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

    /// As many rows as the sink takes at once.
    fn most_rows(&self, parcel: &Parcel) -> usize {
        let all = parcel.data.num_rows();
        let limit =
            |name| self.manifest.limit(Ability::Write, name).and_then(|limit| usize::try_from(limit).ok());
        let mut rows = all.min(limit("max_batch_rows").unwrap_or(all));
        if let Some(most) = limit("max_batch_bytes")
            && all > 0
        {
            let each = parcel.bytes().div_ceil(all).max(1);
            rows = rows.min((most / each).max(1));
        }
        rows
    }

    async fn write(&mut self, output: &dyn DataOutput, path: usize, parcel: Parcel) -> Result<()> {
        let receipt = if parcel.data.num_rows() == 0 {
            Receipt::default()
        } else {
            let batch = Batch::new(parcel.kind, parcel.data.clone(), Positions::Withheld)?;
            let inlet = inlet(&mut self.inlets, path)?;
            match output.transactional() {
                None => retrying(|| output.write(batch.clone())).await?,
                Some(transactional) => {
                    let marked = Marked { epoch: inlet.epoch.clone(), position: parcel.through.clone() };
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
        self.acknowledge(path, &parcel, &receipt).await
    }

    async fn acknowledge(&mut self, path: usize, parcel: &Parcel, receipt: &Receipt) -> Result<()> {
        let refused = rejects::of_sink(&self.node, parcel, receipt)?;
        let spent = self.allowance.spend(refused.iter().map(|row| (row.node.as_str(), row.reason.as_str())));
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
            return Err(Error::new(ErrorKind::Cancelled, "acknowledge a batch", "the committer has stopped"));
        }
        spent
    }
}

fn inlet(inlets: &mut BTreeMap<usize, Inlet>, path: usize) -> Result<&mut Inlet> {
    inlets.get_mut(&path).ok_or_else(|| {
        Error::new(ErrorKind::Internal, "deliver a parcel", "its path does not lead to this sink")
    })
}
