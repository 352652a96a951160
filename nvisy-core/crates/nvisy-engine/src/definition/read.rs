//! From an untyped value to a definition. A fault is noted and the reading goes on, so that one look finds them all.

use super::{Action, Connection, Definition, Node, Problem};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// Walks the untyped value and remembers every fault on the way.
#[derive(Default)]
pub(super) struct Reader {
    pub(super) problems: Vec<Problem>,
    unread: BTreeSet<String>,
}

impl Reader {
    fn fault(&mut self, code: &'static str, node: Option<&str>, message: String, hint: &str) {
        self.problems.push(Problem::error(code, node, message, hint));
    }

    pub(super) fn definition(&mut self, value: Value) -> Option<Definition> {
        let Value::Object(mut fields) = value else {
            self.fault("shape", None, "a workflow is a mapping".into(), "begin with `version: 1`");
            return None;
        };
        match fields.remove("version") {
            Some(Value::Number(number)) if number.as_u64() == Some(1) => {}
            Some(other) => {
                self.fault("version", None, format!("version {other} is not known"), "write `version: 1`");
            }
            None => {
                self.fault("version", None, "`version` is missing".into(), "write `version: 1` at the top");
            }
        }
        let name = match fields.remove("name") {
            Some(Value::String(name)) if named(&name) => name,
            Some(other) => {
                self.fault(
                    "name",
                    None,
                    format!("{other} is not a workflow name"),
                    "use letters, digits, `-`, `_` and `.`, at most 100",
                );
                String::new()
            }
            None => {
                self.fault(
                    "name",
                    None,
                    "`name` is missing".into(),
                    "name the workflow; its positions are kept under that name",
                );
                String::new()
            }
        };
        let max_rejects = match fields.remove("max_rejects") {
            None => 0,
            Some(value) => value.as_u64().unwrap_or_else(|| {
                self.fault(
                    "max_rejects",
                    None,
                    format!("max_rejects is {value}"),
                    "write a whole number, 0 or more",
                );
                0
            }),
        };
        let connections = self.connections(fields.remove("connections"));
        let nodes = self.nodes(fields.remove("nodes"));
        for unknown in fields.keys() {
            self.fault(
                "unknown_field",
                None,
                format!("a workflow has no field `{unknown}`"),
                "its fields are version, name, connections, nodes and max_rejects",
            );
        }
        let unread = std::mem::take(&mut self.unread);
        Some(Definition { name, connections, nodes, max_rejects, unread })
    }

    fn connections(&mut self, value: Option<Value>) -> BTreeMap<String, Connection> {
        let Some(Value::Object(fields)) = value else {
            self.fault(
                "connections",
                None,
                "`connections` is missing or not a mapping".into(),
                "name each system and its provider under `connections:`",
            );
            return BTreeMap::new();
        };
        let mut connections = BTreeMap::new();
        for (name, value) in fields {
            match self.connection(&name, value) {
                Some(connection) => drop(connections.insert(name, connection)),
                None => drop(self.unread.insert(name)),
            }
        }
        connections
    }

    fn connection(&mut self, name: &str, value: Value) -> Option<Connection> {
        let Value::Object(mut fields) = value else {
            self.fault(
                "shape",
                Some(name),
                "a connection is a mapping".into(),
                "write `{provider: ..., params: {...}}`",
            );
            return None;
        };
        let provider = self.text(&mut fields, "provider", name);
        let params = self.mapping(&mut fields, "params", name);
        let credentials = self.mapping(&mut fields, "credentials", name);
        for unknown in fields.keys() {
            self.fault(
                "unknown_field",
                Some(name),
                format!("a connection has no field `{unknown}`"),
                "its fields are provider, params and credentials",
            );
        }
        Some(Connection { provider: provider?, params, credentials })
    }

    fn nodes(&mut self, value: Option<Value>) -> Vec<Node> {
        let items = match value {
            Some(Value::Array(items)) if !items.is_empty() => items,
            _ => {
                self.fault(
                    "nodes",
                    None,
                    "`nodes` is missing, empty or not a list".into(),
                    "list at least one read and one write",
                );
                return Vec::new();
            }
        };
        let mut nodes: Vec<Node> = Vec::new();
        let mut before = None;
        for (index, item) in items.into_iter().enumerate() {
            let Some((id, node)) = self.node(index, item, before.clone()) else { continue };
            if nodes.iter().any(|known| known.id == id) {
                self.fault(
                    "duplicate_node",
                    Some(&id),
                    "this id is used twice".into(),
                    "give every node its own id",
                );
            }
            match node {
                Some(node) => nodes.push(node),
                None => drop(self.unread.insert(id.clone())),
            }
            before = Some(id);
        }
        nodes
    }

