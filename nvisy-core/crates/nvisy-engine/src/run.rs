//! One run, from opening the sessions to closing them. Whatever happens in between, acknowledged work is committed and
//! every session is closed.

use crate::commit::{Committer, Note, Prefix, Tracked};
use crate::ledger::Ledger;
use crate::outcome::{self, Outcome};
use crate::plan::Plan;
use crate::position::Marked;
use crate::progress::Progress;
use crate::rejects::{self, Allowance};
use crate::session;
use crate::sink::{Inlet, Sink};
use crate::source::{Source, budget};
use crate::state::{Ending, Event, State};
use crate::store::{CheckpointStore, Commit, Opened, OpenedPath, PathCommit, RunStatus};
use arrow_schema::SchemaRef;
use nvisy_dal::{Error, ErrorKind, Provider, Result, WriteMode};
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Parcels that may wait for one sink; their bytes are bounded by the run's budget.
const QUEUE: usize = 8;

/// Acknowledgements that may wait for the committer.
const NOTES: usize = 1_024;

pub(crate) struct Supervisor {
    pub(crate) plan: Plan,
    pub(crate) store: Arc<dyn CheckpointStore>,
    pub(crate) opened: Opened,
    pub(crate) progress: Arc<Progress>,
    pub(crate) cancel: CancellationToken,
    pub(crate) state: State,
}

/// The sessions of a run, as its plan numbers them.
struct Sessions {
    sources: Vec<Arc<dyn Provider>>,
    sinks: Vec<Arc<dyn Provider>>,
}

impl Supervisor {
    /// Run to the end.
    pub(crate) async fn supervise(mut self) -> Outcome {
        let mut sessions = Vec::new();
        let allowance = Arc::new(Allowance::new(self.plan.max_rejects));
        let stopped = self.work(&mut sessions, &allowance).await.err();
        if let Some(error) = &stopped {
            self.enter(Event::Stopped(self.ending(error)));
        }
        let closed = session::close(&sessions).await;
        self.enter(Event::Disconnected);
        self.conclude(stopped.or(closed.err())).await
    }

    async fn work(&mut self, open: &mut Vec<Arc<dyn Provider>>, allowance: &Arc<Allowance>) -> Result<()> {
        let cancel = self.cancel.clone();
        let cancelled = || Error::new(ErrorKind::Cancelled, "run", "someone stopped it");
        let connected = tokio::select! {
            () = cancel.cancelled() => return Err(cancelled()),
            connected = self.connect(open) => connected?,
        };
        self.enter(Event::Connected);
        if !self.opened.publish_only {
            self.take_over(&connected).await?;
            self.move_all(&connected, allowance).await?;
        }
        self.enter(Event::Moved);
        tokio::select! {
            () = cancel.cancelled() => return Err(cancelled()),
            published = self.publish(&connected) => published?,
        }
        self.enter(Event::Published);
        Ok(())
    }

    /// The only caller of the table; an event it does not know is a fault of this file and changes nothing.
    fn enter(&mut self, event: Event) {
        if let Some(state) = self.state.next(event) {
            self.state = state;
            self.progress.enter(state);
        } else {
            tracing::error!(state = ?self.state, ?event, "an event that cannot happen here");
        }
    }

    fn ending(&self, error: &Error) -> Ending {
        if self.cancel.is_cancelled() {
            Ending::Cancelled
        } else if rejects::exceeded(error) {
            Ending::Rejected
        } else {
            Ending::Failed
        }
    }

    /// Open every session. What is open so far is in `open` even when one of them fails.
    async fn connect(&self, open: &mut Vec<Arc<dyn Provider>>) -> Result<Sessions> {
        let endpoints = self
            .plan
            .sources
            .iter()
            .map(|node| &node.endpoint)
            .chain(self.plan.sinks.iter().map(|node| &node.endpoint));
        let results = futures_util::future::join_all(endpoints.map(session::open)).await;
        let mut failure = None;
        let mut all = Vec::new();
        for result in results {
            match result {
                Ok(session) => {
                    open.push(session.clone());
                    all.push(session);
                }
                Err(error) => failure = failure.or(Some(error)),
            }
        }
        if let Some(error) = failure {
            return Err(error);
        }
        let sinks = all.split_off(self.plan.sources.len());
        Ok(Sessions { sources: all, sinks })
    }

    fn mark(&self, path: usize) -> String {
        format!("{}/{}", self.plan.name, self.plan.paths[path].key)
    }

