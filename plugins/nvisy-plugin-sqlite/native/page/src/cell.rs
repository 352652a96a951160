//! One value as SQLite keeps it (<https://sqlite.org/datatype3.html>, storage classes), borrowed or kept.

/// A value that the simple forms here do not cover; the page has to be read in another way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Misfit;

/// A value of the row that is current.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Cell<'a> {
    /// Nothing.
    Null,
    /// An integer.
    Integer(i64),
    /// A number with a point; never NaN, which SQLite stores as null.
    Real(f64),
    /// Text, which nobody has checked to be UTF-8.
    Text(&'a [u8]),
    /// Bytes.
    Blob(&'a [u8]),
}

/// The row that is current.
pub trait Row {
    /// The value in that column, counted from 0.
    fn cell(&self, place: usize) -> Cell<'_>;
}

/// A value that outlives its row.
#[derive(Clone, Debug, PartialEq)]
pub enum Raw {
    /// Nothing.
    Null,
    /// An integer.
    Integer(i64),
    /// A number with a point.
    Real(f64),
    /// Text.
    Text(String),
    /// Bytes.
    Blob(Vec<u8>),
}

impl TryFrom<Cell<'_>> for Raw {
    type Error = Misfit;

    fn try_from(cell: Cell<'_>) -> Result<Self, Misfit> {
        Ok(match cell {
            Cell::Null => Self::Null,
            Cell::Integer(value) => Self::Integer(value),
            Cell::Real(value) => Self::Real(value),
            Cell::Text(bytes) => Self::Text(text(bytes)?.to_owned()),
            Cell::Blob(bytes) => Self::Blob(bytes.to_owned()),
        })
    }
}

/// The bytes as text.
pub(crate) fn text(bytes: &[u8]) -> Result<&str, Misfit> {
    std::str::from_utf8(bytes).map_err(|_| Misfit)
}
