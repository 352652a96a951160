//! Parameters as the engine sees them: the fields of the category, defaults, and how a node writes.
#![expect(clippy::expect_used, reason = "a test whose input cannot be made should stop")]

use nvisy_dal::{Category, CategoryParams, WriteMode};
use serde_json::{Map, Value, json};

fn parsed(category: Category, params: &Value) -> Result<CategoryParams, String> {
    CategoryParams::parse(category, params.as_object().unwrap_or(&Map::new()))
}

fn mode(category: Category, params: &Value) -> WriteMode {
    parsed(category, params).expect("these parameters fit").mode()
}

/// What a provider adds is left to its manifest; what belongs to the category is checked.
#[test]
fn parse_takes_the_fields_of_the_category_only() {
    let parsed_params = parsed(Category::Relational, &json!({"table": "t", "path": "a.db", "key": ["id"]}));
    let Ok(CategoryParams::Relational(params)) = parsed_params else { panic!("relational") };
    assert_eq!((params.table.as_deref(), params.batch_rows, params.create), (Some("t"), 10_000, true));
    assert!(parsed(Category::Relational, &json!({"batch_rows": 0})).unwrap_err().contains("batch_rows"));
    assert!(parsed(Category::Object, &json!({"part_bytes": 1})).unwrap_err().contains("part_bytes"));
}

/// A node that does not say how it writes writes as its category does.
#[test]
fn mode_is_the_category_default_when_the_node_names_none() {
    assert_eq!(mode(Category::Relational, &json!({})), WriteMode::Append);
    assert_eq!(mode(Category::Relational, &json!({"key": ["id"]})), WriteMode::Upsert);
    assert_eq!(mode(Category::Queue, &json!({})), WriteMode::Append);
    for category in
        [Category::Object, Category::Vector, Category::Document, Category::Search, Category::Graph]
    {
        assert_eq!(mode(category, &json!({})), WriteMode::Upsert, "{category}");
        assert_eq!(mode(category, &json!({"mode": "append"})), WriteMode::Append, "{category}");
    }
}