    /// Where a sink keeps the position itself, its word counts: it may be ahead of the store by what was written in the
    /// moment of a crash, and that stretch belongs into this run's ledger.
    async fn take_over(&mut self, sessions: &Sessions) -> Result<()> {
        let mut commit = Commit::default();
        for index in 0..self.plan.paths.len() {
            let path = &self.plan.paths[index];
            let session = &sessions.sinks[path.sink];
            let Some(transactional) = session.output().and_then(|output| output.transactional()) else {
                continue;
            };
            let Some(mark) = transactional.committed(self.mark(index)).await? else {
                continue;
            };
            let marked: Marked = serde_json::from_str(&mark.value).map_err(|error| {
                Error::new(ErrorKind::InvalidContext, "read the sink's checkpoint", error.to_string())
                    .with_context("node", &self.plan.sinks[path.sink].endpoint.id)
            })?;
            let own = &mut self.opened.paths[index];
            let ahead = marked.position.order(&own.position).is_gt();
            let mut ledger = Ledger::default();
            if own.adopt && ahead {
                *own = OpenedPath { epoch: marked.epoch, position: marked.position, adopt: false };
            } else if marked.epoch == own.epoch && ahead {
                let records = marked.position.records.saturating_sub(own.position.records);
                ledger = Ledger { read: records, written: records, ..ledger };
                own.position = marked.position;
            } else {
                continue;
            }
            let (epoch, position) = (own.epoch.clone(), own.position.clone());
            commit.paths.push(PathCommit {
                key: path.key.clone(),
                epoch,
                position,
                ledger,
                rejects: Vec::new(),
            });
        }
        if commit.paths.is_empty() {
            return Ok(());
        }
        let (store, run, workflow) = (self.store.clone(), self.opened.run.clone(), self.plan.name.clone());
        blocking(move || store.commit(&run, &workflow, &commit)).await
    }

    /// Let everything flow. The first fault stops the sources; the sinks finish what they have, and all that was
    /// acknowledged is committed before this returns.
    async fn move_all(&self, sessions: &Sessions, allowance: &Arc<Allowance>) -> Result<()> {
        let (notes, inbox) = mpsc::channel(NOTES);
        let committer = tokio::spawn(self.committer().run(inbox));
        let halt = self.cancel.child_token();
        let mut tasks = JoinSet::new();
        let senders: Vec<_> = (0..self.plan.sinks.len())
            .map(|index| {
                let (sender, deliveries) = mpsc::channel(QUEUE);
                tasks.spawn(self.sink(index, sessions, &notes, allowance).drain(deliveries));
                sender
            })
            .collect();
        let budget = budget();
        let paths = Arc::new(self.plan.paths.clone());
        for (index, node) in self.plan.sources.iter().enumerate() {
            let own = || self.plan.paths.iter().enumerate().filter(|(_, path)| path.source == index);
            let source = Source {
                node: node.clone(),
                session: sessions.sources[index].clone(),
                paths: paths.clone(),
                starts: own().map(|(path, _)| (path, self.opened.paths[path].position.clone())).collect(),
                decided: self.decided(),
                sinks: own().map(|(path, plan)| (path, senders[plan.sink].clone())).collect(),
                notes: notes.clone(),
                budget: budget.clone(),
                allowance: allowance.clone(),
                progress: self.progress.clone(),
                halt: halt.clone(),
            };
            self.expect(&source);
            tasks.spawn(source.run());
        }
        drop((senders, notes));
        let moved = self.join(tasks, &halt).await;
        let booked = committer.await.unwrap_or_else(|error| Err(panicked(&error)));
        // When committing failed, that is the cause, and what the sinks say of it the effect.
        booked.and(moved)
    }

    async fn join(&self, mut tasks: JoinSet<Result<()>>, halt: &CancellationToken) -> Result<()> {
        let mut first = Ok(());
        loop {
            let joined = tokio::select! {
                biased;
                () = self.cancel.cancelled() => {
                    tasks.shutdown().await;
                    return Err(Error::new(ErrorKind::Cancelled, "run", "someone stopped it"));
                }
                joined = tasks.join_next() => joined,
            };
            match joined {
                None => return first,
                Some(result) => {
                    if let Err(error) = result.unwrap_or_else(|error| Err(panicked(&error))) {
                        halt.cancel();
                        first = first.and(Err(error));
                    }
                }
            }
        }
    }

    fn committer(&self) -> Committer {
        let tracked = |(path, opened): (&crate::plan::Path, &OpenedPath)| Tracked {
            key: path.key.clone(),
            source: self.plan.sources[path.source].endpoint.id.clone(),
            epoch: opened.epoch.clone(),
            prefix: Prefix::new(opened.position.clone()),
        };
        Committer {
            store: self.store.clone(),
            run: self.opened.run.clone(),
            workflow: self.plan.name.clone(),
            paths: self.plan.paths.iter().zip(&self.opened.paths).map(tracked).collect(),
            progress: self.progress.clone(),
        }
    }

