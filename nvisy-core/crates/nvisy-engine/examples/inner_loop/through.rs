//! A whole run of the engine between the two ends, with its ledger and its checkpoints in a real state folder.

use crate::Outcome;
use crate::batches::{self, ROWS};
use crate::memory::{Counter, Giver};
use nvisy_dal::{Connector, Manifest};
use nvisy_engine::{Ending, Engine, Providers, Run, Start};
use serde_json::json;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

const WORKFLOW: &str = "
version: 1
name: inner-loop
connections:
  a: {provider: giver}
  b: {provider: counter}
nodes:
  - {id: from, read: a, params: {table: t}}
  - {id: to, write: b, params: {table: t, mode: append}}
";

/// How often the pace looks for a commit. Rarely: each look costs some hundred instructions, which are counted too.
const LOOK: Duration = Duration::from_millis(5);

struct Both(Giver, Counter);

impl Providers for Both {
    fn find(&self, name: &str) -> Option<Arc<dyn Connector>> {
        match name {
            "giver" => Some(Arc::new(self.0.clone())),
            "counter" => Some(Arc::new(self.1.clone())),
            _ => None,
        }
    }

    fn names(&self) -> Vec<String> {
        vec!["giver".to_owned(), "counter".to_owned()]
    }
}

/// Move so many batches; the rows that arrived and the seconds from the start of the run to its end.
pub(crate) async fn the_engine(home: &Path, batches: u64, paced: bool) -> Outcome<(u64, f64)> {
    let pace = Arc::new(Semaphore::new(if paced { 1 } else { Semaphore::MAX_PERMITS }));
    let giver = Giver::new(manifest("giver", "read")?, batches::batch()?, batches, pace.clone())?;
    let counter = Counter::new(manifest("counter", "write")?);
    let engine = Engine::open(home, Arc::new(Both(giver, counter.clone())))?;
    let plan = engine.plan(WORKFLOW, home).map_err(|problems| format!("{problems:?}"))?;
    let run = engine.start(plan, Start::Continue)?;
    if paced {
        let run = run.clone();
        std::thread::spawn(move || keep_pace(&run, &pace, batches));
    }
    let outcome = run.outcome().await.ok_or("the run has no outcome")?;
    if outcome.status != Ending::Succeeded || outcome.written != batches * ROWS {
        return Err(format!("the run did not succeed: {:?}", outcome.error).into());
    }
    Ok((counter.rows(), outcome.seconds))
}

/// One more permit for each batch that has been committed.
fn keep_pace(run: &Run, pace: &Semaphore, batches: u64) {
    let mut seen = 0;
    while seen < batches {
        std::thread::sleep(LOOK);
        let committed = run.progress().written / ROWS;
        pace.add_permits(usize::try_from(committed - seen).unwrap_or(0));
        seen = committed;
    }
}

/// The manifest of an end that can do one thing, and keeps the engine's mark where it writes.
fn manifest(name: &str, ability: &str) -> Outcome<Manifest> {
    let full = json!({"state": "full", "mechanism": null, "limits": {}});
    let reads = ability == "read";
    let mut abilities = json!({ability: full});
    if !reads {
        abilities["transactional"] = full;
    }
    let text = json!({"type": "string"});
    let manifest = json!({
        "protocol": {"min": 1, "max": 1}, "name": name, "title": name, "category": "relational", "kinds": ["record"],
        "contexts": if reads { vec!["keyset"] } else { Vec::new() }, "modes": ["append"], "abilities": abilities,
        "features": {}, "credential_shape": "none", "credentials": {"type": "object", "properties": {}},
        "params": {"type": "object", "properties": {"table": text, "mode": text}, "additionalProperties": false},
        "uri": null,
    });
    Ok(serde_json::from_value(manifest)?)
}
