//! Batches in, the bytes of one object out: the mirror of `decode`. The same rows give the same bytes, so that writing
//! an object again overwrites it with itself.
//!
//! How a value is written as text: decimals as JSON strings (most readers would make doubles of numbers), 64-bit
//! integers as JSON numbers with all digits, dates and times in ISO 8601 with six decimals and `Z` for an instant,
//! durations as `PT1.5S`, bytes in base64, UUIDs in lower case, JSON as it is. JSON lines write null by name; CSV
//! writes null as nothing and empty text as `""`. CSV holds nested values as JSON.

use crate::deflate::Deflate;
use crate::format::{Compression, Format};
use crate::normalise::{conform, portable};
use crate::options::EncodeOptions;
use crate::print::{Piece, Printer, Unwritable};
use arrow_array::RecordBatch;
use arrow_ipc::CompressionType;
use arrow_ipc::writer::{FileWriter, IpcWriteOptions};
use arrow_schema::SchemaRef;
use nvisy_dal::{ColumnType, Error, ErrorKind, Field, Result, Schema};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression as ParquetCompression, GzipLevel, ZstdLevel};
use parquet::file::properties::WriterProperties;
use std::error::Error as StdError;
use std::sync::Arc;

/// Rows of text collected before the compressor sees them.
const STEP: usize = 64 * 1024;

/// Encodes ONE object.
pub struct Encoder {
    /// The columns as they are written, and their portable types.
    schema: SchemaRef,
    columns: Schema,
    body: Body,
    rows: u64,
    bytes: u64,
    most_rows: u64,
    most_bytes: Option<u64>,
}

enum Body {
    Text(Text),
    Parquet(Box<ArrowWriter<Vec<u8>>>),
    Arrow(Box<FileWriter<Vec<u8>>>),
}

struct Text {
    format: Format,
    /// Of each column, what stands in front of its value in JSON.
    keys: Vec<Piece>,
    buffer: Vec<u8>,
    out: Deflate,
}

impl Encoder {
    /// An encoder of rows with these columns.
    ///
    /// # Errors
    /// `invalid_config` when the options cannot work, `invalid_data` when a column's type cannot be written.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "the mirror of `Decoder::new`; a schema is handed over as it is kept"
    )]
    pub fn new(options: &EncodeOptions, schema: SchemaRef) -> Result<Self> {
        options.check()?;
        // Metadata of foreign schemas has no order of its own and would make the bytes differ from run to run.
        let columns = portable(&schema)?;
        let schema = Arc::new(columns.to_arrow());
        let mut bytes = 0;
        let body = match options.format {
            Format::Csv | Format::Jsonl => {
                let text = Text::new(options, &columns)?;
                bytes = text.buffer.len() as u64;
                Body::Text(text)
            }
            Format::Parquet => {
                let writer = ArrowWriter::try_new(Vec::new(), schema.clone(), Some(properties(options)?))
                    .map_err(unwritable)?;
                Body::Parquet(Box::new(writer))
            }
            Format::ArrowIpc => {
                let zstd = (options.compression == Compression::Zstd).then_some(CompressionType::ZSTD);
                let ipc = IpcWriteOptions::default().try_with_compression(zstd).map_err(unwritable)?;
                let ipc = ipc.try_with_compression_level(options.level).map_err(unwritable)?;
                let writer =
                    FileWriter::try_new_with_options(Vec::new(), &schema, ipc).map_err(unwritable)?;
                Body::Arrow(Box::new(writer))
            }
        };
        Ok(Self { schema, columns, body, rows: 0, bytes, most_rows: options.rows, most_bytes: options.bytes })
    }

    /// Take some rows. They all go into this object; see `room`.
    ///
    /// # Errors
    /// `invalid_data` naming the column and the row (counted from 1 in this object) that cannot be written. The
    /// object is then of no use.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        if batch.num_columns() != self.columns.fields.len() {
            let message = format!(
                "a batch has {} columns, the object {}",
                batch.num_columns(),
                self.columns.fields.len()
            );
            return Err(Error::new(ErrorKind::InvalidData, "encode an object", message));
        }
        let batch = conform(batch, &self.schema)?;
        match &mut self.body {
            Body::Text(text) => self.bytes += text.write(&batch, &self.columns, self.rows)?,
            Body::Parquet(writer) => {
                writer.write(&batch).map_err(unwritable)?;
                self.bytes = (writer.bytes_written() + writer.in_progress_size()) as u64;
            }
            Body::Arrow(writer) => {
                writer.write(&batch).map_err(unwritable)?;
                self.bytes = writer.get_ref().len() as u64;
            }
        }
        self.rows += batch.num_rows() as u64;
        Ok(())
    }

    /// Rows taken so far.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Bytes encoded so far: of CSV and JSON lines before compression; of Parquet and Arrow, which compress inside,
    /// after it and by estimate until `finish`.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// How many rows still belong into this object: 0 when it has its rows or its bytes.
    pub fn room(&self) -> u64 {
        let full = self.rows > 0 && self.most_bytes.is_some_and(|most| self.bytes >= most);
        if full { 0 } else { self.most_rows.saturating_sub(self.rows) }
    }

    /// The whole object.
    ///
    /// # Errors
    /// `internal` when the codec fails.
    pub fn finish(self) -> Result<Vec<u8>> {
        match self.body {
            Body::Text(mut text) => {
                text.out.push(&text.buffer)?;
                text.out.finish()
            }
            Body::Parquet(writer) => writer.into_inner().map_err(unwritable),
            Body::Arrow(mut writer) => {
                writer.finish().map_err(unwritable)?;
                writer.into_inner().map_err(unwritable)
            }
        }
    }
}