    fn sink(
        &self,
        index: usize,
        sessions: &Sessions,
        notes: &mpsc::Sender<Note>,
        allowance: &Arc<Allowance>,
    ) -> Sink {
        let endpoint = &self.plan.sinks[index].endpoint;
        let own = self
            .plan
            .paths
            .iter()
            .zip(&self.opened.paths)
            .enumerate()
            .filter(|(_, (path, _))| path.sink == index);
        let mut fresh = true;
        let mut inlets = BTreeMap::new();
        for (path, (_, opened)) in own {
            fresh &= opened.position.is_start();
            inlets.insert(path, Inlet::new(self.mark(path), opened.epoch.clone()));
        }
        Sink {
            node: endpoint.id.clone(),
            session: sessions.sinks[index].clone(),
            manifest: endpoint.connector.manifest().clone(),
            inlets,
            fresh,
            notes: notes.clone(),
            allowance: allowance.clone(),
        }
    }

    fn decided(&self) -> BTreeMap<String, SchemaRef> {
        self.opened.schemas.iter().map(|(node, schema)| (node.clone(), Arc::new(schema.to_arrow()))).collect()
    }

    /// Ask the source how much there is, for those who watch; a source that does not know is no fault.
    fn expect(&self, source: &Source) {
        let (session, progress, halt) = (source.session.clone(), self.progress.clone(), source.halt.clone());
        tokio::spawn(async move {
            if let Some(inspect) = session.inspect() {
                let described = tokio::select! { () = halt.cancelled() => return, described = inspect.describe() => described };
                progress.expects(described.ok().and_then(|info| info.rows).unwrap_or(0));
            }
        });
    }

    async fn publish(&self, sessions: &Sessions) -> Result<()> {
        let staged =
            self.plan.sinks.iter().zip(&sessions.sinks).filter(|(node, _)| node.mode == WriteMode::Replace);
        let staged: Vec<_> = staged.filter_map(|(_, session)| session.output()?.staged()).collect();
        if staged.is_empty() {
            return Ok(());
        }
        let (store, run) = (self.store.clone(), self.opened.run.clone());
        blocking(move || store.publishing(&run)).await?;
        for output in staged {
            output.publish().await?;
        }
        Ok(())
    }

    async fn conclude(self, error: Option<Error>) -> Outcome {
        let (store, run) = (self.store.clone(), self.opened.run.clone());
        let (ledgers, mut error) = match blocking(move || store.ledger(&run)).await {
            Ok(ledgers) => (ledgers, error),
            Err(fault) => (BTreeMap::new(), error.or(Some(fault))),
        };
        if let Some((path, ledger)) = ledgers.iter().find(|(_, ledger)| !ledger.balances()) {
            let message = format!(
                "{path} read {}, wrote {} and refused {}",
                ledger.read, ledger.written, ledger.rejected
            );
            error = error.or(Some(Error::new(ErrorKind::Internal, "balance the ledger", message)));
        }
        let status = match (self.state, &error) {
            (State::Ended(Ending::Succeeded), Some(_)) => Ending::Failed,
            (State::Ended(ending), _) => ending,
            _ => Ending::Failed,
        };
        let Ledger { read, written, rejected, filtered } = outcome::total(&self.plan, &ledgers);
        let outcome = Outcome {
            run_id: self.opened.run.clone(),
            workflow: self.plan.name.clone(),
            status,
            read,
            written,
            rejected,
            filtered,
            seconds: self.progress.seconds(),
            bytes: self.progress.bytes(),
            resumed: self.opened.resumed,
            guarantee: self.plan.guarantee(),
            sinks: outcome::paths(&self.plan, &ledgers),
            error,
        };
        let value = serde_json::to_value(&outcome).unwrap_or_default();
        let (store, run) = (self.store.clone(), self.opened.run);
        if let Err(fault) = blocking(move || store.finish(&run, remembered(status), &value)).await {
            tracing::error!(%fault, "the end of the run is not on record");
        }
        outcome
    }
}

fn remembered(ending: Ending) -> RunStatus {
    match ending {
        Ending::Succeeded => RunStatus::Succeeded,
        Ending::Failed => RunStatus::Failed,
        Ending::Rejected => RunStatus::Rejected,
        Ending::Cancelled => RunStatus::Cancelled,
    }
}

fn panicked(error: &tokio::task::JoinError) -> Error {
    Error::new(ErrorKind::Internal, "run a task", error.to_string())
}

async fn blocking<T: Send + 'static>(body: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(body).await.unwrap_or_else(|error| Err(panicked(&error)))
}
