//! The port through which the engine finds providers. It knows them by name only; who is behind a name is decided by
//! the composition root.

use nvisy_dal::Connector;
use std::sync::Arc;

/// The installed providers.
pub trait Providers: Send + Sync {
    /// The provider of that name.
    fn find(&self, name: &str) -> Option<Arc<dyn Connector>>;

    /// The names of all that can be used.
    fn names(&self) -> Vec<String>;
}

/// The known name most like `wanted`, when one is like it at all.
pub(crate) fn closest<'a>(wanted: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let scored = known.into_iter().map(|name| (distance(wanted, name), name));
    scored.filter(|(distance, name)| *distance <= name.len().max(6) / 3).min().map(|(_, name)| name)
}

/// Levenshtein distance by the two-row method.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let cost = if x == *y { diagonal } else { 1 + diagonal.min(row[j]).min(row[j + 1]) };
            diagonal = row[j + 1];
            row[j + 1] = cost;
        }
    }
    row[b.len()]
}
