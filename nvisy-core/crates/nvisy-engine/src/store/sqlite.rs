//! The state in one `SQLite` file: WAL, and FULL so that a commit survives the machine, not only the process.

use super::{
    CheckpointStore, Commit, Opened, OpenedPath, Opening, OpeningPath, PathCommit, RunRecord, RunStatus,
    Start,
};
use crate::ledger::Ledger;
use crate::position::Position;
use nvisy_dal::{Error, ErrorKind, Result, Schema};
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const VERSION: i64 = 1;

const TABLES: &str = "
CREATE TABLE run(id TEXT PRIMARY KEY, workflow TEXT NOT NULL, status TEXT NOT NULL, started_at REAL NOT NULL,
                 ended_at REAL, outcome TEXT) STRICT;
CREATE INDEX run_by_workflow ON run(workflow, started_at);
CREATE TABLE position(workflow TEXT NOT NULL, path TEXT NOT NULL, identity TEXT NOT NULL, epoch TEXT NOT NULL,
                      position TEXT NOT NULL, PRIMARY KEY(workflow, path)) STRICT, WITHOUT ROWID;
CREATE TABLE checkpoint(workflow TEXT NOT NULL, source TEXT NOT NULL, position TEXT NOT NULL,
                        PRIMARY KEY(workflow, source)) STRICT, WITHOUT ROWID;
CREATE TABLE ledger(run TEXT NOT NULL, path TEXT NOT NULL, read INTEGER NOT NULL, written INTEGER NOT NULL,
                    rejected INTEGER NOT NULL, filtered INTEGER NOT NULL, PRIMARY KEY(run, path)) STRICT, WITHOUT ROWID;
CREATE TABLE reject(id INTEGER PRIMARY KEY, run TEXT NOT NULL, path TEXT NOT NULL, node TEXT NOT NULL, code TEXT NOT NULL,
                    reason TEXT NOT NULL, record INTEGER NOT NULL, item TEXT NOT NULL) STRICT;
CREATE TABLE decided(workflow TEXT NOT NULL, node TEXT NOT NULL, schema TEXT NOT NULL,
                     PRIMARY KEY(workflow, node)) STRICT, WITHOUT ROWID;
PRAGMA user_version = 1;
";

pub(crate) struct SqliteStore {
    connection: Mutex<Connection>,
}

impl SqliteStore {
    /// Open the state file, creating it when it is not there.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let refuse = |error: rusqlite::Error| {
            failed("open the state", &error).with_context("path", path.display().to_string())
        };
        let connection = Connection::open(path).map_err(refuse)?;
        connection.busy_timeout(Duration::from_secs(30)).map_err(refuse)?;
        connection.pragma_update(None, "journal_mode", "WAL").map_err(refuse)?;
        connection.pragma_update(None, "synchronous", "FULL").map_err(refuse)?;
        let store = Self { connection: Mutex::new(connection) };
        store
            .transaction("open the state", |tx| {
                match tx.query_row("PRAGMA user_version", [], |row| row.get::<_, i64>(0))? {
                    0 => tx.execute_batch(TABLES).map(Ok),
                    VERSION => Ok(Ok(())),
                    other => Ok(Err(other)),
                }
            })?
            .map_err(|version| {
                Error::new(
                    ErrorKind::InvalidConfig,
                    "open the state",
                    format!("its format is {version}, this build reads {VERSION}"),
                )
                .with_hint("use the newer nvisy, or another NVISY_HOME")
            })?;
        Ok(store)
    }

    fn lock(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn transaction<T>(
        &self,
        operation: &str,
        body: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T> {
        let mut connection = self.lock();
        let run = || -> rusqlite::Result<T> {
            let tx = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
            let value = body(&tx)?;
            tx.commit()?;
            Ok(value)
        };
        run().map_err(|error| failed(operation, &error))
    }
}

fn failed(operation: &str, error: &rusqlite::Error) -> Error {
    let kind = match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::DiskFull) => ErrorKind::Unavailable,
        _ => ErrorKind::Internal,
    };
    Error { retryable: false, ..Error::new(kind, operation, format!("the state database says: {error}")) }
}

fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}

fn word(status: RunStatus) -> String {
    serde_json::to_value(status)
        .ok()
        .and_then(|value| value.as_str().map(ToOwned::to_owned))
        .unwrap_or_default()
}

fn status(text: String) -> RunStatus {
    serde_json::from_value(serde_json::Value::String(text)).unwrap_or(RunStatus::Failed)
}

