//! Objects into records and back: a run resumes inside an object, and a raw copy beside a decoded one keeps its own place.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that panics has failed")]

mod support;

use nvisy_engine::{Ending, Start};
use proptest::prelude::*;
use support::{Installed, Objects, Shelf, Table, run};

const LOAD: &str = "
version: 1
name: load
connections:
  a: {provider: objects}
  b: {provider: table}
  c: {provider: shelf}
nodes:
  - {id: files, read: a}
  - {id: decoded, transform: decode, params: {format: jsonl, batch_rows: 6}}
  - {id: rows, transform: select, params: {columns: [id]}}
  - {id: table, write: b, params: {table: t, mode: append}}
  - {id: packed, transform: encode, from: rows, params: {format: jsonl, rows: 11}}
  - {id: shelf, write: c}
";

/// Objects of so many lines each, ids running on from one to the next.
fn objects(lines: &[usize]) -> (Vec<(String, Vec<u8>)>, Vec<i64>) {
    let mut next = 0..;
    let mut all = Vec::new();
    let object = |(nth, count): (usize, &usize)| {
        let ids: Vec<i64> = next.by_ref().take(*count).collect();
        let lines: Vec<_> = ids.iter().map(|id| format!("{{\"id\": {id}, \"name\": \"n{id}\"}}\n")).collect();
        let text = lines.concat();
        all.extend(ids);
        (format!("{nth:03}.jsonl"), text.into_bytes())
    };
    let objects = lines.iter().enumerate().map(object).collect();
    (objects, all)
}

/// A line that does not fit ends the run by default, naming object, line, column and what to do; nothing is written.
#[test]
fn decode_refuses_a_line_that_does_not_fit() {
    let home = tempfile::tempdir().unwrap();
    let (mut files, _) = objects(&[3]);
    files[0].1.extend_from_slice(b"{\"id\": 3, \"name\": \"x\", \"more\": 1}\n");
    files.push(("001.jsonl".into(), b"{\"id\": \"seven\", \"name\": \"x\"}\n".to_vec()));
    let (table, shelf) = (Table::new(true), Shelf::new());
    let installed = Installed::default()
        .with("objects", Objects::new(files, 1_000))
        .with("table", table.clone())
        .with("shelf", shelf.clone());
    let outcome = run(home.path(), &installed, LOAD, Start::Continue);
    assert_eq!(outcome.status, Ending::Rejected);
    let message = outcome.error.clone().unwrap().message;
    assert!(message.contains("001.jsonl line 1") && message.contains("`id`"), "{message}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Wherever the run dies, also inside an object or one of its parts, every line arrives once in both sinks.
    #[test]
    fn decode_resumes_inside_an_object(
        lines in prop::collection::vec(0usize..40, 1..6),
        part in 20usize..600,
        deaths in prop::collection::vec((0i64..5, any::<bool>(), any::<bool>()), 1..4),
    ) {
        let home = tempfile::tempdir().unwrap();
        let (files, expected) = objects(&lines);
        let (table, shelf) = (Table::new(true), Shelf::new());
        let installed = Installed::default()
            .with("objects", Objects::new(files, part))
            .with("table", table.clone())
            .with("shelf", shelf.clone());
        for (writes, durable, at_table) in deaths {
            let faults = if at_table { &table.faults } else { &shelf.faults };
            faults.die(Some(support::Death { writes, durable }));
            support::crash(home.path(), &installed, LOAD, &faults.crashed);
            table.faults.die(None);
            shelf.faults.die(None);
        }
        let outcome = run(home.path(), &installed, LOAD, Start::Continue);
        prop_assert_eq!(outcome.status, Ending::Succeeded);
        prop_assert_eq!(table.sorted(), expected.clone());
        prop_assert_eq!(shelf.sorted(), expected);
    }
}
