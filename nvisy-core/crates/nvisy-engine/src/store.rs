//! The port to the state that outlives a process: positions, ledger rows, refused records and runs. A commit is one
//! transaction; what the engine has not committed did not happen.

mod sqlite;

use crate::ledger::Ledger;
use crate::position::Position;
use nvisy_dal::{Result, Schema};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

pub(crate) use sqlite::SqliteStore;

/// Where a run starts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Start {
    /// At the committed position.
    #[default]
    Continue,
    /// At the beginning.
    Full,
    /// At the committed position of a run that did not finish; at the beginning when the last one did.
    ResumeOrFull,
}

/// A run about to begin.
pub(crate) struct Opening {
    pub(crate) workflow: String,
    pub(crate) start: Start,
    pub(crate) paths: Vec<OpeningPath>,
}

pub(crate) struct OpeningPath {
    pub(crate) key: String,
    pub(crate) identity: String,
    /// A `replace` begins anew with every run that does not resume another.
    pub(crate) replace: bool,
}

/// A run that has begun.
pub(crate) struct Opened {
    pub(crate) run: String,
    /// It takes up one that did not finish.
    pub(crate) resumed: bool,
    /// The one it takes up had written everything and only the publishing is left.
    pub(crate) publish_only: bool,
    pub(crate) paths: Vec<OpenedPath>,
    pub(crate) schemas: BTreeMap<String, Schema>,
}

#[derive(Clone, Debug)]
pub(crate) struct OpenedPath {
    /// Which beginning the position counts from.
    pub(crate) epoch: String,
    pub(crate) position: Position,
    /// The store had nothing on this path, so a sink's own mark may be taken over.
    pub(crate) adopt: bool,
}

/// What one transaction makes durable.
#[derive(Debug, Default)]
pub(crate) struct Commit {
    pub(crate) paths: Vec<PathCommit>,
    /// For each source, the position behind which every sink is done.
    pub(crate) checkpoints: Vec<(String, Position)>,
    pub(crate) schemas: BTreeMap<String, Schema>,
}

#[derive(Debug)]
pub(crate) struct PathCommit {
    pub(crate) key: String,
    pub(crate) epoch: String,
    pub(crate) position: Position,
    pub(crate) ledger: Ledger,
    pub(crate) rejects: Vec<RejectRow>,
}

/// One refused record as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct RejectRow {
    pub(crate) node: String,
    pub(crate) code: String,
    pub(crate) reason: String,
    /// Its number on its path, from 0.
    pub(crate) record: u64,
    pub(crate) item: String,
}

/// How a run stands, in the store's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunStatus {
    /// It runs, or its process died without a word.
    Running,
    /// Everything is written; what was staged is being published.
    Publishing,
    /// It finished and its ledger balances.
    Succeeded,
    /// It failed.
    Failed,
    /// More records were refused than the workflow allows.
    Rejected,
    /// Someone stopped it.
    Cancelled,
    /// Its process died; a later run found it so.
    Interrupted,
}

/// A run as it is remembered.
#[derive(Clone, Debug, Serialize)]
pub struct RunRecord {
    /// Its id.
    pub run_id: String,
    /// Its workflow.
    pub workflow: String,
    /// How it ended.
    pub status: RunStatus,
    /// When it began, seconds since 1970.
    pub started_at: f64,
    /// When it ended.
    pub ended_at: Option<f64>,
    /// What each path has committed in it.
    pub ledger: BTreeMap<String, Ledger>,
    /// Its outcome, once it has one.
    pub outcome: Option<serde_json::Value>,
}

/// State that outlives a process. Every method is one transaction.
pub(crate) trait CheckpointStore: Send + Sync {
    fn begin(&self, opening: &Opening) -> Result<Opened>;
    fn commit(&self, run: &str, workflow: &str, commit: &Commit) -> Result<()>;
    fn publishing(&self, run: &str) -> Result<()>;
    fn finish(&self, run: &str, status: RunStatus, outcome: &serde_json::Value) -> Result<()>;
    fn ledger(&self, run: &str) -> Result<BTreeMap<String, Ledger>>;
    fn runs(&self, limit: u32) -> Result<Vec<RunRecord>>;
    fn run(&self, id: &str) -> Result<Option<RunRecord>>;
}
