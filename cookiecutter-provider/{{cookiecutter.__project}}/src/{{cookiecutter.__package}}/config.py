"""What opens a session with {{ cookiecutter.system_name }}, and what a node may ask of it."""

from typing import Annotated

from nvisy_sdk import {{ [cookiecutter.__credentials, cookiecutter.__params] | sort | join(", ") }}
from pydantic import Field


class Credentials({{ cookiecutter.__credentials }}):
{% if cookiecutter.auth == "token" %}
    """A token of the service."""
{% elif cookiecutter.auth == "password" %}
    """A user of the service, and the password."""
{% elif cookiecutter.auth == "key_pair" %}
    """The id of a key of the service, and its secret."""
{% else %}
    """Nothing: the service asks nobody who they are."""
{% endif %}


class Params({{ cookiecutter.__params }}):
    """A {{ cookiecutter.__thing }} of a service."""

    host: str
    """Where the service is."""
    port: Annotated[int, Field(ge=1, le=65_535)]
    """The port it listens on."""
{% if cookiecutter.kind == "object" %}
    bucket: str
    """The bucket that holds the objects."""
{% endif %}
    timeout_ms: Annotated[int, Field(ge=1, le=3_600_000)] = 10_000
    """Milliseconds to wait for an answer."""
