//! The pass that looks at each node alone: its provider, its parameters, its step.

use crate::definition::{Action, Connection, Definition, Node, Problem};
use crate::plan::Endpoint;
use crate::providers::{Providers, closest};
use crate::secrets;
use crate::steps::{self, Transform};
use nvisy_dal::{Ability, CategoryParams, Connector, Manifest, WriteMode};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path as FilePath;
use std::sync::Arc;

/// A node with everything it names found.
pub(super) enum Bound {
    Source(Endpoint),
    Transform(Transform),
    Sink(Endpoint, WriteMode),
}

pub(super) fn bind(
    definition: &Definition,
    base: &FilePath,
    providers: &dyn Providers,
    problems: &mut Vec<Problem>,
) -> BTreeMap<String, Bound> {
    let mut pass = Pass { definition, base, providers, problems, seen: BTreeSet::new() };
    let mut bound = BTreeMap::new();
    for node in &definition.nodes {
        let found = match &node.action {
            Action::Transform(name) => match steps::transform(node, name) {
                Ok(transform) => Some(Bound::Transform(transform)),
                Err(problem) => {
                    pass.problems.push(problem);
                    None
                }
            },
            Action::Read(name) => {
                pass.endpoint(node, name, Ability::Read).map(|(endpoint, _)| Bound::Source(endpoint))
            }
            Action::Write(name) => {
                pass.endpoint(node, name, Ability::Write).map(|(e, mode)| Bound::Sink(e, mode))
            }
        };
        if let Some(found) = found {
            bound.insert(node.id.clone(), found);
        }
    }
    bound
}

struct Pass<'a> {
    definition: &'a Definition,
    base: &'a FilePath,
    providers: &'a dyn Providers,
    problems: &'a mut Vec<Problem>,
    /// Connections whose own faults were reported already.
    seen: BTreeSet<String>,
}

impl<'a> Pass<'a> {
    fn endpoint(&mut self, node: &Node, name: &str, ability: Ability) -> Option<(Endpoint, WriteMode)> {
        let connection = self.connection(node, name)?;
        let connector = self.connector(name, connection)?;
        let manifest = connector.manifest();
        if self.seen.insert(name.to_owned()) {
            self.problems.extend(secrets::literals(name, &connection.credentials, &manifest.credentials));
            self.credentials(name, connection, manifest);
        }
        let mut params = connection.params.clone();
        params.extend(node.params.clone());
        absolute_paths(&mut params, &manifest.params, self.base);
        let before = self.problems.len();
        self.params(node, &params, manifest);
        let mode = self.abilities(node, manifest, &params, ability);
        if self.problems.len() > before {
            return None;
        }
        let identity = identity(manifest, &params);
        let credentials = connection.credentials.clone();
        Some((Endpoint { id: node.id.clone(), connector, params, credentials, identity }, mode?))
    }