fn json<T: serde::de::DeserializeOwned>(text: &str) -> rusqlite::Result<T> {
    serde_json::from_str(text).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, Box::new(error))
    })
}

fn text<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

fn count(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

impl CheckpointStore for SqliteStore {
    fn begin(&self, opening: &Opening) -> Result<Opened> {
        self.transaction("begin a run", |tx| begin(tx, opening))?
    }

    fn commit(&self, run: &str, workflow: &str, commit: &Commit) -> Result<()> {
        self.transaction("commit", |tx| {
            for path in &commit.paths {
                commit_path(tx, run, workflow, path)?;
            }
            for (source, position) in &commit.checkpoints {
                tx.prepare_cached("INSERT OR REPLACE INTO checkpoint VALUES (?1, ?2, ?3)")?
                    .execute(params![workflow, source, text(position)])?;
            }
            for (node, schema) in &commit.schemas {
                tx.prepare_cached("INSERT OR REPLACE INTO decided VALUES (?1, ?2, ?3)")?.execute(params![
                    workflow,
                    node,
                    text(schema)
                ])?;
            }
            Ok(())
        })
    }

    fn publishing(&self, run: &str) -> Result<()> {
        self.transaction("note the publishing", |tx| {
            tx.execute("UPDATE run SET status = ?2 WHERE id = ?1", params![run, word(RunStatus::Publishing)])
                .map(|_| ())
        })
    }

    fn finish(&self, run: &str, status: RunStatus, outcome: &serde_json::Value) -> Result<()> {
        self.transaction("finish a run", |tx| {
            let (status, outcome) = (word(status), outcome.to_string());
            tx.execute(
                "UPDATE run SET status = ?2, ended_at = ?3, outcome = ?4 WHERE id = ?1",
                params![run, status, now(), outcome],
            )
            .map(|_| ())
        })
    }

    fn ledger(&self, run: &str) -> Result<BTreeMap<String, Ledger>> {
        self.transaction("read the ledger", |tx| ledger(tx, run))
    }

    fn runs(&self, limit: u32) -> Result<Vec<RunRecord>> {
        self.transaction("list runs", |tx| {
            let mut select = tx.prepare("SELECT id, workflow, status, started_at, ended_at, outcome FROM run ORDER BY started_at DESC LIMIT ?1")?;
            let records = select.query_map([limit], record)?.collect::<rusqlite::Result<Vec<_>>>()?;
            records.into_iter().map(|record| Ok(RunRecord { ledger: ledger(tx, &record.run_id)?, ..record })).collect()
        })
    }

    fn run(&self, id: &str) -> Result<Option<RunRecord>> {
        self.transaction("find a run", |tx| {
            let mut select = tx.prepare(
                "SELECT id, workflow, status, started_at, ended_at, outcome FROM run WHERE id = ?1",
            )?;
            let found = select.query_row([id], record).optional()?;
            found.map(|record| Ok(RunRecord { ledger: ledger(tx, id)?, ..record })).transpose()
        })
    }
}

fn record(row: &Row<'_>) -> rusqlite::Result<RunRecord> {
    let outcome = row.get::<_, Option<String>>(5)?;
    Ok(RunRecord {
        run_id: row.get(0)?,
        workflow: row.get(1)?,
        status: status(row.get(2)?),
        started_at: row.get(3)?,
        ended_at: row.get(4)?,
        ledger: BTreeMap::new(),
        outcome: outcome.map(|outcome| json(&outcome)).transpose()?,
    })
}

fn ledger(tx: &Transaction<'_>, run: &str) -> rusqlite::Result<BTreeMap<String, Ledger>> {
    let mut select =
        tx.prepare_cached("SELECT path, read, written, rejected, filtered FROM ledger WHERE run = ?1")?;
    let rows = select.query_map([run], |row| {
        let number = |index| row.get::<_, i64>(index).map(|value| u64::try_from(value).unwrap_or(0));
        let ledger =
            Ledger { read: number(1)?, written: number(2)?, rejected: number(3)?, filtered: number(4)? };
        Ok((row.get(0)?, ledger))
    })?;
    rows.collect()
}

fn begin(tx: &Transaction<'_>, opening: &Opening) -> rusqlite::Result<Result<Opened>> {
    let workflow = &opening.workflow;
    let last = last_run(tx, workflow)?;
    let unfinished = last.as_ref().is_some_and(|(_, status)| *status != RunStatus::Succeeded);
    let anew = match opening.start {
        Start::Continue => false,
        Start::Full => true,
        Start::ResumeOrFull => !unfinished,
    };
    let mut paths = Vec::new();
    for path in &opening.paths {
        let keeps = !anew && (unfinished || !path.replace);
        match open_path(tx, workflow, path, keeps)? {
            Ok(opened) => paths.push(opened),
            Err(error) => return Ok(Err(error)),
        }
    }
    if anew {
        tx.execute("DELETE FROM checkpoint WHERE workflow = ?1", [workflow])?;
        tx.execute("DELETE FROM decided WHERE workflow = ?1", [workflow])?;
    }
    if let Some((id, RunStatus::Running | RunStatus::Publishing)) = &last {
        tx.execute("UPDATE run SET status = ?2 WHERE id = ?1", params![id, word(RunStatus::Interrupted)])?;
    }
    let publish_only = !anew && matches!(last, Some((_, RunStatus::Publishing)));
    let status = if publish_only { RunStatus::Publishing } else { RunStatus::Running };
    let run = uuid::Uuid::now_v7().to_string();
    tx.execute(
        "INSERT INTO run(id, workflow, status, started_at) VALUES (?1, ?2, ?3, ?4)",
        params![run, workflow, word(status), now()],
    )?;
    let schemas = decided(tx, workflow)?;
    Ok(Ok(Opened { run, resumed: unfinished && !anew, publish_only, paths, schemas }))
}

fn last_run(tx: &Transaction<'_>, workflow: &str) -> rusqlite::Result<Option<(String, RunStatus)>> {
    tx.query_row(
        "SELECT id, status FROM run WHERE workflow = ?1 ORDER BY started_at DESC, rowid DESC LIMIT 1",
        [workflow],
        |row| Ok((row.get(0)?, status(row.get(1)?))),
    )
    .optional()
}

/// The position of a path that keeps it, or a new beginning.
fn open_path(
    tx: &Transaction<'_>,
    workflow: &str,
    path: &OpeningPath,
    keeps: bool,
) -> rusqlite::Result<Result<OpenedPath>> {
    let known = tx
        .query_row(
            "SELECT identity, epoch, position FROM position WHERE workflow = ?1 AND path = ?2",
            params![workflow, path.key],
            |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, String>(2)?)),
        )
        .optional()?;
    match known {
        Some((identity, ..)) if keeps && identity != path.identity => Ok(Err(changed(&path.key))),
        Some((_, epoch, position)) if keeps => {
            Ok(Ok(OpenedPath { epoch, position: json(&position)?, adopt: false }))
        }
        known => {
            let epoch = uuid::Uuid::new_v4().simple().to_string();
            let position = Position::default();
            tx.execute(
                "INSERT OR REPLACE INTO position VALUES (?1, ?2, ?3, ?4, ?5)",
                params![workflow, path.key, path.identity, epoch, text(&position)],
            )?;
            Ok(Ok(OpenedPath { epoch, position, adopt: known.is_none() && keeps }))
        }
    }
}

