//! One call into the interpreter as a future. Dropping it cancels the asyncio task behind it, started or not.

use crate::command::Command;
use crate::error::Fault;
use crate::interpreter::{Interpreter, Shared, closing, lock};
use nvisy_dal::{Error, Result};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::sync::oneshot;

/// What a call answers: text that its caller understands, or nothing.
pub(crate) type Answer = Option<String>;

/// The end of a call that the loop thread holds on to.
pub(crate) struct Waiting(oneshot::Sender<std::result::Result<Answer, Option<Fault>>>);

impl Waiting {
    /// Hand over the answer. False when nobody waits any more.
    pub(crate) fn answer(self, answer: Answer) -> bool {
        self.0.send(Ok(answer)).is_ok()
    }

    /// Hand over what went wrong. False when nobody waits any more.
    pub(crate) fn fail(self, fault: Fault) -> bool {
        self.0.send(Err(Some(fault))).is_ok()
    }

    /// The interpreter is going.
    pub(crate) fn abort(self) {
        let _ = self.0.send(Err(None));
    }
}

/// A call under way.
pub(crate) struct Call {
    shared: Arc<Shared>,
    id: u64,
    receiver: oneshot::Receiver<std::result::Result<Answer, Option<Fault>>>,
    operation: String,
    provider: Arc<str>,
    settled: bool,
}

impl Call {
    /// Send the command that `command` makes of the call's number.
    pub(crate) fn send(
        interpreter: &Interpreter,
        operation: String,
        provider: &Arc<str>,
        command: impl FnOnce(u64) -> Command,
    ) -> Self {
        let shared = interpreter.0.clone();
        let id = shared.number();
        let (sender, receiver) = oneshot::channel();
        lock(&shared.calls).insert(id, Waiting(sender));
        if !shared.post(command(id)) {
            // Dropping the sender is what the future will see.
            lock(&shared.calls).remove(&id);
        }
        Self { shared, id, receiver, operation, provider: provider.clone(), settled: false }
    }
}

impl Future for Call {
    type Output = Result<Answer>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Poll::Ready(outcome) = Pin::new(&mut self.receiver).poll(context) else { return Poll::Pending };
        self.settled = true;
        let gone = || -> Error { closing(&self.operation).with_context("provider", &*self.provider) };
        Poll::Ready(match outcome {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(Some(fault))) => Err(fault.into_error(self.operation.clone(), &self.provider)),
            Ok(Err(None)) | Err(_) => Err(gone()),
        })
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        if !self.settled && lock(&self.shared.calls).remove(&self.id).is_some() {
            self.shared.post(Command::Cancel { call: self.id });
        }
    }
}
