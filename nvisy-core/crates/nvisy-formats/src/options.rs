//! What a decode or encode step asks for. Everything that can be refused before a byte moves is refused in `check`.

use crate::format::{Compression, Format};
use nvisy_dal::{ColumnType, Error, ErrorKind, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a decode step asks for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DecodeOptions {
    /// The format; null means what the object's extension says.
    pub format: Option<Format>,
    /// The compression; null means what the object's extension says.
    pub compression: Option<Compression>,
    /// Types of columns by name. They win over what the values look like and over what a Parquet or Arrow file says.
    pub columns: Option<BTreeMap<String, ColumnType>>,
    /// CSV: the first record names the columns. Without it they are `column_1`, `column_2` and so on.
    pub header: bool,
    /// CSV: what separates cells, one ASCII character. A comma means a tab where the extension is `.tsv`.
    pub delimiter: char,
    /// CSV: the unquoted cells that mean null.
    pub null: Vec<String>,
    /// Rows in a batch, 1 to 1,000,000.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub batch_rows: u32,
}

impl Default for DecodeOptions {
    fn default() -> Self {
        Self {
            format: None,
            compression: None,
            columns: None,
            header: true,
            delimiter: ',',
            null: vec![String::new()],
            batch_rows: 10_000,
        }
    }
}

impl DecodeOptions {
    /// Refuse what cannot work, before anything connects.
    ///
    /// # Errors
    /// `invalid_config` naming the option.
    pub fn check(&self) -> Result<()> {
        let refuse = |message: String| Error::new(ErrorKind::InvalidConfig, "prepare decoding", message);
        if !self.delimiter.is_ascii() || matches!(self.delimiter, '"' | '\n' | '\r' | '\0') {
            return Err(refuse(format!(
                "`delimiter` is {:?}; it must be one ASCII character that is neither a quote nor a line end",
                self.delimiter
            )));
        }
        if !(1..=1_000_000).contains(&self.batch_rows) {
            return Err(refuse(format!("`batch_rows` is {}; it must be 1 to 1000000", self.batch_rows)));
        }
        Ok(())
    }
}

/// What an encode step asks for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EncodeOptions {
    /// The format.
    pub format: Format,
    /// The compression. Parquet and Arrow compress inside the file and keep their extension; Arrow knows no gzip.
    #[serde(default)]
    pub compression: Compression,
    /// Most rows in an object.
    #[serde(default = "hundred_thousand")]
    #[schemars(range(min = 1))]
    pub rows: u64,
    /// Bytes, encoded but not yet compressed, after which an object is closed. The batch that crosses the line is
    /// still written whole, so this is a threshold and not a maximum.
    #[serde(default)]
    #[schemars(range(min = 1))]
    pub bytes: Option<u64>,
    /// The name of an object without its extension. `{ordinal}` becomes a number of twelve digits, so that the order
    /// of names is the order of objects.
    #[serde(default = "part")]
    pub name: String,
    /// The compression level: 0 to 9 for gzip, 1 to 22 for zstd; null means the usual one (6 and 3).
    #[serde(default)]
    pub level: Option<i32>,
}

fn hundred_thousand() -> u64 {
    100_000
}

fn part() -> String {
    "part-{ordinal}".to_owned()
}

impl EncodeOptions {
    /// The usual options of a format.
    pub fn new(format: Format) -> Self {
        Self {
            format,
            compression: Compression::None,
            rows: hundred_thousand(),
            bytes: None,
            name: part(),
            level: None,
        }
    }

    /// The extension of an object, without its leading dot, such as `jsonl.zst`.
    pub fn extension(&self) -> &'static str {
        match (self.format, self.compression) {
            (Format::Csv, Compression::None) => "csv",
            (Format::Csv, Compression::Gzip) => "csv.gz",
            (Format::Csv, Compression::Zstd) => "csv.zst",
            (Format::Jsonl, Compression::None) => "jsonl",
            (Format::Jsonl, Compression::Gzip) => "jsonl.gz",
            (Format::Jsonl, Compression::Zstd) => "jsonl.zst",
            (Format::Parquet, _) => "parquet",
            (Format::ArrowIpc, _) => "arrow",
        }
    }

    /// The media type of an object.
    pub fn content_type(&self) -> &'static str {
        match (self.format, self.compression) {
            (Format::Csv | Format::Jsonl, Compression::Gzip) => "application/gzip",
            (Format::Csv | Format::Jsonl, Compression::Zstd) => "application/zstd",
            (format, _) => format.content_type(),
        }
    }

    /// The name of the object with that number, extension included. Replaying an ordinal gives the same name.
    pub fn object_name(&self, ordinal: u64) -> String {
        format!("{}.{}", self.name.replace("{ordinal}", &format!("{ordinal:012}")), self.extension())
    }

    /// Refuse what cannot work, before anything connects.
    ///
    /// # Errors
    /// `invalid_config` naming the option.
    pub fn check(&self) -> Result<()> {
        let refuse = |message: String| Err(Error::new(ErrorKind::InvalidConfig, "prepare encoding", message));
        if self.rows == 0 || self.bytes == Some(0) {
            return refuse("`rows` and `bytes` must be 1 or more".to_owned());
        }
        if !self.name.contains("{ordinal}") {
            return refuse(format!(
                "`name` is `{}`, so that every object would overwrite the one before; put `{{ordinal}}` into it",
                self.name
            ));
        }
        if self.format == Format::ArrowIpc && self.compression == Compression::Gzip {
            return refuse(
                "`compression` is gzip, which Arrow files do not know; choose zstd or none".to_owned(),
            );
        }
        match (self.compression, self.level) {
            (_, None) | (Compression::Gzip, Some(0..=9)) | (Compression::Zstd, Some(1..=22)) => Ok(()),
            (Compression::None, Some(_)) => {
                refuse("`level` needs a `compression`; set one or leave the level out".to_owned())
            }
            (Compression::Gzip, Some(level)) => {
                refuse(format!("`level` is {level}; for gzip it must be 0 to 9"))
            }
            (Compression::Zstd, Some(level)) => {
                refuse(format!("`level` is {level}; for zstd it must be 1 to 22"))
            }
        }
    }
}
