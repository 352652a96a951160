//! How a run ended, in the words every face of the engine uses.

use crate::ledger::Ledger;
use crate::plan::{Guarantee, Plan};
use crate::state::Ending;
use nvisy_dal::Error;
use serde::Serialize;
use std::collections::BTreeMap;

/// The end of a run.
#[derive(Clone, Serialize)]
pub struct Outcome {
    /// Its id.
    pub run_id: String,
    /// Its workflow.
    pub workflow: String,
    /// How it ended.
    pub status: Ending,
    /// Records taken from the sources: of each source, by the path that took most.
    pub read: u64,
    /// Of these, durable in the sink.
    pub written: u64,
    /// Of these, refused.
    pub rejected: u64,
    /// Of these, left out because the workflow says so.
    pub filtered: u64,
    /// Seconds from the first connection to the last disconnection.
    pub seconds: f64,
    /// Bytes taken from the sources.
    pub bytes: u64,
    /// Whether it took up a run that had not finished.
    pub resumed: bool,
    /// The weakest guarantee of its paths.
    pub guarantee: Guarantee,
    /// Each path with a ledger of its own.
    pub sinks: Vec<PathOutcome>,
    /// What stopped it.
    #[serde(serialize_with = "error_value")]
    pub error: Option<Error>,
}

/// What one path did in a run.
#[derive(Clone, Serialize)]
pub struct PathOutcome {
    /// The source's node.
    pub source: String,
    /// The sink's node.
    pub node: String,
    /// What the pair promises.
    pub guarantee: Guarantee,
    /// Why.
    pub why: &'static str,
    /// Records taken from the source.
    pub read: u64,
    /// Of these, durable in the sink.
    pub written: u64,
    /// Of these, refused.
    pub rejected: u64,
    /// Of these, left out because the workflow says so.
    pub filtered: u64,
}

/// The paths of a plan with what they committed.
pub(crate) fn paths(plan: &Plan, ledgers: &BTreeMap<String, Ledger>) -> Vec<PathOutcome> {
    let outcome = |path: &crate::plan::Path| {
        let Ledger { read, written, rejected, filtered } =
            ledgers.get(&path.key).copied().unwrap_or_default();
        PathOutcome {
            source: plan.sources[path.source].endpoint.id.clone(),
            node: plan.sinks[path.sink].endpoint.id.clone(),
            guarantee: path.guarantee,
            why: path.why,
            read,
            written,
            rejected,
            filtered,
        }
    };
    plan.paths.iter().map(outcome).collect()
}

/// One ledger for the run: of each source, the path that took most (and of those, the one that wrote least).
pub(crate) fn total(plan: &Plan, ledgers: &BTreeMap<String, Ledger>) -> Ledger {
    let mut total = Ledger::default();
    for source in 0..plan.sources.len() {
        let own =
            plan.paths.iter().filter(|path| path.source == source).filter_map(|path| ledgers.get(&path.key));
        if let Some(most) = own.max_by_key(|ledger| (ledger.read, std::cmp::Reverse(ledger.written))) {
            total += *most;
        }
    }
    total
}

#[expect(clippy::ref_option, reason = "serde hands over a reference to the field")]
fn error_value<S: serde::Serializer>(error: &Option<Error>, serializer: S) -> Result<S::Ok, S::Error> {
    error.as_ref().map(Error::describe).serialize(serializer)
}
