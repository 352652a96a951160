//! One chunk of records -> one batch, column by column. What does not fit is set aside with its reason, and the rows
//! around it keep their order.

use crate::cells::{Cell, Cells, Form, Span};
use crate::column::Column;
use crate::csv::Dialect;
use crate::decode::{Decoded, Refused};
use crate::frame::{Chunk, Record};
use crate::jsonl::{Names, Row, members};
use crate::scan::Text;
use crate::text::{listed, unreadable};
use arrow_array::{BooleanArray, RecordBatch, RecordBatchOptions};
use arrow_schema::{ArrowError, SchemaRef};
use arrow_select::filter::filter_record_batch;
use nvisy_dal::{ColumnType, Error, ErrorKind, Result, Schema};
use std::str;
use std::sync::Arc;

/// How records are laid out.
pub(crate) enum Layout {
    Csv(Dialect),
    Jsonl,
}

/// The columns of the stream, and where each is in a record of this object.
pub(crate) struct Plan {
    pub(crate) schema: SchemaRef,
    types: Vec<ColumnType>,
    /// For each column of the stream, its place in a record.
    places: Vec<usize>,
    names: Names,
}

/// Why a record was set aside.
struct Refusal {
    column: Option<String>,
    why: String,
    cut: bool,
}

impl Plan {
    /// `own` are the names of the object's columns in its own order; without them records name their values.
    pub(crate) fn new(schema: Schema, own: Option<&[String]>) -> Result<Self> {
        let arrow = Arc::new(schema.to_arrow());
        let wanted: Vec<_> = schema.fields.iter().map(|field| field.name.clone()).collect();
        let places = match own {
            Some(own) => places(&wanted, own)?,
            None => (0..wanted.len()).collect(),
        };
        let types: Vec<_> = schema.fields.into_iter().map(|field| field.r#type).collect();
        for (name, r#type) in wanted.iter().zip(&types) {
            Column::new(r#type, 0).map_err(|error| {
                Error::new(
                    ErrorKind::InvalidConfig,
                    "decode an object",
                    format!("column `{name}` cannot be built"),
                )
                .with_source(error)
            })?;
        }
        Ok(Self { schema: arrow, types, places, names: Names::new(wanted.into_iter()) })
    }

    /// The batch of a chunk; `None` when it holds blank lines only. `open` says that the object's last record had no
    /// line end, so that one that breaks off is an error.
    pub(crate) fn decode(&self, layout: &Layout, chunk: Chunk, open: bool) -> Result<Option<Decoded>> {
        let (text, records, mut refusals) = readable(chunk);
        let width = self.types.len();
        let mut cells = Cells::new(&text, width, records.len());
        let (mut kept, mut values) = (Vec::with_capacity(records.len()), vec![None; width]);
        let mut blank = vec![false; records.len()];
        for (index, record) in records.iter().enumerate() {
            if refusals[index].is_some() {
                continue;
            }
            let before = cells.spans.len();
            let taken = match layout {
                Layout::Csv(dialect) => self.split_csv(dialect, record, &mut cells),
                Layout::Jsonl => self.split_json(record, &text, &mut values, &mut cells.spans),
            };
            match taken {
                Ok(true) => kept.push(index),
                Ok(false) => blank[index] = true,
                Err(refusal) => {
                    cells.truncate(before);
                    refusals[index] = Some(refusal);
                }
            }
        }
        if open && refusals.last().is_some_and(|last| last.as_ref().is_some_and(|refusal| refusal.cut)) {
            let line = records.last().map_or(0, |record| record.line);
            return Err(unreadable(format!("it ends in the middle of line {line}: the object is cut short"))
                .with_hint("write or upload the object again"));
        }
        let batch = self
            .build(&cells, &kept, &mut refusals)
            .map_err(|error| unreadable("its values do not make up columns").with_source(error))?;
        let all = records.iter().zip(refusals).zip(blank).filter(|(_, blank)| !blank).map(|(both, _)| both);
        let refused = place_refused(all, &text);
        Ok((batch.num_rows() > 0 || !refused.is_empty()).then_some(Decoded { batch, refused }))
    }

    fn split_csv(
        &self,
        dialect: &Dialect,
        record: &Record,
        cells: &mut Cells<'_>,
    ) -> std::result::Result<bool, Refusal> {
        if record.start == record.end && self.types.len() != 1 {
            return Ok(false);
        }
        let before = cells.spans.len();
        let said = |why: String| Refusal { column: None, why, cut: false };
        dialect.split(record.start..record.end, cells).map_err(|why| said(why.to_owned()))?;
        let found = cells.spans.len() - before;
        if found != self.types.len() {
            let cells = if found == 1 { "1 cell".to_owned() } else { format!("{found} cells") };
            let wanted = self.types.len();
            return Err(said(format!(
                "it has {cells} where the stream has {wanted} columns; quote cells that hold the delimiter"
            )));
        }
        Ok(true)
    }

