//! The way from Rust to the loop thread: a queue of commands and one byte in a pipe that the loop watches.
//! At most one byte is ever in the pipe, so neither side can block on it; no Python object is touched here.

use crate::call::Waiting;
use crate::command::Command;
use crate::input::Channel;
use crate::link::Link;
use crate::output::Inbox;
use nvisy_dal::{Error, ErrorKind};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::sync::MutexExt as _;
use std::collections::{HashMap, VecDeque};
use std::io::{PipeReader, PipeWriter, Read as _, Write as _};
use std::os::fd::AsRawFd as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

/// The one Python interpreter of this process, seen from Rust.
#[derive(Clone)]
pub struct Interpreter(pub(crate) Arc<Shared>);

static STARTED: OnceLock<Interpreter> = OnceLock::new();

impl Interpreter {
    /// The interpreter, its loop thread started at the first call.
    ///
    /// # Errors
    /// When the pipe cannot be made or `nvisy.host` cannot be imported.
    pub fn start(py: Python<'_>) -> PyResult<Self> {
        static STARTING: Mutex<()> = Mutex::new(());
        // Importing may let another thread in; this makes it wait, without the GIL.
        let _one = STARTING.lock_py_attached(py).unwrap_or_else(PoisonError::into_inner);
        if let Some(started) = STARTED.get() {
            return if started.0.process == std::process::id() { Ok(started.clone()) } else { Err(forked()) };
        }
        let created = Self(Arc::new(Shared::new()?));
        let link = Py::new(py, Link::new(created.clone()))?;
        py.import("nvisy.host")?.call_method1("start", (link,))?;
        Ok(STARTED.get_or_init(|| created).clone())
    }

    /// End everything in order: refuse what is new, cancel and join the tasks, stop the loop, join its thread.
    ///
    /// # Errors
    /// What `nvisy.host.stop` raises.
    pub fn stop(py: Python<'_>) -> PyResult<()> {
        let Some(started) = STARTED.get() else { return Ok(()) };
        let stopped = py.import("nvisy.host")?.call_method0("stop").map(|_| ());
        started.0.close();
        stopped
    }
}

/// What the two sides share.
pub(crate) struct Shared {
    queue: Mutex<Queue>,
    next: AtomicU64,
    /// The process whose loop thread this is: a fork has none.
    process: u32,
    pub(crate) calls: Mutex<HashMap<u64, Waiting>>,
    pub(crate) streams: Mutex<HashMap<u64, Arc<Channel>>>,
    pub(crate) inboxes: Mutex<HashMap<u64, Arc<Inbox>>>,
}

struct Queue {
    commands: VecDeque<Command>,
    /// Whether the byte is in the pipe.
    armed: bool,
    open: bool,
    reader: PipeReader,
    writer: PipeWriter,
}

impl Shared {
    fn new() -> std::io::Result<Self> {
        let (reader, writer) = std::io::pipe()?;
        Ok(Self {
            queue: Mutex::new(Queue { commands: VecDeque::new(), armed: false, open: true, reader, writer }),
            next: AtomicU64::new(1),
            process: std::process::id(),
            calls: Mutex::default(),
            streams: Mutex::default(),
            inboxes: Mutex::default(),
        })
    }

    /// A number that no call, stream or session of this process had before.
    pub(crate) fn number(&self) -> u64 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    /// The file descriptor the loop watches.
    pub(crate) fn descriptor(&self) -> i32 {
        lock(&self.queue).reader.as_raw_fd()
    }

    /// Queue a command and wake the loop if it is not awake yet. False once the interpreter is closing.
    pub(crate) fn post(&self, command: Command) -> bool {
        let mut queue = lock(&self.queue);
        if !queue.open {
            return false;
        }
        queue.commands.push_back(command);
        if !queue.armed {
            queue.armed = true;
            return queue.writer.write_all(&[1]).is_ok();
        }
        true
    }

    /// Everything queued so far. Called on the loop thread only.
    pub(crate) fn take(&self) -> VecDeque<Command> {
        let mut queue = lock(&self.queue);
        if queue.armed {
            queue.armed = false;
            let mut byte = [0];
            // The byte is there: `armed` says so, and it changes only under this lock.
            let _ = queue.reader.read(&mut byte);
        }
        std::mem::take(&mut queue.commands)
    }

    /// Whether anything is accepted.
    pub(crate) fn is_open(&self) -> bool {
        lock(&self.queue).open
    }

    /// Accept nothing more. Whoever still waits learns that the interpreter is going.
    pub(crate) fn close(&self) {
        lock(&self.queue).open = false;
        let calls: Vec<_> = lock(&self.calls).drain().map(|(_, waiting)| waiting).collect();
        let streams: Vec<_> = lock(&self.streams).drain().map(|(_, channel)| channel).collect();
        let inboxes: Vec<_> = lock(&self.inboxes).drain().map(|(_, inbox)| inbox).collect();
        for waiting in calls {
            waiting.abort();
        }
        for channel in streams {
            channel.abort();
        }
        for inbox in inboxes {
            inbox.abort();
        }
    }
}

fn forked() -> PyErr {
    PyRuntimeError::new_err(
        "this process was forked after Nvisy had started; use a process of its own (spawn) instead",
    )
}

/// What everyone is told who waits for, or asks, an interpreter that is going.
pub(crate) fn closing(operation: &str) -> Error {
    Error::new(ErrorKind::Cancelled, operation, "the interpreter is shutting down")
}

/// A lock that outlives a panic of its holder: the data behind it is a queue or a map, whole after every statement.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
