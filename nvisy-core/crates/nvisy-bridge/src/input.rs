//! A source seen from Rust: a stream over a channel that is bounded in bytes and has exactly one end.
//! A channel that is closed without an end is an error, so nothing that is lost can look like a normal end.

use crate::command::Command;
use crate::decode::Decoder;
use crate::error::Fault;
use crate::interpreter::{Interpreter, Shared, closing, lock};
use futures_core::Stream;
use nvisy_dal::{Batch, Context, DataKind, Error, ErrorKind, Result};
use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context as TaskContext, Poll, Waker};

/// Bytes of decoded batches at which the pump is told to wait: two batches of ten thousand ordinary rows.
const HIGH: usize = 16 * 1024 * 1024;
/// Bytes at which it is woken again: enough left to hide the wake.
const LOW: usize = HIGH / 4;

/// What the loop thread pushes into.
pub(crate) struct Channel {
    state: Mutex<State>,
    /// Decides the columns once; only the loop thread uses it.
    pub(crate) decoder: Mutex<Decoder>,
    provider: Arc<str>,
}

#[derive(Default)]
struct State {
    queue: VecDeque<(Batch, usize)>,
    bytes: usize,
    paused: bool,
    waker: Option<Waker>,
    end: Option<End>,
    batches: u64,
    items: u64,
}

enum End {
    Done,
    Failed(Box<Error>),
}

impl Channel {
    fn new(provider: Arc<str>, kind: Option<DataKind>) -> Self {
        Self { state: Mutex::default(), decoder: Mutex::new(Decoder::new(kind)), provider }
    }

    /// Hand over a batch. True asks the pump to wait for `Resume` before the next one.
    pub(crate) fn push(&self, batch: Batch) -> bool {
        let mut state = lock(&self.state);
        let bytes = batch.bytes();
        state.bytes += bytes;
        state.batches += 1;
        state.items += batch.len() as u64;
        state.queue.push_back((batch, bytes));
        state.paused = state.bytes >= HIGH;
        let (paused, waker) = (state.paused, state.waker.take());
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
        paused
    }

    /// The stream ended normally.
    pub(crate) fn done(&self) {
        self.end(|_, _| End::Done);
    }

    /// The stream ended with an exception.
    pub(crate) fn failed(&self, fault: Fault) {
        self.end(|provider, state| {
            let error = fault.into_error(operation(provider), provider);
            End::Failed(Box::new(located(error, state)))
        });
    }

    /// The stream ended because Rust asked for it.
    pub(crate) fn cancelled(&self) {
        self.end(|provider, state| {
            let error = Error::new(ErrorKind::Cancelled, operation(provider), "the read was cancelled");
            End::Failed(Box::new(located(error.with_context("provider", provider), state)))
        });
    }

    /// The task behind the stream is gone. Without an end before it, that is an error.
    pub(crate) fn closed(&self) {
        self.end(|provider, state| {
            let error = Error::new(
                ErrorKind::Protocol,
                operation(provider),
                "the stream ended without saying whether it is complete",
            )
            .with_hint("start the run again; it resumes after the last committed item")
            .with_context("provider", provider);
            End::Failed(Box::new(located(error, state)))
        });
    }

    /// The interpreter is going.
    pub(crate) fn abort(&self) {
        self.end(|provider, state| {
            End::Failed(Box::new(located(
                closing(&operation(provider)).with_context("provider", provider),
                state,
            )))
        });
    }

    /// The first end stays.
    fn end(&self, end: impl FnOnce(&str, &State) -> End) {
        let mut state = lock(&self.state);
        if state.end.is_none() {
            state.end = Some(end(&self.provider, &state));
        }
        let waker = state.waker.take();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

fn operation(provider: &str) -> String {
    format!("read from `{provider}`")
}

/// Where in the stream it went wrong: how many batches and items came before.
fn located(error: Error, state: &State) -> Error {
    error.with_context("batch", state.batches.to_string()).with_context("item", state.items.to_string())
}

/// A stream of a Python source. Dropping it cancels the pump, started or not.
pub(crate) struct Reading {
    shared: Arc<Shared>,
    channel: Arc<Channel>,
    id: u64,
    over: bool,
}

impl Reading {
    /// Ask the session to read from after `context`.
    pub(crate) fn begin(
        interpreter: &Interpreter,
        session: u64,
        provider: &Arc<str>,
        kind: Option<DataKind>,
        context: Option<&Context>,
    ) -> Self {
        let shared = interpreter.0.clone();
        let id = shared.number();
        let channel = Arc::new(Channel::new(provider.clone(), kind));
        match context.map(serde_json::to_string).transpose() {
            Ok(context) => {
                lock(&shared.streams).insert(id, channel.clone());
                if !shared.post(Command::Read { stream: id, session, context }) {
                    lock(&shared.streams).remove(&id);
                    channel.abort();
                }
            }
            Err(error) => channel.end(|provider, _| {
                let error = Error::new(ErrorKind::InvalidContext, operation(provider), error.to_string());
                End::Failed(Box::new(error.with_context("provider", provider)))
            }),
        }
        Self { shared, channel, id, over: false }
    }
}

impl Stream for Reading {
    type Item = Result<Batch>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut TaskContext<'_>) -> Poll<Option<Self::Item>> {
        if self.over {
            return Poll::Ready(None);
        }
        let channel = self.channel.clone();
        let mut state = lock(&channel.state);
        if let Some((batch, bytes)) = state.queue.pop_front() {
            state.bytes -= bytes;
            let wake = state.paused && state.bytes <= LOW;
            if wake {
                state.paused = false;
            }
            drop(state);
            if wake {
                self.shared.post(Command::Resume { stream: self.id });
            }
            return Poll::Ready(Some(Ok(batch)));
        }
        match state.end.take() {
            None => {
                state.waker = Some(context.waker().clone());
                Poll::Pending
            }
            Some(end) => {
                drop(state);
                self.over = true;
                lock(&self.shared.streams).remove(&self.id);
                match end {
                    End::Done => Poll::Ready(None),
                    End::Failed(error) => Poll::Ready(Some(Err(*error))),
                }
            }
        }
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        if !self.over && lock(&self.shared.streams).remove(&self.id).is_some() {
            self.shared.post(Command::Stop { stream: self.id });
        }
    }
}
