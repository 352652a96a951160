//! Every format gives back exactly the rows it took, of every type it can hold, however the bytes are cut into pieces.
#![expect(clippy::unwrap_used, reason = "a test may fail loudly, also in its own tools")]
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::too_many_lines,
    clippy::semicolon_if_nothing_returned,
    reason = "values by chance, one arm for each type"
)]

use arrow_array::builder::{FixedSizeBinaryBuilder, StringBuilder};
use arrow_array::*;
use arrow_buffer::{NullBuffer, OffsetBuffer};
use arrow_schema::DataType;
use nvisy_dal::{ColumnType, Field, Schema};
use nvisy_formats::{Compression, DecodeOptions, Decoded, Decoder, EncodeOptions, Encoder, Format};
use proptest::prelude::*;
use std::sync::Arc;

/// xorshift64*: enough chance for values, and the same for the same seed.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn text(&mut self) -> String {
        const PARTS: [&str; 14] =
            ["a", "é", ",", "\"", "\n", "\r", " ", "\t", "\\", "007", "null", "\u{feff}", "𝄞", "\u{1}"];
        (0..self.below(6)).map(|_| PARTS[usize::try_from(self.below(14)).unwrap()]).collect()
    }
}

fn scalar_types() -> Vec<ColumnType> {
    use ColumnType as T;
    vec![
        T::Bool,
        T::Int8,
        T::Int16,
        T::Int32,
        T::Int64,
        T::Uint8,
        T::Uint16,
        T::Uint32,
        T::Uint64,
        T::Float32,
        T::Float64,
        T::Decimal { precision: 38, scale: 10 },
        T::Decimal { precision: 5, scale: 0 },
        T::Text,
        T::Binary,
        T::Date,
        T::Time,
        T::Timestamp { utc: true },
        T::Timestamp { utc: false },
        T::Duration,
        T::Uuid,
        T::Json,
        T::Vector { dimension: 3 },
    ]
}

