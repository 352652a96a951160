//! The passes that look at the graph: names resolve, nothing is idle, nothing turns in a circle, kinds fit along every
//! edge; then the tree of each source is grown.

use super::nodes::Bound;
use crate::definition::{Action, Definition, Node, Problem};
use crate::plan::{Branch, Endpoint, Guarantee, Path, Plan, SinkNode, SourceNode, StepSpec};
use crate::providers::closest;
use crate::steps::Transform;
use nvisy_dal::{Ability, DataKind, Manifest, WriteMode};
use nvisy_formats::EncodeOptions;
use std::collections::{BTreeMap, BTreeSet};

pub(super) fn check(definition: &Definition, problems: &mut Vec<Problem>) {
    let ids: Vec<&str> = definition.nodes.iter().map(|node| node.id.as_str()).collect();
    for node in &definition.nodes {
        for name in &node.from {
            if !ids.contains(&name.as_str()) && !definition.is_unread(name) {
                let hint = closest(name, ids.iter().copied()).map_or_else(
                    || "write the id of another node".to_owned(),
                    |name| format!("did you mean `{name}`?"),
                );
                problems.push(Problem::error(
                    "unknown_node",
                    Some(&node.id),
                    format!("`from` names `{name}`, which is no node"),
                    hint,
                ));
            }
        }
    }
    let writes: BTreeSet<&str> = definition
        .nodes
        .iter()
        .filter(|n| matches!(n.action, Action::Write(_)))
        .map(|n| n.id.as_str())
        .collect();
    for node in &definition.nodes {
        for name in node.from.iter().filter(|name| writes.contains(name.as_str())) {
            let message = format!("`{name}` writes; nothing comes out of it");
            problems.push(Problem::error(
                "from_write",
                Some(&node.id),
                message,
                "take from the node before it",
            ));
        }
        let last = !matches!(node.action, Action::Write(_));
        if last
            && definition.is_whole()
            && !definition.nodes.iter().any(|other| other.from.contains(&node.id))
        {
            let hint = "add a node that writes, or take this one out";
            problems.push(Problem::error("dead_end", Some(&node.id), "nothing takes from this node", hint));
        }
    }
    for used in definition.connections.keys().filter(|_| definition.is_whole()) {
        let uses =
            |node: &Node| matches!(&node.action, Action::Read(name) | Action::Write(name) if name == used);
        if !definition.nodes.iter().any(uses) {
            problems.push(Problem::warning(
                "unused_connection",
                Some(used),
                "no node uses this connection",
                "take it out",
            ));
        }
    }
    circles(definition, problems);
}

fn circles(definition: &Definition, problems: &mut Vec<Problem>) {
    let mut settled: BTreeSet<&str> = BTreeSet::new();
    loop {
        let ready: Vec<&str> = definition
            .nodes
            .iter()
            .filter(|node| !settled.contains(node.id.as_str()))
            .filter(|node| {
                node.from
                    .iter()
                    .all(|f| settled.contains(f.as_str()) || !definition.nodes.iter().any(|n| n.id == *f))
            })
            .map(|node| node.id.as_str())
            .collect();
        if ready.is_empty() {
            break;
        }
        settled.extend(ready);
    }
    let stuck = definition.nodes.iter().find(|node| !settled.contains(node.id.as_str()));
    if let Some(node) = stuck {
        let message = "this node takes from itself by way of others";
        problems.push(Problem::error(
            "circle",
            Some(&node.id),
            message,
            "a workflow runs one way, from reads to writes",
        ));
    }
}

pub(super) fn grow(
    definition: &Definition,
    bound: &BTreeMap<String, Bound>,
    problems: &mut Vec<Problem>,
) -> Plan {
    let mut plan = Plan {
        name: definition.name.clone(),
        max_rejects: definition.max_rejects,
        sources: Vec::new(),
        sinks: Vec::new(),
        paths: Vec::new(),
        warnings: Vec::new(),
    };
    let mut sink_index = BTreeMap::new();
    for node in &definition.nodes {
        if let Some(Bound::Sink(endpoint, mode)) = bound.get(&node.id) {
            sink_index.insert(node.id.clone(), plan.sinks.len());
            plan.sinks.push(SinkNode { endpoint: endpoint.clone(), mode: *mode });
        }
    }
    for node in &definition.nodes {
        if let Some(Bound::Source(endpoint)) = bound.get(&node.id) {
            let kinds = &endpoint.connector.manifest().kinds;
            let at = At { key: node.id.clone(), kind: (kinds.len() == 1).then(|| kinds[0]), encode: None };
            let source = plan.sources.len();
            let mut grower =
                Grower { definition, bound, sinks: &sink_index, source, endpoint, plan: &mut plan, problems };
            let trunk = grower.after(&node.id, &at);
            plan.sources.push(SourceNode { endpoint: endpoint.clone(), trunk });
        }
    }
    plan
}

