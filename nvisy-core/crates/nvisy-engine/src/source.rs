//! One source: open it where its paths stand, take batch after batch through the steps, hand them to the sinks. Paths
//! that stand at different places are caught up by one reading wherever the stream still passes their places.

use crate::commit::Note;
use crate::load::Delivery;
use crate::parcel::Parcel;
use crate::plan::{Path, SourceNode};
use crate::position::Position;
use crate::progress::Progress;
use crate::rejects::Allowance;
use crate::retry::{self, ATTEMPTS};
use crate::tree::{Emit, Tree};
use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use futures_util::StreamExt;
use nvisy_dal::{Batch, BatchStream, DataInput, Error, ErrorKind, Positions, Provider, Result, Schema};
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, mpsc};
use tokio_util::sync::CancellationToken;

/// Bytes that the parcels of a run may hold together.
pub(crate) const BUDGET_BYTES: usize = 64 * 1024 * 1024;

/// One permit of the budget, so that a permit count fits 32 bits.
const PERMIT_BYTES: usize = 1024;

pub(crate) fn budget() -> Arc<Semaphore> {
    Arc::new(Semaphore::new(BUDGET_BYTES / PERMIT_BYTES))
}

pub(crate) struct Source {
    pub(crate) node: SourceNode,
    pub(crate) session: Arc<dyn Provider>,
    pub(crate) paths: Arc<Vec<Path>>,
    /// Where each of this source's paths resumes.
    pub(crate) starts: BTreeMap<usize, Position>,
    pub(crate) decided: BTreeMap<String, SchemaRef>,
    /// For each path, the way to its sink.
    pub(crate) sinks: BTreeMap<usize, mpsc::Sender<Delivery>>,
    pub(crate) notes: mpsc::Sender<Note>,
    pub(crate) budget: Arc<Semaphore>,
    pub(crate) allowance: Arc<Allowance>,
    pub(crate) progress: Arc<Progress>,
    pub(crate) halt: CancellationToken,
}

impl Source {
    /// Read until every path has had the whole stream from its place on.
    pub(crate) async fn run(mut self) -> Result<()> {
        let named = |error: Error, source: &Self| {
            error
                .with_context("node", &source.node.endpoint.id)
                .with_context("provider", source.node.endpoint.connector.manifest().name.as_str())
        };
        let mut starts = self.starts.clone();
        while !starts.is_empty() && !self.halt.is_cancelled() {
            starts = match self.pass(starts).await {
                Ok(stranded) => stranded,
                Err(error) if error.kind == ErrorKind::Cancelled => return Ok(()),
                Err(error) => return Err(named(error, &self)),
            };
        }
        Ok(())
    }

    /// Read once from the place furthest behind. The answer is the paths whose places the stream did not pass.
    async fn pass(&mut self, starts: BTreeMap<usize, Position>) -> Result<BTreeMap<usize, Position>> {
        let session = self.session.clone();
        let input = session
            .input()
            .ok_or_else(|| Error::new(ErrorKind::Protocol, "read", "the session has no input"))?;
        let first = starts.values().min_by(|a, b| a.order(b)).cloned().unwrap_or_default();
        let mut cursor = Position { skip: 0, records: first.records - first.skip, ..first };
        let mut tree = Tree::new(&self.node.trunk, &self.paths, &starts, &self.decided);
        let mut waiting = Waiting::new(starts);
        waiting.at(&cursor, &mut tree);
        let (mut stream, mut failures, mut known) = (input.read(cursor.context.clone()), 0, None);
        loop {
            let next = tokio::select! {
                () = self.halt.cancelled() => return Ok(BTreeMap::new()),
                next = stream.next() => next,
            };
            match next {
                Some(Ok(batch)) => {
                    failures = 0;
                    same_columns(&mut known, &batch)?;
                    let parcel = Parcel::of_batch(batch, cursor)?;
                    waiting.pass(&parcel, &mut tree)?;
                    cursor = parcel.through.clone();
                    self.forward(&mut tree, parcel).await?;
                }
                Some(Err(error)) => stream = self.reopen(input, &cursor, error, &mut failures).await?,
                None => break,
            }
        }
        if known.is_none() && cursor.is_start() {
            self.columns_only(&mut tree).await?;
        }
        self.through(|emit| tree.finish(emit))?;
        Ok(waiting.stranded())
    }

    /// After a fault that may pass, read on from behind the last batch.
    async fn reopen(
        &self,
        input: &dyn DataInput,
        cursor: &Position,
        error: Error,
        failures: &mut u32,
    ) -> Result<BatchStream> {
        *failures += 1;
        if !error.retryable || *failures >= ATTEMPTS || cursor.skip > 0 {
            return Err(error);
        }
        tracing::warn!(%error, attempt = *failures, "reading on after a fault");
        retry::pause(&error, *failures).await;
        Ok(input.read(cursor.context.clone()))
    }