    fn connection(&mut self, node: &Node, name: &str) -> Option<&'a Connection> {
        let found = self.definition.connections.get(name);
        let silent = self.definition.is_unread(name) || self.definition.connections.is_empty();
        if found.is_none() && !silent {
            let known = self.definition.connections.keys().map(String::as_str);
            let hint = closest(name, known).map_or_else(
                || "name it under `connections:`".to_owned(),
                |name| format!("did you mean `{name}`?"),
            );
            self.problems.push(Problem::error(
                "unknown_connection",
                Some(&node.id),
                format!("there is no connection `{name}`"),
                hint,
            ));
        }
        found
    }

    fn connector(&mut self, name: &str, connection: &Connection) -> Option<Arc<dyn Connector>> {
        let found = self.providers.find(&connection.provider);
        if found.is_none() && self.seen.insert(name.to_owned()) {
            let names = self.providers.names();
            let hint = closest(&connection.provider, names.iter().map(String::as_str)).map_or_else(
                || "`nvisy providers` lists what is installed, and what is wrong with the rest".to_owned(),
                |name| format!("did you mean `{name}`?"),
            );
            let message = format!("there is no provider `{}`", connection.provider);
            self.problems.push(Problem::error("unknown_provider", Some(name), message, hint));
        }
        found
    }

    /// Only the names are checked here: what the references stand for is not looked up before the run.
    fn credentials(&mut self, name: &str, connection: &Connection, manifest: &Manifest) {
        let properties = manifest.credentials.get("properties").and_then(Value::as_object);
        let known: Vec<&str> = properties.map(|p| p.keys().map(String::as_str).collect()).unwrap_or_default();
        for field in connection.credentials.keys().filter(|field| !known.contains(&field.as_str())) {
            let hint = if known.is_empty() {
                "it takes none".to_owned()
            } else {
                format!("they are {}", known.join(", "))
            };
            let message = format!("{} has no credential `{field}`", manifest.title);
            self.problems.push(Problem::error("unknown_credential", Some(name), message, hint));
        }
        let required = manifest.credentials.get("required").and_then(Value::as_array);
        for field in required.into_iter().flatten().filter_map(Value::as_str) {
            if !connection.credentials.contains_key(field) {
                let message = format!("{} needs the credential `{field}`", manifest.title);
                let hint = format!("write `credentials: {{{field}: ${{env:NAME}}}}`");
                self.problems.push(Problem::error("missing_credential", Some(name), message, hint));
            }
        }
    }

    fn params(&mut self, node: &Node, params: &Map<String, Value>, manifest: &Manifest) {
        let properties = manifest.params.get("properties").and_then(Value::as_object);
        let known: Vec<&str> = properties.map(|p| p.keys().map(String::as_str).collect()).unwrap_or_default();
        for field in params.keys().filter(|field| !known.contains(&field.as_str())) {
            let hint = closest(field, known.iter().copied()).map_or_else(
                || format!("they are {}", known.join(", ")),
                |name| format!("did you mean `{name}`?"),
            );
            let message = format!("{} has no parameter `{field}`", manifest.title);
            self.problems.push(Problem::error("unknown_param", Some(&node.id), message, hint));
        }
        let schema = Value::Object(manifest.params.clone());
        let validator = match jsonschema::options().build(&schema) {
            Ok(validator) => validator,
            Err(error) => {
                let message =
                    format!("the manifest of {} has no usable schema of parameters: {error}", manifest.title);
                self.problems.push(Problem::error(
                    "manifest",
                    Some(&node.id),
                    message,
                    "report it to the plugin's author",
                ));
                return;
            }
        };
        let known_only: Map<String, Value> = params
            .iter()
            .filter(|(name, _)| known.contains(&name.as_str()))
            .map(|(n, v)| (n.clone(), v.clone()))
            .collect();
        let instance = Value::Object(known_only);
        for error in validator.iter_errors(&instance) {
            let place = error.instance_path().to_string();
            let place = if place.is_empty() {
                "params".to_owned()
            } else {
                format!("params{}", place.replace('/', "."))
            };
            self.problems.push(Problem::error(
                "params",
                Some(&node.id),
                format!("{place}: {error}"),
                "correct the value",
            ));
        }
    }

    fn abilities(
        &mut self,
        node: &Node,
        manifest: &Manifest,
        params: &Map<String, Value>,
        ability: Ability,
    ) -> Option<WriteMode> {
        if !manifest.can(ability) {
            let verb = if ability == Ability::Read { "read" } else { "write" };
            let why = manifest.abilities.get(&ability).and_then(|c| c.mechanism.clone()).unwrap_or_default();
            let message = format!("{} cannot {verb}", manifest.title);
            let hint = if why.is_empty() { "choose another provider".to_owned() } else { why };
            self.problems.push(Problem::error("unsupported", Some(&node.id), message, hint));
        }
        let category = match CategoryParams::parse(manifest.category, params) {
            Ok(category) => category,
            Err(error) => {
                let message =
                    format!("the parameters are not those of a {} node: {error}", manifest.category);
                self.problems.push(Problem::error("params", Some(&node.id), message, "correct the value"));
                return None;
            }
        };
        let mode = category.mode();
        if ability == Ability::Write && !manifest.modes.contains(&mode) {
            let modes: Vec<String> =
                manifest.modes.iter().map(|mode| format!("{mode:?}").to_lowercase()).collect();
            let message = format!("{} cannot write in that mode", manifest.title);
            let hint = format!("set `mode` to one of {}", modes.join(", "));
            self.problems.push(Problem::error("unsupported_mode", Some(&node.id), message, hint));
        }
        Some(mode)
    }
}

/// Make the relative paths among the parameters absolute: they are meant relative to the workflow's folder.
fn absolute_paths(params: &mut Map<String, Value>, schema: &Map<String, Value>, base: &FilePath) {
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else {
        return;
    };
    for (name, value) in params.iter_mut() {
        let format = properties.get(name).and_then(|property| property.get("format")).and_then(Value::as_str);
        if let (Some("path" | "file-path" | "directory-path"), Some(text)) = (format, value.as_str()) {
            *value = Value::String(base.join(text).to_string_lossy().into_owned());
        }
    }
}

/// A digest of which data a node reads or writes. Parameters that only say how much at once are left out.
fn identity(manifest: &Manifest, params: &Map<String, Value>) -> String {
    const HOW_MUCH: [&str; 4] = ["batch_rows", "part_bytes", "create", "evolve"];
    let kept: BTreeMap<&String, &Value> =
        params.iter().filter(|(name, _)| !HOW_MUCH.contains(&name.as_str())).collect();
    let text = serde_json::to_string(&(manifest.name.as_str(), kept)).unwrap_or_default();
    Sha256::digest(text.as_bytes()).iter().take(16).fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}
