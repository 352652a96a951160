//! A page of rows as SQLite hands them out, to Arrow. It knows neither Python nor a connection.
//!
//! ```text
//! rows of cells -> page -> column (moment, decimal, json) -> RecordBatch, and the key to go on after
//! ```
//!
//! A value that is not in the one simple form of its column's type is a [`Misfit`]: somebody who knows more forms, and
//! says what is wrong, has to look at the page. So this crate has no word for an error, and never guesses.

mod cell;
mod page;
mod column;
mod field;
mod moment;
mod decimal;
mod json;

pub use cell::{Cell, Misfit, Raw, Row};
pub use page::{Complete, Page, Plan};