/// Where the growing has come to.
#[derive(Clone)]
struct At {
    key: String,
    kind: Option<DataKind>,
    encode: Option<EncodeOptions>,
}

struct Grower<'a> {
    definition: &'a Definition,
    bound: &'a BTreeMap<String, Bound>,
    sinks: &'a BTreeMap<String, usize>,
    source: usize,
    endpoint: &'a Endpoint,
    plan: &'a mut Plan,
    problems: &'a mut Vec<Problem>,
}

impl Grower<'_> {
    fn after(&mut self, id: &str, at: &At) -> Vec<Branch> {
        let next: Vec<&Node> =
            self.definition.nodes.iter().filter(|node| node.from.iter().any(|from| from == id)).collect();
        next.into_iter().flat_map(|node| self.node(node, at)).collect()
    }

    fn node(&mut self, node: &Node, at: &At) -> Vec<Branch> {
        let mut at = At { key: format!("{}>{}", at.key, node.id), ..at.clone() };
        match self.bound.get(&node.id) {
            Some(Bound::Sink(endpoint, mode)) => {
                self.path(node, &at, endpoint.connector.manifest(), *mode).into_iter().collect()
            }
            Some(Bound::Transform(Transform::Encode(options))) => {
                self.expect_kind(node, &at, DataKind::Record);
                at.kind = Some(DataKind::Object);
                at.encode = Some(options.clone());
                self.after(&node.id, &at)
            }
            Some(Bound::Transform(Transform::Step(step))) => {
                if at.encode.is_some() {
                    let hint = "put this step before the encode";
                    self.problems.push(Problem::error(
                        "after_encode",
                        Some(&node.id),
                        "only a write can follow an encode",
                        hint,
                    ));
                }
                if matches!(step, StepSpec::Decode(_)) {
                    self.expect_kind(node, &at, DataKind::Object);
                    at.kind = Some(DataKind::Record);
                }
                let next = self.after(&node.id, &at);
                vec![Branch::Step { node: node.id.clone(), step: step.clone(), next }]
            }
            Some(Bound::Source(_)) | None => Vec::new(),
        }
    }

    fn expect_kind(&mut self, node: &Node, at: &At, wanted: DataKind) {
        if let Some(kind) = at.kind
            && kind != wanted
        {
            let message = format!("{kind} items arrive here, this step takes {wanted} items");
            self.problems.push(Problem::error(
                "kind",
                Some(&node.id),
                message,
                "decode turns objects into records, encode records into objects",
            ));
        }
    }

    fn path(&mut self, node: &Node, at: &At, manifest: &Manifest, mode: WriteMode) -> Option<Branch> {
        if let Some(kind) = at.kind
            && !manifest.kinds.contains(&kind)
        {
            let hint = match kind {
                DataKind::Record if manifest.kinds.contains(&DataKind::Object) => {
                    "add a `transform: encode` before it"
                }
                DataKind::Object if manifest.kinds.contains(&DataKind::Record) => {
                    "add a `transform: decode` before it"
                }
                _ => "choose a sink that takes this kind",
            };
            let message = format!("{kind} items arrive here, {} does not take them", manifest.title);
            self.problems.push(Problem::error("kind", Some(&node.id), message, hint));
            return None;
        }
        let (guarantee, why) = guarantee(self.endpoint.connector.manifest(), manifest, mode, at.kind);
        let index = self.plan.paths.len();
        let sink = *self.sinks.get(&node.id)?;
        let (key, encode) = (at.key.clone(), at.encode.clone());
        self.plan.paths.push(Path { key, source: self.source, sink, encode, guarantee, why });
        Some(Branch::End(index))
    }
}

fn guarantee(
    source: &Manifest,
    sink: &Manifest,
    mode: WriteMode,
    kind: Option<DataKind>,
) -> (Guarantee, &'static str) {
    if source.contexts.is_empty() {
        return (
            Guarantee::AtLeastOnce,
            "the source cannot say where to resume, so an interrupted read begins anew",
        );
    }
    if sink.can(Ability::Transactional) {
        return (
            Guarantee::ExactlyOnce,
            "the sink keeps the checkpoint in the transaction that writes the items",
        );
    }
    match mode {
        WriteMode::Upsert if kind == Some(DataKind::Object) => {
            (Guarantee::EffectivelyOnce, "an object written again takes the place of itself")
        }
        WriteMode::Upsert => {
            (Guarantee::EffectivelyOnce, "an item written again takes the place of the one with its key")
        }
        WriteMode::Replace if kind == Some(DataKind::Object) => (
            Guarantee::EffectivelyOnce,
            "an object staged again takes the place of itself until all are published",
        ),
        WriteMode::Replace | WriteMode::Append => (
            Guarantee::AtLeastOnce,
            "after a crash the last batches may be written twice: the sink keeps no checkpoint",
        ),
    }
}
