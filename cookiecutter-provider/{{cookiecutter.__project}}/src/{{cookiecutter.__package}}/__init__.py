"""{{ cookiecutter.system_name }} as {{ cookiecutter.__as }} of Nvisy."""

import nvisy_sdk as sdk

from .config import Credentials, Params
{% if cookiecutter.__reads %}
from .reader import Reader
{% endif %}
{% if cookiecutter.__writes %}
from .writer import Writer
{% endif %}

__version__ = "0.1.0"
__all__ = ["Credentials", "Params", "Provider", "manifest"]


class Provider({{ {"both": "Reader, Writer", "read": "Reader", "write": "Writer"}[cookiecutter.directions] }}):
    """One open session with a {{ cookiecutter.__thing }}."""


def manifest() -> sdk.Manifest:
    """Describe the provider: what it can do, and what it cannot promise, with the reason."""
    return sdk.describe_provider(
        Provider,
        name="{{ cookiecutter.slug }}",
        title={{ cookiecutter.system_name | jsonify }},
        category=sdk.Category.{{ cookiecutter.__category }},
        kinds=(sdk.DataKind.{{ cookiecutter.kind | upper }},),
{% if cookiecutter.__reads %}
        contexts=(sdk.ContextKind.{{ cookiecutter.__context }},),
{% endif %}
{% if cookiecutter.__writes and cookiecutter.kind == "message" %}
        modes=(sdk.WriteMode.APPEND,),
{% elif cookiecutter.__writes %}
        modes=(sdk.WriteMode.APPEND, sdk.WriteMode.UPSERT),
{% endif %}
        features={
            sdk.Feature.TLS: sdk.Capability.unsupported("the fake service has no TLS"),
{% if cookiecutter.__reads %}
{% if cookiecutter.kind == "embedding" %}
            sdk.Feature.FILTER: sdk.Capability.unsupported("a collection is read whole"),
{% endif %}
{% if cookiecutter.kind != "record" %}
            sdk.Feature.PROJECTION: sdk.Capability.unsupported("items are read whole"),
{% endif %}
            sdk.Feature.SNAPSHOT: sdk.Capability.unsupported("each page shows what is there when it is asked for"),
{% if cookiecutter.__context in ("KEYSET", "MARKER") %}
            sdk.Feature.INCREMENTAL: sdk.Capability.partial("what is added before the position is not seen"),
{% endif %}
            sdk.Feature.UPDATES: sdk.Capability.unsupported("what changes before the position is not read again"),
            sdk.Feature.DELETES: sdk.Capability.unsupported("what is deleted leaves nothing to read"),
{% endif %}
        },
    )
