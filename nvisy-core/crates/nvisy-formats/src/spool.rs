//! Parquet and Arrow objects: kept in an unlinked temporary file until their end is known, then read back group by
//! group. The file has no name, so nothing is left behind whatever happens.

use crate::columns::{cast, cast_schema};
use crate::decode::{Decoded, Refused};
use crate::exact::Route;
use crate::format::Format;
use crate::normalise::{conform, finer, portable};
use crate::print::{Piece, Printer};
use crate::rows::shorten;
use crate::scalar::type_name;
use crate::text::{listed, unreadable};
use arrow_array::cast::AsArray;
use arrow_array::types::{DurationNanosecondType, Time64NanosecondType, TimestampNanosecondType};
use arrow_array::{Array, BooleanArray, RecordBatch, RecordBatchOptions};
use arrow_ipc::reader::{FileReader, StreamReader};
use arrow_schema::{ArrowError, DataType, Field as ArrowField, Schema as ArrowSchema, SchemaRef, TimeUnit};
use arrow_select::filter::filter_record_batch;
use nvisy_dal::{ColumnType, Error, ErrorKind, Result, Schema};
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder,
};
use parquet::basic::Type as PhysicalType;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::sync::Arc;

/// Keeps the bytes of one object.
pub(crate) struct Spool {
    file: File,
    format: Format,
    batch_rows: usize,
    overrides: BTreeMap<String, ColumnType>,
    given: Option<Schema>,
}

type Batches = Box<dyn Iterator<Item = std::result::Result<RecordBatch, ArrowError>> + Send>;

impl Spool {
    pub(crate) fn new(
        format: Format,
        batch_rows: usize,
        overrides: BTreeMap<String, ColumnType>,
        given: Option<Schema>,
    ) -> Result<Self> {
        Ok(Self { file: tempfile::tempfile().map_err(full)?, format, batch_rows, overrides, given })
    }

    pub(crate) fn push(&mut self, bytes: &[u8]) -> Result<()> {
        self.file.write_all(bytes).map_err(full)
    }

    /// The stream's columns where they were given.
    pub(crate) fn schema(&self) -> Option<SchemaRef> {
        self.given.as_ref().map(|given| Arc::new(given.to_arrow()))
    }

    /// The object has ended: read it back.
    pub(crate) fn open(mut self) -> Result<Groups> {
        self.file.seek(SeekFrom::Start(0)).map_err(full)?;
        let (schema, batches) = match self.format {
            Format::Parquet => open_parquet(self.file, self.batch_rows)?,
            Format::ArrowIpc | Format::Csv | Format::Jsonl => open_arrow(self.file)?,
        };
        let own = portable(&schema)?;
        let (stream, casts) = match &self.given {
            Some(given) => (Arc::new(given.to_arrow()), casts(given, &own)?),
            None => (cast_schema(&own.to_arrow(), &self.overrides)?, self.overrides.clone()),
        };
        let place = |field: &Arc<ArrowField>| own.fields.iter().position(|own| own.name == *field.name());
        let order = stream.fields().iter().filter_map(place).collect();
        // Who declares a time asks for its microseconds; nobody else loses what is finer.
        let fine = finer(&schema)
            .into_iter()
            .filter(|place| !self.overrides.contains_key(schema.field(*place).name()));
        let fine = fine.collect();
        let own = Arc::new(own.to_arrow());
        Ok(Groups {
            batches,
            own,
            fine,
            order,
            casts,
            schema: stream,
            row: 0,
            pending: None,
            batch_rows: self.batch_rows,
        })
    }
}

fn open_parquet(file: File, batch_rows: usize) -> Result<(SchemaRef, Batches)> {
    let wrong = |error| {
        unreadable("it is not whole Parquet")
            .with_hint("check that the object is not cut short")
            .with_source(error)
    };
    let mut metadata = ArrowReaderMetadata::load(&file, ArrowReaderOptions::new()).map_err(wrong)?;
    if let Some(schema) = int96(&metadata) {
        metadata =
            ArrowReaderMetadata::load(&file, ArrowReaderOptions::new().with_schema(schema)).map_err(wrong)?;
    }
    let schema = metadata.schema().clone();
    let builder =
        ParquetRecordBatchReaderBuilder::new_with_metadata(file, metadata).with_batch_size(batch_rows);
    Ok((schema, Box::new(builder.build().map_err(wrong)?)))
}

