//! A sink seen from Rust: an inbox per session that one task of the loop drains in order. Writes may be sent ahead of
//! their receipts; dropping the future of one takes it out of the inbox, or cancels it when it has begun.

use crate::batch::SchemaCache;
use crate::command::Command;
use crate::error::Fault;
use crate::interpreter::{Interpreter, Shared, closing, lock};
use nvisy_dal::{Batch, Error, ErrorKind, Mark, Receipt, Result};
use std::collections::{HashMap, HashSet, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use tokio::sync::oneshot;

type Outcome = std::result::Result<Receipt, Option<Fault>>;

/// Writes that the loop thread has not taken yet, and those it has not answered yet.
#[derive(Default)]
pub(crate) struct Inbox {
    state: Mutex<State>,
    /// The schema object handed to the sink, made once: the columns of a stream do not change.
    pub(crate) schema: SchemaCache,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Parcel>,
    unanswered: HashMap<u64, (usize, oneshot::Sender<Outcome>)>,
    next: u64,
    /// Whether the drain task is awake, or about to be.
    awake: bool,
}

/// One write on its way.
pub(crate) struct Parcel {
    pub(crate) sequence: u64,
    pub(crate) batch: Batch,
    pub(crate) mark: Option<Mark>,
}

impl Inbox {
    /// The next write. `None` puts the drain task to sleep until the next `Drain`.
    pub(crate) fn next(&self) -> Option<Parcel> {
        let mut state = lock(&self.state);
        let parcel = state.waiting.pop_front();
        state.awake = parcel.is_some();
        parcel
    }

    /// The sink's answer: what it accepted and, as JSON, what it refused. False when the answer is not one.
    pub(crate) fn acknowledge(&self, sequence: u64, receipt: Receipt) {
        let Some((_, sender)) = lock(&self.state).unanswered.remove(&sequence) else { return };
        let _ = sender.send(Ok(receipt));
    }

    /// How many items the unanswered write has.
    pub(crate) fn length(&self, sequence: u64) -> Option<usize> {
        lock(&self.state).unanswered.get(&sequence).map(|(length, _)| *length)
    }

    /// The write failed as a whole.
    pub(crate) fn fail(&self, sequence: u64, fault: Fault) {
        let Some((_, sender)) = lock(&self.state).unanswered.remove(&sequence) else { return };
        let _ = sender.send(Err(Some(fault)));
    }

    /// The interpreter is going.
    pub(crate) fn abort(&self) {
        let mut state = lock(&self.state);
        state.waiting.clear();
        for (_, (_, sender)) in state.unanswered.drain() {
            let _ = sender.send(Err(None));
        }
    }
}

/// Check a receipt against `OUT-2`.
///
/// # Errors
/// A sentence saying how it does not describe a batch of `length` items.
pub(crate) fn check(receipt: &Receipt, length: usize) -> std::result::Result<(), String> {
    let (accepted, rejected, length) = (receipt.accepted, receipt.rejected.len() as u64, length as u64);
    if accepted + rejected != length {
        return Err(format!(
            "the receipt accounts for {accepted} accepted and {rejected} rejected of {length} items"
        ));
    }
    let mut seen = HashSet::new();
    for rejection in &receipt.rejected {
        if rejection.index >= length || !seen.insert(rejection.index) {
            return Err(format!(
                "the receipt rejects item {} twice, or it is not in the batch",
                rejection.index
            ));
        }
    }
    Ok(())
}

/// One write under way.
pub(crate) struct Write {
    shared: Arc<Shared>,
    inbox: Arc<Inbox>,
    session: u64,
    sequence: u64,
    provider: Arc<str>,
    receiver: oneshot::Receiver<Outcome>,
    settled: bool,
}

impl Write {
    /// Put a batch into the inbox, behind those already there.
    pub(crate) fn send(
        interpreter: &Interpreter,
        session: u64,
        provider: &Arc<str>,
        inbox: &Arc<Inbox>,
        batch: Batch,
        mark: Option<Mark>,
    ) -> Self {
        let shared = interpreter.0.clone();
        let (sender, receiver) = oneshot::channel();
        let mut state = lock(&inbox.state);
        let sequence = state.next;
        state.next += 1;
        state.unanswered.insert(sequence, (batch.len(), sender));
        state.waiting.push_back(Parcel { sequence, batch, mark });
        let wake = !std::mem::replace(&mut state.awake, true);
        drop(state);
        // A drain task that is awake when the interpreter goes never comes back for this one.
        if (wake && !shared.post(Command::Drain { session })) || !shared.is_open() {
            inbox.abort();
        }
        Self {
            shared,
            inbox: inbox.clone(),
            session,
            sequence,
            provider: provider.clone(),
            receiver,
            settled: false,
        }
    }
}

impl Future for Write {
    type Output = Result<Receipt>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Poll::Ready(outcome) = Pin::new(&mut self.receiver).poll(context) else { return Poll::Pending };
        self.settled = true;
        let operation = format!("write to `{}`", self.provider);
        let error = match outcome {
            Ok(Ok(receipt)) => return Poll::Ready(Ok(receipt)),
            Ok(Err(Some(fault))) => fault.into_error(operation, &self.provider),
            Ok(Err(None)) => closing(&operation),
            Err(_) => Error::new(ErrorKind::Closed, operation, "the session is closed"),
        };
        let error = error.with_context("provider", &*self.provider);
        Poll::Ready(Err(error.with_context("batch", self.sequence.to_string())))
    }
}

impl Drop for Write {
    fn drop(&mut self) {
        if self.settled {
            return;
        }
        let mut state = lock(&self.inbox.state);
        if state.unanswered.remove(&self.sequence).is_none() {
            return;
        }
        let before = state.waiting.len();
        state.waiting.retain(|parcel| parcel.sequence != self.sequence);
        let begun = state.waiting.len() == before;
        drop(state);
        if begun {
            self.shared.post(Command::Abort { session: self.session, sequence: self.sequence });
        }
    }
}
