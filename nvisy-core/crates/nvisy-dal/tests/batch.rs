//! Where a stream resumes after each item of a batch, and which key values a context can hold.
#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test whose input cannot be made should stop"
)]

use arrow_array::builder::FixedSizeBinaryBuilder;
use arrow_array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, Float32Array, Float64Array, Int8Array,
    Int32Array, Int64Array, LargeBinaryArray, LargeStringArray, ListArray, RecordBatch, StringArray,
    StringViewArray, Time64MicrosecondArray, TimestampMicrosecondArray, UInt64Array,
};
use nvisy_dal::{
    Batch, Context, DataKind, ErrorKind, Fingerprint, OffsetContext, Positions, TypedValue, parse,
};
use proptest::prelude::*;
use std::sync::Arc;

const FINGERPRINT: &str = "0123456789abcdef";

fn fingerprint() -> Fingerprint {
    FINGERPRINT.parse().expect("sixteen hexadecimal digits")
}

fn columns(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, array)| (name, array, true)))
        .unwrap()
}

fn keyset(names: &[&str]) -> Positions {
    let columns = names.iter().map(|name| (*name).to_owned()).collect();
    Positions::Keyset { columns, fingerprint: fingerprint() }
}

fn offset(sequence: u64) -> Context {
    let text = format!(
        r#"{{"kind":"offset","version":1,"fingerprint":"{FINGERPRINT}","partitions":{{"p":{sequence}}}}}"#
    );
    parse(&text).unwrap()
}

/// The key values after row `count` of a batch of one key column.
fn key(array: ArrayRef, count: usize) -> nvisy_dal::Result<Vec<TypedValue>> {
    let batch = Batch::new(DataKind::Record, columns(vec![("k", array)]), keyset(&["k"]))?;
    match batch.context_after(count)? {
        Some(Context::Keyset(context)) => Ok(context.values),
        other => panic!("not a keyset: {other:?}"),
    }
}

proptest! {
    /// The context after n items holds the key of item n-1, for every n, in the order of the key columns.
    #[test]
    fn keyset_context_is_the_key_of_the_last_item_for_every_prefix(
        rows in prop::collection::vec((any::<i64>(), ".{0,6}"), 1..40),
    ) {
        let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(rows.iter().map(|row| row.0)));
        let names: ArrayRef = Arc::new(StringArray::from_iter_values(rows.iter().map(|row| &row.1)));
        let data = columns(vec![("id", ids), ("other", names.clone()), ("name", names)]);
        let batch = Batch::new(DataKind::Record, data, keyset(&["name", "id"])).unwrap();
        prop_assert_eq!(batch.context_after(0).unwrap(), None);
        prop_assert_eq!(batch.context_after(rows.len() + 1).unwrap(), None);
        for (index, (id, name)) in rows.iter().enumerate() {
            let Some(Context::Keyset(context)) = batch.context_after(index + 1).unwrap() else {
                return Err(TestCaseError::fail("no keyset"));
            };
            prop_assert_eq!(&context.fingerprint, &fingerprint());
            prop_assert_eq!(context.values, vec![TypedValue::Text(name.clone()), TypedValue::Int(*id)]);
        }
    }

    /// A slice of a batch has the keys of its own rows: the position moves with the data.
    #[test]
    fn keyset_context_follows_a_slice(ids in prop::collection::vec(any::<i64>(), 2..30), cut in 0usize..28) {
        let cut = cut % ids.len();
        let data = columns(vec![("k", Arc::new(Int64Array::from(ids.clone())) as ArrayRef)]).slice(cut, ids.len() - cut);
        let batch = Batch::new(DataKind::Record, data, keyset(&["k"])).unwrap();
        for (index, id) in ids[cut..].iter().enumerate() {
            let Some(Context::Keyset(context)) = batch.context_after(index + 1).unwrap() else {
                return Err(TestCaseError::fail("no keyset"));
            };
            prop_assert_eq!(&context.values, &vec![TypedValue::Int(*id)]);
        }
    }

    /// The text of a day is that of the calendar: counted here day by day with the lengths of the months.
    #[test]
    fn date_key_is_the_calendar_day(days in -719_162i32..2_932_896) {
        let text = match &key(Arc::new(Date32Array::from(vec![days])), 1).unwrap()[..] {
            [TypedValue::Date(text)] => text.clone(),
            other => return Err(TestCaseError::fail(format!("{other:?}"))),
        };
        prop_assert_eq!(day_number(&text), i64::from(days));
    }

    /// A context written as JSON is read back as the same context, doubles to the last bit.
    #[test]
    fn keyset_context_survives_its_json(values in prop::collection::vec(typed_values(), 1..6)) {
        let text = serde_json::to_string(&values).unwrap();
        let text = format!(r#"{{"kind":"keyset","version":1,"fingerprint":"{FINGERPRINT}","values":{text}}}"#);
        let context: Context = parse(&text).unwrap();
        prop_assert_eq!(serde_json::to_string(&context).unwrap(), text.clone());
        prop_assert_eq!(serde_json::from_str::<Context>(&text).unwrap(), context);
    }
}

