//! The engine as Python sees it. Text in, text out; while Rust works, the GIL is free.

use crate::lifecycle;
use crate::wait::wait;
use nvisy_bridge::{Interpreter, PythonConnector, original, raise};
use nvisy_dal::{Connector, Error, ErrorKind, Manifest};
use nvisy_engine::{Outcome, Providers, Start};
use pyo3::exceptions::{PyBaseException, PyException, PyValueError};
use pyo3::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

pyo3::create_exception!(
    nvisy._core,
    PlanError,
    PyException,
    "A workflow that cannot run; args[0]: JSON of its problems."
);

/// How long Rust waits before it lets Python look for signals.
const LOOK: Duration = Duration::from_millis(200);

/// An engine with its state folder and its providers.
#[pyclass(frozen, module = "nvisy._core")]
pub(crate) struct Engine(Arc<nvisy_engine::Engine>);

/// A running or ended run.
#[pyclass(frozen, module = "nvisy._core")]
pub(crate) struct Run(nvisy_engine::Run);

/// What the faces may ask of a plan or a start.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Options {
    #[serde(default)]
    start: Start,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Look {
    provider: String,
    params: Map<String, Value>,
    credentials: Map<String, Value>,
}

#[pymethods]
impl Engine {
    /// Open the engine on the state folder `home`, with the providers that (manifest, name) describe.
    #[new]
    fn new(
        py: Python<'_>,
        home: &str,
        providers: Vec<(String, String)>,
        loader: &Bound<'_, PyAny>,
    ) -> PyResult<Self> {
        let installed = Installed::new(&lifecycle::interpreter(py)?, providers, loader)?;
        let opened = py.detach(|| nvisy_engine::Engine::open(Path::new(home), Arc::new(installed)));
        opened.map(|engine| Self(Arc::new(engine))).map_err(|error| raise(py, &error))
    }

    /// The plan as JSON. `PlanError` has every problem of the workflow.
    fn plan(&self, py: Python<'_>, text: &str, base: &str, options: &str) -> PyResult<String> {
        parse::<Options>(options)?;
        let plan = py.detach(|| self.0.plan(text, Path::new(base))).map_err(refuse)?;
        Ok(plan.describe().to_string())
    }

    /// Start a run. `PlanError` has every problem of the workflow.
    fn start(&self, py: Python<'_>, text: &str, base: &str, options: &str) -> PyResult<Run> {
        let options: Options = parse(options)?;
        let plan = py.detach(|| self.0.plan(text, Path::new(base))).map_err(refuse)?;
        let runtime = lifecycle::runtime()?;
        let started = py.detach(|| {
            let _inside = runtime.enter();
            self.0.start(plan, options.start)
        });
        let run = started.map_err(|error| raise(py, &error))?;
        lifecycle::remember(&run);
        Ok(Run(run))
    }

    /// The latest runs as JSON, newest first.
    fn runs(&self, py: Python<'_>, limit: u32) -> PyResult<String> {
        json(py, py.detach(|| self.0.runs(limit)))
    }

    /// One run as JSON.
    fn run(&self, py: Python<'_>, id: &str) -> PyResult<Option<String>> {
        let found = py.detach(|| self.0.run(id)).map_err(|error| raise(py, &error))?;
        found.map(|run| json(py, Ok(run))).transpose()
    }

    /// What a provider says of the stream that `request` (JSON: provider, params, credentials) names, as JSON.
    fn describe(&self, py: Python<'_>, request: &str) -> PyResult<String> {
        let Look { provider, params, credentials } = parse(request)?;
        let engine = self.0.clone();
        let runtime = lifecycle::runtime()?;
        let mut looking = runtime.spawn(async move { engine.describe(&provider, params, credentials).await });
        loop {
            if let Some(joined) = py.detach(|| wait(pin!(&mut looking), LOOK)) {
                return json(py, joined.unwrap_or_else(|_| Err(lifecycle::closing())));
            }
            if let Err(signal) = py.check_signals() {
                looking.abort();
                return Err(signal);
            }
        }
    }
}

#[pymethods]
impl Run {
    #[getter]
    fn id(&self) -> &str {
        self.0.id()
    }

    /// How far it is, as JSON.
    fn progress(&self, py: Python<'_>) -> PyResult<String> {
        json(py, Ok(self.0.progress()))
    }

    /// Stop it; the outcome follows once its sessions are closed.
    fn cancel(&self) {
        self.0.cancel();
    }

    /// The outcome as JSON, or None when it is still running after `timeout` seconds. None waits for the end.
    #[pyo3(signature = (timeout = None))]
    fn wait(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<Option<String>> {
        let limit = timeout.map(Duration::try_from_secs_f64).transpose();
        let mut left = limit.map_err(|error| PyValueError::new_err(error.to_string()))?;
        loop {
            let slice = left.map_or(LOOK, |left| left.min(LOOK));
            match py.detach(|| wait(pin!(self.0.outcome()), slice)) {
                Some(Some(outcome)) => return json(py, Ok(outcome.as_ref())).map(Some),
                Some(None) => return Err(raise(py, &lifecycle::closing())),
                None => py.check_signals()?,
            }
            left = left.map(|left| left.saturating_sub(slice));
            if left.is_some_and(|left| left.is_zero()) {
                return Ok(None);
            }
        }
    }

    /// The exception a provider raised to end the run, the very object, with one note of what Rust was doing.
    fn exception(&self, py: Python<'_>) -> Option<Py<PyBaseException>> {
        let outcome: Arc<Outcome> = py.detach(|| wait(pin!(self.0.outcome()), Duration::ZERO))??;
        let error = outcome.error.as_ref()?;
        original(py, error)?;
        Some(raise(py, error).into_value(py))
    }
}

/// The providers Python discovered.
struct Installed(BTreeMap<String, Arc<dyn Connector>>);

impl Installed {
    fn new(
        interpreter: &Interpreter,
        providers: Vec<(String, String)>,
        loader: &Bound<'_, PyAny>,
    ) -> PyResult<Self> {
        let connector = |(manifest, name): (String, String)| {
            let manifest: Manifest = parse(&manifest)?;
            let connector =
                PythonConnector::new(interpreter.clone(), manifest, loader.clone().unbind(), &name);
            Ok((name, Arc::new(connector) as Arc<dyn Connector>))
        };
        providers.into_iter().map(connector).collect::<PyResult<_>>().map(Self)
    }
}

impl Providers for Installed {
    fn find(&self, name: &str) -> Option<Arc<dyn Connector>> {
        self.0.get(name).cloned()
    }

    fn names(&self) -> Vec<String> {
        self.0.keys().cloned().collect()
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the shape `map_err` wants")]
fn refuse(problems: Vec<nvisy_engine::Problem>) -> PyErr {
    PlanError::new_err(json!({"problems": problems}).to_string())
}

fn json<T: Serialize>(py: Python<'_>, value: nvisy_dal::Result<T>) -> PyResult<String> {
    let text = value.and_then(|value| {
        let broken =
            |error: serde_json::Error| Error::new(ErrorKind::Internal, "write an answer", error.to_string());
        serde_json::to_string(&value).map_err(broken)
    });
    text.map_err(|error| raise(py, &error))
}

fn parse<T: serde::de::DeserializeOwned>(text: &str) -> PyResult<T> {
    serde_json::from_str(text).map_err(|error| PyValueError::new_err(error.to_string()))
}
