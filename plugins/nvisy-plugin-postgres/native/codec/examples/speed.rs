//! Rows a second of decoding and encoding 8 columns on one core: `cargo run --release --example speed`.
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::unwrap_used,
    reason = "a measurement on data of its own making"
)]

use nvisy_postgres_copy::{Decoder, Encoder};
use std::hint::black_box;
use std::io::Write as _;
use std::time::{Duration, Instant};

const ROWS: usize = 1_000_000;
const BATCH: usize = 10_000;
const PIECE: usize = 64 * 1024;

const COLUMNS: [(&str, &str, &str); 8] = [
    ("id", "int8", r#"{"name":"int64"}"#),
    ("year", "int4", r#"{"name":"int32"}"#),
    ("delay", "float8", r#"{"name":"float64"}"#),
    ("price", "numeric", r#"{"name":"decimal","precision":12,"scale":2}"#),
    ("carrier", "text", r#"{"name":"text"}"#),
    ("tail", "text", r#"{"name":"text"}"#),
    ("seen", "timestamptz", r#"{"name":"timestamp","utc":true}"#),
    ("late", "bool", r#"{"name":"bool"}"#),
];

fn main() {
    for (title, columns) in [
        ("with numeric", &COLUMNS[..]),
        (
            "id, 3 numbers, 2 texts, instant, bool",
            &[
                COLUMNS[0],
                COLUMNS[1],
                COLUMNS[2],
                ("n", "int4", COLUMNS[1].2),
                COLUMNS[4],
                COLUMNS[5],
                COLUMNS[6],
                COLUMNS[7],
            ][..],
        ),
    ] {
        let stream = stream(columns);
        println!("{title}: {} bytes a row", stream.len() / ROWS);
        let (mut reads, mut writes) = (Vec::new(), Vec::new());
        for _ in 0..7 {
            let (read, write) = once(columns, &stream);
            reads.push(read);
            writes.push(write);
        }
        for (what, mut times) in [("decode", reads), ("encode", writes)] {
            times.sort();
            let rate = |time: Duration| ROWS as f64 / time.as_secs_f64() / 1e6;
            println!("  {what}: median {:.2}, best {:.2} million rows/s", rate(times[3]), rate(times[0]));
        }
    }
}

fn once(columns: &[(&str, &str, &str)], stream: &[u8]) -> (Duration, Duration) {
    let described: Vec<_> = columns.iter().map(|(name, wire, json)| (*name, *wire, *json, true)).collect();
    let mut decoder = Decoder::new(&described).unwrap();
    let pairs: Vec<_> = columns.iter().map(|(name, wire, _)| (*name, *wire)).collect();
    let encoder = Encoder::new(&pairs, false).unwrap();
    let (mut read, mut write, mut rows) = (Duration::ZERO, Duration::ZERO, 0);
    let mut pieces = stream.chunks(PIECE);
    loop {
        let began = Instant::now();
        let mut ready = 0;
        let mut ended = false;
        while ready < BATCH && !ended {
            match pieces.next() {
                Some(piece) => ready = decoder.feed(piece).unwrap(),
                None => ended = true,
            }
        }
        let batch = decoder.take(BATCH).unwrap();
        read += began.elapsed();
        let Some(batch) = batch else { break };
        let began = Instant::now();
        black_box(encoder.encode(&batch).unwrap());
        write += began.elapsed();
        rows += batch.num_rows();
    }
    decoder.finish().unwrap();
    assert_eq!(rows, ROWS);
    (read, write)
}

/// A stream as the server sends it, one null in twenty values, written without the code that is measured.
fn stream(columns: &[(&str, &str, &str)]) -> Vec<u8> {
    let mut out = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0".to_vec();
    let mut seed = 42_u64;
    for row in 0..ROWS {
        out.extend((columns.len() as i16).to_be_bytes());
        for (name, wire, _) in columns {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let random = seed >> 33;
            if *name != "id" && random.is_multiple_of(20) {
                out.extend((-1_i32).to_be_bytes());
                continue;
            }
            let value = match *wire {
                "int8" => (row as i64).to_be_bytes().to_vec(),
                "int4" => (random as i32).to_be_bytes().to_vec(),
                "float8" => (random as f64 / 7.0).to_be_bytes().to_vec(),
                "timestamptz" => (random as i64 * 1_000_003).to_be_bytes().to_vec(),
                "bool" => vec![(random & 1) as u8],
                "numeric" => {
                    let words = [3, 1, 0, 2, random % 999 + 1, random % 10_000, random % 100 * 100];
                    words.iter().flat_map(|word| (*word as u16).to_be_bytes()).collect()
                }
                _ => {
                    let mut text = Vec::new();
                    write!(text, "{:x}", random % (1 << (4 + random % 28))).unwrap();
                    text
                }
            };
            out.extend((value.len() as i32).to_be_bytes());
            out.extend(value);
        }
    }
    out.extend((-1_i16).to_be_bytes());
    out
}
