//! A Python provider as a `Connector`. Its class is imported at the first connect, once, away from the loop thread.

use crate::call::Call;
use crate::command::Command;
use crate::interpreter::Interpreter;
use crate::session::Session;
use nvisy_dal::{BoxFuture, Connect, Connector, Error, ErrorKind, Manifest, Provider, Result};
use pyo3::prelude::*;
use serde_json::Value;
use std::sync::Arc;

/// One installed Python provider.
pub struct PythonConnector {
    interpreter: Interpreter,
    manifest: Manifest,
    loader: Arc<Py<PyAny>>,
    name: Arc<str>,
}

impl PythonConnector {
    /// A connector whose class is `loader.load(name)`.
    pub fn new(interpreter: Interpreter, manifest: Manifest, loader: Py<PyAny>, name: &str) -> Self {
        Self { interpreter, manifest, loader: Arc::new(loader), name: name.into() }
    }

    fn begin(&self, session: u64, request: Connect) -> Call {
        let text = |map| Value::Object(map).to_string();
        let (credentials, params) = (text(request.credentials), text(request.params));
        let operation = format!("connect to `{}`", self.name);
        Call::send(&self.interpreter, operation, &self.name, |call| Command::Connect {
            call,
            session,
            loader: self.loader.clone(),
            provider: self.name.to_string(),
            credentials,
            params,
        })
    }
}

impl Connector for PythonConnector {
    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn connect(&self, request: Connect) -> BoxFuture<'_, Result<Box<dyn Provider>>> {
        let number = self.interpreter.0.number();
        let call = self.begin(number, request);
        Box::pin(async move {
            let abilities = call.await?.unwrap_or_default();
            let session =
                Session::new(self.interpreter.clone(), number, self.name.clone(), &self.manifest, &abilities);
            match session.missing(&self.manifest) {
                None => Ok(Box::new(session) as Box<dyn Provider>),
                Some(ability) => Err(Error::new(
                    ErrorKind::Protocol,
                    format!("connect to `{}`", self.name),
                    format!("its manifest says `{ability}`, which its session has no method for"),
                )
                .with_hint("generate the manifest again: python -m nvisy_sdk manifest PACKAGE --write")
                .with_context("provider", &*self.name)),
            }
        })
    }
}
