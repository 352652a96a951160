//! The parameters of the steps the engine applies itself, as a workflow writes them.

use crate::definition::{Node, Problem};
use crate::plan::StepSpec;
use crate::providers::closest;
use nvisy_formats::EncodeOptions;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

/// Names a `transform:` may have.
const NAMES: [&str; 6] = ["decode", "encode", "select", "drop", "rename", "cast"];

/// A transform with its parameters read.
pub(crate) enum Transform {
    Step(StepSpec),
    Encode(EncodeOptions),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Columns<T> {
    columns: T,
}

/// Read the parameters of a transform node.
pub(crate) fn transform(node: &Node, name: &str) -> Result<Transform, Problem> {
    let params = with_type_names(&node.params);
    Ok(match name {
        "decode" => Transform::Step(StepSpec::Decode(read(node, name, params)?)),
        "encode" => Transform::Encode(read(node, name, params)?),
        "select" => Transform::Step(StepSpec::Select(read::<Columns<_>>(node, name, params)?.columns)),
        "drop" => Transform::Step(StepSpec::Drop(read::<Columns<_>>(node, name, params)?.columns)),
        "rename" => Transform::Step(StepSpec::Rename(read::<Columns<_>>(node, name, params)?.columns)),
        "cast" => Transform::Step(StepSpec::Cast(read::<Columns<_>>(node, name, params)?.columns)),
        unknown => {
            let hint = closest(unknown, NAMES).map_or_else(
                || format!("the transforms are {}", NAMES.join(", ")),
                |name| format!("did you mean `{name}`?"),
            );
            return Err(Problem::error(
                "unknown_transform",
                Some(&node.id),
                format!("there is no transform `{unknown}`"),
                hint,
            ));
        }
    })
}

fn read<T: DeserializeOwned>(node: &Node, name: &str, params: Map<String, Value>) -> Result<T, Problem> {
    serde_json::from_value(Value::Object(params)).map_err(|error| {
        let hint = match name {
            "select" | "drop" => "write `params: {columns: [a, b]}`",
            "rename" => "write `params: {columns: {old: new}}`",
            "cast" => "write `params: {columns: {name: int64}}`, types as in the workflow reference",
            _ => "see the step's parameters in the workflow reference",
        };
        Problem::error(
            "params",
            Some(&node.id),
            format!("the parameters of `{name}` do not fit: {error}"),
            hint,
        )
    })
}

/// Let a column type be written as a word: `int64`, `decimal(10, 2)`, `timestamp` (an instant), `timestamp_naive`.
fn with_type_names(params: &Map<String, Value>) -> Map<String, Value> {
    let mut params = params.clone();
    if let Some(Value::Object(columns)) = params.get_mut("columns") {
        for value in columns.values_mut() {
            if let Some(spelled) = value.as_str().and_then(type_of_word) {
                *value = spelled;
            }
        }
    }
    params
}

fn type_of_word(word: &str) -> Option<Value> {
    const PLAIN: [&str; 18] = [
        "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float32",
        "float64", "text", "binary", "date", "time", "duration", "uuid", "json",
    ];
    if PLAIN.contains(&word) {
        return Some(json!({"name": word}));
    }
    match word {
        "timestamp" => return Some(json!({"name": "timestamp", "utc": true})),
        "timestamp_naive" => return Some(json!({"name": "timestamp", "utc": false})),
        _ => {}
    }
    let (precision, scale) = word.strip_prefix("decimal(")?.strip_suffix(')')?.split_once(',')?;
    let digits = |text: &str| text.trim().parse::<u8>().ok();
    Some(json!({"name": "decimal", "precision": digits(precision)?, "scale": digits(scale)?}))
}
