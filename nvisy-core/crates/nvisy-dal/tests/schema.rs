//! Columns: to Arrow and back, to JSON and back, and the refusal of what is outside the portable set.

use arrow_schema::{DataType, Field as ArrowField, Schema as ArrowSchema, TimeUnit};
use nvisy_dal::{ColumnType, DataKind, Field, Schema, parse};
use proptest::prelude::*;
use std::sync::Arc;

fn column_types() -> impl Strategy<Value = ColumnType> {
    let plain = prop::sample::select(vec![
        ColumnType::Bool,
        ColumnType::Int8,
        ColumnType::Int16,
        ColumnType::Int32,
        ColumnType::Int64,
        ColumnType::Uint8,
        ColumnType::Uint16,
        ColumnType::Uint32,
        ColumnType::Uint64,
        ColumnType::Float32,
        ColumnType::Float64,
        ColumnType::Text,
        ColumnType::Binary,
        ColumnType::Date,
        ColumnType::Time,
        ColumnType::Timestamp { utc: true },
        ColumnType::Timestamp { utc: false },
        ColumnType::Duration,
        ColumnType::Uuid,
        ColumnType::Json,
    ]);
    let decimal = (1u8..=38)
        .prop_flat_map(|precision| (Just(precision), 0..=precision))
        .prop_map(|(precision, scale)| ColumnType::Decimal { precision, scale });
    let vector = (1u32..100_000).prop_map(|dimension| ColumnType::Vector { dimension });
    let leaf = prop_oneof![6 => plain, 2 => decimal, 1 => vector];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(|item| ColumnType::List { item: Box::new(item) }),
            prop::collection::vec(fields(inner), 0..3).prop_map(|fields| ColumnType::Struct { fields }),
        ]
    })
}

fn fields(types: impl Strategy<Value = ColumnType>) -> impl Strategy<Value = Field> {
    (any::<String>(), types, any::<bool>()).prop_map(|(name, r#type, nullable)| Field {
        name,
        r#type,
        nullable,
    })
}

proptest! {
    /// Every portable schema has an Arrow form that leads back to it.
    #[test]
    fn schema_survives_arrow(fields in prop::collection::vec(fields(column_types()), 0..6)) {
        let schema = Schema { fields };
        prop_assert_eq!(Schema::from_arrow(&schema.to_arrow()), Ok(schema));
    }

    /// Every portable schema has one JSON text that leads back to it.
    #[test]
    fn schema_survives_json(fields in prop::collection::vec(fields(column_types()), 0..6)) {
        let schema = Schema { fields };
        let text = serde_json::to_string(&schema).unwrap();
        prop_assert_eq!(parse::<Schema>(&text), Ok(schema.clone()));
        prop_assert_eq!(serde_json::from_str::<Schema>(&text).unwrap(), schema);
    }
}

/// Arrow has several layouts of text and bytes; the portable type is the same.
#[test]
fn schema_is_the_same_when_only_the_layout_differs() {
    let of = |data_type| Schema::from_arrow(&ArrowSchema::new(vec![ArrowField::new("a", data_type, true)]));
    for layout in [DataType::Utf8, DataType::LargeUtf8, DataType::Utf8View] {
        assert_eq!(of(layout).unwrap().fields[0].r#type, ColumnType::Text);
    }
    for layout in
        [DataType::Binary, DataType::LargeBinary, DataType::BinaryView, DataType::FixedSizeBinary(4)]
    {
        assert_eq!(of(layout).unwrap().fields[0].r#type, ColumnType::Binary);
    }
}

/// A type outside the portable set is refused, with the column's name and the way out.
#[test]
fn schema_is_refused_when_a_type_is_not_portable() {
    let outside = [
        DataType::Float16,
        DataType::Null,
        DataType::Timestamp(TimeUnit::Nanosecond, None),
        DataType::Decimal256(40, 2),
        DataType::Decimal128(10, -2),
        DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8)),
        DataType::List(Arc::new(ArrowField::new("item", DataType::Float16, true))),
    ];
    for data_type in outside {
        let schema = ArrowSchema::new(vec![ArrowField::new("odd", data_type, true)]);
        let refused = Schema::from_arrow(&schema).unwrap_err();
        assert!(refused.contains("`odd`") && refused.contains("cast"), "{refused}");
    }
}

/// A kind names the column that is missing, unknown, of the wrong type, or there twice.
#[test]
fn kind_names_the_column_that_does_not_suit_it() {
    let check = |kind: DataKind, columns: &[(&str, DataType)]| {
        let fields: Vec<_> =
            columns.iter().map(|(name, kind)| ArrowField::new(*name, kind.clone(), true)).collect();
        kind.check(&ArrowSchema::new(fields))
    };
    let text = || DataType::Utf8;
    let vector = |item| DataType::FixedSizeList(Arc::new(ArrowField::new("item", item, false)), 3);
    assert_eq!(check(DataKind::Embedding, &[("id", text()), ("vector", vector(DataType::Float32))]), Ok(()));
    assert_eq!(check(DataKind::Message, &[("payload", DataType::LargeBinary), ("headers", text())]), Ok(()));
    let refused = [
        check(DataKind::Embedding, &[("id", text()), ("vector", vector(DataType::Float64))]),
        check(DataKind::Object, &[("path", text()), ("data", text()), ("size", DataType::Int64)]),
        check(DataKind::Document, &[("id", text())]),
        check(DataKind::Graph, &[("element", text()), ("id", text()), ("colour", text())]),
        check(DataKind::Record, &[("a", text()), ("b", text()), ("a", text())]),
    ];
    let named = ["`vector`", "`data`", "`content`", "`colour`", "`a`"];
    for (refused, name) in refused.into_iter().zip(named) {
        assert!(refused.unwrap_err().contains(name));
    }
}
