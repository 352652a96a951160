//! What the user wrote, and nothing inferred. Reading it never stops at the first fault: every problem of the file is
//! collected, each with the node it belongs to.

mod read;

use read::Reader;
use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// A workflow as its file says it.
#[derive(Clone, Debug)]
pub struct Definition {
    /// Its name: positions are kept under it.
    pub name: String,
    /// Systems, by the name the nodes use.
    pub connections: BTreeMap<String, Connection>,
    /// The graph.
    pub nodes: Vec<Node>,
    /// Items that may be refused before the run fails.
    pub max_rejects: u64,
    /// Names whose own faults are reported already; nothing more is said about them.
    unread: BTreeSet<String>,
}

/// A system and how to reach it.
#[derive(Clone, Debug)]
pub struct Connection {
    /// The provider's name.
    pub provider: String,
    /// Parameters all its nodes share.
    pub params: Map<String, Value>,
    /// Credentials, as references.
    pub credentials: Map<String, Value>,
}

/// One step of the graph.
#[derive(Clone, Debug)]
pub struct Node {
    /// Its name.
    pub id: String,
    /// What it does.
    pub action: Action,
    /// The nodes it takes from.
    pub from: Vec<String>,
    /// Its own parameters.
    pub params: Map<String, Value>,
}

/// What a node does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Read from a connection.
    Read(String),
    /// Apply a named step.
    Transform(String),
    /// Write to a connection.
    Write(String),
}

/// Something wrong, or worth a warning, in a workflow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// A short stable word.
    pub code: &'static str,
    /// The node or connection it is about.
    pub node: Option<String>,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub hint: String,
    /// Whether it keeps the workflow from running.
    pub severity: Severity,
}

/// How grave a problem is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The workflow cannot run.
    Error,
    /// It can.
    Warning,
}

impl Problem {
    pub(crate) fn error(
        code: &'static str,
        node: Option<&str>,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        let node = node.map(ToOwned::to_owned);
        Self { code, node, message: message.into(), hint: hint.into(), severity: Severity::Error }
    }

    pub(crate) fn warning(
        code: &'static str,
        node: Option<&str>,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, node, message, hint) }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.node {
            Some(node) => write!(f, "{node}: {} [{}]; {}", self.message, self.code, self.hint),
            None => write!(f, "{} [{}]; {}", self.message, self.code, self.hint),
        }
    }
}

impl Definition {
    /// Read a workflow from YAML or JSON text, as far as it can be read, with every problem of its shape.
    pub fn read(text: &str) -> (Option<Self>, Vec<Problem>) {
        let value: Result<Value, Problem> = if text.trim_start().starts_with('{') {
            serde_json::from_str(text).map_err(|error| syntax("JSON", &error.to_string()))
        } else {
            // Only `true` and `false` are booleans: a column may well be called `y` or `no`.
            let options = serde_saphyr::options! { strict_booleans: true };
            serde_saphyr::from_str_with_options(text, options)
                .map_err(|error| syntax("YAML", &error.to_string()))
        };
        match value {
            Ok(value) => {
                let mut reader = Reader::default();
                (reader.definition(value), reader.problems)
            }
            Err(problem) => (None, vec![problem]),
        }
    }

    /// Whether that connection or node is written down, though not so that it could be read.
    pub(crate) fn is_unread(&self, name: &str) -> bool {
        self.unread.contains(name)
    }

    /// Whether everything that is written down could be read.
    pub(crate) fn is_whole(&self) -> bool {
        self.unread.is_empty()
    }
}

fn syntax(language: &str, error: &str) -> Problem {
    Problem::error(
        "syntax",
        None,
        format!("the workflow is not valid {language}: {error}"),
        "correct the text at that place",
    )
}