    async fn forward(&mut self, tree: &mut Tree, parcel: Parcel) -> Result<()> {
        self.progress.arrived(parcel.read, parcel.bytes() as u64);
        self.through(|emit| tree.push(&parcel, emit))?;
        for (node, schema) in tree.decided() {
            if self.decided.insert(node.clone(), schema.clone()).is_none()
                && let Ok(portable) = Schema::from_arrow(&schema)
            {
                let _ = self.notes.send(Note::Decided(node, portable)).await;
            }
        }
        Ok(())
    }

    /// Work the tree on this thread, having told the runtime so, and hand over what comes out of it piece by piece:
    /// a sink without room, or a budget without bytes, holds up the work itself.
    fn through(&self, work: impl FnOnce(Emit<'_>) -> Result<()>) -> Result<()> {
        let handle = Handle::current();
        tokio::task::block_in_place(|| {
            work(&mut |path, parcel| handle.block_on(self.hand_over(path, parcel)))
        })
    }

    async fn hand_over(&self, path: usize, parcel: Parcel) -> Result<()> {
        self.allowance.spend(parcel.refused.iter().map(|r| (r.node.as_str(), r.reason.as_str())))?;
        let bytes = parcel.bytes();
        let permits = (bytes / PERMIT_BYTES).clamp(1, BUDGET_BYTES / PERMIT_BYTES);
        let held = self.budget.clone().acquire_many_owned(u32::try_from(permits).unwrap_or(1)).await.ok();
        let sent = match self.sinks.get(&path) {
            Some(sink) => sink.send(Delivery { path, parcel, bytes, held }).await.is_ok(),
            None => false,
        };
        if sent {
            return Ok(());
        }
        // The sink has failed and its error is on its way; there is nobody left to read for.
        self.halt.cancel();
        Err(Error::new(ErrorKind::Cancelled, "hand over a batch", "its sink has stopped"))
    }

    /// Nothing was read, but the target should still come to be: send the columns alone, where the source knows them.
    async fn columns_only(&mut self, tree: &mut Tree) -> Result<()> {
        let session = self.session.clone();
        let Some(inspect) = session.inspect() else {
            return Ok(());
        };
        let Some(schema) = inspect.describe().await?.schema else {
            return Ok(());
        };
        let Some(kind) = self.node.endpoint.connector.manifest().kinds.first().copied() else {
            return Ok(());
        };
        let empty = RecordBatch::new_empty(Arc::new(schema.to_arrow()));
        let parcel = Parcel::of_batch(Batch::new(kind, empty, Positions::Withheld)?, Position::default())?;
        self.forward(tree, parcel).await
    }
}

/// A stream decides its columns once: a batch with others is the provider's fault.
fn same_columns(known: &mut Option<SchemaRef>, batch: &Batch) -> Result<()> {
    let schema = batch.data().schema();
    match known {
        None => *known = Some(schema),
        Some(first) if first.fields() == schema.fields() => {}
        Some(first) => {
            let differs =
                schema.fields().iter().find(|field| !first.fields().iter().any(|known| known == *field));
            let name = differs.map_or("a column that went missing", |field| field.name());
            let message = format!("a later batch has other columns or types than the first: {name}");
            return Err(Error::new(ErrorKind::Protocol, "read", message)
                .with_hint("a stream decides its columns once"));
        }
    }
    Ok(())
}

/// The paths whose places the stream has yet to reach.
struct Waiting {
    ahead: BTreeMap<usize, Position>,
    stranded: BTreeMap<usize, Position>,
}

impl Waiting {
    fn new(starts: BTreeMap<usize, Position>) -> Self {
        Self { ahead: starts, stranded: BTreeMap::new() }
    }

    /// The stream begins here.
    fn at(&mut self, cursor: &Position, tree: &mut Tree) {
        self.ahead.retain(|path, place| {
            let here = place.items == cursor.items && place.context == cursor.context;
            if here {
                tree.activate(*path);
            }
            !here
        });
    }

    /// The stream passes the stretch of `parcel`. A place inside it counts as reached only when the stream has the very
    /// same context there; otherwise the source has changed before it, and that path gets a reading of its own.
    fn pass(&mut self, parcel: &Parcel, tree: &mut Tree) -> Result<()> {
        let end = parcel.through.items + parcel.through.skip;
        let reached: Vec<usize> =
            self.ahead.iter().filter(|(_, place)| place.items <= end).map(|(path, _)| *path).collect();
        for path in reached {
            let Some(place) = self.ahead.remove(&path) else {
                continue;
            };
            let before = place.items.saturating_sub(parcel.from.items + parcel.from.skip);
            if parcel.position_after(before.min(parcel.read))?.context == place.context {
                tree.activate(path);
            } else {
                self.stranded.insert(path, place);
            }
        }
        Ok(())
    }

    fn stranded(mut self) -> BTreeMap<usize, Position> {
        self.stranded.append(&mut self.ahead);
        self.stranded
    }
}
