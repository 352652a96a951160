//! Rows per second of each codec: the best of three runs over one million rows of eight columns.

use arrow_array::{
    BooleanArray, Date32Array, Float64Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use arrow_schema::{DataType, Field, Schema, TimeUnit};
use nvisy_formats::{Compression, DecodeOptions, Decoder, EncodeOptions, Encoder, Format};
use std::error::Error;
use std::sync::Arc;
use std::time::Instant;

const BATCHES: i64 = 100;
const ROWS: i64 = 10_000;

fn main() -> Result<(), Box<dyn Error>> {
    let batches = (0..BATCHES).map(batch).collect::<Result<Vec<_>, _>>()?;
    let all = [Compression::None, Compression::Zstd, Compression::Gzip];
    for format in [Format::Csv, Format::Jsonl, Format::Parquet, Format::ArrowIpc] {
        for compression in all {
            if (format, compression) == (Format::ArrowIpc, Compression::Gzip) {
                continue;
            }
            let options = EncodeOptions { compression, ..EncodeOptions::new(format) };
            let (mut encoding, mut decoding, mut size) = (f64::MAX, f64::MAX, 0);
            for _ in 0..3 {
                let start = Instant::now();
                let bytes = encode(&options, &batches)?;
                encoding = encoding.min(start.elapsed().as_secs_f64());
                let start = Instant::now();
                let rows = decode(&options.object_name(0), &bytes)?;
                decoding = decoding.min(start.elapsed().as_secs_f64());
                assert_eq!(rows, usize::try_from(BATCHES * ROWS)?);
                size = bytes.len();
            }
            let rate = |seconds: f64| 1.0 / seconds;
            let name = format!("{}+{}", format.as_str(), compression.as_str());
            let (encoding, decoding) = (rate(encoding), rate(decoding));
            println!(
                "{name:14} {size:>10} bytes  encode {encoding:6.2}  decode {decoding:6.2} million rows/s"
            );
        }
    }
    Ok(())
}

fn batch(number: i64) -> Result<RecordBatch, Box<dyn Error>> {
    let ids = number * ROWS..(number + 1) * ROWS;
    let utc = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    let schema = Schema::new(vec![
        Field::new("id", DataType::Int64, true),
        Field::new("carrier", DataType::Utf8, true),
        Field::new("flight", DataType::Int64, true),
        Field::new("delay", DataType::Float64, true),
        Field::new("cancelled", DataType::Boolean, true),
        Field::new("day", DataType::Date32, true),
        Field::new("departure", utc, true),
        Field::new("note", DataType::Utf8, true),
    ]);
    let times: TimestampMicrosecondArray =
        ids.clone().map(|id| Some(1_357_000_000_000_000 + id * 60_000_000)).collect();
    let days = ids.clone().map(|id| i32::try_from(15_706 + id % 365).ok());
    Ok(RecordBatch::try_new(
        Arc::new(schema),
        vec![
            Arc::new(ids.clone().map(Some).collect::<Int64Array>()),
            Arc::new(
                ids.clone()
                    .map(|id| Some(["UA", "AA", "B6", "DL"][usize::try_from(id % 4).unwrap_or(0)]))
                    .collect::<StringArray>(),
            ),
            Arc::new(ids.clone().map(|id| Some(id * 7919 % 8500)).collect::<Int64Array>()),
            Arc::new(
                ids.clone()
                    .map(|id| {
                        (id % 40 != 0).then(|| f64::from(i32::try_from(id % 1301).unwrap_or(0)) / 4.0 - 15.0)
                    })
                    .collect::<Float64Array>(),
            ),
            Arc::new(ids.clone().map(|id| Some(id % 40 == 0)).collect::<BooleanArray>()),
            Arc::new(days.collect::<Date32Array>()),
            Arc::new(times.with_timezone("UTC")),
            Arc::new(
                ids.map(|id| Some(format!("gate {}, row \"{}\"", id % 60, id % 33))).collect::<StringArray>(),
            ),
        ],
    )?)
}

fn encode(options: &EncodeOptions, batches: &[RecordBatch]) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut encoder = Encoder::new(options, batches[0].schema())?;
    for batch in batches {
        encoder.write(batch)?;
    }
    Ok(encoder.finish()?)
}

fn decode(path: &str, bytes: &[u8]) -> Result<usize, Box<dyn Error>> {
    let mut decoder = Decoder::new(&DecodeOptions::default(), path, None)?;
    let mut rows = 0;
    for piece in bytes.chunks(Decoder::PIECE) {
        rows += decoder.push(piece)?.iter().map(|decoded| decoded.batch.num_rows()).sum::<usize>();
    }
    for decoded in decoder.finish()? {
        rows += decoded?.batch.num_rows();
    }
    Ok(rows)
}
