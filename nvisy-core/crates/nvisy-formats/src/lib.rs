//! Bytes of objects to typed record batches and back, and the operations on whole columns.
//!
//! Pure functions over Arrow: no runtime, no network, no Python. The only I/O is an unlinked temporary file, because a
//! Parquet or Arrow object can be read only once its end is known.
//!
//! ```text
//!   format            which codec a path means
//!   options           what a decode or encode step asks for
//!   decode            bytes in -> batches out, with the lines that did not fit
//!     inflate           gzip and zstd, member after member
//!     frame             bytes -> records of text
//!     cells             where the cells of some records lie
//!     csv, jsonl        a record -> its cells
//!     scan              where JSON values end
//!     infer             cells -> types, once per stream
//!     text              CSV and JSON lines objects: when types are decided, when a chunk is full
//!     rows              one chunk of records -> one batch, with what did not fit
//!     column            cells -> one Arrow column
//!     spool             Parquet and Arrow objects, read back group by group
//!     normalise         any Arrow type -> the portable set
//!   encode            batches in -> the bytes of one object out, the mirror of decode
//!     print             one cell -> text
//!     deflate           gzip and zstd
//!   scalar, calendar  one value as text, read and written the same way everywhere
//!   columns           select, drop, rename, cast
//!     exact             one column -> another type, without loss
//! ```

mod calendar;
mod cells;
mod column;
pub mod columns;
mod csv;
mod decode;
mod deflate;
mod encode;
mod exact;
mod format;
mod frame;
mod infer;
mod inflate;
mod jsonl;
mod normalise;
mod options;
mod print;
mod rows;
mod scalar;
mod scan;
mod spool;
mod text;

pub use decode::{Decoded, Decoder, Refused, Remaining};
pub use encode::Encoder;
pub use format::{Compression, Format};
pub use options::{DecodeOptions, EncodeOptions};
