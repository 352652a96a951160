//! The two ends: a source that gives the same batch again and again, and a sink that counts the rows and keeps the
//! engine's mark. Neither looks at a value.

use crate::Outcome;
use crate::batches::KEY;
use arrow_array::RecordBatch;
use futures_util::stream;
use nvisy_dal::{
    Batch, BatchStream, BoxFuture, Connect, Connector, Context, DataInput, DataKind, DataOutput, Inspect,
    Manifest, Mark, Positions, PreparedOutput, Provider, Receipt, Result, StagedOutput, TransactionalOutput,
};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Semaphore;

/// A source of so many batches.
#[derive(Clone)]
pub(crate) struct Giver(Arc<Gives>);

struct Gives {
    manifest: Manifest,
    data: RecordBatch,
    positions: Positions,
    batches: u64,
    pace: Arc<Semaphore>,
}

impl Giver {
    /// One that takes a permit of `pace` before each batch.
    pub(crate) fn new(
        manifest: Manifest,
        data: RecordBatch,
        batches: u64,
        pace: Arc<Semaphore>,
    ) -> Outcome<Self> {
        let positions =
            Positions::Keyset { columns: vec![KEY.to_owned()], fingerprint: "0123456789abcdef".parse()? };
        Ok(Self(Arc::new(Gives { manifest, data, positions, batches, pace })))
    }

    async fn next(self, given: u64) -> Option<(Result<Batch>, (Self, u64))> {
        if given == self.0.batches {
            return None;
        }
        if let Ok(permit) = self.0.pace.acquire().await {
            permit.forget();
        }
        let batch = Batch::new(DataKind::Record, self.0.data.clone(), self.0.positions.clone());
        Some((batch, (self, given + 1)))
    }
}

impl Connector for Giver {
    fn manifest(&self) -> &Manifest {
        &self.0.manifest
    }

    fn connect(&self, _: Connect) -> BoxFuture<'_, Result<Box<dyn Provider>>> {
        Box::pin(async { Ok(Box::new(self.clone()) as Box<dyn Provider>) })
    }
}

impl Provider for Giver {
    fn disconnect(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(async { Ok(()) })
    }

    fn input(&self) -> Option<&dyn DataInput> {
        Some(self)
    }

    fn output(&self) -> Option<&dyn DataOutput> {
        None
    }

    fn inspect(&self) -> Option<&dyn Inspect> {
        None
    }
}

impl DataInput for Giver {
    fn read(&self, _: Option<Context>) -> BatchStream {
        Box::pin(stream::unfold((self.clone(), 0), |(giver, given)| giver.next(given)))
    }
}

/// A sink that counts.
#[derive(Clone)]
pub(crate) struct Counter(Arc<Counts>);

struct Counts {
    manifest: Manifest,
    rows: AtomicU64,
    mark: Mutex<Option<Mark>>,
}

impl Counter {
    pub(crate) fn new(manifest: Manifest) -> Self {
        Self(Arc::new(Counts { manifest, rows: AtomicU64::new(0), mark: Mutex::new(None) }))
    }

    /// Rows that have arrived.
    pub(crate) fn rows(&self) -> u64 {
        self.0.rows.load(Ordering::SeqCst)
    }

    fn count(&self, batch: &Batch) -> Receipt {
        let accepted = batch.len() as u64;
        self.0.rows.fetch_add(accepted, Ordering::SeqCst);
        Receipt { accepted, rejected: Vec::new() }
    }
}

impl Connector for Counter {
    fn manifest(&self) -> &Manifest {
        &self.0.manifest
    }

    fn connect(&self, _: Connect) -> BoxFuture<'_, Result<Box<dyn Provider>>> {
        Box::pin(async { Ok(Box::new(self.clone()) as Box<dyn Provider>) })
    }
}

impl Provider for Counter {
    fn disconnect(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(async { Ok(()) })
    }

    fn input(&self) -> Option<&dyn DataInput> {
        None
    }

    fn output(&self) -> Option<&dyn DataOutput> {
        Some(self)
    }

    fn inspect(&self) -> Option<&dyn Inspect> {
        None
    }
}

impl DataOutput for Counter {
    fn write(&self, batch: Batch) -> BoxFuture<'_, Result<Receipt>> {
        Box::pin(async move { Ok(self.count(&batch)) })
    }

    fn prepared(&self) -> Option<&dyn PreparedOutput> {
        None
    }

    fn transactional(&self) -> Option<&dyn TransactionalOutput> {
        Some(self)
    }

    fn staged(&self) -> Option<&dyn StagedOutput> {
        None
    }
}

impl TransactionalOutput for Counter {
    fn committed(&self, _: String) -> BoxFuture<'_, Result<Option<Mark>>> {
        Box::pin(async { Ok(self.0.mark.lock().unwrap_or_else(PoisonError::into_inner).clone()) })
    }

    fn write_through(&self, batch: Batch, mark: Mark) -> BoxFuture<'_, Result<Receipt>> {
        Box::pin(async move {
            *self.0.mark.lock().unwrap_or_else(PoisonError::into_inner) = Some(mark);
            Ok(self.count(&batch))
        })
    }
}
