//! What the engine itself costs for each batch, beside a raw loop over the same batches:
//! `inner_loop engine|raw BATCHES [--paced] [--slower PERCENT]`.
//!
//! Source and sink are in memory and do next to nothing; the state is real. `tests/guard` counts the instructions of it.
//! With `--paced` a batch begins only when the one before is committed, so that nothing depends on which thread was quicker:
//! for counting. Without it the engine overlaps everything as it does in a real run: for measuring time. The raw loop
//! commits every batch by itself either way.
//! `--slower` lets that percentage of the batches go the whole way twice without being counted: a slowdown to be caught.

use std::error::Error;

#[path = "inner_loop/batches.rs"]
mod batches;
#[path = "inner_loop/memory.rs"]
mod memory;
#[path = "inner_loop/through.rs"]
mod through;
#[path = "inner_loop/raw.rs"]
mod raw;

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

const USAGE: &str = "inner_loop engine|raw BATCHES [--paced] [--slower PERCENT]";

fn main() -> Outcome<()> {
    let asked = Asked::of(std::env::args().skip(1))?;
    let batches = asked.batches + asked.batches * asked.slower / 100;
    let home = tempfile::tempdir()?;
    // The engine asks for a runtime of several threads; one worker is the least that is one.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let (rows, seconds) = match asked.mode.as_str() {
        "engine" => runtime.block_on(through::the_engine(home.path(), batches, asked.paced))?,
        "raw" => runtime.block_on(raw::without_it(home.path(), batches))?,
        _ => return Err(USAGE.into()),
    };
    if rows != batches * batches::ROWS {
        return Err(format!("{rows} rows of {batches} batches arrived").into());
    }
    let counted = asked.batches * batches::ROWS;
    let rate = f64::from(u32::try_from(counted)?) / seconds / 1e6;
    println!("{}: {counted} rows, {seconds:.4} s, {rate:.2} million rows/s", asked.mode);
    Ok(())
}

/// What the command line says.
struct Asked {
    mode: String,
    batches: u64,
    paced: bool,
    slower: u64,
}

impl Asked {
    fn of(mut words: impl Iterator<Item = String>) -> Outcome<Self> {
        let mode = words.next().ok_or(USAGE)?;
        let batches = words.next().ok_or(USAGE)?.parse()?;
        let mut asked = Self { mode, batches, paced: false, slower: 0 };
        while let Some(word) = words.next() {
            match word.as_str() {
                "--paced" => asked.paced = true,
                "--slower" => asked.slower = words.next().ok_or(USAGE)?.parse()?,
                _ => return Err(USAGE.into()),
            }
        }
        Ok(asked)
    }
}
