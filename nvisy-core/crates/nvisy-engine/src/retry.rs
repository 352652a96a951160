//! Trying again, from outside: a provider has no retry loop of its own.

use nvisy_dal::{Error, Result};
use std::future::Future;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Attempts at one operation before its error stands.
pub(crate) const ATTEMPTS: u32 = 5;

/// First pause; each further one is twice as long.
const FIRST: Duration = Duration::from_millis(200);

/// Longest pause, also when a system asks for more.
const LONGEST: Duration = Duration::from_secs(60);

/// Run `operation` until it succeeds, fails for good, or has failed [`ATTEMPTS`] times.
pub(crate) async fn retrying<T, F: Future<Output = Result<T>>>(
    mut operation: impl FnMut() -> F,
) -> Result<T> {
    let mut attempt = 1;
    loop {
        match operation().await {
            Err(error) if error.retryable && attempt < ATTEMPTS => {
                tracing::warn!(%error, attempt, "trying again");
                pause(&error, attempt).await;
                attempt += 1;
            }
            done => return done,
        }
    }
}

/// Wait before attempt `attempt + 1`: as long as the system asked, else twice as long each time, spread by up to half.
pub(crate) async fn pause(error: &Error, attempt: u32) {
    let backoff = FIRST * 2u32.saturating_pow(attempt - 1);
    let nanos = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().subsec_nanos();
    let spread = backoff.mul_f64(0.5 * f64::from(nanos % 1_000) / 1_000.0);
    let wait = error.retry_after.unwrap_or(backoff + spread);
    tokio::time::sleep(wait.min(LONGEST)).await;
}