fn typed_values() -> impl Strategy<Value = TypedValue> {
    prop_oneof![
        any::<bool>().prop_map(TypedValue::Bool),
        any::<i64>().prop_map(TypedValue::Int),
        any::<f64>().prop_filter("finite", |value| value.is_finite()).prop_map(TypedValue::Float),
        "-?[0-9]{1,76}(\\.[0-9]{1,76})?".prop_map(TypedValue::Decimal),
        any::<String>().prop_map(TypedValue::Text),
        "([A-Za-z0-9+/]{4}){0,4}".prop_map(TypedValue::Bytes),
    ]
}

/// Days from 1970-01-01 to `text`, year by year and month by month.
fn day_number(text: &str) -> i64 {
    let numbers: Vec<i64> = text.split('-').map(|part| part.parse().unwrap()).collect();
    let (year, month, day) = (numbers[0], usize::try_from(numbers[1]).unwrap(), numbers[2]);
    let leap = |year: i64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let february = if leap(year) { 29 } else { 28 };
    let months = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    assert!((1..=months[month - 1]).contains(&day));
    let years = (1..year).map(|y| if leap(y) { 366 } else { 365 }).sum::<i64>();
    years - 719_162 + months[..month - 1].iter().sum::<i64>() + day - 1
}

/// Each Arrow type that can be a key becomes the typed value of its own type.
#[test]
fn key_value_has_the_type_of_its_column() {
    let text = |text: &str| text.to_owned();
    let mut uuids = FixedSizeBinaryBuilder::new(16);
    uuids.append_value([0x0f; 16]).unwrap();
    let decimals = Decimal128Array::from(vec![-1250]).with_precision_and_scale(10, 2).unwrap();
    let instants = TimestampMicrosecondArray::from(vec![-1]);
    let cases: Vec<(ArrayRef, TypedValue)> = vec![
        (Arc::new(BooleanArray::from(vec![true])), TypedValue::Bool(true)),
        (Arc::new(Int8Array::from(vec![i8::MIN])), TypedValue::Int(-128)),
        (Arc::new(Int32Array::from(vec![i32::MAX])), TypedValue::Int(2_147_483_647)),
        (Arc::new(UInt64Array::from(vec![9_223_372_036_854_775_807])), TypedValue::Int(i64::MAX)),
        (Arc::new(UInt64Array::from(vec![u64::MAX])), TypedValue::Decimal(text("18446744073709551615"))),
        (Arc::new(Float32Array::from(vec![0.5])), TypedValue::Float(0.5)),
        (Arc::new(Float64Array::from(vec![0.1])), TypedValue::Float(0.1)),
        (Arc::new(decimals), TypedValue::Decimal(text("-12.50"))),
        (Arc::new(LargeStringArray::from(vec!["é"])), TypedValue::Text(text("é"))),
        (Arc::new(StringViewArray::from(vec!["a"])), TypedValue::Text(text("a"))),
        (Arc::new(BinaryArray::from(vec![&b"\x00\xff"[..]])), TypedValue::Bytes(text("AP8="))),
        (Arc::new(LargeBinaryArray::from(vec![&b""[..]])), TypedValue::Bytes(text(""))),
        (Arc::new(uuids.finish()), TypedValue::Uuid(text("0f0f0f0f-0f0f-0f0f-0f0f-0f0f0f0f0f0f"))),
        (Arc::new(Date32Array::from(vec![19_782])), TypedValue::Date(text("2024-02-29"))),
        (
            Arc::new(Time64MicrosecondArray::from(vec![86_399_000_001])),
            TypedValue::Time(text("23:59:59.000001")),
        ),
        (Arc::new(instants.clone()), TypedValue::Timestamp(text("1969-12-31T23:59:59.999999"))),
        (Arc::new(instants.with_timezone("UTC")), TypedValue::Timestamp(text("1969-12-31T23:59:59.999999Z"))),
    ];
    for (array, expected) in cases {
        let name = array.data_type().to_string();
        assert_eq!(key(array, 1).unwrap(), vec![expected.clone()], "{name}");
        let written = serde_json::to_string(&expected).unwrap();
        assert_eq!(parse::<TypedValue>(&written), Ok(expected), "{name}: a context can be read back");
    }
}