impl Text {
    fn new(options: &EncodeOptions, columns: &Schema) -> Result<Self> {
        let mut buffer = Vec::with_capacity(STEP * 2);
        if options.format == Format::Csv {
            for (place, field) in columns.fields.iter().enumerate() {
                if place > 0 {
                    buffer.push(b',');
                }
                buffer.extend(field.name.as_bytes());
                quote(&mut buffer, field.name.len());
            }
            buffer.push(b'\n');
        }
        let key = |(place, field): (usize, &Field)| Piece::key(&field.name, place == 0);
        let keys = columns.fields.iter().enumerate().map(key).collect();
        Ok(Self {
            format: options.format,
            keys,
            buffer,
            out: Deflate::new(options.compression, options.level)?,
        })
    }

    /// Write the batch's rows; gives the bytes of their text.
    fn write(&mut self, batch: &RecordBatch, columns: &Schema, before: u64) -> Result<u64> {
        let mut printers = Vec::with_capacity(columns.fields.len());
        for (field, column) in columns.fields.iter().zip(batch.columns()) {
            let printer = Printer::new(&field.r#type, column);
            printers.push(printer.ok_or_else(|| refuse(field, 0, "is not of its type"))?);
        }
        let mut bytes = 0;
        for row in 0..batch.num_rows() {
            let begin = self.buffer.len();
            let written = match self.format {
                Format::Csv => self.write_csv(&printers, row),
                Format::Jsonl | Format::Parquet | Format::ArrowIpc => self.write_json(&printers, row),
            };
            written.map_err(|(place, why)| refuse(&columns.fields[place], before + row as u64 + 1, &why))?;
            bytes += (self.buffer.len() - begin) as u64;
            if self.buffer.len() >= STEP {
                self.out.push(&self.buffer)?;
                self.buffer.clear();
            }
        }
        Ok(bytes)
    }

    fn write_json(
        &mut self,
        printers: &[Printer<'_>],
        row: usize,
    ) -> std::result::Result<(), (usize, Unwritable)> {
        self.buffer.push(b'{');
        for (place, (printer, key)) in printers.iter().zip(&self.keys).enumerate() {
            key.put(&mut self.buffer);
            printer.json(row, &mut self.buffer).map_err(|why| (place, why))?;
        }
        self.buffer.extend_from_slice(b"}\n");
        Ok(())
    }

    fn write_csv(
        &mut self,
        printers: &[Printer<'_>],
        row: usize,
    ) -> std::result::Result<(), (usize, Unwritable)> {
        for (place, printer) in printers.iter().enumerate() {
            if place > 0 {
                self.buffer.push(b',');
            }
            if printer.is_null(row) {
                continue;
            }
            let begin = self.buffer.len();
            printer.text(row, &mut self.buffer).map_err(|why| (place, why))?;
            if printer.free() || self.buffer.len() == begin {
                let length = self.buffer.len() - begin;
                quote(&mut self.buffer, length);
            }
        }
        self.buffer.push(b'\n');
        Ok(())
    }
}

/// Put quotes around the last `length` bytes where CSV needs them: around nothing, line ends, commas, quotes, and
/// spaces at either end.
fn quote(buffer: &mut Vec<u8>, length: usize) {
    let begin = buffer.len() - length;
    let cell = &buffer[begin..];
    // Without an early end, so that many bytes are looked at in one step.
    let special = cell.iter().fold(false, |any, byte| any | matches!(byte, b',' | b'"' | b'\n' | b'\r'));
    let spaced =
        cell.first().is_none_or(u8::is_ascii_whitespace) || cell.last().is_some_and(u8::is_ascii_whitespace);
    // A byte order mark at the very beginning would be taken for one.
    if !special && !spaced && !cell.starts_with(b"\xEF\xBB\xBF") {
        return;
    }
    let cell = buffer.split_off(begin);
    buffer.push(b'"');
    for part in cell.split_inclusive(|byte| *byte == b'"') {
        buffer.extend(part);
        if part.ends_with(b"\"") {
            buffer.push(b'"');
        }
    }
    buffer.push(b'"');
}

fn properties(options: &EncodeOptions) -> Result<WriterProperties> {
    let compression = match options.compression {
        Compression::None => ParquetCompression::UNCOMPRESSED,
        Compression::Gzip => {
            let level = options.level.and_then(|level| u32::try_from(level).ok()).unwrap_or(6);
            ParquetCompression::GZIP(GzipLevel::try_new(level).map_err(unwritable)?)
        }
        Compression::Zstd => {
            ParquetCompression::ZSTD(ZstdLevel::try_new(options.level.unwrap_or(3)).map_err(unwritable)?)
        }
    };
    Ok(WriterProperties::builder().set_created_by("nvisy".to_owned()).set_compression(compression).build())
}

fn refuse(field: &Field, row: u64, why: &str) -> Error {
    let error = Error::new(
        ErrorKind::InvalidData,
        "encode an object",
        format!("row {row}, column `{}`: the value {why}", field.name),
    );
    match field.r#type {
        ColumnType::Float32 | ColumnType::Float64 => error
            .with_hint("JSON has no NaN and no infinity: choose another format, or cast the column to text"),
        _ => error.with_hint("choose parquet or arrow, which hold every value"),
    }
}

fn unwritable(error: impl StdError + Send + Sync + 'static) -> Error {
    Error::new(ErrorKind::Internal, "encode an object", "the codec failed").with_source(error)
}
