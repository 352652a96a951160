//! What became of every record. A ledger that does not balance is a fault, never a rounding.

use serde::{Deserialize, Serialize};
use std::ops::AddAssign;

/// Records of one path in one run: `read` = `written` + `rejected` + `filtered`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ledger {
    /// Taken from the source.
    pub read: u64,
    /// Durable in the sink.
    pub written: u64,
    /// Refused, by a step or by the sink, and kept with the reason.
    pub rejected: u64,
    /// Left out because the workflow says so.
    pub filtered: u64,
}

impl Ledger {
    /// Whether every record is accounted for.
    pub fn balances(&self) -> bool {
        self.read == self.written + self.rejected + self.filtered
    }
}

impl AddAssign for Ledger {
    fn add_assign(&mut self, other: Self) {
        self.read += other.read;
        self.written += other.written;
        self.rejected += other.rejected;
        self.filtered += other.filtered;
    }
}
