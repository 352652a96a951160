//! What will run. A plan cannot be built by hand: `compile` is the only way to one, so whoever holds a plan knows that
//! its names resolve, its kinds fit and its guarantees are computed.

use crate::definition::{Problem, Severity};
use nvisy_dal::{ColumnType, Connector, DataKind, WriteMode};
use nvisy_formats::{DecodeOptions, EncodeOptions};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A compiled workflow.
#[derive(Clone)]
pub struct Plan {
    pub(crate) name: String,
    pub(crate) max_rejects: u64,
    pub(crate) sources: Vec<SourceNode>,
    pub(crate) sinks: Vec<SinkNode>,
    pub(crate) paths: Vec<Path>,
    pub(crate) warnings: Vec<Problem>,
}

/// A node bound to a provider: everything a session needs.
#[derive(Clone)]
pub(crate) struct Endpoint {
    pub(crate) id: String,
    pub(crate) connector: Arc<dyn Connector>,
    pub(crate) params: Map<String, Value>,
    pub(crate) credentials: Map<String, Value>,
    /// A digest of which data this is; positions are kept for that data only.
    pub(crate) identity: String,
}

#[derive(Clone)]
pub(crate) struct SourceNode {
    pub(crate) endpoint: Endpoint,
    pub(crate) trunk: Vec<Branch>,
}

#[derive(Clone)]
pub(crate) struct SinkNode {
    pub(crate) endpoint: Endpoint,
    pub(crate) mode: WriteMode,
}

/// A part of the tree that grows from a source: a step and what follows it, or the end of a path.
#[derive(Clone)]
pub(crate) enum Branch {
    Step { node: String, step: StepSpec, next: Vec<Branch> },
    End(usize),
}

/// A step the engine applies itself.
#[derive(Clone)]
pub(crate) enum StepSpec {
    Decode(DecodeOptions),
    Select(Vec<String>),
    Drop(Vec<String>),
    Rename(BTreeMap<String, String>),
    Cast(BTreeMap<String, ColumnType>),
}

/// One way from a source to a sink. Each has a position of its own.
#[derive(Clone)]
pub(crate) struct Path {
    /// `source>step>sink`; positions and marks are kept under it.
    pub(crate) key: String,
    pub(crate) source: usize,
    pub(crate) sink: usize,
    pub(crate) encode: Option<EncodeOptions>,
    pub(crate) guarantee: Guarantee,
    pub(crate) why: &'static str,
}

/// What a pair of source and sink promises, weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Guarantee {
    /// Nothing is lost; after a crash some items may be there twice.
    AtLeastOnce,
    /// Writing an item again changes nothing, so the end is as if each had been written once.
    EffectivelyOnce,
    /// The sink keeps the checkpoint in the transaction that writes the items.
    ExactlyOnce,
}

impl Plan {
    /// The workflow's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What is worth knowing before it runs.
    pub fn warnings(&self) -> &[Problem] {
        &self.warnings
    }

    /// The weakest guarantee of all its paths.
    pub fn guarantee(&self) -> Guarantee {
        self.paths.iter().map(|path| path.guarantee).min().unwrap_or(Guarantee::AtLeastOnce)
    }

    /// The plan for people and tools: sources, sinks, and each path with its steps, kinds, guarantee and reason.
    pub fn describe(&self) -> Value {
        let endpoint =
            |endpoint: &Endpoint| json!({"id": endpoint.id, "provider": endpoint.connector.manifest().name});
        let paths: Vec<Value> = self.paths.iter().map(|path| self.describe_path(path)).collect();
        json!({
            "workflow": self.name,
            "sources": self.sources.iter().map(|node| endpoint(&node.endpoint)).collect::<Vec<_>>(),
            "sinks": self.sinks.iter().map(|node| {
                let mut sink = endpoint(&node.endpoint);
                sink["mode"] = json!(node.mode);
                sink
            }).collect::<Vec<_>>(),
            "paths": paths,
            "guarantee": self.guarantee(),
            "max_rejects": self.max_rejects,
            "warnings": self.warnings.iter().filter(|p| p.severity == Severity::Warning).collect::<Vec<_>>(),
        })
    }

    fn describe_path(&self, path: &Path) -> Value {
        let source = &self.sources[path.source].endpoint;
        let sink = &self.sinks[path.sink].endpoint;
        let mut edges = Vec::new();
        let mut kind = source.connector.manifest().kinds.first().copied();
        let names: Vec<&str> = path.key.split('>').collect();
        for pair in names.windows(2) {
            edges.push(json!({"from": pair[0], "to": pair[1], "kind": kind}));
            kind = self.kind_after(path, pair[1], kind);
        }
        json!({
            "source": source.id, "sink": sink.id, "edges": edges,
            "guarantee": path.guarantee, "why": path.why,
        })
    }

    fn kind_after(&self, path: &Path, node: &str, before: Option<DataKind>) -> Option<DataKind> {
        fn decodes(branches: &[Branch], wanted: &str) -> bool {
            branches.iter().any(|branch| match branch {
                Branch::Step { node, step: StepSpec::Decode(_), .. } if node == wanted => true,
                Branch::Step { next, .. } => decodes(next, wanted),
                Branch::End(_) => false,
            })
        }
        if decodes(&self.sources[path.source].trunk, node) {
            Some(DataKind::Record)
        } else if path.encode.is_some() && path.key.rsplit('>').nth(1) == Some(node) {
            Some(DataKind::Object)
        } else {
            before
        }
    }
}
