//! Whole runs between systems in memory: everything arrives, once, whatever happens on the way.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that panics has failed")]

mod support;

use nvisy_engine::{Ending, Engine, Guarantee, Outcome, Start};
use proptest::prelude::*;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use support::{Contexts, Installed, Rows, Shelf, Table, run};

const COPY: &str = "
version: 1
name: copy
connections:
  a: {provider: rows}
  b: {provider: table}
nodes:
  - {id: from, read: a, params: {table: t}}
  - {id: to, write: b, params: {table: t, mode: append}}
";

const FAN_OUT: &str = "
version: 1
name: both
connections:
  a: {provider: rows}
  b: {provider: table}
  c: {provider: shelf}
nodes:
  - {id: from, read: a, params: {table: t}}
  - {id: rows, write: b, params: {table: t, mode: append}}
  - {id: pack, transform: encode, from: from, params: {format: jsonl, rows: 7}}
  - {id: objects, write: c}
";

fn balanced(outcome: &Outcome) {
    for sink in &outcome.sinks {
        assert_eq!(sink.read, sink.written + sink.rejected + sink.filtered, "{}", sink.node);
    }
    assert_eq!(outcome.read, outcome.written + outcome.rejected + outcome.filtered);
}

fn copy(home: &Path, source: &Rows, table: &Table, start: Start) -> Arc<Outcome> {
    let installed = Installed::default().with("rows", source.clone()).with("table", table.clone());
    let outcome = run(home, &installed, COPY, start);
    balanced(&outcome);
    assert_eq!(source.open.load(Ordering::SeqCst), 0, "the source's session is closed");
    assert_eq!(table.open.load(Ordering::SeqCst), 0, "the sink's session is closed");
    outcome
}

/// Every row arrives once and the ledger says so.
#[test]
fn run_moves_every_row_once() {
    let home = tempfile::tempdir().unwrap();
    let (source, table) = (Rows::new(0..1_000, Contexts::Keyset, 64), Table::new(true));
    let outcome = copy(home.path(), &source, &table, Start::Continue);
    assert_eq!(outcome.status, Ending::Succeeded);
    assert_eq!((outcome.read, outcome.written), (1_000, 1_000));
    assert_eq!(table.sorted(), (0..1_000).collect::<Vec<_>>());
    assert_eq!(outcome.guarantee, Guarantee::ExactlyOnce);
    assert!(!outcome.resumed);
}

/// The next run takes up where the last one ended, a full one starts over.
#[test]
fn run_continues_at_its_committed_position() {
    let home = tempfile::tempdir().unwrap();
    let (source, table) = (Rows::new(0..100, Contexts::Keyset, 16), Table::new(false));
    copy(home.path(), &source, &table, Start::Continue);
    assert_eq!(copy(home.path(), &source, &table, Start::Continue).read, 0);
    source.ids.lock().unwrap().extend(100..130);
    assert_eq!(copy(home.path(), &source, &table, Start::Continue).written, 30);
    assert_eq!(table.sorted(), (0..130).collect::<Vec<_>>());
    let outcome = copy(home.path(), &source, &table, Start::ResumeOrFull);
    assert_eq!((outcome.written, outcome.resumed), (130, false));
}

/// What was read before the source broke is written and committed; the next run needs only the rest.
#[test]
fn run_keeps_what_came_before_a_failure() {
    let home = tempfile::tempdir().unwrap();
    let (source, table) = (Rows::new(0..200, Contexts::Keyset, 10), Table::new(false));
    source.broken_after.store(119, Ordering::SeqCst);
    let outcome = copy(home.path(), &source, &table, Start::Continue);
    assert_eq!((outcome.status, outcome.written), (Ending::Failed, 120));
    let error = outcome.error.clone().unwrap();
    assert_eq!(error.to_string(), "failed to read rows: the source broke");
    assert!(error.context.contains(&("node", "from".to_owned())));
    source.broken_after.store(i64::MAX, Ordering::SeqCst);
    let outcome = copy(home.path(), &source, &table, Start::ResumeOrFull);
    assert_eq!((outcome.status, outcome.written, outcome.resumed), (Ending::Succeeded, 80, true));
    assert_eq!(table.sorted(), (0..200).collect::<Vec<_>>());
}

/// Faults that pass are retried from outside, on both ends, without a row lost or repeated.
#[test]
fn run_retries_faults_that_pass() {
    let home = tempfile::tempdir().unwrap();
    let (source, table) = (Rows::new(0..50, Contexts::Each, 8), Table::new(true));
    source.hiccups.store(2, Ordering::SeqCst);
    table.faults.hiccups.store(2, Ordering::SeqCst);
    assert_eq!(copy(home.path(), &source, &table, Start::Continue).status, Ending::Succeeded);
    assert_eq!(table.sorted(), (0..50).collect::<Vec<_>>());
}

