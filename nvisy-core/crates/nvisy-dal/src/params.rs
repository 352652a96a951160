//! What a node asks of its provider. The engine understands these shapes; a provider's own parameters extend the
//! shape of its category and travel as JSON Schema in its manifest.

use crate::WriteMode;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;

/// The families of systems.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Category {
    /// Tables with keys.
    Relational,
    /// Blobs under paths.
    Object,
    /// Embeddings.
    Vector,
    /// JSON documents.
    Document,
    /// Messages.
    Queue,
    /// Search indexes.
    Search,
    /// Nodes and edges.
    Graph,
}

impl fmt::Display for Category {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Relational => "relational",
            Self::Object => "object",
            Self::Vector => "vector",
            Self::Document => "document",
            Self::Queue => "queue",
            Self::Search => "search",
            Self::Graph => "graph",
        })
    }
}

/// Most rows a batch may be asked to have.
const MAX_BATCH_ROWS: u32 = 1_000_000;

fn batch_rows<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    let rows = u32::deserialize(deserializer)?;
    if (1..=MAX_BATCH_ROWS).contains(&rows) {
        Ok(rows)
    } else {
        Err(serde::de::Error::custom(format!("batch_rows is {rows}; it must be 1 to {MAX_BATCH_ROWS}")))
    }
}

/// Rows enough to make the cost per batch vanish, few enough to keep a batch of wide rows in a few megabytes.
fn default_rows() -> u32 {
    10_000
}

fn hundred() -> u32 {
    100
}

fn part_bytes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    let bytes = u32::deserialize(deserializer)?;
    if (65_536..=268_435_456).contains(&bytes) {
        Ok(bytes)
    } else {
        Err(serde::de::Error::custom(format!("part_bytes is {bytes}; it must be 65536 to 268435456")))
    }
}

fn default_part() -> u32 {
    8 * 1024 * 1024
}

fn yes() -> bool {
    true
}

/// One condition on a column; all conditions of a filter must hold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Condition {
    /// The column.
    pub column: String,
    /// The comparison.
    pub op: Operator,
    /// What to compare with: a scalar, a list for `in`, nothing for `is_null` and `not_null`.
    #[serde(default)]
    pub value: Option<Operand>,
}

/// A comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Operator {
    /// Equal.
    Eq,
    /// Not equal (null is neither equal nor unequal).
    Ne,
    /// Less.
    Lt,
    /// Less or equal.
    Le,
    /// Greater.
    Gt,
    /// Greater or equal.
    Ge,
    /// One of a list.
    In,
    /// Null.
    IsNull,
    /// Not null.
    NotNull,
}

/// What a column is compared with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Operand {
    /// One value.
    Scalar(Scalar),
    /// Several, for `in`.
    List(Vec<Scalar>),
}

/// One value to compare with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Scalar {
    /// true or false.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number.
    Float(f64),
    /// Text; dates and times in ISO 8601.
    Text(String),
}

/// What a relational node asks for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RelationalParams {
    /// The table (or view) to read or write.
    #[serde(default)]
    pub table: Option<String>,
    /// The namespace the table is in, where the system has such.
    #[serde(default)]
    pub schema: Option<String>,
    /// Columns that together are unique; reading follows their order, upserts match on them. Empty: the primary key.
    #[serde(default)]
    pub key: Vec<String>,
    /// Columns to read; all of them when null.
    #[serde(default)]
    pub columns: Option<Vec<String>>,
    /// Conditions that all rows read must meet.
    #[serde(default)]
    pub filter: Vec<Condition>,
    /// Rows in a batch, 1 to 1,000,000.
    #[serde(default = "default_rows", deserialize_with = "batch_rows")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub batch_rows: u32,
    /// How to write; null means upsert where there is a key, else append.
    #[serde(default)]
    pub mode: Option<WriteMode>,
    /// Create the table when it is not there.
    #[serde(default = "yes")]
    pub create: bool,
    /// Add columns the table does not have yet.
    #[serde(default)]
    pub evolve: bool,
}

/// What an object node asks for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ObjectParams {
    /// Only keys that begin with this; when writing, put before every key.
    #[serde(default)]
    pub prefix: String,
    /// Only keys that match this pattern (`*` within a folder, `**` across, `?`, `[...]`).
    #[serde(default)]
    pub glob: Option<String>,
    /// Bytes after which a large object travels in parts, 64 KiB to 256 MiB.
    #[serde(default = "default_part", deserialize_with = "part_bytes")]
    #[schemars(range(min = 65_536, max = 268_435_456))]
    pub part_bytes: u32,
    /// How to write; null means upsert: an object takes the place of the one with its key.
    #[serde(default)]
    pub mode: Option<WriteMode>,
}

