//! The same batches without the engine: through a channel from one task to another that counts their rows, and after each
//! one its position and the ledger in one transaction of the same settings. No engine could do less and still be able to
//! resume, so what this costs moves with compiler, machine and libraries as the engine's cost does.

use crate::Outcome;
use crate::batches;
use arrow_array::RecordBatch;
use rusqlite::{Connection, TransactionBehavior, params};
use std::path::Path;
use std::time::Instant;
use tokio::sync::mpsc;

const TABLES: &str = "
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
CREATE TABLE position(workflow TEXT, path TEXT, position TEXT, PRIMARY KEY(workflow, path)) STRICT, WITHOUT ROWID;
CREATE TABLE ledger(run TEXT, path TEXT, read INTEGER, written INTEGER, PRIMARY KEY(run, path)) STRICT, WITHOUT ROWID;
";

/// Move so many batches, each committed by itself; the rows that arrived and the seconds it took.
pub(crate) async fn without_it(home: &Path, batches: u64) -> Outcome<(u64, f64)> {
    let data = batches::batch()?;
    let mut state = Connection::open(home.join("raw.db"))?;
    state.execute_batch(TABLES)?;
    let begun = Instant::now();
    let (sender, mut receiver) = mpsc::channel::<RecordBatch>(1);
    let source = tokio::spawn(async move {
        for _ in 0..batches {
            if sender.send(data.clone()).await.is_err() {
                return;
            }
        }
    });
    let mut rows = 0;
    while let Some(batch) = receiver.recv().await {
        rows += batch.num_rows() as u64;
        state = tokio::task::spawn_blocking(move || commit(&mut state, rows).map(|()| state)).await??;
    }
    source.await?;
    Ok((rows, begun.elapsed().as_secs_f64()))
}

fn commit(state: &mut Connection, rows: u64) -> Outcome<()> {
    let rows = i64::try_from(rows)?;
    let position = serde_json::json!({"items": rows, "context": {"id": rows}}).to_string();
    let transaction = state.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.prepare_cached("INSERT OR REPLACE INTO position VALUES (?1, ?2, ?3)")?.execute(params![
        "inner-loop",
        "from/to",
        position
    ])?;
    transaction
        .prepare_cached("INSERT OR REPLACE INTO ledger VALUES (?1, ?2, ?3, ?3)")?
        .execute(params!["run", "from/to", rows])?;
    transaction.commit()?;
    Ok(())
}
