//! What does not fit is refused by line and column with a hint, and the rows around it survive in order.
#![expect(clippy::unwrap_used, reason = "a test may fail loudly, also in its own tools")]

use arrow_array::cast::AsArray;
use arrow_array::types::{Int64Type, TimestampNanosecondType};
use arrow_array::{
    Array, Float64Array, Int64Array, PrimitiveArray, RecordBatch, StringArray, TimestampNanosecondArray,
};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use nvisy_dal::{ColumnType, Error, ErrorKind, Result};
use nvisy_formats::{DecodeOptions, Decoded, Decoder, EncodeOptions, Encoder, Format, columns};
use std::collections::BTreeMap;
use std::sync::Arc;

fn read(
    options: &DecodeOptions,
    path: &str,
    text: &str,
    schema: Option<SchemaRef>,
) -> Result<(Vec<Decoded>, Option<SchemaRef>)> {
    let mut decoder = Decoder::new(options, path, schema)?;
    let mut all = decoder.push(text.as_bytes())?;
    for decoded in decoder.finish()? {
        all.push(decoded?);
    }
    Ok((all, decoder.schema()))
}

fn schema(path: &str, text: &str) -> SchemaRef {
    read(&DecodeOptions::default(), path, text, None).unwrap().1.unwrap()
}

fn fault(path: &str, text: &str, schema: Option<SchemaRef>) -> Error {
    read(&DecodeOptions::default(), path, text, schema).unwrap_err()
}

fn ints(batch: &RecordBatch) -> Vec<Option<i64>> {
    batch.column(0).as_primitive::<Int64Type>().iter().collect()
}

#[test]
fn a_value_that_comes_too_late_is_refused_and_its_neighbours_stay() {
    let given = schema("a.csv", "n,t\n1,x\n");
    let text = "t,n\nx,1\ny,two\nz\n\"q\n\",3\nw,4\n";
    let (decoded, _) = read(&DecodeOptions::default(), "b.csv", text, Some(given)).unwrap();
    assert_eq!(ints(&decoded[0].batch), [Some(1), Some(3), Some(4)]);
    let refused: Vec<_> =
        decoded[0].refused.iter().map(|r| (r.before, r.line, r.column.as_deref(), r.text.as_str())).collect();
    assert_eq!(refused, [(1, 3, Some("n"), "y,two"), (1, 4, None, "z")]);
    assert_eq!(
        decoded[0].refused[0].reason,
        "line 3, column `n`: `two` is not int64; declare `n` under `columns:` with a type that holds it, such as text"
    );
}

#[test]
fn null_and_empty_text_are_two_things() {
    let (decoded, _) = read(&DecodeOptions::default(), "a.csv", "n,t\n,\n1,\"\"\n\"\",x\n", None).unwrap();
    assert_eq!(ints(&decoded[0].batch), [None, Some(1), None]);
    let text: Vec<_> = decoded[0].batch.column(1).as_string::<i32>().iter().collect();
    assert_eq!(text, [None, Some(""), Some("x")]);
}

#[test]
fn headers_must_match_the_stream() {
    let given = schema("a.csv", "n,t\n1,x\n");
    assert!(fault("b.csv", "n\n1\n", Some(given.clone())).message.contains("no column `t`"));
    assert!(fault("b.csv", "n,t,u\n1,x,y\n", Some(given)).message.contains("the column `u`"));
    assert!(fault("b.csv", "n,n\n1,x\n", None).message.contains("`n` twice"));
    let options = DecodeOptions {
        columns: Some(BTreeMap::from([("x".into(), ColumnType::Text)])),
        ..DecodeOptions::default()
    };
    let error = read(&options, "a.csv", "n\n1\n", None).unwrap_err();
    assert_eq!(
        (error.kind, error.message.as_str()),
        (ErrorKind::InvalidConfig, "`columns:` names `x`, which the object does not have; it has `n`")
    );
}

#[test]
fn an_object_without_rows_decides_nothing() {
    assert!(read(&DecodeOptions::default(), "a.csv", "n,t\n", None).unwrap().1.is_none());
    assert!(read(&DecodeOptions::default(), "a.jsonl", "\n", None).unwrap().1.is_none());
}

