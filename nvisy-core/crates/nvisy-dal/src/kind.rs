//! The six kinds of data that move, and the canonical Arrow columns of each.
//! A kind is closed: the engine must understand every one, so there is no "other".

use arrow_schema::{DataType, Schema as ArrowSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What one item of a stream is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DataKind {
    /// One blob: `path`, `data`, `content_type?`, `size`, `offset?`, `etag?`, `modified_at?`, `metadata?`.
    /// A blob larger than its provider's part size travels as consecutive items of the same `path`; `size` is
    /// always that of the whole blob and `offset` says where this part begins (null means 0).
    Object,
    /// One row; its columns and types are the source's own, decided once per stream.
    Record,
    /// One vector: `id`, `vector` (list of 32-bit floats), `metadata?` (JSON).
    Embedding,
    /// One JSON document: `id`, `content` (JSON), `metadata?` (JSON).
    Document,
    /// One queue message: `id?`, `subject?`, `key?`, `payload` (binary), `headers?` (JSON), `timestamp?`.
    Message,
    /// One node or edge: `element` (`node` or `edge`), `id`, `labels?`, `from?`, `to?`, `label?`, `properties?`.
    Graph,
}

impl DataKind {
    /// Every kind, in the order of the documentation.
    pub const ALL: [Self; 6] =
        [Self::Object, Self::Record, Self::Embedding, Self::Document, Self::Message, Self::Graph];

    /// Columns an item of this kind must have, and the only ones it may have besides; `None` where the columns
    /// are the source's own.
    fn canonical(self) -> Option<(&'static [&'static str], &'static [&'static str])> {
        match self {
            Self::Object => Some((
                &["path", "data", "size"],
                &["content_type", "offset", "etag", "modified_at", "metadata"],
            )),
            Self::Record => None,
            Self::Embedding => Some((&["id", "vector"], &["metadata"])),
            Self::Document => Some((&["id", "content"], &["metadata"])),
            Self::Message => Some((&["payload"], &["id", "subject", "key", "headers", "timestamp"])),
            Self::Graph => Some((&["element", "id"], &["labels", "from", "to", "label", "properties"])),
        }
    }

    /// Check that `schema` can carry items of this kind.
    ///
    /// # Errors
    /// A sentence naming the missing, unknown or wrongly typed column.
    pub fn check(self, schema: &ArrowSchema) -> Result<(), String> {
        let Some((required, optional)) = self.canonical() else {
            return check_unique(schema);
        };
        for name in required {
            if schema.field_with_name(name).is_err() {
                return Err(format!("{self} items need a column `{name}`; there is none"));
            }
        }
        for field in schema.fields() {
            let name = field.name().as_str();
            if !required.contains(&name) && !optional.contains(&name) {
                return Err(format!("{self} items have no column `{name}`; put it into `metadata`"));
            }
        }
        self.check_payload(schema)
    }

    fn check_payload(self, schema: &ArrowSchema) -> Result<(), String> {
        let (name, wanted) = match self {
            Self::Object => ("data", "binary"),
            Self::Message => ("payload", "binary"),
            Self::Embedding => ("vector", "a list of 32-bit floats"),
            Self::Document => ("content", "text"),
            Self::Graph => ("element", "text"),
            Self::Record => return Ok(()),
        };
        let Ok(field) = schema.field_with_name(name) else {
            return Ok(());
        };
        let fits = match field.data_type() {
            DataType::Binary | DataType::LargeBinary | DataType::BinaryView => wanted == "binary",
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => wanted == "text",
            DataType::FixedSizeList(item, _) | DataType::List(item) | DataType::LargeList(item) => {
                self == Self::Embedding && *item.data_type() == DataType::Float32
            }
            _ => false,
        };
        if fits {
            Ok(())
        } else {
            Err(format!("column `{name}` of {self} items must be {wanted}, not {}", field.data_type()))
        }
    }
}

fn check_unique(schema: &ArrowSchema) -> Result<(), String> {
    let mut names: Vec<_> = schema.fields().iter().map(|f| f.name().as_str()).collect();
    names.sort_unstable();
    match names.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(format!("column `{}` appears twice; give each column its own name", pair[0])),
        None => Ok(()),
    }
}

impl fmt::Display for DataKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Object => "object",
            Self::Record => "record",
            Self::Embedding => "embedding",
            Self::Document => "document",
            Self::Message => "message",
            Self::Graph => "graph",
        })
    }
}
