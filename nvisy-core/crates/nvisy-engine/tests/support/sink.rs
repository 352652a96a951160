//! Two systems to write to: a table that may keep the engine's checkpoint in its own transaction, and a shelf of objects.
//! Each can be told to stop answering, before or after it has made a batch durable, as a system looks to a process that
//! dies at that moment.

use super::manifest;
use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use nvisy_dal::{
    Ability, Batch, BoxFuture, Category, Connect, Connector, DataInput, DataKind, DataOutput, Error,
    ErrorKind, Inspect, Manifest, Mark, Prepare, PreparedOutput, Provider, Receipt, Rejection, Result,
    StagedOutput, TransactionalOutput,
};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use tokio::sync::Notify;

/// Where a sink dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Death {
    /// Writes it still completes.
    pub writes: i64,
    /// Whether the fatal write is durable.
    pub durable: bool,
}

pub struct Faults {
    death: Mutex<Option<Death>>,
    pub crashed: Arc<Notify>,
    /// Fail this many writes with a fault that passes.
    pub hiccups: AtomicU32,
    /// Make this many writes durable and lose the answer.
    pub unanswered: AtomicU32,
}

impl Faults {
    fn new() -> Self {
        Self {
            death: Mutex::new(None),
            crashed: Arc::new(Notify::new()),
            hiccups: AtomicU32::new(0),
            unanswered: AtomicU32::new(0),
        }
    }

    pub fn die(&self, death: Option<Death>) {
        *self.death.lock().unwrap() = death;
    }

    /// What this write meets: `Some(durable)` is its death.
    fn meets(&self) -> Option<bool> {
        let mut death = self.death.lock().unwrap();
        let left = death.as_mut()?;
        left.writes -= 1;
        (left.writes < 0).then_some(left.durable)
    }

    async fn around(&self, write: impl FnOnce() -> Result<Receipt>) -> Result<Receipt> {
        let down = || Err(Error::new(ErrorKind::Connection, "write rows", "the line is down"));
        if taken(&self.hiccups) {
            return down();
        }
        if taken(&self.unanswered) {
            write()?;
            return down();
        }
        match self.meets() {
            None => write(),
            Some(durable) => {
                if durable {
                    write()?;
                }
                self.crashed.notify_one();
                std::future::pending().await
            }
        }
    }
}

/// Count down; whether there was anything left.
fn taken(left: &AtomicU32) -> bool {
    left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok()
}

/// A table of ids, each with how often it was written.
#[derive(Clone)]
pub struct Table(Arc<TableInner>);

pub struct TableInner {
    manifest: Manifest,
    pub rows: Mutex<Vec<i64>>,
    pub staged: Mutex<Vec<i64>>,
    pub marks: Mutex<BTreeMap<String, Mark>>,
    pub prepared: Mutex<Vec<Prepare>>,
    pub faults: Faults,
    pub open: AtomicI64,
    /// How many rows each write had.
    pub writes: Mutex<Vec<usize>>,
    /// Let the first write wait for this.
    pub held: Mutex<Option<Arc<Notify>>>,
    /// Refuse the ids this number divides.
    pub refuse: AtomicI64,
    pub fails_to_connect: AtomicI64,
}

impl std::ops::Deref for Table {
    type Target = TableInner;

    fn deref(&self) -> &TableInner {
        &self.0
    }
}

impl Table {
    pub fn new(transactional: bool) -> Self {
        Self::taking(u64::MAX, transactional)
    }

