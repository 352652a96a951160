//! Start at first use, stop in order at the interpreter's exit: runs first, then the loop thread, then tokio.
//! abi3 compiles `PyO3`'s own guard against finalisation out, so nothing of ours may still run when `atexit` is over.

use crate::wait::wait;
use nvisy_bridge::{BridgeError, Interpreter};
use nvisy_dal::{Error, ErrorKind};
use nvisy_engine::Run;
use pyo3::prelude::*;
use std::pin::pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::runtime::{Builder, Handle, Runtime};

/// Threads of tokio: the engine's work is mostly waiting, Python's is on the loop thread.
const WORKERS: usize = 2;
/// How long the runs may take to close their sessions at the interpreter's exit.
const RUNS: Duration = Duration::from_secs(10);
/// How long tokio may take after them.
const TOKIO: Duration = Duration::from_secs(2);

static RUNTIME: Mutex<Stage> = Mutex::new(Stage::New);
/// The process that registered `stop`; 0 before the first use.
static PROCESS: AtomicU32 = AtomicU32::new(0);
static STARTED: Mutex<Vec<Run>> = Mutex::new(Vec::new());

enum Stage {
    New,
    Running(Runtime),
    Stopped,
}

/// The interpreter's loop thread, and `stop` registered for the exit.
pub(crate) fn interpreter(py: Python<'_>) -> PyResult<Interpreter> {
    let interpreter = Interpreter::start(py)?;
    if PROCESS.swap(std::process::id(), Ordering::Relaxed) == 0 {
        let stop = py.import("nvisy._core")?.getattr("stop")?;
        py.import("atexit")?.call_method1("register", (stop,))?;
    }
    Ok(interpreter)
}

/// The runtime of the engine, started at the first call.
pub(crate) fn runtime() -> PyResult<Handle> {
    let mut stage = lock(&RUNTIME);
    if let Stage::New = *stage {
        let built = Builder::new_multi_thread()
            .worker_threads(WORKERS)
            .thread_name("nvisy-engine")
            .enable_all()
            .build()?;
        *stage = Stage::Running(built);
    }
    match &*stage {
        Stage::Running(runtime) => Ok(runtime.handle().clone()),
        Stage::New | Stage::Stopped => Err(BridgeError::new_err(closing().to_string())),
    }
}

/// Keep a run, to be cancelled at the exit; those that have ended are forgotten.
pub(crate) fn remember(run: &Run) {
    let mut runs = lock(&STARTED);
    runs.retain(|run| wait(pin!(run.outcome()), Duration::ZERO).is_none());
    runs.push(run.clone());
}

/// What everyone is told who asks too late.
pub(crate) fn closing() -> Error {
    Error::new(ErrorKind::Cancelled, "use the engine", "the interpreter is shutting down")
}

/// Stop everything in order. Called at the interpreter's exit; afterwards every call is refused.
#[pyfunction]
pub(crate) fn stop(py: Python<'_>) -> PyResult<()> {
    if PROCESS.load(Ordering::Relaxed) != std::process::id() {
        return Ok(()); // a fork inherits the registration and none of the threads
    }
    let runs = std::mem::take(&mut *lock(&STARTED));
    py.detach(|| {
        runs.iter().for_each(Run::cancel);
        let end = Instant::now() + RUNS;
        for run in &runs {
            // The loop thread still runs: it closes their sessions.
            let _ = wait(pin!(run.outcome()), end.saturating_duration_since(Instant::now()));
        }
    });
    let stopped = Interpreter::stop(py);
    let stage = std::mem::replace(&mut *lock(&RUNTIME), Stage::Stopped);
    if let Stage::Running(runtime) = stage {
        py.detach(|| runtime.shutdown_timeout(TOKIO));
    }
    stopped
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
