//! The life of a run: one set of states and one table. Nothing else moves a run from one state to the next.

use serde::Serialize;

/// Where a run is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Sessions are being opened.
    Connecting,
    /// Batches flow.
    Moving,
    /// Everything is written; what was staged becomes visible.
    Publishing,
    /// Sessions are being closed, because of what the field says.
    Closing(Ending),
    /// It is over.
    Ended(Ending),
}

/// How a run ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// Everything arrived.
    Succeeded,
    /// Something failed.
    Failed,
    /// Too many records were refused.
    Rejected,
    /// Someone stopped it.
    Cancelled,
}

/// What happens to a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// All sessions are open.
    Connected,
    /// Every batch of every source is durable everywhere.
    Moved,
    /// What was staged is visible.
    Published,
    /// The run cannot go on.
    Stopped(Ending),
    /// All sessions are closed.
    Disconnected,
}

impl State {
    /// The table: what follows, or `None` where the event cannot happen.
    pub(crate) fn next(self, event: Event) -> Option<Self> {
        match (self, event) {
            (Self::Connecting, Event::Connected) => Some(Self::Moving),
            (Self::Moving, Event::Moved) => Some(Self::Publishing),
            (Self::Publishing, Event::Published) => Some(Self::Closing(Ending::Succeeded)),
            (Self::Connecting | Self::Moving | Self::Publishing, Event::Stopped(ending)) => {
                Some(Self::Closing(ending))
            }
            (Self::Closing(ending), Event::Disconnected) => Some(Self::Ended(ending)),
            (Self::Connecting | Self::Moving | Self::Publishing | Self::Closing(_) | Self::Ended(_), _) => {
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENTS: [Event; 5] = [
        Event::Connected,
        Event::Moved,
        Event::Published,
        Event::Stopped(Ending::Failed),
        Event::Disconnected,
    ];

    /// From every state that is not the end, some event leads on, and every road ends after sessions were closed.
    #[test]
    fn every_road_closes_before_it_ends() {
        fn roads(state: State, closed: bool) {
            if let State::Ended(_) = state {
                assert!(closed, "a run ended with open sessions");
                return;
            }
            let next: Vec<_> =
                EVENTS.into_iter().filter_map(|event| Some((event, state.next(event)?))).collect();
            assert!(!next.is_empty(), "{state:?} is a dead end");
            for (event, state) in next {
                roads(state, closed || event == Event::Disconnected);
            }
        }
        roads(State::Connecting, false);
    }

    /// Nothing happens to a run that has ended.
    #[test]
    fn an_ended_run_stays_ended() {
        assert!(EVENTS.into_iter().all(|event| State::Ended(Ending::Failed).next(event).is_none()));
    }
}