    /// One that takes at most so many rows at once.
    pub fn taking(rows: u64, transactional: bool) -> Self {
        let mut abilities = vec![Ability::Write, Ability::Prepare, Ability::Staged];
        abilities.extend(transactional.then_some(Ability::Transactional));
        let mut manifest = manifest("table", Category::Relational, DataKind::Record, &abilities);
        manifest.abilities.get_mut(&Ability::Write).unwrap().limits.insert("max_batch_rows".to_owned(), rows);
        Self(Arc::new(TableInner {
            manifest,
            rows: Mutex::new(Vec::new()),
            staged: Mutex::new(Vec::new()),
            marks: Mutex::new(BTreeMap::new()),
            prepared: Mutex::new(Vec::new()),
            faults: Faults::new(),
            open: AtomicI64::new(0),
            writes: Mutex::new(Vec::new()),
            held: Mutex::new(None),
            refuse: AtomicI64::new(0),
            fails_to_connect: AtomicI64::new(0),
        }))
    }

    /// The ids, sorted, every copy of them.
    pub fn sorted(&self) -> Vec<i64> {
        let mut rows = self.rows.lock().unwrap().clone();
        rows.sort_unstable();
        rows
    }
}

impl Connector for Table {
    fn manifest(&self) -> &Manifest {
        &self.0.manifest
    }

    fn connect(&self, request: Connect) -> BoxFuture<'_, Result<Box<dyn Provider>>> {
        Box::pin(async move {
            if self.fails_to_connect.load(Ordering::SeqCst) != 0 {
                return Err(Error::new(ErrorKind::Auth, "connect", "the password was refused"));
            }
            self.open.fetch_add(1, Ordering::SeqCst);
            let replaces = request.params.get("mode").and_then(|mode| mode.as_str()) == Some("replace");
            Ok(Box::new(TableSession { table: self.clone(), replaces }) as Box<dyn Provider>)
        })
    }
}

struct TableSession {
    table: Table,
    replaces: bool,
}

impl Provider for TableSession {
    fn disconnect(&self) -> BoxFuture<'_, Result<()>> {
        self.table.open.fetch_sub(1, Ordering::SeqCst);
        Box::pin(async { Ok(()) })
    }

    fn input(&self) -> Option<&dyn DataInput> {
        None
    }

    fn output(&self) -> Option<&dyn DataOutput> {
        Some(self)
    }

    fn inspect(&self) -> Option<&dyn Inspect> {
        None
    }
}

impl TableSession {
    async fn arrive(&self, batch: &Batch) {
        self.table.writes.lock().unwrap().push(batch.len());
        let held = self.table.held.lock().unwrap().take();
        if let Some(held) = held {
            held.notified().await;
        }
    }

    fn add(&self, batch: &Batch) -> Receipt {
        let ids = batch.data().column_by_name("id").unwrap().as_primitive::<Int64Type>().values().to_vec();
        let divisor = self.table.refuse.load(Ordering::SeqCst);
        let refused = |id: i64| divisor != 0 && id % divisor == 0;
        let rejected = ids.iter().enumerate().filter(|(_, id)| refused(**id)).map(|(index, id)| Rejection {
            index: index as u64,
            code: "check".into(),
            reason: format!("{id} is not wanted"),
        });
        let rejected: Vec<_> = rejected.collect();
        let target = if self.replaces { &self.table.staged } else { &self.table.rows };
        target.lock().unwrap().extend(ids.iter().filter(|id| !refused(**id)));
        Receipt { accepted: (ids.len() - rejected.len()) as u64, rejected }
    }
}

impl DataOutput for TableSession {
    fn write(&self, batch: Batch) -> BoxFuture<'_, Result<Receipt>> {
        Box::pin(async move {
            self.arrive(&batch).await;
            self.table.faults.around(|| Ok(self.add(&batch))).await
        })
    }

    fn prepared(&self) -> Option<&dyn PreparedOutput> {
        Some(self)
    }

    fn transactional(&self) -> Option<&dyn TransactionalOutput> {
        self.table.manifest().can(Ability::Transactional).then_some(self)
    }

    fn staged(&self) -> Option<&dyn StagedOutput> {
        Some(self)
    }
}

impl PreparedOutput for TableSession {
    fn prepare(&self, request: Prepare) -> BoxFuture<'_, Result<()>> {
        if request.fresh && self.replaces {
            self.table.staged.lock().unwrap().clear();
        }
        self.table.prepared.lock().unwrap().push(request);
        Box::pin(async { Ok(()) })
    }
}