    /// The node's id, and the node where it can be read.
    fn node(&mut self, index: usize, value: Value, before: Option<String>) -> Option<(String, Option<Node>)> {
        let place = format!("nodes[{index}]");
        let Value::Object(mut fields) = value else {
            self.fault("shape", Some(&place), "a node is a mapping".into(), "write `{id: ..., read: ...}`");
            return None;
        };
        let id = match fields.remove("id") {
            Some(Value::String(id)) if named(&id) => id,
            _ => {
                self.fault(
                    "id",
                    Some(&place),
                    "`id` is missing or not a name".into(),
                    "use letters, digits, `-`, `_` and `.`, at most 100",
                );
                place
            }
        };
        let action = self.action(&mut fields, &id);
        let from = self.from(fields.remove("from"), &id, action.as_ref(), before);
        let params = self.mapping(&mut fields, "params", &id);
        for unknown in fields.keys() {
            self.fault(
                "unknown_field",
                Some(&id),
                format!("a node has no field `{unknown}`"),
                "its fields are id, read, transform, write, from and params",
            );
        }
        let node = action.map(|action| Node { id: id.clone(), action, from, params });
        Some((id, node))
    }

    fn action(&mut self, fields: &mut Map<String, Value>, id: &str) -> Option<Action> {
        type Make = fn(String) -> Action;
        let verbs: [(&str, Make); 3] =
            [("read", Action::Read), ("transform", Action::Transform), ("write", Action::Write)];
        let mut found = Vec::new();
        for (verb, make) in verbs {
            if fields.contains_key(verb)
                && let Some(name) = self.text(fields, verb, id)
            {
                found.push(make(name));
            }
        }
        if found.len() != 1 {
            self.fault(
                "action",
                Some(id),
                format!("a node does one thing; this one does {}", found.len()),
                "give it exactly one of `read`, `transform`, `write`",
            );
            return None;
        }
        found.pop()
    }

    fn from(
        &mut self,
        value: Option<Value>,
        id: &str,
        action: Option<&Action>,
        before: Option<String>,
    ) -> Vec<String> {
        let reads = matches!(action, Some(Action::Read(_)));
        let named = match value {
            None if reads => return Vec::new(),
            None => {
                if before.is_none() {
                    self.fault(
                        "from",
                        Some(id),
                        "there is no node before this one".into(),
                        "begin with a node that reads",
                    );
                }
                return before.into_iter().collect();
            }
            Some(Value::String(name)) => vec![name],
            Some(Value::Array(items)) => {
                items.iter().filter_map(|item| item.as_str().map(ToOwned::to_owned)).collect()
            }
            Some(_) => Vec::new(),
        };
        if reads || named.is_empty() {
            let message =
                if reads { "a node that reads takes from no other" } else { "`from` names no node" };
            self.fault(
                "from",
                Some(id),
                message.into(),
                "write `from: [id, ...]` on transforms and writes only",
            );
        }
        named
    }

    fn text(&mut self, fields: &mut Map<String, Value>, field: &str, owner: &str) -> Option<String> {
        match fields.remove(field) {
            Some(Value::String(text)) if !text.is_empty() => Some(text),
            _ => {
                self.fault("shape", Some(owner), format!("`{field}` is missing or not text"), "write a name");
                None
            }
        }
    }

    fn mapping(&mut self, fields: &mut Map<String, Value>, field: &str, owner: &str) -> Map<String, Value> {
        match fields.remove(field) {
            None | Some(Value::Null) => Map::new(),
            Some(Value::Object(mapping)) => mapping,
            Some(_) => {
                self.fault(
                    "shape",
                    Some(owner),
                    format!("`{field}` is not a mapping"),
                    "write `{name: value}`",
                );
                Map::new()
            }
        }
    }
}

fn named(text: &str) -> bool {
    (1..=100).contains(&text.len())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
}
