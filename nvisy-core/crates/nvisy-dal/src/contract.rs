//! The shapes that Python mirrors: their JSON Schemas, and the judgement of this side on any JSON text.

use crate::json::parse;
use crate::{
    Category, Context, CredentialShape, DataKind, DocumentParams, ErrorKind, GraphParams, KeyPairCredentials,
    Manifest, Mark, NoCredentials, ObjectParams, PasswordCredentials, Prepare, QueueParams, Receipt,
    RelationalParams, Schema, SearchParams, StreamInfo, TokenCredentials, TypedValue, VectorParams,
    WriteMode,
};
use schemars::transform::{RecursiveTransform, Transform};
use serde_json::Value;
use std::collections::BTreeMap;

macro_rules! shapes {
    (printable: $($type:ident),*; secret: $($secret:ident),*) => {
        /// The JSON Schema of every mirrored shape, by its name.
        pub fn schemas() -> BTreeMap<&'static str, Value> {
            BTreeMap::from([
                $((stringify!($type), bounded(schemars::schema_for!($type))),)*
                $((stringify!($secret), bounded(schemars::schema_for!($secret))),)*
            ])
        }

        /// Parse `json` as the shape `name`; the answer is its canonical text (`null` for shapes with secrets).
        ///
        /// # Errors
        /// A sentence saying why it is refused, or that there is no such shape.
        pub fn validate(name: &str, json: &str) -> Result<String, String> {
            match name {
                $(stringify!($type) => parse::<$type>(json)
                    .and_then(|value| serde_json::to_string(&value).map_err(|error| error.to_string())),)*
                $(stringify!($secret) => parse::<$secret>(json).map(|_| "null".to_owned()),)*
                _ => Err(format!("there is no shape `{name}`")),
            }
        }
    };
}

shapes! {
    printable: DataKind, ErrorKind, WriteMode, Category, CredentialShape, TypedValue, Context, Schema, Receipt, Prepare,
        Mark, StreamInfo, Manifest, RelationalParams, ObjectParams, VectorParams, DocumentParams, QueueParams,
        SearchParams, GraphParams;
    secret: NoCredentials, PasswordCredentials, TokenCredentials, KeyPairCredentials
}

/// The schema with the bounds of each integer spelled out: `format: uint64` alone is a remark that validators ignore.
fn bounded(mut schema: schemars::Schema) -> Value {
    RecursiveTransform(spell_out).transform(&mut schema);
    schema.to_value()
}

fn spell_out(schema: &mut schemars::Schema) {
    let (least, most): (Value, Value) = match schema.get("format").and_then(Value::as_str) {
        Some("uint8") => (u8::MIN.into(), u8::MAX.into()),
        Some("uint32") => (u32::MIN.into(), u32::MAX.into()),
        Some("uint64") => (u64::MIN.into(), u64::MAX.into()),
        Some("int64") => (i64::MIN.into(), i64::MAX.into()),
        _ => return,
    };
    for (bound, value) in [("minimum", least), ("maximum", most)] {
        if schema.get(bound).is_none() {
            schema.insert(bound.to_owned(), value);
        }
    }
}
