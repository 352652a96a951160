//! Which codec and which compression a path means. Names only: nothing here reads a byte.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How records are laid out in an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// Comma-separated values with a header (RFC 4180).
    Csv,
    /// One JSON object per line.
    Jsonl,
    /// Apache Parquet.
    Parquet,
    /// Arrow IPC: both the file and the stream form are read, the file form is written.
    #[serde(rename = "arrow")]
    ArrowIpc,
}

/// How an object's bytes are compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Compression {
    /// Not at all.
    #[default]
    None,
    /// gzip, RFC 1952.
    Gzip,
    /// Zstandard, RFC 8878.
    Zstd,
}

impl Format {
    /// The format that the extension of `path` means, after `.gz` or `.zst`; `None` when it means none.
    pub fn from_path(path: &str) -> Option<Self> {
        Some(match extension(Compression::strip(path))?.as_str() {
            "csv" | "tsv" | "tab" => Self::Csv,
            "jsonl" | "ndjson" | "json" => Self::Jsonl,
            "parquet" | "pq" => Self::Parquet,
            "arrow" | "arrows" | "ipc" | "feather" => Self::ArrowIpc,
            _ => return None,
        })
    }

    /// The word used in workflow files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Jsonl => "jsonl",
            Self::Parquet => "parquet",
            Self::ArrowIpc => "arrow",
        }
    }

    /// The media type of an uncompressed object.
    pub(crate) fn content_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8",
            Self::Jsonl => "application/x-ndjson",
            Self::Parquet => "application/vnd.apache.parquet",
            Self::ArrowIpc => "application/vnd.apache.arrow.file",
        }
    }
}

impl Compression {
    /// The compression that the extension of `path` means.
    pub fn from_path(path: &str) -> Self {
        match extension(path).as_deref() {
            Some("gz" | "gzip") => Self::Gzip,
            Some("zst" | "zstd") => Self::Zstd,
            _ => Self::None,
        }
    }

    /// The word used in workflow files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        }
    }

    /// The path without the extension of its compression.
    fn strip(path: &str) -> &str {
        match Self::from_path(path) {
            Self::None => path,
            Self::Gzip | Self::Zstd => path.rsplit_once('.').map_or(path, |(stem, _)| stem),
        }
    }
}

/// Whether the extension says that cells are separated by tabs.
pub(crate) fn tab_separated(path: &str) -> bool {
    matches!(extension(Compression::strip(path)).as_deref(), Some("tsv" | "tab"))
}

fn extension(path: &str) -> Option<String> {
    let name = path.rsplit('/').next()?;
    name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_name_their_format_and_compression() {
        assert_eq!(Format::from_path("a/b.csv.gz"), Some(Format::Csv));
        assert_eq!(Format::from_path("a/b.JSONL.zst"), Some(Format::Jsonl));
        assert_eq!(Format::from_path("b.parquet"), Some(Format::Parquet));
        assert_eq!(Format::from_path("x.csv/b"), None);
        assert_eq!(Compression::from_path("a.csv.GZ"), Compression::Gzip);
        assert_eq!(Compression::from_path("a.csv"), Compression::None);
        assert!(tab_separated("a.tsv.gz"));
    }

    #[test]
    fn names_are_those_of_workflow_files() {
        for format in [Format::Csv, Format::Jsonl, Format::Parquet, Format::ArrowIpc] {
            assert_eq!(serde_json::to_string(&format).unwrap(), format!("\"{}\"", format.as_str()));
        }
    }
}
