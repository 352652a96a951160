//! The engine as its faces use it: plan a workflow, start a run, look at runs, look into a system.

use crate::compile::compile;
use crate::definition::Problem;
use crate::outcome::Outcome;
use crate::plan::{Endpoint, Plan};
use crate::progress::{Progress, Snapshot};
use crate::providers::Providers;
use crate::run::Supervisor;
use crate::session;
use crate::state::State;
use crate::store::{CheckpointStore, Opening, OpeningPath, RunRecord, RunStatus, SqliteStore, Start};
use nvisy_dal::{Error, ErrorKind, Provider, Result, StreamInfo, WriteMode};
use serde_json::{Map, Value};
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// An engine with its state folder and the providers it may use.
pub struct Engine {
    home: PathBuf,
    store: Arc<dyn CheckpointStore>,
    providers: Arc<dyn Providers>,
}

/// A running or ended run.
#[derive(Clone)]
pub struct Run {
    id: String,
    progress: Arc<Progress>,
    cancel: CancellationToken,
    outcome: watch::Receiver<Option<Arc<Outcome>>>,
}

impl Engine {
    /// Open the engine on a state folder, creating it when it is not there.
    ///
    /// # Errors
    /// When the folder or the state in it cannot be used.
    pub fn open(home: &Path, providers: Arc<dyn Providers>) -> Result<Self> {
        std::fs::create_dir_all(home.join("locks")).map_err(|error| {
            Error::new(ErrorKind::InvalidConfig, "open the state folder", error.to_string())
                .with_context("path", home.display().to_string())
                .with_hint("set NVISY_HOME to a folder you may write to")
        })?;
        let store = Arc::new(SqliteStore::open(&home.join("state.db"))?);
        Ok(Self { home: home.to_owned(), store, providers })
    }

    /// Compile a workflow's text. Relative paths in it are meant relative to `base`.
    ///
    /// # Errors
    /// Every problem of the workflow, at once.
    pub fn plan(&self, text: &str, base: &Path) -> std::result::Result<Plan, Vec<Problem>> {
        compile(text, base, self.providers.as_ref())
    }

    /// Start a run on the current tokio runtime, which must have several threads.
    ///
    /// # Errors
    /// `conflict` when the workflow is running already or its committed position belongs to other data.
    pub fn start(&self, plan: Plan, start: Start) -> Result<Run> {
        let lock = self.lock(&plan.name)?;
        let path = |path: &crate::plan::Path| {
            let (source, sink) = (&plan.sources[path.source], &plan.sinks[path.sink]);
            OpeningPath {
                key: path.key.clone(),
                identity: format!("{}{}", source.endpoint.identity, sink.endpoint.identity),
                replace: sink.mode == WriteMode::Replace,
            }
        };
        let paths = plan.paths.iter().map(path).collect();
        let opened = self.store.begin(&Opening { workflow: plan.name.clone(), start, paths })?;
        let (id, cancel, progress) =
            (opened.run.clone(), CancellationToken::new(), Arc::new(Progress::new()));
        let (done, outcome) = watch::channel(None);
        let supervisor = Supervisor {
            plan,
            store: self.store.clone(),
            opened,
            progress: progress.clone(),
            cancel: cancel.clone(),
            state: State::Connecting,
        };
        tokio::spawn(async move {
            let outcome = supervisor.supervise().await;
            drop(lock);
            let _ = done.send(Some(Arc::new(outcome)));
        });
        Ok(Run { id, progress, cancel, outcome })
    }

    /// The lock lasts as long as the file is open, so it goes with the process, however that ends.
    fn lock(&self, workflow: &str) -> Result<File> {
        let failed = |message: String| Error::new(ErrorKind::Conflict, "start a run", message);
        let file = File::create(self.lock_path(workflow)).map_err(|error| failed(error.to_string()))?;
        match patiently(|| file.try_lock()) {
            Ok(()) => Ok(file),
            Err(TryLockError::WouldBlock) => {
                Err(failed(format!("the workflow `{workflow}` is running already"))
                    .with_hint("wait for that run to end, or stop it"))
            }
            Err(TryLockError::Error(error)) => Err(failed(error.to_string())),
        }
    }

    fn lock_path(&self, workflow: &str) -> PathBuf {
        self.home.join("locks").join(format!("{workflow}.lock"))
    }

    /// The latest runs, newest first.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub fn runs(&self, limit: u32) -> Result<Vec<RunRecord>> {
        let runs = self.store.runs(limit)?;
        Ok(runs.into_iter().map(|run| self.as_it_is(run)).collect())
    }

    /// One run.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub fn run(&self, id: &str) -> Result<Option<RunRecord>> {
        Ok(self.store.run(id)?.map(|run| self.as_it_is(run)))
    }

    /// A run on record as running, whose workflow nobody holds the lock of, died without a word.
    fn as_it_is(&self, run: RunRecord) -> RunRecord {
        let alive = || {
            let file = File::open(self.lock_path(&run.workflow));
            file.is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
        };
        match run.status {
            RunStatus::Running | RunStatus::Publishing if !alive() => {
                RunRecord { status: RunStatus::Interrupted, ..run }
            }
            _ => run,
        }
    }

    /// Open a session, describe the stream its parameters name, close it.
    ///
    /// # Errors
    /// What the provider says; `unsupported` when it cannot be looked into.
    pub async fn describe(
        &self,
        provider: &str,
        params: Map<String, Value>,
        credentials: Map<String, Value>,
    ) -> Result<StreamInfo> {
        let connector = self.providers.find(provider).ok_or_else(|| {
            Error::new(ErrorKind::NotFound, "describe a stream", format!("there is no provider `{provider}`"))
        })?;
        let endpoint =
            Endpoint { id: "describe".to_owned(), connector, params, credentials, identity: String::new() };
        let session = session::open(&endpoint).await?;
        let described = look(session.as_ref()).await;
        session::close(&[session]).await?;
        described
    }
}

/// Someone who only looks holds the lock for a moment; try a few times before believing that a run holds it.
fn patiently(
    mut lock: impl FnMut() -> std::result::Result<(), TryLockError>,
) -> std::result::Result<(), TryLockError> {
    for _ in 0..5 {
        match lock() {
            Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(10)),
            done => return done,
        }
    }
    lock()
}

async fn look(session: &dyn Provider) -> Result<StreamInfo> {
    match session.inspect() {
        Some(inspect) => inspect.describe().await,
        None => {
            Err(Error::new(ErrorKind::Unsupported, "describe a stream", "the provider cannot be looked into"))
        }
    }
}

impl Run {
    /// Its id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// How far it is.
    pub fn progress(&self) -> Snapshot {
        self.progress.snapshot()
    }

    /// Stop it. Sessions are closed, what was acknowledged is committed; the outcome follows.
    pub fn cancel(&self) {
        self.cancel.cancel();
    }

    /// Wait for its end. `None` only when the runtime was shut down under it.
    pub async fn outcome(&self) -> Option<Arc<Outcome>> {
        let mut outcome = self.outcome.clone();
        let ended = outcome.wait_for(Option::is_some).await.ok()?;
        ended.clone()
    }
}