/// Null, not finite and unordered values are refused, and the column is named.
#[test]
fn key_value_is_refused_when_no_context_can_hold_it() {
    let list =
        ListArray::from_iter_primitive::<arrow_array::types::Int64Type, _, _>(vec![Some(vec![Some(1)])]);
    let cases: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::from(vec![None::<i64>])),
        Arc::new(Float64Array::from(vec![f64::NAN])),
        Arc::new(Float64Array::from(vec![f64::INFINITY])),
        Arc::new(Date32Array::from(vec![2_932_897])),
        Arc::new(list),
    ];
    for array in cases {
        let error = key(array, 1).unwrap_err();
        assert_eq!(error.kind, ErrorKind::InvalidData);
        assert!(error.message.contains("`k`"), "{error}");
        assert!(error.hint.is_some());
    }
}

/// A null key is refused in its own row only: the prefix before it can still be committed.
#[test]
fn context_after_is_given_for_the_rows_before_a_null_key() {
    let array: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), None]));
    assert_eq!(key(Arc::clone(&array), 1).unwrap(), vec![TypedValue::Int(1)]);
    assert!(key(array, 2).unwrap_err().message.contains("row 1"));
}

/// `End` knows the end only, `Each` every item, `Withheld` nothing.
#[test]
fn context_after_knows_what_its_positions_say() {
    let data = || columns(vec![("k", Arc::new(Int64Array::from(vec![1, 2, 3])) as ArrayRef)]);
    let after = |positions| {
        let batch = Batch::new(DataKind::Record, data(), positions).unwrap();
        (0..=4).map(|count| batch.context_after(count).unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(after(Positions::End(offset(9))), [None, None, None, Some(offset(9)), None]);
    assert_eq!(after(Positions::Withheld), [None, None, None, None, None]);
    let each = Positions::Each(vec![offset(1), offset(2), offset(3)]);
    assert_eq!(after(each), [None, Some(offset(1)), Some(offset(2)), Some(offset(3)), None]);
}

/// An empty batch may move the position on.
#[test]
fn empty_batch_moves_the_position_when_it_has_an_end() {
    let data = columns(vec![("k", Arc::new(Int64Array::from(Vec::<i64>::new())) as ArrayRef)]);
    let batch = Batch::new(DataKind::Record, data, Positions::End(offset(7))).unwrap();
    assert!(batch.is_empty());
    assert_eq!(batch.context_after(0).unwrap(), Some(offset(7)));
}

/// Positions that do not suit the items, and columns that do not suit the kind, are refused where the batch is made.
#[test]
fn batch_is_refused_when_its_parts_do_not_suit() {
    let data = || columns(vec![("k", Arc::new(Int64Array::from(vec![1, 2])) as ArrayRef)]);
    let refused = |kind, positions| Batch::new(kind, data(), positions).unwrap_err().message;
    assert!(refused(DataKind::Record, keyset(&[])).contains("no column"));
    assert!(refused(DataKind::Record, keyset(&["missing"])).contains("`missing`"));
    assert!(refused(DataKind::Record, Positions::Each(vec![offset(1)])).contains("1 contexts for 2 items"));
    assert!(refused(DataKind::Document, Positions::Withheld).contains("`id`"));
}

/// A context knows its kind and the fingerprint it was made under.
#[test]
fn context_tells_its_kind_and_fingerprint() {
    let context = offset(1);
    assert_eq!(context.kind(), nvisy_dal::ContextKind::Offset);
    assert_eq!(context.fingerprint(), &fingerprint());
    let Context::Offset(OffsetContext { partitions, .. }) = context else { panic!("an offset") };
    assert_eq!(partitions["p"], 1);
}
