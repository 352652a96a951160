//! The language bridge: providers written in Python behind the traits of `nvisy-dal`. The only crate that knows
//! `PyO3`, and it knows nothing of runs, plans or checkpoints.
//!
//! ```text
//!   tokio worker                    the interpreter's loop thread (nvisy.host)
//!   ------------                    -----------------------------------------
//!   Command -> queue, one byte  ->  add_reader -> Link.take -> a task per call
//!   BatchStream <- bytes-bounded <- Link.push  <- pump: decode on that thread
//!   Inbox  -> one Drain command ->  Link.next_write -> provider.write -> Link.ack
//! ```
//! A tokio worker never attaches to Python: it queues, wakes and waits. Everything Python runs on the loop thread.

mod interpreter;
mod command;
mod link;
mod call;
mod loader;
mod session;
mod input;
mod output;
mod batch;
mod classes;
mod decode;
mod encode;
mod capsule;
mod error;

pub use batch::IncomingBatch;
pub use error::{BridgeError, Raised, original, raise};
pub use interpreter::Interpreter;
pub use link::Link;
pub use loader::PythonConnector;
