//! Sessions of a run: opened together, closed whatever happens.

use crate::plan::Endpoint;
use crate::retry::retrying;
use crate::secrets;
use nvisy_dal::{Connect, Error, ErrorKind, Provider, Result};
use std::sync::Arc;
use std::time::Duration;

/// Longest a session may take to close.
const CLOSING: Duration = Duration::from_secs(15);

/// Open one session. References to secrets are looked up here and forgotten with the request.
pub(crate) async fn open(endpoint: &Endpoint) -> Result<Arc<dyn Provider>> {
    let connected = retrying(|| async {
        let credentials = secrets::resolve(&endpoint.credentials)?;
        endpoint.connector.connect(Connect { credentials, params: endpoint.params.clone() }).await
    });
    let session = connected.await.map_err(|error| {
        error
            .with_context("node", &endpoint.id)
            .with_context("provider", endpoint.connector.manifest().name.as_str())
    })?;
    Ok(Arc::from(session))
}

/// Close every session; the first fault is reported, none keeps the others open.
pub(crate) async fn close(sessions: &[Arc<dyn Provider>]) -> Result<()> {
    let closing = sessions.iter().map(|session| async {
        let late = || {
            Error::new(ErrorKind::Timeout, "disconnect", format!("no answer within {} s", CLOSING.as_secs()))
        };
        tokio::time::timeout(CLOSING, session.disconnect()).await.unwrap_or_else(|_| Err(late()))
    });
    futures_util::future::join_all(closing).await.into_iter().collect()
}