#[test]
fn json_lines_miss_keys_and_refuse_others() {
    let given = schema("a.jsonl", "{\"a\":1,\"b\":{\"c\":[1.5]}}\n{\"a\":null}\n");
    assert_eq!(given.field(1).data_type().to_string(), r#"Struct("c": List(Float64))"#);
    let text = "{\"b\":null}\n{\"a\":1,\"z\":2}\n{\"a\":1.5}\n{\"a\":2.0,\"b\":{\"c\":[\"x\"]}}\n[]\n{\"a\":9223372036854775808}\n{\"a\":7}\n";
    let (decoded, _) = read(&DecodeOptions::default(), "b.jsonl", text, Some(given)).unwrap();
    assert_eq!(ints(&decoded[0].batch), [None, Some(7)]);
    let reasons: Vec<_> = decoded[0].refused.iter().map(|r| r.reason.split(';').next().unwrap()).collect();
    assert_eq!(
        reasons,
        [
            "line 2: it has the key `z`, which the stream does not",
            "line 3, column `a`: `1.5` is not int64",
            "line 4, column `b`: in `c`: `x` is not float64",
            "line 5: it is not a JSON object",
            "line 6, column `a`: `9223372036854775808` is not int64",
        ]
    );
    assert!(fault("b.jsonl", "{\"a\":1}\n{\"a\":", None).message.contains("cut short"));
    assert!(fault("b.jsonl", "[{\"a\":1}]", None).message.contains("JSON array"));
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(schema("a.jsonl", &deep).field(0).data_type(), &DataType::Utf8);
}

#[test]
fn what_json_cannot_hold_is_refused_by_name() {
    let schema = Arc::new(Schema::new(vec![Field::new("x", DataType::Float64, true)]));
    let batch = RecordBatch::try_new(schema.clone(), vec![Arc::new(Float64Array::from(vec![1.0, f64::NAN]))])
        .unwrap();
    let mut encoder = Encoder::new(&EncodeOptions::new(Format::Jsonl), schema).unwrap();
    let error = encoder.write(&batch).unwrap_err();
    assert!(error.message.starts_with("row 2, column `x`: the value is NaN"), "{error}");
}

#[test]
fn nanoseconds_are_refused_unless_declared() {
    let times: PrimitiveArray<TimestampNanosecondType> = TimestampNanosecondArray::from(vec![1_000, 1_001]);
    let schema = Arc::new(Schema::new(vec![Field::new("at", times.data_type().clone(), true)]));
    let batch = RecordBatch::try_new(schema.clone(), vec![Arc::new(times)]).unwrap();
    let mut writer = arrow_ipc::writer::StreamWriter::try_new(Vec::new(), &schema).unwrap();
    writer.write(&batch).unwrap();
    let bytes = writer.into_inner().unwrap();
    let read = |columns| {
        let options = DecodeOptions { columns, ..DecodeOptions::default() };
        let mut decoder = Decoder::new(&options, "a.arrow", None).unwrap();
        decoder.push(&bytes).unwrap();
        let first = decoder.finish().unwrap().next().unwrap().unwrap();
        (first.batch.num_rows(), first.refused)
    };
    let (rows, refused) = read(None);
    assert_eq!((rows, refused[0].before, refused[0].line), (1, 1, 2));
    let declared = BTreeMap::from([("at".to_owned(), ColumnType::Timestamp { utc: false })]);
    assert_eq!(read(Some(declared)), (2, Vec::new()));
    let mut decoder = Decoder::new(&DecodeOptions::default(), "a.arrow", None).unwrap();
    decoder.push(&bytes[..bytes.len() - 8]).unwrap();
    assert!(decoder.finish().is_err());
}

#[test]
fn columns_are_selected_dropped_renamed_and_cast() {
    let schema = Arc::new(Schema::new(vec![
        Field::new("a", DataType::Utf8, true),
        Field::new("b", DataType::Int64, true),
    ]));
    let a = StringArray::from(vec![Some("1"), Some("x"), None]);
    let batch =
        RecordBatch::try_new(schema, vec![Arc::new(a), Arc::new(Int64Array::from(vec![1, 2, 300]))]).unwrap();
    let name = |name: &str| vec![name.to_owned()];
    assert_eq!(columns::select(&batch, &name("b")).unwrap(), columns::drop(&batch, &name("a")).unwrap());
    let error = columns::select(&batch, &name("B")).unwrap_err();
    assert_eq!(error.message, "there is no column `B`; the stream has `a`, `b`");
    assert!(error.hint.unwrap().contains("did you mean `b`"));
    let renamed = columns::rename(&batch, &BTreeMap::from([("a".into(), "c".into())])).unwrap();
    assert_eq!(renamed.schema().field(0).name(), "c");
    assert!(columns::rename(&batch, &BTreeMap::from([("a".into(), "b".into())])).is_err());
    let types = BTreeMap::from([("a".to_owned(), ColumnType::Int64), ("b".to_owned(), ColumnType::Int8)]);
    let (cast, refused) = columns::cast(&batch, &types).unwrap();
    assert_eq!(cast.num_rows(), 1);
    let reasons: Vec<_> = refused.iter().map(|r| (r.row, r.column.as_str(), r.reason.as_str())).collect();
    assert_eq!(reasons, [(1, "a", "`x` is not int64"), (2, "b", "`300` cannot become int8 without loss")]);
    assert_eq!(columns::cast_schema(batch.schema_ref(), &types).unwrap(), cast.schema());
    assert!(
        columns::cast_schema(batch.schema_ref(), &BTreeMap::from([("b".into(), ColumnType::Uuid)])).is_err()
    );
}