/// The schema under which the legacy 96-bit timestamps are read as microseconds: their nanoseconds would not reach
/// beyond the year 2262.
fn int96(metadata: &ArrowReaderMetadata) -> Option<SchemaRef> {
    let legacy: Vec<_> = metadata
        .parquet_schema()
        .columns()
        .iter()
        .filter(|column| column.physical_type() == PhysicalType::INT96)
        .collect();
    if legacy.is_empty() {
        return None;
    }
    let field = |field: &Arc<ArrowField>| match field.data_type() {
        DataType::Timestamp(TimeUnit::Nanosecond, zone)
            if legacy.iter().any(|column| column.path().parts() == [field.name().clone()]) =>
        {
            Arc::new(
                ArrowField::clone(field)
                    .with_data_type(DataType::Timestamp(TimeUnit::Microsecond, zone.clone())),
            )
        }
        _ => field.clone(),
    };
    Some(Arc::new(ArrowSchema::new(metadata.schema().fields().iter().map(field).collect::<Vec<_>>())))
}

fn open_arrow(mut file: File) -> Result<(SchemaRef, Batches)> {
    let wrong = |error| {
        unreadable("it is not whole Arrow IPC")
            .with_hint("check that the object is not cut short")
            .with_source(error)
    };
    let mut magic = [0; 6];
    let named = file.read_exact(&mut magic).is_ok() && &magic == b"ARROW1";
    if !named {
        check_end(&mut file)?;
    }
    file.seek(SeekFrom::Start(0)).map_err(full)?;
    if named {
        let reader = FileReader::try_new(BufReader::new(file), None).map_err(wrong)?;
        return Ok((reader.schema(), Box::new(reader)));
    }
    let reader = StreamReader::try_new(BufReader::new(file), None).map_err(wrong)?;
    Ok((reader.schema(), Box::new(reader)))
}

/// A stream that was cut between two messages looks whole but for its last eight bytes.
fn check_end(file: &mut File) -> Result<()> {
    let mut end = [0; 8];
    let whole = file.seek(SeekFrom::End(-8)).and_then(|_| file.read_exact(&mut end)).is_ok();
    if whole && end == [255, 255, 255, 255, 0, 0, 0, 0] {
        return Ok(());
    }
    Err(unreadable("its Arrow stream has no end-of-stream mark: the object is cut short")
        .with_hint("write or upload the object again"))
}

