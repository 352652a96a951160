//! `Page`: rows in, a batch out, and the key of its last row. What is read is decided once, in a `Plan`.

use crate::cell::{Misfit, Raw, Row};
use crate::column::Column;
use crate::field::field;
use arrow_array::{Array as _, RecordBatch, RecordBatchOptions, cast::AsArray as _, types::Int64Type};
use arrow_schema::{Field, Schema};
use std::sync::Arc;

/// The columns of a stream, and which of them are its key.
#[derive(Clone, Debug)]
pub struct Plan {
    fields: Vec<Field>,
    forms: Vec<Option<String>>,
    keys: Vec<usize>,
    hidden: bool,
    proven: bool,
    schema: Arc<Schema>,
}

impl Plan {
    /// Columns as name, JSON of the portable type, whether it may be null, and for a key column an example of its form
    /// (empty where there is one form only); the places of the key; whether the last column is a row number that is no
    /// part of the batch; whether the key is known to be unique.
    ///
    /// # Errors
    /// A sentence about a column that cannot be read here.
    pub fn new(
        columns: Vec<(String, String, bool, Option<String>)>,
        keys: Vec<usize>,
        hidden: bool,
        proven: bool,
    ) -> Result<Self, String> {
        let (mut fields, mut forms) = (Vec::new(), Vec::new());
        for (name, json, nullable, form) in columns {
            let field = field(&name, &json, nullable)?;
            Column::new(&field, form.as_deref(), 0)
                .ok_or_else(|| format!("column `{name}` has no form here"))?;
            fields.push(field);
            forms.push(form);
        }
        if keys.iter().any(|place| *place >= fields.len()) || (hidden && fields.is_empty()) {
            return Err("the key is not among the columns".to_owned());
        }
        let seen = fields.len() - usize::from(hidden);
        let schema = Arc::new(Schema::new(fields[..seen].to_vec()));
        Ok(Self { fields, forms, keys, hidden, proven, schema })
    }

    /// How many rows a page of `size` asks for: one more where a tie at its end would show.
    pub fn limit(&self, size: usize) -> usize {
        size.saturating_add(usize::from(!self.proven))
    }

    /// An empty page that takes `size` rows.
    pub fn page(&self, size: usize) -> Page<'_> {
        let room = size.min(16 * 1024);
        let new = |(field, form): (&Field, &Option<String>)| Column::new(field, form.as_deref(), room);
        let columns = self.fields.iter().zip(&self.forms).filter_map(new).collect();
        Page { plan: self, columns, size, rows: 0, after: Vec::new(), previous: Vec::new() }
    }
}

/// Some rows of a stream, as far as they have come.
pub struct Page<'a> {
    plan: &'a Plan,
    columns: Vec<Column>,
    size: usize,
    rows: usize,
    after: Vec<Raw>,
    previous: Vec<Raw>,
}

/// A whole page.
pub struct Complete {
    /// The rows.
    pub batch: RecordBatch,
    /// The row numbers, where they are no part of the batch.
    pub rowids: Vec<i64>,
    /// The key to go on after, as it is stored; none at the end of the stream.
    pub after: Option<Vec<Raw>>,
}

impl Page<'_> {
    /// How many rows have come.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Take in a row.
    pub fn push(&mut self, row: &impl Row) -> Result<(), Misfit> {
        if !self.plan.proven {
            let key = self.key(row)?;
            // Rows come in the order of the key: two of one key follow one another.
            if same(&key, &self.previous) {
                return Err(Misfit);
            }
            self.previous = key;
        }
        if self.rows < self.size {
            for (place, column) in self.columns.iter_mut().enumerate() {
                column.push(row.cell(place))?;
            }
        }
        self.rows += 1;
        if self.rows == self.size {
            self.after = self.key(row)?;
        }
        Ok(())
    }

    /// The whole page.
    pub fn finish(self) -> Result<Complete, Misfit> {
        let rows = self.rows.min(self.size);
        let mut arrays: Vec<_> = self.columns.into_iter().map(Column::finish).collect();
        let mut rowids = Vec::new();
        if self.plan.hidden {
            let array = arrays.pop().ok_or(Misfit)?;
            rowids = array.as_primitive_opt::<Int64Type>().ok_or(Misfit)?.values().to_vec();
        }
        debug_assert!(arrays.iter().all(|array| array.len() == rows));
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let batch = RecordBatch::try_new_with_options(self.plan.schema.clone(), arrays, &options);
        let more = self.rows >= self.plan.limit(self.size);
        Ok(Complete { batch: batch.map_err(|_| Misfit)?, rowids, after: more.then_some(self.after) })
    }

    fn key(&self, row: &impl Row) -> Result<Vec<Raw>, Misfit> {
        self.plan.keys.iter().map(|place| row.cell(*place).try_into()).collect()
    }
}