    fn split_json<'a>(
        &self,
        record: &Record,
        text: &'a str,
        values: &mut [Option<&'a str>],
        spans: &mut Vec<Span>,
    ) -> std::result::Result<bool, Refusal> {
        let line = &text[record.start..record.end];
        if line.trim_ascii().is_empty() {
            return Ok(false);
        }
        members(line, Text::Unknown, &mut Row::new(&self.names, values)).map_err(|malformed| Refusal {
            column: None,
            why: malformed.reason,
            cut: malformed.cut,
        })?;
        spans.extend(values.iter().map(|value| match value {
            None | Some("null") => Span::MISSING,
            Some(raw) => {
                let start = raw.as_ptr() as usize - text.as_ptr() as usize;
                Span::new(start, start + raw.len(), Form::Json)
            }
        }));
        Ok(true)
    }

    /// Build the columns, and refuse the rows that do not fit one.
    fn build(
        &self,
        cells: &Cells<'_>,
        kept: &[usize],
        refusals: &mut [Option<Refusal>],
    ) -> std::result::Result<RecordBatch, ArrowError> {
        let mut arrays = Vec::with_capacity(self.types.len());
        let mut fits = vec![true; kept.len()];
        for ((field, r#type), place) in self.schema.fields().iter().zip(&self.types).zip(&self.places) {
            let mut column = Column::new(r#type, kept.len())?;
            let textual = column.textual();
            for (row, index) in kept.iter().enumerate() {
                let cell = cells.cell(row, *place, textual);
                let required = cell == Cell::Null && !field.is_nullable();
                let taken = column.push(cell);
                let taken = if required {
                    Err("it has no value, but the column must have one".to_owned())
                } else {
                    taken
                };
                if let Err(why) = taken {
                    fits[row] = false;
                    let refusal = || Refusal { column: Some(field.name().clone()), why, cut: false };
                    refusals[*index].get_or_insert_with(refusal);
                }
            }
            arrays.push(column.finish()?);
        }
        let options = RecordBatchOptions::new().with_row_count(Some(kept.len()));
        if fits.iter().all(|fits| *fits) {
            return RecordBatch::try_new_with_options(self.schema.clone(), arrays, &options);
        }
        // Until the rows are dropped, a required column may hold the null of a row that does not fit.
        let loose: Vec<_> =
            self.schema.fields().iter().map(|field| field.as_ref().clone().with_nullable(true)).collect();
        let batch =
            RecordBatch::try_new_with_options(Arc::new(arrow_schema::Schema::new(loose)), arrays, &options)?;
        let batch = filter_record_batch(&batch, &BooleanArray::from(fits))?;
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        RecordBatch::try_new_with_options(self.schema.clone(), batch.columns().to_vec(), &options)
    }
}

/// The place of each column of the stream in a record of this object.
fn places(wanted: &[String], own: &[String]) -> Result<Vec<usize>> {
    let hint = "give every object of a stream the same columns, or decode them as streams of their own";
    if let Some(extra) = own.iter().find(|name| !wanted.contains(name)) {
        let message = format!(
            "its header has the column `{extra}`, which the stream does not; that has {}",
            listed(wanted)
        );
        return Err(unreadable(message).with_hint(hint));
    }
    let place = |name: &String| {
        own.iter().position(|own| own == name).ok_or_else(|| {
            unreadable(format!(
                "its header has no column `{name}`, which the stream has; it has {}",
                listed(own)
            ))
            .with_hint(hint)
        })
    };
    wanted.iter().map(place).collect()
}

/// The chunk as text; a record that is not UTF-8 is refused and leaves an empty one behind.
fn readable(chunk: Chunk) -> (String, Vec<Record>, Vec<Option<Refusal>>) {
    let Chunk { bytes, records } = chunk;
    let mut refusals: Vec<_> = records.iter().map(|_| None).collect();
    let bytes = match String::from_utf8(bytes) {
        Ok(text) => return (text, records, refusals),
        Err(error) => error.into_bytes(),
    };
    let (mut text, mut moved) = (String::with_capacity(bytes.len()), Vec::with_capacity(records.len()));
    for (record, refusal) in records.iter().zip(&mut refusals) {
        let start = text.len();
        let own = &bytes[record.start..record.end];
        if let Ok(valid) = str::from_utf8(own) {
            text.push_str(valid);
        } else {
            text.push_str(&String::from_utf8_lossy(own));
            *refusal = Some(Refusal {
                column: None,
                why: "it is not UTF-8; convert the object".to_owned(),
                cut: false,
            });
        }
        moved.push(Record { start, end: text.len(), line: record.line });
    }
    (text, moved, refusals)
}

/// Number what was refused among the rows that were not.
fn place_refused<'r>(all: impl Iterator<Item = (&'r Record, Option<Refusal>)>, text: &str) -> Vec<Refused> {
    let (mut before, mut refused) = (0, Vec::new());
    for (record, refusal) in all {
        let Some(Refusal { column, why, .. }) = refusal else {
            before += 1;
            continue;
        };
        let line = record.line;
        let reason = match &column {
            Some(name) => format!(
                "line {line}, column `{name}`: {why}; declare `{name}` under `columns:` with a type that holds it, such as text"
            ),
            None => format!("line {line}: {why}"),
        };
        refused.push(Refused {
            before,
            line,
            column,
            reason,
            text: shorten(&text[record.start..record.end]),
        });
    }
    refused
}

/// At most 1 KiB of a record.
pub(crate) fn shorten(text: &str) -> String {
    let end = (0..=text.len().min(1024)).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    text[..end].to_owned()
}
