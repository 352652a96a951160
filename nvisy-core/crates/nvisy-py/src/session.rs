//! A provider's session driven from a plain Python thread, one future at a time: for tests and benchmarks of the
//! bridge. Every `drop` here is the drop of a Rust future or stream.

use crate::lifecycle;
use crate::wait::wait;
use futures_util::StreamExt as _;
use nvisy_bridge::{IncomingBatch, PythonConnector, raise};
use nvisy_dal::{
    Batch, BatchStream, BoxFuture, Connect, Connector as _, DataOutput, Error, Mark, Provider, Result,
};
use pyo3::exceptions::{PyTimeoutError, PyValueError};
use pyo3::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// One open session.
#[pyclass(frozen, module = "nvisy._core")]
pub(crate) struct Session(Mutex<Option<Arc<dyn Provider>>>);

/// One stream of a session.
#[pyclass(frozen, module = "nvisy._core")]
pub(crate) struct Stream {
    batches: Mutex<Option<BatchStream>>,
    last: Mutex<Option<Batch>>,
    error: Mutex<Option<String>>,
}

/// One call under way.
#[pyclass(frozen, module = "nvisy._core")]
pub(crate) struct Pending {
    future: Mutex<Option<BoxFuture<'static, Result<String>>>>,
    error: Mutex<Option<String>>,
}

#[pymethods]
impl Session {
    /// Open a session of the provider that `manifest` describes and `loader.load(name)` returns.
    #[staticmethod]
    #[pyo3(signature = (manifest, loader, credentials = "{}", params = "{}", timeout = 30.0))]
    fn open(
        py: Python<'_>,
        manifest: &str,
        loader: Py<PyAny>,
        credentials: &str,
        params: &str,
        timeout: f64,
    ) -> PyResult<Self> {
        let manifest: nvisy_dal::Manifest = parse(manifest)?;
        let request = Connect { credentials: parse(credentials)?, params: parse(params)? };
        let name = manifest.name.to_string();
        let connector = PythonConnector::new(lifecycle::interpreter(py)?, manifest, loader, &name);
        let timeout = duration(timeout)?;
        let outcome = py.detach(|| {
            let mut connecting = connector.connect(request);
            wait(connecting.as_mut(), timeout)
        });
        match outcome {
            None => Err(PyTimeoutError::new_err("connect did not end in time")),
            Some(Err(error)) => Err(raise(py, &error)),
            Some(Ok(provider)) => Ok(Self(Mutex::new(Some(Arc::from(provider))))),
        }
    }

    /// Read from after `context`, the JSON of one.
    #[pyo3(signature = (context = None))]
    fn read(&self, context: Option<&str>) -> PyResult<Stream> {
        let provider = self.provider()?;
        let input = provider.input().ok_or_else(|| PyValueError::new_err("the provider cannot read"))?;
        let stream = input.read(context.map(parse).transpose()?);
        Ok(Stream { batches: Mutex::new(Some(stream)), last: Mutex::default(), error: Mutex::default() })
    }

    /// Begin a call: `check`, `streams`, `describe`, `prepare` (JSON), `committed` (key), `write`, `write_through`,
    /// `publish`, `disconnect`. Its answer is JSON.
    #[pyo3(signature = (method, argument = None, batch = None))]
    fn begin(
        &self,
        method: &str,
        argument: Option<String>,
        batch: Option<&IncomingBatch>,
    ) -> PyResult<Pending> {
        let provider = self.provider()?;
        let batch = batch.map(|batch| batch.batch().clone());
        let mut future = call(provider, method, argument.unwrap_or_default(), batch)?;
        // The first poll sends it.
        if let Some(answer) = wait(future.as_mut(), Duration::ZERO) {
            future = Box::pin(std::future::ready(answer));
        }
        Ok(Pending { future: Mutex::new(Some(future)), error: Mutex::default() })
    }

    /// Drop the session without disconnecting it.
    fn drop(&self) {
        lock(&self.0).take();
    }
}

impl Session {
    fn provider(&self) -> PyResult<Arc<dyn Provider>> {
        lock(&self.0).clone().ok_or_else(|| PyValueError::new_err("the session was dropped"))
    }
}

#[pymethods]
impl Stream {
    /// The next batch, None at the end; `TimeoutError` leaves the stream as it is.
    #[pyo3(signature = (timeout = 30.0))]
    fn next(&self, py: Python<'_>, timeout: f64) -> PyResult<Option<IncomingBatch>> {
        let timeout = duration(timeout)?;
        let outcome = py.detach(|| match lock(&self.batches).as_mut() {
            None => Some(None),
            Some(stream) => wait(std::pin::pin!(stream.next()), timeout),
        });
        match outcome {
            None => Err(PyTimeoutError::new_err("no batch came in time")),
            Some(None) => Ok(None),
            Some(Some(Ok(batch))) => {
                *lock(&self.last) = Some(batch.clone());
                Ok(Some(IncomingBatch::from(batch)))
            }
            Some(Some(Err(error))) => {
                *lock(&self.error) = Some(error.describe().to_string());
                Err(raise(py, &error))
            }
        }
    }

