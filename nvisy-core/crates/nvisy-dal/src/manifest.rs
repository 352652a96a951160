//! What a provider says of itself without being imported. The engine plans from this alone.

use crate::{Category, ContextKind, CredentialShape, DataKind, WriteMode};
use regex_lite::Regex;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::LazyLock;

/// The protocol version this build speaks.
pub const PROTOCOL: u32 = 1;

/// A provider's static description: the file `nvisy_provider.json` of its package.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Protocol versions the provider speaks.
    pub protocol: ProtocolRange,
    /// Its name in workflows.
    pub name: ProviderName,
    /// Its name for people.
    pub title: String,
    /// The family of systems it belongs to.
    pub category: Category,
    /// Kinds of data it moves.
    pub kinds: Vec<DataKind>,
    /// Kinds of context its reads carry; empty when it cannot read.
    pub contexts: Vec<ContextKind>,
    /// Write modes it offers; empty when it cannot write.
    pub modes: Vec<WriteMode>,
    /// What it can do; an ability that is not listed is unsupported.
    #[schemars(transform = keyed_by::<Ability>)]
    pub abilities: BTreeMap<Ability, Capability>,
    /// How far its promises go beyond abilities; one that is not listed is claimed in full.
    #[serde(default)]
    #[schemars(transform = keyed_by::<Feature>)]
    pub features: BTreeMap<Feature, Capability>,
    /// Shape its credentials extend.
    pub credential_shape: CredentialShape,
    /// JSON Schema of its credentials; secret fields have `writeOnly: true`.
    #[serde(deserialize_with = "object")]
    pub credentials: serde_json::Map<String, serde_json::Value>,
    /// JSON Schema of its parameters: its category's and its own.
    #[serde(deserialize_with = "object")]
    pub params: serde_json::Map<String, serde_json::Value>,
    /// How a URI names its parameters; null when it has no URI form.
    pub uri: Option<UriForm>,
}

/// An object and not null, which a `Map` alone takes for an empty one.
fn object<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<serde_json::Map<String, serde_json::Value>, D::Error> {
    match serde_json::Value::deserialize(deserializer)? {
        serde_json::Value::Object(fields) => Ok(fields),
        _ => Err(serde::de::Error::custom("a schema in a manifest is an object")),
    }
}

/// How the parts of a URI become parameters and credentials.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UriForm {
    /// The schemes that mean this provider.
    pub schemes: Vec<String>,
    /// Part of the URI (`path`, `absolute_path`, `host`, `port`, `username`, `password`) to the field it fills.
    /// `path` is what follows the slash after the authority; `absolute_path` keeps that slash.
    #[schemars(transform = keyed_by::<UriPart>)]
    pub parts: BTreeMap<UriPart, String>,
}

/// A part of a URI.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum UriPart {
    /// What follows the slash after the authority.
    Path,
    /// The same with the slash.
    AbsolutePath,
    /// The host.
    Host,
    /// The port.
    Port,
    /// The user.
    Username,
    /// The password.
    Password,
}

/// Say in the schema of a map that its keys are the words of `K`.
fn keyed_by<K: JsonSchema>(schema: &mut schemars::Schema) {
    let words = K::json_schema(&mut schemars::SchemaGenerator::default());
    schema.insert("propertyNames".to_owned(), words.to_value());
}

/// Something a provider may be able to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Ability {
    /// `read`.
    Read,
    /// `write`.
    Write,
    /// `check`, `streams` and `describe`.
    Inspect,
    /// `prepare`: create or evolve the target.
    Prepare,
    /// `committed` and `write_through`: the engine's checkpoint is stored in the sink's own transaction.
    Transactional,
    /// `publish`: what was written becomes visible at the end, all at once.
    Staged,
}

