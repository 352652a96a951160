"""Credentials: a secret is handed over on demand and shown nowhere."""

import pytest
from nvisy_sdk import KeyPairCredentials, NoCredentials, PasswordCredentials, TokenCredentials
from pydantic import BaseModel, ValidationError

CANARY = "canary-7f3a"


@pytest.mark.parametrize(
    "credentials",
    [
        PasswordCredentials.model_validate({"username": "ann", "password": CANARY}),
        TokenCredentials.model_validate({"token": CANARY}),
        KeyPairCredentials.model_validate({"key_id": "id", "secret": CANARY}),
    ],
    ids=lambda credentials: type(credentials).__name__,
)
def test_secret_shows_nowhere_unless_it_is_asked_for(credentials: BaseModel) -> None:
    """Neither representation, nor text, nor dump holds it; `get_secret_value` does."""
    assert CANARY not in f"{credentials!r}{credentials}{credentials.model_dump()}{credentials.model_dump_json()}"
    secrets = [value for value in vars(credentials).values() if not isinstance(value, str)]
    assert [secret.get_secret_value() for secret in secrets] == [CANARY]


class Extended(PasswordCredentials):
    """What a plugin makes of it."""

    port: int


@pytest.mark.parametrize(
    ("model", "fields"),
    [
        (PasswordCredentials, {"username": "ann", "password": [CANARY]}),
        (PasswordCredentials, {"username": [CANARY], "password": ""}),
        (TokenCredentials, {"token": "", "extra": CANARY}),
        (NoCredentials, {"password": CANARY}),
        (Extended, {"username": "ann", "password": "", "port": CANARY}),
    ],
    ids=["password", "username", "unknown", "none", "extended"],
)
def test_validation_error_does_not_show_what_was_given(model: type[BaseModel], fields: dict[str, object]) -> None:
    """A secret in the wrong field is still a secret, also in a model that a plugin derives."""
    with pytest.raises(ValidationError) as caught:
        model.model_validate(fields)
    assert CANARY not in str(caught.value)
