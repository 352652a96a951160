"""What opens a session. A secret prints as stars; only `get_secret_value()` hands it over.

A validation error of credentials never shows what was given: a secret in the wrong field is still a secret.
"""

from pydantic import ConfigDict, SecretStr

from ._model import Shape


class _Credentials(Shape):
    model_config = ConfigDict(hide_input_in_errors=True)


class NoCredentials(_Credentials):
    """No credentials."""


class PasswordCredentials(_Credentials):
    """A user name and a password."""

    username: str
    """Who logs in; not secret."""
    password: SecretStr
    """The user's password."""


class TokenCredentials(_Credentials):
    """A bearer token or API key."""

    token: SecretStr
    """The token or key itself."""


class KeyPairCredentials(_Credentials):
    """A key id and its secret."""

    key_id: str
    """Which key; not secret."""
    secret: SecretStr
    """The key's secret half."""
