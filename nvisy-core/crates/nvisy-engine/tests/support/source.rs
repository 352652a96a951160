//! A table of numbered rows to read, which may grow, break off, or fail for a while.

use super::manifest;
use arrow_array::{Int64Array, RecordBatch, StringArray};
use arrow_schema::{DataType, Field, Schema as ArrowSchema};
use futures_util::stream;
use nvisy_dal::{
    Ability, Batch, BatchStream, BoxFuture, Category, Connect, Connector, Context, DataInput, DataKind,
    DataOutput, Error, ErrorKind, Inspect, Manifest, Positions, Provider, Result, Schema, StreamInfo,
    TypedValue,
};
use std::sync::atomic::{AtomicI64, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tokio::sync::Notify;

/// How the source says where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contexts {
    /// A projection of the key column.
    Keyset,
    /// One context for each row.
    Each,
    /// One context for each batch.
    End,
}

#[derive(Clone)]
pub struct Rows(Arc<Inner>);

pub struct Inner {
    manifest: Manifest,
    pub ids: Mutex<Vec<i64>>,
    pub contexts: Contexts,
    pub batch: AtomicUsize,
    /// Fail for good behind this id.
    pub broken_after: AtomicI64,
    /// Fail this many times with a fault that passes.
    pub hiccups: AtomicU32,
    pub open: AtomicI64,
    pub given: AtomicUsize,
    /// Told at the end of every reading.
    pub ended: Arc<Notify>,
}

impl Rows {
    pub fn new(ids: impl IntoIterator<Item = i64>, contexts: Contexts, batch: usize) -> Self {
        let abilities = [Ability::Read, Ability::Inspect];
        Self(Arc::new(Inner {
            manifest: manifest("rows", Category::Relational, DataKind::Record, &abilities),
            ids: Mutex::new(ids.into_iter().collect()),
            contexts,
            batch: AtomicUsize::new(batch),
            broken_after: AtomicI64::new(i64::MAX),
            hiccups: AtomicU32::new(0),
            open: AtomicI64::new(0),
            given: AtomicUsize::new(0),
            ended: Arc::new(Notify::new()),
        }))
    }
}

impl std::ops::Deref for Rows {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl Connector for Rows {
    fn manifest(&self) -> &Manifest {
        &self.0.manifest
    }

    fn connect(&self, _: Connect) -> BoxFuture<'_, Result<Box<dyn Provider>>> {
        self.open.fetch_add(1, Ordering::SeqCst);
        Box::pin(async { Ok(Box::new(self.clone()) as Box<dyn Provider>) })
    }
}

impl Provider for Rows {
    fn disconnect(&self) -> BoxFuture<'_, Result<()>> {
        self.open.fetch_sub(1, Ordering::SeqCst);
        Box::pin(async { Ok(()) })
    }

    fn input(&self) -> Option<&dyn DataInput> {
        Some(self)
    }

    fn output(&self) -> Option<&dyn DataOutput> {
        None
    }

    fn inspect(&self) -> Option<&dyn Inspect> {
        Some(self)
    }
}

fn context(id: i64) -> Context {
    serde_json::from_value(serde_json::json!({
        "kind": "keyset", "version": 1, "fingerprint": "0123456789abcdef", "values": [{"type": "int", "value": id}]
    }))
    .unwrap()
}

fn schema() -> ArrowSchema {
    ArrowSchema::new(vec![Field::new("id", DataType::Int64, false), Field::new("name", DataType::Utf8, true)])
}

impl DataInput for Rows {
    fn read(&self, after: Option<Context>) -> BatchStream {
        let after = match after {
            Some(Context::Keyset(keyset)) => match keyset.values.first() {
                Some(TypedValue::Int(id)) => *id,
                _ => i64::MIN,
            },
            _ => i64::MIN,
        };
        let source = self.clone();
        Box::pin(stream::unfold(Some(after), move |after| {
            let source = source.clone();
            async move { source.page(after?) }
        }))
    }
}

impl Rows {
    fn page(&self, after: i64) -> Option<(Result<Batch>, Option<i64>)> {
        if self.hiccups.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok() {
            return Some((Err(Error::new(ErrorKind::Connection, "read rows", "the line is down")), None));
        }
        let broken = self.broken_after.load(Ordering::SeqCst);
        let ids = self.ids.lock().unwrap();
        let size = self.batch.load(Ordering::SeqCst);
        let page: Vec<i64> =
            ids.iter().copied().filter(|id| *id > after && *id <= broken).take(size).collect();
        let Some(last) = page.last().copied() else {
            self.ended.notify_one();
            let more = ids.iter().any(|id| *id > broken);
            return more
                .then(|| (Err(Error::new(ErrorKind::Internal, "read rows", "the source broke")), None));
        };
        self.given.fetch_add(page.len(), Ordering::SeqCst);
        let positions = match self.contexts {
            Contexts::Keyset => Positions::Keyset {
                columns: vec!["id".into()],
                fingerprint: "0123456789abcdef".parse().unwrap(),
            },
            Contexts::Each => Positions::Each(page.iter().map(|id| context(*id)).collect()),
            Contexts::End => Positions::End(context(last)),
        };
        let names: StringArray = page.iter().map(|id| (id % 5 != 0).then(|| format!("n{id}"))).collect();
        let data =
            RecordBatch::try_new(Arc::new(schema()), vec![Arc::new(Int64Array::from(page)), Arc::new(names)])
                .unwrap();
        Some((Batch::new(DataKind::Record, data, positions), Some(last)))
    }
}

impl Inspect for Rows {
    fn check(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(async { Ok(()) })
    }

    fn streams(&self) -> BoxFuture<'_, Result<Vec<StreamInfo>>> {
        Box::pin(async { Ok(vec![self.describe().await?]) })
    }

    fn describe(&self) -> BoxFuture<'_, Result<StreamInfo>> {
        let rows = Some(self.ids.lock().unwrap().len() as u64);
        let schema = Some(Schema::from_arrow(&schema()).unwrap());
        Box::pin(async move {
            Ok(StreamInfo { name: "rows".into(), schema, key: vec!["id".into()], rows, bytes: None })
        })
    }
}