fn decided(tx: &Transaction<'_>, workflow: &str) -> rusqlite::Result<BTreeMap<String, Schema>> {
    let mut select = tx.prepare("SELECT node, schema FROM decided WHERE workflow = ?1")?;
    let rows = select.query_map([workflow], |row| {
        Ok((row.get::<_, String>(0)?, json::<Schema>(&row.get::<_, String>(1)?)?))
    })?;
    rows.collect()
}

fn changed(path: &str) -> Error {
    let message =
        format!("the source or target of `{path}` is not the one its committed position belongs to");
    Error::new(ErrorKind::Conflict, "begin a run", message)
        .with_hint("run with --full to start over, or undo the change of parameters")
}

fn commit_path(tx: &Transaction<'_>, run: &str, workflow: &str, path: &PathCommit) -> rusqlite::Result<()> {
    tx.prepare_cached("UPDATE position SET position = ?3, epoch = ?4 WHERE workflow = ?1 AND path = ?2")?
        .execute(params![workflow, path.key, text(&path.position), path.epoch])?;
    let delta = path.ledger;
    tx.prepare_cached(
        "INSERT INTO ledger VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT(run, path) DO UPDATE SET read = read + excluded.read,
         written = written + excluded.written, rejected = rejected + excluded.rejected, filtered = filtered + excluded.filtered",
    )?
    .execute(params![run, path.key, count(delta.read), count(delta.written), count(delta.rejected), count(delta.filtered)])?;
    for reject in &path.rejects {
        tx.prepare_cached("INSERT INTO reject(run, path, node, code, reason, record, item) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?
            .execute(params![run, path.key, reject.node, reject.code, reject.reason, count(reject.record), reject.item])?;
    }
    Ok(())
}