/// Something a reader of the manifest may rely on unless it is said to hold only partly, or not at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Feature {
    /// There is a server to connect to, not a file or this process.
    Endpoint,
    /// The connection can be encrypted, and is verified when it is.
    Tls,
    /// Streams and items may have any name.
    Names,
    /// A read can be narrowed to the items that meet a condition.
    Filter,
    /// A read can be narrowed to some columns.
    Projection,
    /// Two reads of the same data have the same order.
    Order,
    /// A read sees the data as it was when the read began.
    Snapshot,
    /// After the last context comes exactly what was added since.
    Incremental,
    /// What was changed after it was read is read again.
    Updates,
    /// What was deleted after it was read is reported.
    Deletes,
    /// What a receipt accepts is seen by every read that begins afterwards; limit `within_ms` when only later.
    Consistency,
    /// A batch is written whole or not at all.
    Atomic,
    /// Null, a missing value and an empty one are told apart.
    #[serde(rename = "types.null")]
    Null,
    /// Booleans stay booleans.
    #[serde(rename = "types.bool")]
    Bool,
    /// Integers of 64 bits are exact.
    #[serde(rename = "types.int")]
    Int,
    /// Integers from 2^63 to 2^64 - 1 are exact.
    #[serde(rename = "types.uint64")]
    Uint64,
    /// Floats are exact to the bit.
    #[serde(rename = "types.float")]
    Float,
    /// NaN and both infinities are kept.
    #[serde(rename = "types.nan")]
    Nan,
    /// Decimals of 38 digits are exact, with their scale.
    #[serde(rename = "types.decimal")]
    Decimal,
    /// Text is kept, code point by code point.
    #[serde(rename = "types.text")]
    Text,
    /// The character NUL may stand in a text.
    #[serde(rename = "types.nul")]
    Nul,
    /// Bytes are kept.
    #[serde(rename = "types.bytes")]
    Bytes,
    /// Dates from year 1 to 9999.
    #[serde(rename = "types.date")]
    Date,
    /// Times of day to the microsecond.
    #[serde(rename = "types.time")]
    Time,
    /// Timestamps to the microsecond, with and without a zone.
    #[serde(rename = "types.timestamp")]
    Timestamp,
    /// Durations to the microsecond.
    #[serde(rename = "types.duration")]
    Duration,
    /// UUIDs.
    #[serde(rename = "types.uuid")]
    Uuid,
    /// JSON values of any depth.
    #[serde(rename = "types.json")]
    Json,
    /// Lists.
    #[serde(rename = "types.list")]
    List,
    /// Structs.
    #[serde(rename = "types.struct")]
    Struct,
    /// Vectors of 32-bit floats are exact to the bit.
    #[serde(rename = "types.vector")]
    Vector,
    /// Metadata and headers of an item are kept exactly.
    #[serde(rename = "types.metadata")]
    Metadata,
}

/// How far an ability or a feature goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Capability {
    /// Whether it is there.
    pub state: CapabilityState,
    /// Why not, or why only partly.
    #[serde(default)]
    pub mechanism: Option<String>,
    /// Named limits, such as `max_batch_rows` or `max_item_bytes`.
    #[serde(default)]
    pub limits: BTreeMap<String, u64>,
}

/// Whether an ability is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CapabilityState {
    /// All of it.
    Full,
    /// Some of it; `mechanism` says what is missing.
    Partial,
    /// The system cannot do it; `mechanism` says why.
    Unsupported,
    /// The system could, the provider does not yet.
    NotImplemented,
}

/// The protocol versions a provider speaks, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProtocolRange {
    /// Lowest.
    pub min: u32,
    /// Highest.
    pub max: u32,
}

impl ProtocolRange {
    /// Whether `version` lies inside.
    pub fn contains(self, version: u32) -> bool {
        (self.min..=self.max).contains(&version)
    }
}

/// A provider's name: a lower-case letter, then 1 to 40 lower-case letters, digits or underscores.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, JsonSchema)]
#[schemars(transparent)]
pub struct ProviderName(#[schemars(regex(pattern = r"^[a-z][a-z0-9_]{1,40}$"))] String);

static NAME: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new("^[a-z][a-z0-9_]{1,40}$").ok());

impl std::str::FromStr for ProviderName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if NAME.as_ref().is_some_and(|name| name.is_match(text)) {
            Ok(Self(text.to_owned()))
        } else {
            Err(format!(
                "`{text}` is not a provider name: a lower-case letter, then 1 to 40 lower-case letters, digits or underscores"
            ))
        }
    }
}

impl<'de> Deserialize<'de> for ProviderName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl ProviderName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ProviderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Manifest {
    /// Whether the provider has that ability, fully or partly.
    pub fn can(&self, ability: Ability) -> bool {
        self.abilities.get(&ability).is_some_and(|capability| {
            matches!(capability.state, CapabilityState::Full | CapabilityState::Partial)
        })
    }

    /// A named limit of an ability.
    pub fn limit(&self, ability: Ability, name: &str) -> Option<u64> {
        self.abilities.get(&ability)?.limits.get(name).copied()
    }
}
