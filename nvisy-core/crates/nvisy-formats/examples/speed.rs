//! Seconds of processor time per million rows of each codec: `speed [TABLE [CODEC [RUNS [BATCHES]]]]`, where the
//! first two are parts of names. The processor time of the one thread is counted, and the median of the runs shown.
//!
//! With the environment's `SPEED_DUMP`, a folder, the objects are also left there for other programs to read.

use arrow_array::RecordBatch;
use nvisy_formats::{Compression, DecodeOptions, Decoder, EncodeOptions, Encoder, Format};
use std::collections::hash_map::DefaultHasher;
use std::error::Error;
use std::hash::{Hash as _, Hasher as _};
use std::time::Instant;

#[path = "speed/tables.rs"]
mod tables;

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    let want = |place: usize, name: &str| wanted.get(place).is_none_or(|part| name.contains(part.as_str()));
    let runs = wanted.get(2).map_or(Ok(3), |runs| runs.parse())?;
    for table in tables::ALL {
        if !want(0, table.name) {
            continue;
        }
        let batches = wanted.get(3).map_or(Ok(table.batches), |batches| batches.parse())?;
        let batches = (0..batches).map(table.batch).collect::<Outcome<Vec<_>>>()?;
        for format in [Format::Csv, Format::Jsonl, Format::Parquet, Format::ArrowIpc] {
            for compression in [Compression::None, Compression::Zstd, Compression::Gzip] {
                let name = format!("{}+{}", format.as_str(), compression.as_str());
                if want(1, &name) && (format, compression) != (Format::ArrowIpc, Compression::Gzip) {
                    let options = EncodeOptions { compression, ..EncodeOptions::new(format) };
                    measure(table.name, &name, &options, &batches, runs)?;
                }
            }
        }
    }
    Ok(())
}

fn measure(
    table: &str,
    codec: &str,
    options: &EncodeOptions,
    batches: &[RecordBatch],
    runs: usize,
) -> Outcome<()> {
    let rows = batches.iter().map(RecordBatch::num_rows).sum::<usize>();
    let (mut encoding, mut decoding) = (Vec::new(), Vec::new());
    let (mut size, mut hash) = (0, 0);
    for run in 0..runs {
        let start = processor_time()?;
        let bytes = encode(options, batches)?;
        let between = processor_time()?;
        let decoded = decode(&options.object_name(0), &bytes)?;
        encoding.push(between - start);
        decoding.push(processor_time()? - between);
        assert_eq!(decoded, rows);
        if run == 0 {
            let mut hasher = DefaultHasher::new();
            bytes.hash(&mut hasher);
            (size, hash) = (bytes.len(), hasher.finish());
            if let Ok(folder) = std::env::var("SPEED_DUMP") {
                let path =
                    format!("{folder}/{table}-{}.{}", options.compression.as_str(), options.extension());
                std::fs::write(path, &bytes)?;
            }
        }
    }
    let per_million = |seconds: &mut Vec<f64>| {
        seconds.sort_by(f64::total_cmp);
        seconds[seconds.len() / 2] / f64::from(u32::try_from(rows).unwrap_or(u32::MAX)) * 1e6
    };
    let (encoding, decoding) = (per_million(&mut encoding), per_million(&mut decoding));
    println!(
        "{table:10} {codec:13} {size:>10} bytes {hash:016x}  encode {encoding:6.3}  decode {decoding:6.3} s/M rows"
    );
    Ok(())
}

/// Seconds this thread has run; where the system does not say, seconds that have passed.
fn processor_time() -> Outcome<f64> {
    static START: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    let Ok(text) = std::fs::read_to_string("/proc/thread-self/schedstat") else {
        return Ok(START.get_or_init(Instant::now).elapsed().as_secs_f64());
    };
    let nanoseconds = text.split(' ').next().unwrap_or_default();
    Ok(nanoseconds.parse::<f64>()? / 1e9)
}

fn encode(options: &EncodeOptions, batches: &[RecordBatch]) -> Outcome<Vec<u8>> {
    let mut encoder = Encoder::new(options, batches[0].schema())?;
    for batch in batches {
        encoder.write(batch)?;
    }
    Ok(encoder.finish()?)
}

fn decode(path: &str, bytes: &[u8]) -> Outcome<usize> {
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
