//! The one place where progress becomes durable. Acknowledgements of a path may come in any order; its position moves
//! over the unbroken prefix only, in one transaction with the ledger rows of that prefix.

use crate::ledger::Ledger;
use crate::position::Position;
use crate::progress::Progress;
use crate::store::{CheckpointStore, Commit, PathCommit, RejectRow};
use nvisy_dal::{Error, ErrorKind, Result, Schema};
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::mpsc;

/// A stretch of a path that its sink has made durable.
#[derive(Debug)]
pub(crate) struct Ack {
    pub(crate) path: usize,
    /// Its number on the path, from 0, without gaps.
    pub(crate) number: u64,
    pub(crate) through: Position,
    pub(crate) ledger: Ledger,
    pub(crate) rejects: Vec<RejectRow>,
}

/// What the committer is told.
pub(crate) enum Note {
    Ack(Ack),
    /// The columns a decoding node has decided on.
    Decided(String, Schema),
}

/// A path as the committer sees it.
pub(crate) struct Tracked {
    pub(crate) key: String,
    pub(crate) source: String,
    pub(crate) epoch: String,
    pub(crate) prefix: Prefix,
}

/// The unbroken prefix of a path's acknowledgements.
pub(crate) struct Prefix {
    position: Position,
    next: u64,
    early: BTreeMap<u64, Ack>,
}

impl Prefix {
    pub(crate) fn new(position: Position) -> Self {
        Self { position, next: 0, early: BTreeMap::new() }
    }

    /// Take an acknowledgement; what has become part of the prefix by it comes back, in order.
    fn take(&mut self, ack: Ack) -> Vec<Ack> {
        self.early.insert(ack.number, ack);
        let mut joined = Vec::new();
        while let Some(ack) = self.early.remove(&self.next) {
            self.next += 1;
            self.position = ack.through.clone();
            joined.push(ack);
        }
        joined
    }
}

pub(crate) struct Committer {
    pub(crate) store: Arc<dyn CheckpointStore>,
    pub(crate) run: String,
    pub(crate) workflow: String,
    pub(crate) paths: Vec<Tracked>,
    pub(crate) progress: Arc<Progress>,
}

impl Committer {
    /// Commit until no one can acknowledge any more. What arrives during one commit is taken together by the next.
    pub(crate) async fn run(mut self, mut notes: mpsc::Receiver<Note>) -> Result<()> {
        let mut waiting = Vec::new();
        while notes.recv_many(&mut waiting, 1_024).await > 0 {
            let commit = self.fold(waiting.drain(..));
            if commit.paths.is_empty() && commit.schemas.is_empty() {
                continue;
            }
            let written: u64 = commit.paths.iter().map(|path| path.ledger.written).sum();
            let (store, run, workflow) = (self.store.clone(), self.run.clone(), self.workflow.clone());
            tokio::task::spawn_blocking(move || store.commit(&run, &workflow, &commit))
                .await
                .map_err(|error| Error::new(ErrorKind::Internal, "commit", error.to_string()))??;
            self.progress.committed(written);
        }
        Ok(())
    }

    fn fold(&mut self, notes: impl Iterator<Item = Note>) -> Commit {
        let mut commit = Commit::default();
        let mut changed: BTreeMap<usize, (Ledger, Vec<RejectRow>)> = BTreeMap::new();
        for note in notes {
            match note {
                Note::Decided(node, schema) => {
                    commit.schemas.insert(node, schema);
                }
                Note::Ack(ack) => {
                    let path = ack.path;
                    for joined in self.paths[path].prefix.take(ack) {
                        let (ledger, rejects) = changed.entry(path).or_default();
                        *ledger += joined.ledger;
                        rejects.extend(joined.rejects);
                    }
                }
            }
        }
        for (path, (ledger, rejects)) in changed {
            let tracked = &self.paths[path];
            commit.paths.push(PathCommit {
                key: tracked.key.clone(),
                epoch: tracked.epoch.clone(),
                position: tracked.prefix.position.clone(),
                ledger,
                rejects,
            });
            let source = tracked.source.clone();
            if !commit.checkpoints.iter().any(|(known, _)| *known == source) {
                let behind = self.behind(&source);
                commit.checkpoints.push((source, behind));
            }
        }
        commit
    }

    /// The position of the path of `source` that is furthest behind: before it, every sink is done.
    fn behind(&self, source: &str) -> Position {
        let positions =
            self.paths.iter().filter(|path| path.source == source).map(|path| &path.prefix.position);
        positions.min_by(|a, b| a.order(b)).cloned().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ack(number: u64) -> Ack {
        let through = Position { items: number + 1, ..Position::default() };
        Ack { path: 0, number, through, ledger: Ledger::default(), rejects: Vec::new() }
    }

    proptest! {
        /// Whatever the order of acknowledgements, the position is that of the longest unbroken prefix.
        #[test]
        fn prefix_never_passes_a_gap(order in Just((0u64..40).collect::<Vec<_>>()).prop_shuffle(), keep in 0usize..40) {
            let mut prefix = Prefix::new(Position::default());
            let mut seen = std::collections::BTreeSet::new();
            let mut joined = Vec::new();
            for number in order.into_iter().take(keep) {
                seen.insert(number);
                joined.extend(prefix.take(ack(number)).into_iter().map(|ack| ack.number));
                let expected = (0u64..40).take_while(|n| seen.contains(n)).count() as u64;
                prop_assert_eq!(prefix.position.items, expected);
                prop_assert_eq!(&joined, &(0..expected).collect::<Vec<_>>());
            }
        }
    }
}
