//! How far a path has come. A position is the engine's: it holds the provider's context and what the engine itself
//! must count where a context cannot point.

use nvisy_dal::Context;
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;

/// Everything before this point is durable at the end of one path.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Position {
    /// Items of the source that lie before `context`.
    pub(crate) items: u64,
    /// Where the source resumes; `None` is its beginning.
    pub(crate) context: Option<Context>,
    /// Records after `context` that are done too: decoded from an object not yet finished, or inside a page whose
    /// items have no context of their own.
    pub(crate) skip: u64,
    /// Records of this path before this point, since its stream began. Objects are named by it.
    pub(crate) records: u64,
}

impl Position {
    /// Whether nothing has been done yet.
    pub(crate) fn is_start(&self) -> bool {
        self.items == 0 && self.skip == 0 && self.context.is_none()
    }

    /// Which of two positions of one stream lies further on.
    pub(crate) fn order(&self, other: &Self) -> Ordering {
        (self.items, self.skip).cmp(&(other.items, other.skip))
    }

    /// The position after `count` more records that the source has no context for.
    pub(crate) fn skipping(&self, count: u64) -> Self {
        Self { skip: self.skip + count, records: self.records + count, ..self.clone() }
    }
}

/// A position as a transactional sink keeps it: with the beginning it counts from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Marked {
    pub(crate) epoch: String,
    pub(crate) position: Position,
}
