//! Where a stream resumes: always *after* the item the context belongs to.
//! A context says where, never how much (that is a parameter), and it never holds a secret.

use crate::TypedValue;
use crate::json::tagged;
use regex_lite::Regex;
use schemars::JsonSchema;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::LazyLock;

/// Where to resume, after one item.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Context {
    /// After an object.
    Marker(MarkerContext),
    /// After a row in key order.
    Keyset(KeysetContext),
    /// After an item of a page.
    Token(TokenContext),
    /// After a sequence number of each partition.
    Offset(OffsetContext),
}

/// Which of the four a context is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ContextKind {
    /// Object stores.
    Marker,
    /// Anything read in key order.
    Keyset,
    /// Anything paged by opaque cursors.
    Token,
    /// Queues and logs.
    Offset,
}

/// After the object `key`, or after its first `offset` bytes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MarkerContext {
    /// Format version.
    pub version: Version,
    /// Of (stream, filter, sort).
    pub fingerprint: Fingerprint,
    /// The object's key.
    #[schemars(length(min = 1))]
    #[serde(deserialize_with = "not_empty")]
    pub key: String,
    /// Version or entity tag of that object when it was read.
    pub etag: Option<String>,
    /// Bytes of the object already read; null when it was read whole.
    pub offset: Option<u64>,
}

/// After the row whose key columns hold `values`. The last column breaks ties.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KeysetContext {
    /// Format version.
    pub version: Version,
    /// Of (stream, filter, sort).
    pub fingerprint: Fingerprint,
    /// Key columns and their values, in sort order.
    #[schemars(length(min = 1))]
    #[serde(deserialize_with = "some_values")]
    pub values: Vec<TypedValue>,
}

/// After the item at `offset` of the page that `token` fetches (the first page has no token).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenContext {
    /// Format version.
    pub version: Version,
    /// Of (stream, filter, sort).
    pub fingerprint: Fingerprint,
    /// The cursor of the page; null for the first.
    pub token: Option<String>,
    /// Items of that page already read.
    pub offset: u64,
}

/// After the given sequence number of each partition.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OffsetContext {
    /// Format version.
    pub version: Version,
    /// Of (stream, filter, sort).
    pub fingerprint: Fingerprint,
    /// Partition to last sequence number read, in key order.
    pub partitions: BTreeMap<String, u64>,
}

/// The format version of contexts; 1 is the only one so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(transparent)]
pub struct Version(#[schemars(range(min = 1, max = 1))] u8);

impl Version {
    /// The version this build writes and reads.
    pub const CURRENT: Self = Self(1);
}

impl<'de> Deserialize<'de> for Version {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match u8::deserialize(deserializer)? {
            1 => Ok(Self::CURRENT),
            other => Err(serde::de::Error::custom(format!(
                "context version {other} is not one this build reads (1)"
            ))),
        }
    }
}

/// A short digest of what is read and in which order: 16 to 64 lower-case hexadecimal digits.
/// Resuming under another fingerprint is refused.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[schemars(transparent)]
pub struct Fingerprint(#[schemars(regex(pattern = r"^[0-9a-f]{16,64}$"))] String);

static HEX: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new("^[0-9a-f]{16,64}$").ok());

impl std::str::FromStr for Fingerprint {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if HEX.as_ref().is_some_and(|hex| hex.is_match(text)) {
            Ok(Self(text.to_owned()))
        } else {
            Err("a fingerprint is 16 to 64 lower-case hexadecimal digits".to_owned())
        }
    }
}

impl<'de> Deserialize<'de> for Fingerprint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Context {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (kind, fields) = tagged(deserializer, "kind")?;
        let context = match kind.as_str() {
            "marker" => MarkerContext::deserialize(fields).map(Self::Marker),
            "keyset" => KeysetContext::deserialize(fields).map(Self::Keyset),
            "token" => TokenContext::deserialize(fields).map(Self::Token),
            "offset" => OffsetContext::deserialize(fields).map(Self::Offset),
            other => {
                return Err(D::Error::unknown_variant(other, &["marker", "keyset", "token", "offset"]));
            }
        };
        context.map_err(D::Error::custom)
    }
}

impl Context {
    /// Which kind of context this is.
    pub fn kind(&self) -> ContextKind {
        match self {
            Self::Marker(_) => ContextKind::Marker,
            Self::Keyset(_) => ContextKind::Keyset,
            Self::Token(_) => ContextKind::Token,
            Self::Offset(_) => ContextKind::Offset,
        }
    }

    /// The fingerprint of what was being read.
    pub fn fingerprint(&self) -> &Fingerprint {
        match self {
            Self::Marker(context) => &context.fingerprint,
            Self::Keyset(context) => &context.fingerprint,
            Self::Token(context) => &context.fingerprint,
            Self::Offset(context) => &context.fingerprint,
        }
    }
}

fn not_empty<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.is_empty() { Err(serde::de::Error::custom("a marker's key must not be empty")) } else { Ok(text) }
}

fn some_values<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<TypedValue>, D::Error> {
    let values = Vec::<TypedValue>::deserialize(deserializer)?;
    if values.is_empty() {
        Err(serde::de::Error::custom("a keyset has at least one value"))
    } else {
        Ok(values)
    }
}