/// Whether SQLite takes two keys for one: `1` and `1.0` are.
fn same(one: &[Raw], other: &[Raw]) -> bool {
    one.len() == other.len()
        && one.iter().zip(other).all(|pair| match pair {
            (Raw::Integer(whole), Raw::Real(number)) | (Raw::Real(number), Raw::Integer(whole)) => {
                number.trunc().to_string() == whole.to_string()
            }
            (one, other) => one == other,
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cell::Cell;

    struct Cells<'a>(&'a [Cell<'a>]);

    impl Row for Cells<'_> {
        fn cell(&self, place: usize) -> Cell<'_> {
            self.0[place]
        }
    }

    fn plan(hidden: bool, proven: bool) -> Plan {
        let column = |name: &str, json: &str, form: Option<&str>| {
            (name.to_owned(), json.to_owned(), true, form.map(str::to_owned))
        };
        let columns =
            vec![column("a", r#"{"name":"text"}"#, None), column("id", r#"{"name":"int64"}"#, Some(""))];
        Plan::new(columns, vec![1], hidden, proven).unwrap()
    }

    #[test]
    fn full_page_says_where_to_go_on() {
        let plan = plan(false, true);
        let mut page = plan.page(2);
        page.push(&Cells(&[Cell::Text(b"x"), Cell::Integer(1)])).unwrap();
        page.push(&Cells(&[Cell::Null, Cell::Integer(2)])).unwrap();
        let whole = page.finish().unwrap();
        assert_eq!((whole.batch.num_rows(), whole.batch.num_columns()), (2, 2));
        assert_eq!(whole.after, Some(vec![Raw::Integer(2)]));
    }

    #[test]
    fn page_with_room_is_the_last() {
        let plan = plan(true, true);
        let mut page = plan.page(2);
        page.push(&Cells(&[Cell::Text(b"x"), Cell::Integer(7)])).unwrap();
        let whole = page.finish().unwrap();
        assert_eq!((whole.batch.num_columns(), whole.rowids, whole.after), (1, vec![7], None));
    }

    #[test]
    fn tie_behind_the_end_of_the_page_is_seen() {
        let plan = plan(false, false);
        let mut page = plan.page(1);
        page.push(&Cells(&[Cell::Null, Cell::Integer(1)])).unwrap();
        assert_eq!(page.push(&Cells(&[Cell::Null, Cell::Integer(1)])), Err(Misfit));
        let mut page = plan.page(1);
        page.push(&Cells(&[Cell::Null, Cell::Integer(1)])).unwrap();
        page.push(&Cells(&[Cell::Blob(b"is not looked at"), Cell::Integer(2)])).unwrap();
        let whole = page.finish().unwrap();
        assert_eq!((whole.batch.num_rows(), whole.after), (1, Some(vec![Raw::Integer(1)])));
        let mut page = plan.page(1);
        page.push(&Cells(&[Cell::Null, Cell::Integer(1)])).unwrap();
        assert_eq!(page.push(&Cells(&[Cell::Null, Cell::Real(1.0)])), Err(Misfit));
    }

    #[test]
    fn null_is_no_key() {
        let plan = plan(false, true);
        assert_eq!(plan.page(1).push(&Cells(&[Cell::Null, Cell::Null])), Err(Misfit));
    }
}
