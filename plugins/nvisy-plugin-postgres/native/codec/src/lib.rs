//! PostgreSQL's binary COPY format to Arrow and back. It knows neither Python nor a connection, and never prints a value.
//!
//! ```text
//! bytes -> scan (complete rows) -> decode -> columns -> RecordBatch
//! RecordBatch -> cells -> encode (block by block) -> bytes, and the rows that cannot be written
//! ```
//!
//! The format: <https://www.postgresql.org/docs/current/sql-copy.html>, "Binary Format"; the form of each value is what
//! the server's own `*_send` and `*_recv` functions write and read.

mod error;
mod wire;
mod field;
mod scan;
mod decode;
mod columns;
mod numeric;
mod encode;
mod block;
mod cells;
mod json;
mod calendar;

pub use decode::Decoder;
pub use encode::{Encoded, Encoder, Rejected, Stream};
pub use error::Error;
pub use field::field;
pub use wire::{Scalar, Wire};