/// What comes during one write goes together into the next; a row that is refused there is booked as the row it is.
#[test]
fn run_joins_what_waits_for_a_slow_sink() {
    for transactional in [true, false] {
        let home = tempfile::tempdir().unwrap();
        let (source, table) = (Rows::new(0..40, Contexts::Keyset, 5), Table::new(transactional));
        *table.held.lock().unwrap() = Some(source.ended.clone());
        table.refuse.store(13, Ordering::SeqCst);
        let installed = Installed::default().with("rows", source.clone()).with("table", table.clone());
        let allowed = COPY.replace("name: copy", "name: copy\nmax_rejects: 4");
        let outcome = run(home.path(), &installed, &allowed, Start::Continue);
        balanced(&outcome);
        assert_eq!((outcome.status, outcome.written, outcome.rejected), (Ending::Succeeded, 36, 4));
        let writes = table.writes.lock().unwrap().clone();
        assert!(writes.len() <= 2 && writes.iter().sum::<usize>() == 40, "{writes:?}");
        assert_eq!(table.sorted(), (0..40).filter(|id| id % 13 != 0).collect::<Vec<_>>());
        let state = rusqlite::Connection::open(home.path().join("state.db")).unwrap();
        let mut booked = state.prepare("SELECT record, item FROM reject ORDER BY record").unwrap();
        let booked = booked.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        let booked: Vec<(i64, String)> = booked.map(Result::unwrap).collect();
        assert_eq!(booked.iter().map(|(record, _)| *record).collect::<Vec<_>>(), [0, 13, 26, 39]);
        assert!(booked.iter().all(|(id, item)| item.starts_with(&format!(r#"{{"id":{id},"#))), "{booked:?}");
        let again = run(home.path(), &installed, &allowed, Start::Continue);
        assert_eq!(
            (again.read, source.given.load(Ordering::SeqCst)),
            (0, 40),
            "the position is behind the last row"
        );
    }
}

/// The answer to a write of several parcels is lost: the mark is that of the last one, so nothing is written again.
#[test]
fn run_knows_a_joined_write_whose_answer_was_lost() {
    let home = tempfile::tempdir().unwrap();
    let (source, table) = (Rows::new(0..40, Contexts::Keyset, 5), Table::new(true));
    *table.held.lock().unwrap() = Some(source.ended.clone());
    table.faults.unanswered.store(2, Ordering::SeqCst);
    let outcome = copy(home.path(), &source, &table, Start::Continue);
    assert_eq!((outcome.status, outcome.written), (Ending::Succeeded, 40));
    assert_eq!(table.sorted(), (0..40).collect::<Vec<_>>());
    let writes = table.writes.lock().unwrap().clone();
    assert!(writes.len() <= 2 && writes.iter().sum::<usize>() == 40, "{writes:?}");
    assert_eq!(copy(home.path(), &source, &table, Start::Continue).read, 0);
}

/// Too many refused rows end the run as rejected; the accepted ones are kept, the refused ones are in the books.
#[test]
fn run_is_rejected_when_rows_are_refused() {
    let home = tempfile::tempdir().unwrap();
    let (source, table) = (Rows::new(1..=20, Contexts::Keyset, 20), Table::new(true));
    table.refuse.store(10, Ordering::SeqCst);
    let outcome = copy(home.path(), &source, &table, Start::Continue);
    assert_eq!(outcome.status, Ending::Rejected);
    assert_eq!((outcome.read, outcome.written, outcome.rejected), (20, 18, 2));
    let error = outcome.error.clone().unwrap();
    assert!(
        error.message.contains("2 records were refused, 0 are allowed; the first here: 10 is not wanted"),
        "{error}"
    );
    let (home, table) = (tempfile::tempdir().unwrap(), Table::new(true));
    table.refuse.store(10, Ordering::SeqCst);
    let installed = Installed::default().with("rows", source).with("table", table);
    let allowed = COPY.replace("name: copy", "name: copy\nmax_rejects: 2");
    let outcome = run(home.path(), &installed, &allowed, Start::Continue);
    assert_eq!((outcome.status, outcome.rejected), (Ending::Succeeded, 2));
}

/// A session that cannot be opened leaves none of the others open.
#[test]
fn run_closes_every_session_when_one_cannot_open() {
    let home = tempfile::tempdir().unwrap();
    let (source, table) = (Rows::new(0..5, Contexts::Keyset, 5), Table::new(true));
    table.fails_to_connect.store(1, Ordering::SeqCst);
    let outcome = copy(home.path(), &source, &table, Start::Continue);
    let error = outcome.error.clone().unwrap();
    assert_eq!((outcome.status, error.kind.as_str()), (Ending::Failed, "auth"));
    assert_eq!(source.given.load(Ordering::SeqCst), 0);
}

/// An empty source still makes the target come to be, with its columns.
#[test]
fn run_prepares_the_target_of_an_empty_source() {
    let home = tempfile::tempdir().unwrap();
    let (source, table) = (Rows::new([], Contexts::Keyset, 5), Table::new(true));
    copy(home.path(), &source, &table, Start::Continue);
    let prepared = table.prepared.lock().unwrap().clone();
    assert_eq!(prepared[0].schema.fields.iter().map(|f| f.name.as_str()).collect::<Vec<_>>(), ["id", "name"]);
}

/// A replace shows nothing until all of it is there.
#[test]
fn replace_publishes_at_the_end() {
    let home = tempfile::tempdir().unwrap();
    let (source, table) = (Rows::new(0..40, Contexts::Keyset, 10), Table::new(true));
    table.rows.lock().unwrap().push(-1);
    source.broken_after.store(19, Ordering::SeqCst);
    let installed = Installed::default().with("rows", source.clone()).with("table", table.clone());
    let workflow = COPY.replace("mode: append", "mode: replace");
    run(home.path(), &installed, &workflow, Start::Continue);
    assert_eq!(table.sorted(), [-1], "a failed replace leaves the old rows");
    source.broken_after.store(i64::MAX, Ordering::SeqCst);
    run(home.path(), &installed, &workflow, Start::Continue);
    assert_eq!(table.sorted(), (0..40).collect::<Vec<_>>());
    run(home.path(), &installed, &workflow, Start::Continue);
    assert_eq!(table.sorted(), (0..40).collect::<Vec<_>>(), "another run replaces, it does not add");
}

/// A cancelled run closes its sessions, keeps what was acknowledged and can be taken up.
#[test]
fn cancel_closes_sessions_and_keeps_positions() {
    let home = tempfile::tempdir().unwrap();
    let (source, table) = (Rows::new(0..100, Contexts::Keyset, 10), Table::taking(10, true));
    table.faults.die(Some(support::Death { writes: 3, durable: false }));
    let installed = Installed::default().with("rows", source.clone()).with("table", table.clone());
    let outcome = support::runtime().block_on(async {
        let engine = Engine::open(home.path(), Arc::new(installed.clone())).unwrap();
        let run = engine.start(engine.plan(COPY, home.path()).unwrap(), Start::Continue).unwrap();
        table.faults.crashed.notified().await;
        assert!(
            engine.start(engine.plan(COPY, home.path()).unwrap(), Start::Continue).is_err(),
            "it runs already"
        );
        run.cancel();
        run.outcome().await.unwrap()
    });
    assert_eq!((outcome.status, outcome.written), (Ending::Cancelled, 30));
    assert_eq!((source.open.load(Ordering::SeqCst), table.open.load(Ordering::SeqCst)), (0, 0));
    table.faults.die(None);
    assert!(copy(home.path(), &source, &table, Start::Continue).resumed);
    assert_eq!(table.sorted(), (0..100).collect::<Vec<_>>());
}

/// Other data under the same workflow is refused, not silently continued.
#[test]
fn start_refuses_a_position_of_other_data() {
    let home = tempfile::tempdir().unwrap();
    let (source, table) = (Rows::new(0..10, Contexts::Keyset, 10), Table::new(true));
    copy(home.path(), &source, &table, Start::Continue);
    let installed = Installed::default().with("rows", source).with("table", table);
    support::runtime().block_on(async {
        let engine = Engine::open(home.path(), Arc::new(installed)).unwrap();
        let other = COPY.replacen("table: t", "table: other", 1);
        let error = engine.start(engine.plan(&other, home.path()).unwrap(), Start::Continue).err().unwrap();
        assert_eq!(error.kind.as_str(), "conflict");
        assert!(error.hint.unwrap().contains("--full"));
    });
}

/// Two sources into one sink, each with a position of its own.
#[test]
fn fan_in_keeps_a_position_for_each_source() {
    let home = tempfile::tempdir().unwrap();
    let (odd, even, table) = (
        Rows::new((1..100).step_by(2), Contexts::Keyset, 7),
        Rows::new((0..100).step_by(2), Contexts::End, 9),
        Table::new(true),
    );
    let installed =
        Installed::default().with("odd", odd.clone()).with("even", even.clone()).with("table", table.clone());
    let workflow = "
version: 1
name: merge
connections: {a: {provider: odd}, b: {provider: even}, c: {provider: table}}
nodes:
  - {id: odds, read: a, params: {table: t}}
  - {id: evens, read: b, params: {table: t}}
  - {id: all, write: c, from: [odds, evens], params: {table: t, mode: append}}
";
    balanced(&run(home.path(), &installed, workflow, Start::Continue));
    odd.ids.lock().unwrap().push(101);
    let outcome = run(home.path(), &installed, workflow, Start::Continue);
    assert_eq!(outcome.read, 1);
    assert_eq!(table.sorted(), (0..100).chain([101]).collect::<Vec<_>>());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Whatever the batch size, the kind of contexts, how much a sink takes at once and the moments of death, in the end both sinks hold every row
    /// exactly once, and the ledgers of all runs together account for each.
    #[test]
    fn crashes_lose_and_repeat_nothing(
        contexts in prop_oneof![Just(Contexts::Keyset), Just(Contexts::Each), Just(Contexts::End)],
        sizes in prop::collection::vec(1usize..20, 1..5),
        deaths in prop::collection::vec((0i64..6, any::<bool>(), any::<bool>()), 1..4),
        at_once in prop_oneof![1u64..20, Just(u64::MAX)],
        grows in any::<bool>(),
    ) {
        let home = tempfile::tempdir().unwrap();
        let (source, table, shelf) = (Rows::new(0..90, contexts, sizes[0]), Table::taking(at_once, true), Shelf::new());
        let installed = Installed::default().with("rows", source.clone()).with("table", table.clone()).with("shelf", shelf.clone());
        for (round, (writes, durable, at_table)) in deaths.into_iter().enumerate() {
            // A page's size may change between runs only where positions do not depend on it.
            if contexts != Contexts::End {
                source.batch.store(sizes[round % sizes.len()], Ordering::SeqCst);
            }
            let faults = if at_table { &table.faults } else { &shelf.faults };
            faults.die(Some(support::Death { writes, durable }));
            support::crash(home.path(), &installed, FAN_OUT, &faults.crashed);
            table.faults.die(None);
            shelf.faults.die(None);
        }
        if grows {
            source.ids.lock().unwrap().extend(90..110);
        }
        let outcome = run(home.path(), &installed, FAN_OUT, Start::Continue);
        prop_assert_eq!(outcome.status, Ending::Succeeded);
        let expected: Vec<i64> = (0..if grows { 110 } else { 90 }).collect();
        prop_assert_eq!(table.sorted(), expected.clone());
        prop_assert_eq!(shelf.sorted(), expected.clone());
        let runtime = support::runtime();
        let engine = Engine::open(home.path(), Arc::new(installed)).unwrap();
        drop(runtime);
        let runs = engine.runs(100).unwrap();
        for path in ["from>rows", "from>pack>objects"] {
            let read: u64 = runs.iter().filter_map(|run| run.ledger.get(path)).map(|ledger| ledger.read).sum();
            prop_assert_eq!(read, expected.len() as u64);
        }
    }
}

/// When the state cannot be written any more (its disk is full, say), the run stops soon instead of writing on without
/// a position, names the state as the cause, and can be taken up once there is room again.
#[test]
fn run_stops_when_its_state_cannot_be_written() {
    let home = tempfile::tempdir().unwrap();
    let (source, table) = (Rows::new(0..5_000, Contexts::Keyset, 1), Table::new(true));
    drop(Engine::open(home.path(), Arc::new(Installed::default())).unwrap());
    let state = rusqlite::Connection::open(home.path().join("state.db")).unwrap();
    state
        .execute_batch(
            "CREATE TRIGGER full BEFORE INSERT ON ledger BEGIN SELECT RAISE(ABORT, 'disk is full'); END",
        )
        .unwrap();
    let outcome = copy(home.path(), &source, &table, Start::Continue);
    let error = outcome.error.clone().unwrap();
    assert_eq!(outcome.status, Ending::Failed);
    assert!(
        error.to_string().contains("failed to commit") && error.message.contains("disk is full"),
        "{error}"
    );
    let written = table.sorted().len();
    assert!(written < 2_500, "{written} rows were written behind a position that could not be kept");
    state.execute_batch("DROP TRIGGER full").unwrap();
    assert!(copy(home.path(), &source, &table, Start::Continue).resumed);
    assert_eq!(table.sorted(), (0..5_000).collect::<Vec<_>>());
}
