//! The vocabulary every other part of Nvisy speaks: what data looks like, where a stream resumes, and what a
//! provider must do. It knows no runtime, no I/O and no Python.
//!
//! ```text
//!   kind, schema      what an item is
//!   value, context    where to resume, after an item
//!   batch             data and positions in one value
//!   write             how a sink takes a batch and what it answers
//!   params            what a node asks of its provider
//!   credentials       what opens a session
//!   manifest          what a provider says of itself without being imported
//!   error             what went wrong, and whether trying again can help
//!   provider          the traits, with their must-sentences
//!   json              text to shapes, as strictly as their schemas say
//!   contract          the JSON Schemas of all of these
//! ```
#![warn(missing_docs)]

mod kind;
mod schema;
mod value;
mod context;
mod batch;
mod write;
mod params;
mod credentials;
mod manifest;
mod error;
mod provider;
mod json;
mod contract;

pub use batch::{Batch, Positions};
pub use context::{
    Context, ContextKind, Fingerprint, KeysetContext, MarkerContext, OffsetContext, TokenContext,
};
pub use contract::{schemas, validate};
pub use credentials::{
    CredentialShape, KeyPairCredentials, NoCredentials, PasswordCredentials, Secret, TokenCredentials,
};
pub use error::{Error, ErrorKind, Result, TaskTraceback};
pub use json::parse;
pub use kind::DataKind;
pub use manifest::{
    Ability, Capability, CapabilityState, Feature, Manifest, PROTOCOL, ProtocolRange, ProviderName, UriForm,
    UriPart,
};
pub use params::{
    Category, CategoryParams, Condition, DocumentParams, GraphParams, ObjectParams, Operand, Operator,
    QueueParams, RelationalParams, Scalar, SearchParams, VectorParams,
};
pub use provider::{
    BatchStream, BoxFuture, Connect, Connector, DataInput, DataOutput, Inspect, PreparedOutput, Provider,
    StagedOutput, StreamInfo, TransactionalOutput,
};
pub use schema::{ColumnType, Field, Schema};
pub use value::TypedValue;
pub use write::{Mark, Prepare, Receipt, Rejection, WriteMode};
