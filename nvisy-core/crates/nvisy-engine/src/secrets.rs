//! References to secrets: `${env:NAME}`. A literal secret in a workflow works but earns a warning; what a reference
//! stands for is looked up when a session opens, never before, and kept nowhere.

use crate::definition::Problem;
use nvisy_dal::{Error, ErrorKind, Result};
use serde_json::{Map, Value};

/// Replace every reference in `fields` by what it stands for.
///
/// # Errors
/// `invalid_config` naming the reference that has no value.
pub(crate) fn resolve(fields: &Map<String, Value>) -> Result<Map<String, Value>> {
    fields.iter().map(|(name, value)| Ok((name.clone(), resolve_value(name, value)?))).collect()
}

fn resolve_value(field: &str, value: &Value) -> Result<Value> {
    match value {
        Value::String(text) => match reference(text) {
            None => Ok(value.clone()),
            Some(Ok(name)) => std::env::var(name).map(Value::String).map_err(|_| {
                refuse(field, format!("the environment has no variable `{name}`"))
                    .with_hint(format!("set {name} before the run"))
            }),
            Some(Err(scheme)) => Err(refuse(field, format!("`{scheme}` is not a kind of reference"))
                .with_hint("write ${env:NAME}")),
        },
        Value::Object(fields) => resolve(fields).map(Value::Object),
        Value::Array(_) | Value::Null | Value::Bool(_) | Value::Number(_) => Ok(value.clone()),
    }
}

fn refuse(field: &str, message: String) -> Error {
    Error::new(ErrorKind::InvalidConfig, format!("resolve the credential `{field}`"), message)
}

/// The variable a text refers to, or the scheme nobody knows; `None` for a literal.
fn reference(text: &str) -> Option<std::result::Result<&str, &str>> {
    let inner = text.strip_prefix("${")?.strip_suffix('}')?;
    Some(match inner.split_once(':') {
        Some(("env", name)) if !name.is_empty() => Ok(name),
        Some((scheme, _)) => Err(scheme),
        None => Err(inner),
    })
}

/// A warning for every secret field of `schema` that `fields` fills with a literal.
pub(crate) fn literals(
    owner: &str,
    fields: &Map<String, Value>,
    schema: &Map<String, Value>,
) -> Vec<Problem> {
    let properties = schema.get("properties").and_then(Value::as_object);
    let secret =
        |name: &str| properties.and_then(|p| p.get(name)).is_some_and(|field| marked_secret(field, schema));
    let literal = |value: &Value| value.as_str().is_some_and(|text| reference(text).is_none());
    fields
        .iter()
        .filter(|(name, value)| secret(name) && literal(value))
        .map(|(name, _)| {
            Problem::warning(
                "literal_secret",
                Some(owner),
                format!("the secret `{name}` is written out in the workflow"),
                format!("put it into the environment and write `{name}: ${{env:NAME}}`"),
            )
        })
        .collect()
}

/// Whether a property is write-only, itself, in one of its alternatives, or behind a reference into `$defs`.
fn marked_secret(field: &Value, schema: &Map<String, Value>) -> bool {
    if field.get("writeOnly") == Some(&Value::Bool(true)) {
        return true;
    }
    let alternatives =
        ["anyOf", "oneOf", "allOf"].iter().filter_map(|word| field.get(*word).and_then(Value::as_array));
    if alternatives.flatten().any(|alternative| marked_secret(alternative, schema)) {
        return true;
    }
    let target = field.get("$ref").and_then(Value::as_str).and_then(|path| path.strip_prefix("#/$defs/"));
    let definition = target.and_then(|name| schema.get("$defs").and_then(|defs| defs.get(name)));
    definition.is_some_and(|definition| definition.get("writeOnly") == Some(&Value::Bool(true)))
}