macro_rules! collection_params {
    ($(#[$doc:meta])* $name:ident { $($(#[$fdoc:meta])* $field:ident: $type:ty),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            $($(#[$fdoc])* #[serde(default)] pub $field: $type,)*
            /// Items in a batch, 1 to 1,000,000.
            #[serde(default = "hundred", deserialize_with = "batch_rows")]
            #[schemars(range(min = 1, max = 1_000_000))]
            pub batch_rows: u32,
            /// How to write; null is the provider's documented default.
            #[serde(default)]
            pub mode: Option<WriteMode>,
        }
    };
}

collection_params! {
    /// What a vector node asks for.
    VectorParams {
        /// The collection.
        collection: Option<String>,
        /// The namespace or partition inside it, where the system has such.
        namespace: Option<String>,
        /// Create the collection when it is not there.
        create: bool,
    }
}
collection_params! {
    /// What a document node asks for.
    DocumentParams {
        /// The database, where the system has such.
        database: Option<String>,
        /// The collection.
        collection: Option<String>,
        /// Conditions that all documents read must meet.
        filter: Vec<Condition>,
    }
}
collection_params! {
    /// What a queue node asks for.
    QueueParams {
        /// The stream, topic or queue.
        stream: Option<String>,
        /// Only messages whose subject matches; when writing, the subject of a message that has none.
        subject: Option<String>,
    }
}
collection_params! {
    /// What a search node asks for.
    SearchParams {
        /// The index.
        index: Option<String>,
        /// Fields that together are unique.
        key: Vec<String>,
        /// Conditions that all documents read must meet.
        filter: Vec<Condition>,
    }
}
collection_params! {
    /// What a graph node asks for.
    GraphParams {
        /// The database, where the system has such.
        database: Option<String>,
        /// Only nodes with one of these labels, and edges of these types; all when empty.
        labels: Vec<String>,
    }
}

/// The parameters of a node, by category.
#[derive(Clone, Debug, PartialEq)]
pub enum CategoryParams {
    /// Of a relational node.
    Relational(RelationalParams),
    /// Of an object node.
    Object(ObjectParams),
    /// Of a vector node.
    Vector(VectorParams),
    /// Of a document node.
    Document(DocumentParams),
    /// Of a queue node.
    Queue(QueueParams),
    /// Of a search node.
    Search(SearchParams),
    /// Of a graph node.
    Graph(GraphParams),
}

impl CategoryParams {
    /// Take the fields of `category` out of a node's merged parameters; what a provider adds is left to its manifest.
    ///
    /// # Errors
    /// A sentence naming the field that does not fit.
    pub fn parse(
        category: Category,
        params: &serde_json::Map<String, serde_json::Value>,
    ) -> Result<Self, String> {
        fn known<T: JsonSchema + for<'de> Deserialize<'de>>(
            params: &serde_json::Map<String, serde_json::Value>,
        ) -> Result<T, String> {
            let schema = schemars::schema_for!(T);
            let names = schema.get("properties").and_then(serde_json::Value::as_object);
            let own = params.iter().filter(|(name, _)| names.is_some_and(|names| names.contains_key(*name)));
            let own = own.map(|(name, value)| (name.clone(), value.clone())).collect();
            serde_json::from_value(serde_json::Value::Object(own)).map_err(|error| error.to_string())
        }
        Ok(match category {
            Category::Relational => Self::Relational(known(params)?),
            Category::Object => Self::Object(known(params)?),
            Category::Vector => Self::Vector(known(params)?),
            Category::Document => Self::Document(known(params)?),
            Category::Queue => Self::Queue(known(params)?),
            Category::Search => Self::Search(known(params)?),
            Category::Graph => Self::Graph(known(params)?),
        })
    }

    /// How the node writes: what it says, or its category's default.
    pub fn mode(&self) -> WriteMode {
        match self {
            Self::Relational(RelationalParams { mode: Some(mode), .. })
            | Self::Object(ObjectParams { mode: Some(mode), .. })
            | Self::Vector(VectorParams { mode: Some(mode), .. })
            | Self::Document(DocumentParams { mode: Some(mode), .. })
            | Self::Queue(QueueParams { mode: Some(mode), .. })
            | Self::Search(SearchParams { mode: Some(mode), .. })
            | Self::Graph(GraphParams { mode: Some(mode), .. }) => *mode,
            Self::Relational(params) if params.key.is_empty() => WriteMode::Append,
            Self::Queue(_) => WriteMode::Append,
            Self::Relational(_)
            | Self::Object(_)
            | Self::Vector(_)
            | Self::Document(_)
            | Self::Search(_)
            | Self::Graph(_) => WriteMode::Upsert,
        }
    }
}
