//! What opens a session. A secret cannot be printed, compared or serialised; it can only be handed over.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A secret text. It has no `Debug` and no `Serialize`; [`Secret::expose`] is the one way to read it.
#[derive(Clone, Deserialize, JsonSchema)]
#[schemars(transparent)]
pub struct Secret(#[schemars(extend("format" = "password", "writeOnly" = true))] String);

impl Secret {
    /// Wrap a text.
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// The text, for the one who opens the session.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// The shapes of credentials the engine knows; a provider's own model extends one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CredentialShape {
    /// Nothing at all.
    None,
    /// A user name and a password.
    Password,
    /// A bearer token or API key.
    Token,
    /// A key id and its secret.
    KeyPair,
}

/// No credentials.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NoCredentials {}

/// A user name and a password.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PasswordCredentials {
    /// Who.
    pub username: String,
    /// The password.
    pub password: Secret,
}

/// A bearer token or API key.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenCredentials {
    /// The token.
    pub token: Secret,
}

/// A key id and its secret.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KeyPairCredentials {
    /// Which key; not secret.
    pub key_id: String,
    /// The key's secret.
    pub secret: Secret,
}