fn all_types() -> Vec<ColumnType> {
    let mut types = scalar_types();
    let lists: Vec<_> = types.iter().map(|item| ColumnType::List { item: Box::new(item.clone()) }).collect();
    let fields = types
        .iter()
        .enumerate()
        .map(|(n, t)| Field { name: format!("f\"{n}"), r#type: t.clone(), nullable: true })
        .collect();
    let one = ColumnType::Struct { fields };
    types.extend(lists);
    types.push(ColumnType::List { item: Box::new(one.clone()) });
    types.push(one);
    types
}

/// Values of a type; `finite` for formats without NaN.
fn array(r#type: &ColumnType, rows: usize, c: &mut Chance, finite: bool) -> ArrayRef {
    macro_rules! ints {
        ($array:ident, $native:ty) => {
            Arc::new(
                (0..rows)
                    .map(|_| {
                        (c.below(5) > 0).then(|| {
                            [c.next() as $native, <$native>::MIN, <$native>::MAX, 0][c.below(4) as usize]
                        })
                    })
                    .collect::<$array>(),
            )
        };
    }
    let nulls =
        |c: &mut Chance| Some(NullBuffer::from((0..rows).map(|_| c.below(5) > 0).collect::<Vec<_>>()));
    let day = |c: &mut Chance| i64::try_from(c.below(3_652_058)).unwrap() - 719_162;
    let micros = |c: &mut Chance| i64::try_from(c.below(86_400_000_000)).unwrap();
    let float = |c: &mut Chance| loop {
        let value =
            [f64::from_bits(c.next()), 0.1, -0.0, f64::MAX, f64::MIN_POSITIVE, 1e21][c.below(6) as usize];
        if !finite || value.is_finite() {
            return if value.is_nan() { f64::NAN } else { value };
        }
    };
    match r#type {
        ColumnType::Bool => Arc::new(
            (0..rows).map(|_| [Some(true), Some(false), None][c.below(3) as usize]).collect::<BooleanArray>(),
        ),
        ColumnType::Int8 => ints!(Int8Array, i8),
        ColumnType::Int16 => ints!(Int16Array, i16),
        ColumnType::Int32 => ints!(Int32Array, i32),
        ColumnType::Int64 => ints!(Int64Array, i64),
        ColumnType::Uint8 => ints!(UInt8Array, u8),
        ColumnType::Uint16 => ints!(UInt16Array, u16),
        ColumnType::Uint32 => ints!(UInt32Array, u32),
        ColumnType::Uint64 => ints!(UInt64Array, u64),
        ColumnType::Float64 => {
            Arc::new((0..rows).map(|_| (c.below(5) > 0).then(|| float(c))).collect::<Float64Array>())
        }
        ColumnType::Float32 => Arc::new(
            (0..rows)
                .map(|_| (c.below(5) > 0).then(|| f32::from_bits((c.next() as u32) & 0xBF7F_FFFF)))
                .collect::<Float32Array>(),
        ),
        ColumnType::Decimal { precision, scale } => {
            let bound = 10_i128.pow((*precision).into());
            let values = (0..rows).map(|_| {
                (c.below(5) > 0).then(|| (i128::from(c.next()) * i128::from(c.next() as i64)) % bound)
            });
            Arc::new(
                values
                    .collect::<Decimal128Array>()
                    .with_precision_and_scale(*precision, i8::try_from(*scale).unwrap())
                    .unwrap(),
            )
        }
        ColumnType::Text => {
            Arc::new((0..rows).map(|_| (c.below(5) > 0).then(|| c.text())).collect::<StringArray>())
        }
        ColumnType::Json => {
            const JSON: [&str; 6] =
                ["{\"a\": [1.50, null]}", "\"x\\n,\"", "18446744073709551616", "true", "[]", "{ }"];
            let mut texts = StringBuilder::new();
            (0..rows).for_each(|_| texts.append_option((c.below(5) > 0).then(|| JSON[c.below(6) as usize])));
            Arc::new(texts.finish())
        }
        ColumnType::Binary => Arc::new(
            (0..rows).map(|_| (c.below(5) > 0).then(|| c.text().into_bytes())).collect::<LargeBinaryArray>(),
        ),
        ColumnType::Date => Arc::new(
            (0..rows)
                .map(|_| (c.below(5) > 0).then(|| i32::try_from(day(c)).unwrap()))
                .collect::<Date32Array>(),
        ),
        ColumnType::Time => Arc::new(
            (0..rows).map(|_| (c.below(5) > 0).then(|| micros(c))).collect::<Time64MicrosecondArray>(),
        ),
        ColumnType::Timestamp { utc } => {
            let values = (0..rows).map(|_| (c.below(5) > 0).then(|| day(c) * 86_400_000_000 + micros(c)));
            Arc::new(values.collect::<TimestampMicrosecondArray>().with_timezone_opt(utc.then_some("UTC")))
        }
        ColumnType::Duration => Arc::new(
            (0..rows)
                .map(|_| (c.below(5) > 0).then(|| c.next() as i64))
                .collect::<DurationMicrosecondArray>(),
        ),
        ColumnType::Uuid => {
            let mut uuids = FixedSizeBinaryBuilder::new(16);
            for _ in 0..rows {
                if c.below(5) > 0 {
                    uuids
                        .append_value((u128::from(c.next()) << 64 | u128::from(c.next())).to_be_bytes())
                        .unwrap()
                } else {
                    uuids.append_null()
                }
            }
            Arc::new(uuids.finish())
        }
        ColumnType::Vector { dimension } => {
            let DataType::FixedSizeList(item, size) = r#type.to_arrow() else { unreachable!() };
            let floats: Float32Array =
                (0..rows * *dimension as usize).map(|_| Some(c.next() as f32 / 7.0)).collect();
            let floats = Arc::new(Float32Array::new(floats.values().clone(), None));
            Arc::new(FixedSizeListArray::new(item, size, floats, nulls(c)))
        }
        ColumnType::List { item } => {
            let DataType::List(field) = r#type.to_arrow() else { unreachable!() };
            let nulls = nulls(c);
            let lengths: Vec<_> = (0..rows)
                .map(|row| if nulls.as_ref().unwrap().is_valid(row) { c.below(4) as usize } else { 0 })
                .collect();
            let values = array(item, lengths.iter().sum(), c, finite);
            Arc::new(ListArray::new(field, OffsetBuffer::from_lengths(lengths), values, nulls))
        }
        ColumnType::Struct { fields } => {
            let DataType::Struct(arrow) = r#type.to_arrow() else { unreachable!() };
            let columns = fields.iter().map(|field| array(&field.r#type, rows, c, finite)).collect();
            Arc::new(StructArray::new(arrow, columns, nulls(c)))
        }
    }
}

fn batch(types: &[ColumnType], rows: usize, seed: u64, finite: bool) -> (Schema, RecordBatch) {
    let field =
        |(n, t): (usize, &ColumnType)| Field { name: format!("c,{n}"), r#type: t.clone(), nullable: true };
    let schema = Schema { fields: types.iter().enumerate().map(field).collect() };
    let mut chance = Chance(seed | 1);
    let columns = types.iter().map(|t| array(t, rows, &mut chance, finite)).collect();
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    let batch = RecordBatch::try_new_with_options(Arc::new(schema.to_arrow()), columns, &options).unwrap();
    (schema, batch)
}

fn encode(options: &EncodeOptions, batch: &RecordBatch) -> Vec<u8> {
    let mut encoder = Encoder::new(options, batch.schema()).unwrap();
    let half = batch.num_rows() / 2;
    encoder.write(&batch.slice(0, half)).unwrap();
    encoder.write(&batch.slice(half, batch.num_rows() - half)).unwrap();
    encoder.finish().unwrap()
}

fn decode(
    options: &DecodeOptions,
    path: &str,
    bytes: &[u8],
    piece: usize,
) -> nvisy_dal::Result<Vec<Decoded>> {
    let mut decoder = Decoder::new(options, path, None)?;
    let mut all = Vec::new();
    for piece in bytes.chunks(piece) {
        all.extend(decoder.push(piece)?);
    }
    let rest = decoder.finish()?.collect::<nvisy_dal::Result<Vec<_>>>()?;
    all.extend(rest);
    Ok(all)
}

fn joined(decoded: &[Decoded]) -> RecordBatch {
    let batches: Vec<_> = decoded.iter().map(|decoded| &decoded.batch).collect();
    arrow_select::concat::concat_batches(&batches[0].schema(), batches).unwrap()
}

/// Printed, so that NaN equals NaN and what lies under a null does not matter.
fn shown(batch: &RecordBatch) -> String {
    format!("{:?} {:?}", batch.schema(), batch.columns())
}

fn options(schema: &Schema, rows: u32) -> DecodeOptions {
    let columns = schema.fields.iter().map(|field| (field.name.clone(), field.r#type.clone())).collect();
    DecodeOptions { columns: Some(columns), batch_rows: rows, ..DecodeOptions::default() }
}

fn check(format: Format, compression: Compression, rows: usize, seed: u64, piece: usize) {
    let finite = format == Format::Jsonl;
    let types = all_types();
    let (schema, batch) = batch(&types, rows, seed, finite || format == Format::Csv);
    let encoding = EncodeOptions { compression, ..EncodeOptions::new(format) };
    let bytes = encode(&encoding, &batch);
    assert_eq!(bytes, encode(&encoding, &batch), "the same rows give the same bytes");
    let path = encoding.object_name(7);
    let decoding = if matches!(format, Format::Csv | Format::Jsonl) {
        options(&schema, 3)
    } else {
        DecodeOptions { batch_rows: 3, ..DecodeOptions::default() }
    };
    let found = decode(&decoding, &path, &bytes, piece).unwrap();
    assert_eq!(
        found.iter().flat_map(|decoded| &decoded.refused).collect::<Vec<_>>(),
        Vec::<&nvisy_formats::Refused>::new()
    );
    if rows > 0 {
        let (found, wanted) = (joined(&found), batch);
        for (place, column) in wanted.columns().iter().enumerate() {
            assert_eq!(found.schema().field(place), wanted.schema().field(place), "{format:?}");
            assert!(found.column(place) == column, "{format:?} {:?}", types[place]);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn rows_come_back_as_they_were(rows in 0_usize..12, seed: u64, piece in 1_usize..5000, compressed in 0_usize..3) {
        let compression = [Compression::None, Compression::Gzip, Compression::Zstd][compressed];
        for format in [Format::Csv, Format::Jsonl, Format::Parquet, Format::ArrowIpc] {
            if (format, compression) != (Format::ArrowIpc, Compression::Gzip) {
                check(format, compression, rows, seed, piece);
            }
        }
    }

    #[test]
    fn pieces_never_show(seed: u64, piece in 1_usize..40, lines in 1_usize..60, jsonl: bool, rows in 1_u32..20) {
        let text = noisy(seed, lines, jsonl);
        let path = if jsonl { "x.jsonl" } else { "x.csv" };
        let options = DecodeOptions { batch_rows: rows, ..DecodeOptions::default() };
        let whole = decode(&options, path, text.as_bytes(), usize::MAX).map_err(|error| error.to_string());
        let pieces = decode(&options, path, text.as_bytes(), piece).map_err(|error| error.to_string());
        match (whole, pieces) {
            (Ok(whole), Ok(pieces)) => {
                prop_assert_eq!(whole.len(), pieces.len());
                for (one, other) in whole.iter().zip(&pieces) {
                    prop_assert_eq!(shown(&one.batch), shown(&other.batch));
                    prop_assert_eq!(&one.refused, &other.refused);
                }
            }
            (whole, pieces) => prop_assert_eq!(whole.is_err(), pieces.is_err()),
        }
    }

    #[test]
    fn members_and_frames_are_joined_and_cuts_are_errors(seed: u64, cut in 1_usize..60, compressed: bool) {
        let compression = if compressed { Compression::Gzip } else { Compression::Zstd };
        let encoding = EncodeOptions { compression, ..EncodeOptions::new(Format::Jsonl) };
        let (_, rows) = batch(&[ColumnType::Int64, ColumnType::Text], 5, seed, true);
        let one = encode(&encoding, &rows);
        let two = [one.clone(), one.clone()].concat();
        let path = encoding.object_name(0);
        let found = decode(&DecodeOptions::default(), &path, &two, 7).unwrap();
        prop_assert_eq!(found.iter().map(|decoded| decoded.batch.num_rows()).sum::<usize>(), 10);
        let cut = cut.min(one.len() - 1);
        for short in [&one[..one.len() - cut], &two[..two.len() - cut]] {
            prop_assert!(decode(&DecodeOptions::default(), &path, short, 11).is_err());
        }
    }
}

#[test]
fn every_cut_of_every_binary_object_is_an_error() {
    for (format, compression) in [
        (Format::Parquet, Compression::None),
        (Format::ArrowIpc, Compression::None),
        (Format::Csv, Compression::Gzip),
        (Format::Csv, Compression::Zstd),
    ] {
        let encoding = EncodeOptions { compression, ..EncodeOptions::new(format) };
        let (_, rows) = batch(&[ColumnType::Int64, ColumnType::Text], 3, 5, true);
        let bytes = encode(&encoding, &rows);
        for end in 0..bytes.len() {
            let found = decode(&DecodeOptions::default(), &encoding.object_name(0), &bytes[..end], 64);
            assert!(found.is_err(), "{format:?} {compression:?} cut at {end} of {}", bytes.len());
        }
    }
}

/// Lines of which many are wrong.
fn noisy(seed: u64, lines: usize, jsonl: bool) -> String {
    const CSV: [&str; 10] =
        ["1,x", "2,\"a\nb\"", "x,y", "", "3", "4,\"\"", "\"5\",\"q\"\"\"", "6,7,8", "9,\r10,z", "\"a\"b,c"];
    const JSON: [&str; 9] = [
        "{\"a\":1}",
        "{\"a\":2,\"b\":\"é\"}",
        "",
        "nonsense",
        "{\"b\":[1]}",
        "{\"a\":\"x\"}",
        "[]",
        "{\"a\":null}\r",
        "{\"a\":1,\"a\":2}",
    ];
    let mut chance = Chance(seed | 1);
    let mut text = String::from(if jsonl { "" } else { "\u{feff}a,b\r\n" });
    for _ in 0..lines {
        let lines: &[&str] = if jsonl { &JSON } else { &CSV };
        text.push_str(lines[usize::try_from(chance.below(lines.len() as u64)).unwrap()]);
        text.push_str(["\n", "\r\n"][usize::try_from(chance.below(2)).unwrap()]);
    }
    text
}
