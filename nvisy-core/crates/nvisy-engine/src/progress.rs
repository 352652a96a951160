//! What a run tells while it moves. Numbers only grow; reading them never waits.

use crate::state::State;
use serde::Serialize;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

pub(crate) struct Progress {
    begun: Instant,
    read: AtomicU64,
    written: AtomicU64,
    bytes: AtomicU64,
    total: AtomicU64,
    state: Mutex<State>,
}

/// A look at a running run.
#[derive(Clone, Debug, Serialize)]
pub struct Snapshot {
    /// Where it is in its life.
    pub state: State,
    /// Items taken from the sources.
    pub read: u64,
    /// Records committed, over all paths.
    pub written: u64,
    /// Bytes taken from the sources.
    pub bytes: u64,
    /// Items the sources hold in all, where they know; 0 where they do not.
    pub total: u64,
    /// Seconds since it began.
    pub seconds: f64,
}

impl Progress {
    pub(crate) fn new() -> Self {
        Self {
            begun: Instant::now(),
            read: AtomicU64::new(0),
            written: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            total: AtomicU64::new(0),
            state: Mutex::new(State::Connecting),
        }
    }

    pub(crate) fn arrived(&self, items: u64, bytes: u64) {
        self.read.fetch_add(items, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(crate) fn committed(&self, records: u64) {
        self.written.fetch_add(records, Ordering::Relaxed);
    }

    pub(crate) fn expects(&self, items: u64) {
        self.total.fetch_add(items, Ordering::Relaxed);
    }

    pub(crate) fn enter(&self, state: State) {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = state;
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    pub(crate) fn seconds(&self) -> f64 {
        self.begun.elapsed().as_secs_f64()
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        Snapshot {
            state: *self.state.lock().unwrap_or_else(PoisonError::into_inner),
            read: self.read.load(Ordering::Relaxed),
            written: self.written.load(Ordering::Relaxed),
            bytes: self.bytes(),
            total: self.total.load(Ordering::Relaxed),
            seconds: self.seconds(),
        }
    }
}
