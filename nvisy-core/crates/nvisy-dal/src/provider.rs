//! What a provider must do. Each sentence with an id is a promise the conformance kit checks under the same id.
//! There is no default that lies: an ability a provider lacks is absent, never a method that fails.

use crate::{Batch, Context, Error, Manifest, Mark, Prepare, Receipt, Result, Schema};
use futures_core::Stream;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::future::Future;
use std::pin::Pin;

/// A future in a box.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A stream of batches in a box. After an error it yields nothing more.
pub type BatchStream = Pin<Box<dyn Stream<Item = std::result::Result<Batch, Error>> + Send>>;

/// What a session is opened with. The credentials are handed over once.
pub struct Connect {
    /// Fields of the credentials, references already resolved.
    pub credentials: serde_json::Map<String, serde_json::Value>,
    /// Parameters of the connection and of the node, merged.
    pub params: serde_json::Map<String, serde_json::Value>,
}

/// Something that can open sessions: one installed provider.
pub trait Connector: Send + Sync {
    /// What it says of itself.
    fn manifest(&self) -> &Manifest;

    /// Open a session.
    ///
    /// - `CON-1`: valid credentials and parameters open a session that is independent of every other.
    /// - `CON-2`: wrong credentials or an unreachable system fail here, not at the first read or write.
    /// - `CON-3`: a connect that fails, or whose future is dropped, leaves nothing open.
    fn connect(&self, request: Connect) -> BoxFuture<'_, Result<Box<dyn Provider>>>;
}

/// One open session.
pub trait Provider: Send + Sync {
    /// Close the session.
    ///
    /// - `CON-4`: it releases everything the session holds, and can be called twice.
    /// - `CON-5`: it neither fails nor hangs because the system is gone.
    fn disconnect(&self) -> BoxFuture<'_, Result<()>>;

    /// The session as a source.
    fn input(&self) -> Option<&dyn DataInput>;

    /// The session as a sink.
    fn output(&self) -> Option<&dyn DataOutput>;

    /// The session as something to look into.
    fn inspect(&self) -> Option<&dyn Inspect>;
}

/// A source.
pub trait DataInput: Send + Sync {
    /// Read from after `context`, or from the beginning.
    ///
    /// - `IN-1`: without a context, the stream holds every item once, and ends.
    /// - `IN-2`: every item has a context.
    /// - `IN-3`: resuming from the context of item k yields exactly the items after k.
    /// - `IN-4`: a context of another stream, filter or order is refused with `invalid_context`.
    /// - `IN-5`: a failure is an error, never a normal end.
    /// - `IN-6`: every batch has the columns and types of the first.
    /// - `IN-7`: dropping the stream stops the work behind it.
    fn read(&self, context: Option<Context>) -> BatchStream;
}

/// A sink.
pub trait DataOutput: Send + Sync {
    /// Write one batch.
    ///
    /// - `OUT-1`: what the receipt accepts is durable when it is given.
    /// - `OUT-2`: accepted and rejected items together are the batch; a rejection names its item.
    /// - `OUT-3`: a batch that fails as a whole may be written again.
    /// - `OUT-4`: nothing is truncated, coerced or dropped in silence.
    fn write(&self, batch: Batch) -> BoxFuture<'_, Result<Receipt>>;

    /// The ability to create or evolve the target.
    fn prepared(&self) -> Option<&dyn PreparedOutput>;

    /// The ability to store the engine's checkpoint along with the data.
    fn transactional(&self) -> Option<&dyn TransactionalOutput>;

    /// The ability to show everything at once at the end.
    fn staged(&self) -> Option<&dyn StagedOutput>;
}

/// A sink that creates or evolves its target.
pub trait PreparedOutput: Send + Sync {
    /// Make the target ready for what is about to be written. Called before the first batch of each source, and
    /// again when a run resumes.
    ///
    /// - `PRE-1`: calling it again with the same request changes nothing.
    /// - `PRE-2`: a target that cannot take the columns is refused here, naming the column.
    fn prepare(&self, request: Prepare) -> BoxFuture<'_, Result<()>>;
}

/// A sink that keeps the engine's checkpoint in the transaction that writes the data.
pub trait TransactionalOutput: Send + Sync {
    /// The mark stored last under `key`.
    ///
    /// - `TX-1`: it is exactly the mark of the last batch whose transaction committed.
    fn committed(&self, key: String) -> BoxFuture<'_, Result<Option<Mark>>>;

    /// Write a batch and store `mark`, both or neither.
    ///
    /// - `TX-2`: after any failure either the batch and its mark are there, or neither is.
    /// - `TX-3`: an empty batch stores its mark.
    fn write_through(&self, batch: Batch, mark: Mark) -> BoxFuture<'_, Result<Receipt>>;
}

/// A sink whose target changes at the end, all at once.
pub trait StagedOutput: Send + Sync {
    /// Put what was written in the place of what was there. Called once every batch is durable.
    ///
    /// - `STG-1`: a reader sees the old items or the new ones, never a mixture.
    /// - `STG-2`: calling it again changes nothing.
    fn publish(&self) -> BoxFuture<'_, Result<()>>;
}

/// A session that can be looked into.
pub trait Inspect: Send + Sync {
    /// Check that the session works, changing nothing.
    fn check(&self) -> BoxFuture<'_, Result<()>>;

    /// The streams there are (tables, collections, prefixes).
    fn streams(&self) -> BoxFuture<'_, Result<Vec<StreamInfo>>>;

    /// The stream that the session's parameters name; a sink's target that is not there yet is `not_found`.
    fn describe(&self) -> BoxFuture<'_, Result<StreamInfo>>;
}

/// A stream, as far as its provider knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StreamInfo {
    /// Its name.
    pub name: String,
    /// Its columns, where they are known.
    #[serde(default)]
    pub schema: Option<Schema>,
    /// Columns that are unique together, best first choice; empty where there is none.
    #[serde(default)]
    pub key: Vec<String>,
    /// Items in it, where counting is cheap.
    #[serde(default)]
    pub rows: Option<u64>,
    /// Bytes in it, where known.
    #[serde(default)]
    pub bytes: Option<u64>,
}