    /// The JSON of where the stream resumes after the first `count` items of the batch that came last.
    fn context_after(&self, py: Python<'_>, count: usize) -> PyResult<Option<String>> {
        let Some(batch) = lock(&self.last).clone() else { return Ok(None) };
        let context = batch.context_after(count).map_err(|error| raise(py, &error))?;
        context.map(|context| json(&context)).transpose().map_err(|error| raise(py, &error))
    }

    /// The JSON of the error that ended the stream.
    fn error(&self) -> Option<String> {
        lock(&self.error).clone()
    }

    /// Drop the stream.
    fn drop(&self) {
        lock(&self.batches).take();
    }
}

#[pymethods]
impl Pending {
    /// The JSON of the answer; `TimeoutError` leaves the call under way.
    #[pyo3(signature = (timeout = 30.0))]
    fn wait(&self, py: Python<'_>, timeout: f64) -> PyResult<String> {
        let timeout = duration(timeout)?;
        let outcome = py.detach(|| lock(&self.future).as_mut().map(|future| wait(future.as_mut(), timeout)));
        match outcome {
            None => Err(PyValueError::new_err("the call was dropped, or has ended")),
            Some(None) => Err(PyTimeoutError::new_err("no answer came in time")),
            Some(Some(answer)) => {
                lock(&self.future).take();
                answer.map_err(|error| {
                    *lock(&self.error) = Some(error.describe().to_string());
                    raise(py, &error)
                })
            }
        }
    }

    /// The JSON of the error that ended the call.
    fn error(&self) -> Option<String> {
        lock(&self.error).clone()
    }

    /// Drop the call.
    fn drop(&self) {
        lock(&self.future).take();
    }
}

/// The call as one future that owns its session. Nothing is sent before it is first polled.
fn call(
    provider: Arc<dyn Provider>,
    method: &str,
    argument: String,
    batch: Option<Batch>,
) -> PyResult<BoxFuture<'static, Result<String>>> {
    let batch = || batch.ok_or_else(|| PyValueError::new_err("this call needs a batch"));
    Ok(match method {
        "disconnect" => Box::pin(async move { json(&provider.disconnect().await?) }),
        "check" => Box::pin(async move { json(&provider.inspect().ok_or_else(absent)?.check().await?) }),
        "streams" => Box::pin(async move { json(&provider.inspect().ok_or_else(absent)?.streams().await?) }),
        "describe" => {
            Box::pin(async move { json(&provider.inspect().ok_or_else(absent)?.describe().await?) })
        }
        "publish" => {
            Box::pin(async move { json(&output(&*provider)?.staged().ok_or_else(absent)?.publish().await?) })
        }
        "prepare" => {
            let request = parse(&argument)?;
            Box::pin(async move {
                json(&output(&*provider)?.prepared().ok_or_else(absent)?.prepare(request).await?)
            })
        }
        "committed" => Box::pin(async move {
            json(&output(&*provider)?.transactional().ok_or_else(absent)?.committed(argument).await?)
        }),
        "write" => {
            let batch = batch()?;
            Box::pin(async move { json(&output(&*provider)?.write(batch).await?) })
        }
        "write_through" => {
            let (batch, mark): (_, Mark) = (batch()?, parse(&argument)?);
            Box::pin(async move {
                json(
                    &output(&*provider)?
                        .transactional()
                        .ok_or_else(absent)?
                        .write_through(batch, mark)
                        .await?,
                )
            })
        }
        other => return Err(PyValueError::new_err(format!("there is no call `{other}`"))),
    })
}

fn output(provider: &dyn Provider) -> Result<&dyn DataOutput> {
    provider.output().ok_or_else(absent)
}

fn absent() -> Error {
    Error::new(
        nvisy_dal::ErrorKind::Unsupported,
        "call the session",
        "the provider does not have this ability",
    )
}

fn json<T: Serialize>(value: &T) -> Result<String> {
    serde_json::to_string(value)
        .map_err(|error| Error::new(nvisy_dal::ErrorKind::Internal, "write an answer", error.to_string()))
}

fn parse<T: DeserializeOwned>(text: &str) -> PyResult<T> {
    serde_json::from_str(text).map_err(|error| PyValueError::new_err(error.to_string()))
}

fn duration(seconds: f64) -> PyResult<Duration> {
    Duration::try_from_secs_f64(seconds).map_err(|error| PyValueError::new_err(error.to_string()))
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
