//! The straight line of Nvisy: open a source at its last committed position, read typed batches, transform them, write
//! them, and commit the position only after every sink has made the batch durable. It knows no Python and no HTTP, and
//! no provider by name.
//!
//! ```text
//!   definition        what the user wrote
//!   providers         the port to installed providers
//!   secrets           references, looked up when a session opens
//!   steps             the engine's own steps and their parameters
//!   compile           definition -> plan, all problems at once
//!   plan              what will run, and what it promises
//!   engine            plan, start, look
//!   state             the life of a run, one table
//!   run               sessions, sources, sinks and committer of one run
//!   session           open and close
//!   source            read from the committed position ...
//!   position, parcel    where, and what travels
//!   tree              ... through the steps ...
//!   decode, encode      objects to records and back
//!   load, sink        ... into the sinks ...
//!   retry, rejects      faults that pass, records that do not fit
//!   commit            ... and commit what all of them acknowledged
//!   ledger, store       the books, and where they are kept
//!   progress, outcome   what a run tells
//! ```

mod definition;
mod providers;
mod secrets;
mod steps;
mod compile;
mod plan;
mod engine;
mod state;
mod run;
mod session;
mod source;
mod position;
mod parcel;
mod tree;
mod decode;
mod encode;
mod load;
mod sink;
mod retry;
mod rejects;
mod commit;
mod ledger;
mod store;
mod progress;
mod outcome;

pub use compile::compile;
pub use definition::{Action, Connection, Definition, Node, Problem, Severity};
pub use engine::{Engine, Run};
pub use ledger::Ledger;
pub use outcome::{Outcome, PathOutcome};
pub use plan::{Guarantee, Plan};
pub use progress::Snapshot;
pub use providers::Providers;
pub use state::{Ending, State};
pub use store::{RunRecord, RunStatus, Start};
