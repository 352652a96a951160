//! One open session of a Python provider behind the traits. A session that is dropped is disconnected all the same.

use crate::call::{Answer, Call};
use crate::command::Command;
use crate::input::Reading;
use crate::interpreter::{Interpreter, lock};
use crate::output::{Inbox, Write};
use nvisy_dal::{
    Ability, Batch, BatchStream, BoxFuture, Context, DataInput, DataKind, DataOutput, Error, ErrorKind,
    Inspect, Manifest, Mark, Prepare, PreparedOutput, Provider, Receipt, Result, StagedOutput, StreamInfo,
    TransactionalOutput,
};
use serde::de::DeserializeOwned;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// One open session.
pub(crate) struct Session {
    interpreter: Interpreter,
    number: u64,
    provider: Arc<str>,
    abilities: Vec<Ability>,
    /// The kind of what it reads, where the manifest leaves no choice.
    kind: Option<DataKind>,
    inbox: Arc<Inbox>,
    disconnected: AtomicBool,
}

impl Session {
    /// A session that the loop thread holds under `number`; `abilities` are the names of those its object has.
    pub(crate) fn new(
        interpreter: Interpreter,
        number: u64,
        provider: Arc<str>,
        manifest: &Manifest,
        abilities: &str,
    ) -> Self {
        let inbox = Arc::new(Inbox::default());
        lock(&interpreter.0.inboxes).insert(number, inbox.clone());
        let kind = if let [only] = manifest.kinds.as_slice() { Some(*only) } else { None };
        let abilities = ALL.into_iter().filter(|(_, name)| abilities.split(' ').any(|a| a == *name));
        let abilities = abilities.map(|(ability, _)| ability).collect();
        let disconnected = AtomicBool::new(false);
        Self { interpreter, number, provider, abilities, kind, inbox, disconnected }
    }

    /// An ability the manifest claims and the object has no method for.
    pub(crate) fn missing(&self, manifest: &Manifest) -> Option<&'static str> {
        ALL.into_iter()
            .find(|(ability, _)| manifest.can(*ability) && !self.has(*ability))
            .map(|(_, name)| name)
    }

    fn has(&self, ability: Ability) -> bool {
        self.abilities.contains(&ability)
    }

    fn call(&self, what: &str, method: &'static str, argument: Option<String>) -> Call {
        let session = self.number;
        let operation = format!("{what} `{}`", self.provider);
        Call::send(&self.interpreter, operation, &self.provider, |call| Command::Call {
            call,
            session,
            method,
            argument,
        })
    }

    fn parse<T: DeserializeOwned>(&self, what: &str, answer: Answer) -> Result<T> {
        serde_json::from_str(&answer.unwrap_or_default())
            .map_err(|error| self.broken(what, &error.to_string()))
    }

    fn broken(&self, what: &str, message: &str) -> Error {
        Error::new(ErrorKind::Protocol, format!("{what} `{}`", self.provider), message)
            .with_context("provider", &*self.provider)
    }

    fn send(&self, batch: Batch, mark: Option<Mark>) -> Write {
        Write::send(&self.interpreter, self.number, &self.provider, &self.inbox, batch, mark)
    }
}

/// Every ability and the word `nvisy.host` uses for it.
const ALL: [(Ability, &str); 6] = [
    (Ability::Read, "read"),
    (Ability::Write, "write"),
    (Ability::Inspect, "inspect"),
    (Ability::Prepare, "prepare"),
    (Ability::Transactional, "transactional"),
    (Ability::Staged, "staged"),
];

impl Provider for Session {
    fn disconnect(&self) -> BoxFuture<'_, Result<()>> {
        let call = self.call("disconnect from", "disconnect", None);
        self.disconnected.store(true, Ordering::Relaxed);
        Box::pin(async move { call.await.map(|_| ()) })
    }

    fn input(&self) -> Option<&dyn DataInput> {
        self.has(Ability::Read).then_some(self as &dyn DataInput)
    }

    fn output(&self) -> Option<&dyn DataOutput> {
        self.has(Ability::Write).then_some(self as &dyn DataOutput)
    }

    fn inspect(&self) -> Option<&dyn Inspect> {
        self.has(Ability::Inspect).then_some(self as &dyn Inspect)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        lock(&self.interpreter.0.inboxes).remove(&self.number);
        if !self.disconnected.load(Ordering::Relaxed) {
            self.interpreter.0.post(Command::Abandon { session: self.number });
        }
    }
}

impl DataInput for Session {
    fn read(&self, context: Option<Context>) -> BatchStream {
        Box::pin(Reading::begin(&self.interpreter, self.number, &self.provider, self.kind, context.as_ref()))
    }
}

impl DataOutput for Session {
    fn write(&self, batch: Batch) -> BoxFuture<'_, Result<Receipt>> {
        Box::pin(self.send(batch, None))
    }

    fn prepared(&self) -> Option<&dyn PreparedOutput> {
        self.has(Ability::Prepare).then_some(self as &dyn PreparedOutput)
    }

    fn transactional(&self) -> Option<&dyn TransactionalOutput> {
        self.has(Ability::Transactional).then_some(self as &dyn TransactionalOutput)
    }

    fn staged(&self) -> Option<&dyn StagedOutput> {
        self.has(Ability::Staged).then_some(self as &dyn StagedOutput)
    }
}

impl PreparedOutput for Session {
    fn prepare(&self, request: Prepare) -> BoxFuture<'_, Result<()>> {
        let what = "prepare the target in";
        let request = serde_json::to_string(&request).map_err(|error| self.broken(what, &error.to_string()));
        let call = request.map(|text| self.call(what, "prepare", Some(text)));
        Box::pin(async move { call?.await.map(|_| ()) })
    }
}

impl TransactionalOutput for Session {
    fn committed(&self, key: String) -> BoxFuture<'_, Result<Option<Mark>>> {
        let what = "ask for the mark in";
        let call = self.call(what, "committed", Some(key));
        Box::pin(async move { self.parse(what, call.await?) })
    }

    fn write_through(&self, batch: Batch, mark: Mark) -> BoxFuture<'_, Result<Receipt>> {
        Box::pin(self.send(batch, Some(mark)))
    }
}

impl StagedOutput for Session {
    fn publish(&self) -> BoxFuture<'_, Result<()>> {
        let call = self.call("publish in", "publish", None);
        Box::pin(async move { call.await.map(|_| ()) })
    }
}

impl Inspect for Session {
    fn check(&self) -> BoxFuture<'_, Result<()>> {
        let call = self.call("check", "check", None);
        Box::pin(async move { call.await.map(|_| ()) })
    }

    fn streams(&self) -> BoxFuture<'_, Result<Vec<StreamInfo>>> {
        let call = self.call("list the streams of", "streams", None);
        Box::pin(async move { self.parse("list the streams of", call.await?) })
    }

    fn describe(&self) -> BoxFuture<'_, Result<StreamInfo>> {
        let call = self.call("describe the stream of", "describe", None);
        Box::pin(async move { self.parse("describe the stream of", call.await?) })
    }
}