/// The casts from an object's own types to those of its stream.
fn casts(given: &Schema, own: &Schema) -> Result<BTreeMap<String, ColumnType>> {
    let hint = "give every object of a stream the same columns, or decode them as streams of their own";
    let names: Vec<_> = own.fields.iter().map(|field| field.name.as_str()).collect();
    if let Some(extra) = names.iter().find(|name| given.field(name).is_none()) {
        return Err(
            unreadable(format!("it has the column `{extra}`, which the stream does not")).with_hint(hint)
        );
    }
    let mut casts = BTreeMap::new();
    for field in &given.fields {
        let Some(found) = own.field(&field.name) else {
            let message =
                format!("it has no column `{}`, which the stream has; it has {}", field.name, listed(&names));
            return Err(unreadable(message).with_hint(hint));
        };
        if Route::between(&found.r#type, &field.r#type).is_none() {
            let (found, wanted) = (type_name(&found.r#type), type_name(&field.r#type));
            return Err(unreadable(format!(
                "its column `{}` is {found}, but the stream's is {wanted}",
                field.name
            ))
            .with_hint(hint));
        }
        if found.r#type != field.r#type {
            casts.insert(field.name.clone(), field.r#type.clone());
        }
    }
    Ok(casts)
}

/// The rows of one object, group by group.
pub(crate) struct Groups {
    batches: Batches,
    /// The object's own columns in portable types; those with times finer than microseconds; their order in the stream.
    own: SchemaRef,
    fine: Vec<usize>,
    order: Vec<usize>,
    casts: BTreeMap<String, ColumnType>,
    schema: SchemaRef,
    row: u64,
    pending: Option<RecordBatch>,
    batch_rows: usize,
}

impl Groups {
    /// The stream's columns.
    pub(crate) fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    /// The next batch.
    pub(crate) fn next(&mut self) -> Result<Option<Decoded>> {
        loop {
            let batch = match self.pending.take() {
                Some(batch) => batch,
                None => match self
                    .batches
                    .next()
                    .transpose()
                    .map_err(|error| unreadable("its rows cannot be read").with_source(error))?
                {
                    Some(batch) => batch,
                    None => return Ok(None),
                },
            };
            let taken = batch.num_rows().min(self.batch_rows);
            if taken < batch.num_rows() {
                self.pending = Some(batch.slice(taken, batch.num_rows() - taken));
            }
            if taken > 0 {
                let decoded = self.decode(&batch.slice(0, taken))?;
                self.row += taken as u64;
                return Ok(Some(decoded));
            }
        }
    }

    fn decode(&self, batch: &RecordBatch) -> Result<Decoded> {
        let wrong = |error: ArrowError| unreadable("its columns do not suit the stream").with_source(error);
        let mut refused = BTreeMap::new();
        for place in &self.fine {
            refuse_finer(batch, *place, &mut refused);
        }
        let whole = conform(batch, &self.own)?;
        self.refuse_nulls(&whole, &mut refused);
        let kept: Vec<usize> = (0..whole.num_rows()).filter(|row| !refused.contains_key(row)).collect();
        let keep: BooleanArray = (0..whole.num_rows()).map(|row| Some(!refused.contains_key(&row))).collect();
        let fitting = if refused.is_empty() {
            whole.clone()
        } else {
            filter_record_batch(&whole, &keep).map_err(wrong)?
        };
        let (fitting, misfits) = cast(&fitting.project(&self.order).map_err(wrong)?, &self.casts)?;
        for misfit in misfits {
            refused.insert(kept[misfit.row], (misfit.column, misfit.reason));
        }
        let options = RecordBatchOptions::new().with_row_count(Some(fitting.num_rows()));
        let batch =
            RecordBatch::try_new_with_options(self.schema.clone(), fitting.columns().to_vec(), &options)
                .map_err(wrong)?;
        Ok(Decoded { batch, refused: self.place_refused(&whole, refused) })
    }

    /// Refuse the rows without a value where the stream must have one.
    fn refuse_nulls(&self, batch: &RecordBatch, refused: &mut BTreeMap<usize, (String, String)>) {
        for (field, place) in self.schema.fields().iter().zip(&self.order) {
            let column = batch.column(*place);
            if field.is_nullable() || column.null_count() == 0 {
                continue;
            }
            for row in (0..column.len()).filter(|row| column.is_null(*row)) {
                let why = "it has no value, but the column must have one".to_owned();
                refused.entry(row).or_insert((field.name().clone(), why));
            }
        }
    }

    fn place_refused(&self, batch: &RecordBatch, refused: BTreeMap<usize, (String, String)>) -> Vec<Refused> {
        let place = |(already, (row, (column, why))): (usize, (usize, (String, String)))| {
            let line = self.row + row as u64 + 1;
            let reason = format!(
                "row {line}, column `{column}`: {why}; declare `{column}` under `columns:` with a type that holds it, such as text"
            );
            Refused { before: row - already, line, column: Some(column), reason, text: print_row(batch, row) }
        };
        refused.into_iter().enumerate().map(place).collect()
    }
}

/// Refuse the rows with a time that microseconds cannot hold.
fn refuse_finer(batch: &RecordBatch, place: usize, refused: &mut BTreeMap<usize, (String, String)>) {
    let column = batch.column(place);
    let nanos = match column.data_type() {
        DataType::Timestamp(..) => column.as_primitive::<TimestampNanosecondType>().values(),
        DataType::Duration(_) => column.as_primitive::<DurationNanosecondType>().values(),
        _ => column.as_primitive::<Time64NanosecondType>().values(),
    };
    for row in (0..column.len()).filter(|row| nanos[*row] % 1000 != 0 && column.is_valid(*row)) {
        let name = batch.schema_ref().field(place).name().clone();
        refused.entry(row).or_insert((name, "its time is finer than a microsecond".to_owned()));
    }
}

/// The row as JSON, for a person to look at.
fn print_row(batch: &RecordBatch, row: usize) -> String {
    let Ok(schema) = Schema::from_arrow(batch.schema_ref()) else { return String::new() };
    let mut text = vec![b'{'];
    for (field, column) in schema.fields.iter().zip(batch.columns()) {
        Piece::key(&field.name, text.len() == 1).put(&mut text);
        let before = text.len();
        if Printer::new(&field.r#type, column).is_none_or(|printer| printer.json(row, &mut text).is_err()) {
            text.truncate(before);
            text.extend(b"null");
        }
    }
    text.push(b'}');
    shorten(&String::from_utf8_lossy(&text))
}

fn full(error: io::Error) -> Error {
    Error::new(
        ErrorKind::Internal,
        "decode an object",
        "the temporary file that holds it cannot be written or read",
    )
    .with_hint("make room in the folder for temporary files, or point TMPDIR at another")
    .with_source(error)
}