impl TransactionalOutput for TableSession {
    fn committed(&self, key: String) -> BoxFuture<'_, Result<Option<Mark>>> {
        Box::pin(async move { Ok(self.table.marks.lock().unwrap().get(&key).cloned()) })
    }

    fn write_through(&self, batch: Batch, mark: Mark) -> BoxFuture<'_, Result<Receipt>> {
        Box::pin(async move {
            self.arrive(&batch).await;
            let both = || {
                let receipt = self.add(&batch);
                self.table.marks.lock().unwrap().insert(mark.key.clone(), mark);
                Ok(receipt)
            };
            self.table.faults.around(both).await
        })
    }
}

impl StagedOutput for TableSession {
    fn publish(&self) -> BoxFuture<'_, Result<()>> {
        let staged = self.table.staged.lock().unwrap().clone();
        *self.table.rows.lock().unwrap() = staged;
        Box::pin(async { Ok(()) })
    }
}

/// Objects by path; putting one again replaces it.
#[derive(Clone)]
pub struct Shelf(Arc<ShelfInner>);

pub struct ShelfInner {
    manifest: Manifest,
    pub objects: Mutex<BTreeMap<String, Vec<u8>>>,
    pub faults: Faults,
}

impl std::ops::Deref for Shelf {
    type Target = ShelfInner;

    fn deref(&self) -> &ShelfInner {
        &self.0
    }
}

impl Shelf {
    pub fn new() -> Self {
        let manifest = manifest("shelf", Category::Object, DataKind::Object, &[Ability::Write]);
        Self(Arc::new(ShelfInner { manifest, objects: Mutex::new(BTreeMap::new()), faults: Faults::new() }))
    }

    /// The ids in all objects of JSON lines, sorted, every copy of them.
    pub fn sorted(&self) -> Vec<i64> {
        let objects = self.objects.lock().unwrap();
        let lines = objects.values().flat_map(|bytes| std::str::from_utf8(bytes).unwrap().lines());
        let id =
            |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap()["id"].as_i64().unwrap();
        let mut ids: Vec<i64> = lines.map(id).collect();
        ids.sort_unstable();
        ids
    }
}

impl Connector for Shelf {
    fn manifest(&self) -> &Manifest {
        &self.0.manifest
    }

    fn connect(&self, _: Connect) -> BoxFuture<'_, Result<Box<dyn Provider>>> {
        Box::pin(async { Ok(Box::new(self.clone()) as Box<dyn Provider>) })
    }
}

impl Provider for Shelf {
    fn disconnect(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(async { Ok(()) })
    }

    fn input(&self) -> Option<&dyn DataInput> {
        None
    }

    fn output(&self) -> Option<&dyn DataOutput> {
        Some(self)
    }

    fn inspect(&self) -> Option<&dyn Inspect> {
        None
    }
}

impl DataOutput for Shelf {
    fn write(&self, batch: Batch) -> BoxFuture<'_, Result<Receipt>> {
        Box::pin(async move {
            let put = || {
                let paths = batch.data().column_by_name("path").unwrap().as_string::<i32>().clone();
                let data = batch.data().column_by_name("data").unwrap().as_binary::<i64>().clone();
                let mut objects = self.objects.lock().unwrap();
                for (path, data) in paths.iter().zip(data.iter()) {
                    objects.insert(path.unwrap().to_owned(), data.unwrap().to_vec());
                }
                Ok(Receipt { accepted: batch.len() as u64, rejected: Vec::new() })
            };
            self.faults.around(put).await
        })
    }

    fn prepared(&self) -> Option<&dyn PreparedOutput> {
        None
    }

    fn transactional(&self) -> Option<&dyn TransactionalOutput> {
        None
    }

    fn staged(&self) -> Option<&dyn StagedOutput> {
        None
    }
}
