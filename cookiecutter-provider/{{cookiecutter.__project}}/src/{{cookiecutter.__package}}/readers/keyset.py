"""Reading a {{ cookiecutter.__thing }} in the order of its key, page by page.

Each page is a request of its own and shows what is there then: what is added, changed or deleted behind the position is not
seen again.
"""

from collections.abc import AsyncGenerator, Mapping
from typing import Any, Final

import nvisy_sdk as sdk

from .client import Session

KEY: Final = {{ cookiecutter.__key }}
"""What tells the {{ cookiecutter.__items }} apart, and puts them in order."""

Item = dict[str, object]
Values = tuple[sdk.KeyValue, ...]


class Reader(Session):
    """The session as a source."""

    async def read(self, context: sdk.Context | None) -> AsyncGenerator[sdk.Batch, None]:
        """Yield the {{ cookiecutter.__items }} after `context` in the order of the key, `batch_rows` at a time."""
        info = await self.describe()
        after = None if context is None else self._after(context)
        more = True
        while more:
            items, more = await self._page(after)
            if items:
                after = _values(items[-1])
                yield sdk.Batch(items, sdk.Keyset(KEY, self._fingerprint()), schema=info.schema)

    async def _page(self, after: Values | None) -> tuple[list[Item], bool]:
        """Return the next {{ cookiecutter.__items }}, and whether there are more."""
        found = await self._call(
            "page",
            stream=self._stream(),
            sort=KEY,
            after=after,
            limit=self._params.batch_rows,
{% if cookiecutter.kind == "graph" %}
            labels=self._params.labels,
{% else %}
            filter=[condition.model_dump(mode="json") for condition in self._params.filter],
{% endif %}
        )
        return found["items"], found["more"]

    def _after(self, context: sdk.Context) -> Values:
        """Return the key's values after which a context resumes."""
        if not isinstance(context, sdk.KeysetContext) or context.fingerprint != self._fingerprint():
            raise sdk.InvalidContextError(
{% if cookiecutter.kind == "graph" %}
                "the context belongs to another database or other labels",
{% else %}
                "the context belongs to another collection or filter",
{% endif %}
                hint="start over, or restore the parameters it was made with",
            )
        if len(context.values) != len(KEY):
            raise sdk.InvalidContextError(f"the context has {len(context.values)} values, the key {len(KEY)}")
        return tuple(sdk.python_value(value) for value in context.values)

    def _fingerprint(self) -> str:
        return sdk.fingerprint(stream=self._stream(), filter=self._params.{{ "labels" if cookiecutter.kind == "graph" else "filter" }}, sort=KEY)


def _values(item: Mapping[str, object]) -> Any:
    return tuple(item[name] for name in KEY)
