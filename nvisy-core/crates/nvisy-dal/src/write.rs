//! How a sink takes a batch, and what it answers.

use crate::{DataKind, Schema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What happens to items whose key is already there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WriteMode {
    /// Every item is added.
    Append,
    /// An item takes the place of the one with its key.
    Upsert,
    /// The target holds exactly this run's items when the run ends; until then it holds the old ones.
    Replace,
}

/// What a sink did with a batch. `accepted` plus the rejections is the length of the batch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    /// Items that are durable now.
    pub accepted: u64,
    /// Items the sink refused, each with its reason. Everything else was accepted.
    #[serde(default)]
    pub rejected: Vec<Rejection>,
}

/// One item that was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rejection {
    /// Its place in the batch, from 0.
    pub index: u64,
    /// A short stable word for the reason, such as `not_null` or `out_of_range`.
    #[schemars(length(min = 1))]
    #[serde(deserialize_with = "not_empty")]
    pub code: String,
    /// The reason, for a person. It must not hold a secret.
    pub reason: String,
}

fn not_empty<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.is_empty() {
        Err(serde::de::Error::custom("a rejection's code must not be empty"))
    } else {
        Ok(text)
    }
}

/// What is about to be written: asked of a sink once, before the first batch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Prepare {
    /// The kind of every item.
    pub kind: DataKind,
    /// The columns of every batch.
    pub schema: Schema,
    /// True when the stream starts at its beginning, false when it continues: a `replace` begins anew only when true.
    pub fresh: bool,
}

/// The engine's checkpoint as a transactional sink stores it: it must not look inside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Mark {
    /// Which stream this is the checkpoint of; at most one mark is kept for each key.
    #[schemars(length(min = 1))]
    #[serde(deserialize_with = "not_empty")]
    pub key: String,
    /// The checkpoint.
    pub value: String,
}
