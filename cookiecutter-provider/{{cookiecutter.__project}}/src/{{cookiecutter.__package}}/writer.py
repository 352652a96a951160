"""Writing: a batch is one request, which the service carries out whole; items it refuses are named in the receipt."""

from typing import Any

import nvisy_sdk as sdk

from .client import Session

{% if cookiecutter.kind == "message" %}
MODES = (sdk.WriteMode.APPEND,)
{% else %}
MODES = (sdk.WriteMode.APPEND, sdk.WriteMode.UPSERT)
{% endif %}
{% if cookiecutter.kind != "record" %}
KEY: tuple[str, ...] = {{ cookiecutter.__key }}
{% endif %}


class Writer(Session):
    """The session as a sink."""

    async def prepare(self, request: sdk.Prepare) -> None:
        """Create the {{ cookiecutter.__thing }}, or check that it takes the columns and add those it does not have yet."""
        await self._call(
            "create",
            stream=self._stream(),
            columns=_columns(request.schema),
            key={{ "self._params.key" if cookiecutter.kind == "record" else "KEY" }},
            strict={{ cookiecutter.kind == "record" }},
            create={{ "self._params.create" if cookiecutter.kind in ("record", "embedding") else "True" }},
            evolve={{ "self._params.evolve" if cookiecutter.kind == "record" else "True" }},
        )

    async def write(self, batch: sdk.IncomingBatch) -> sdk.Receipt:
        """Write one batch."""
        return await self._put(batch, None)

    async def committed(self, key: str) -> sdk.Mark | None:
        """Return the mark stored last under `key`."""
        found = await self._call("mark", key=key)
        return None if found["value"] is None else sdk.Mark(key=key, value=found["value"])

    async def write_through(self, batch: sdk.IncomingBatch, mark: sdk.Mark) -> sdk.Receipt:
        """Write one batch and the mark, both or neither."""
        return await self._put(batch, mark)

    async def _put(self, batch: sdk.IncomingBatch, mark: sdk.Mark | None) -> sdk.Receipt:
        reply = await self._call(
            "put",
            stream=self._stream(),
            mode=self._mode(),
            key={{ "self._params.key" if cookiecutter.kind == "record" else "KEY" }},
            columns=_columns(batch.schema),
            items=self._items(batch),
            mark=None if mark is None else mark.model_dump(),
        )
        return self._receipt(reply)

    def _items(self, batch: sdk.IncomingBatch) -> list[dict[str, object]]:
{% if cookiecutter.kind == "object" %}
        return [{**row, "path": f"{self._params.prefix}{row['path']}"} for row in batch.rows()]
{% elif cookiecutter.kind == "message" %}
        default = {} if self._params.subject is None else {"subject": self._params.subject}
        given = [{name: value for name, value in row.items() if value is not None} for row in batch.rows()]
        return [{**default, **row} for row in given]
{% else %}
        return batch.rows()
{% endif %}

    def _receipt(self, reply: dict[str, Any]) -> sdk.Receipt:
        rejected = [sdk.Rejection(index=index, code=code, reason=reason) for index, code, reason in reply["rejected"]]
        return sdk.Receipt(accepted=reply["accepted"], rejected=tuple(rejected))

    def _mode(self) -> sdk.WriteMode:
{% if cookiecutter.kind == "record" %}
        mode = self._params.mode or (sdk.WriteMode.UPSERT if self._params.key else sdk.WriteMode.APPEND)
{% elif cookiecutter.kind == "message" %}
        mode = self._params.mode or sdk.WriteMode.APPEND
{% else %}
        mode = self._params.mode or sdk.WriteMode.UPSERT
{% endif %}
        if mode not in MODES:
            raise sdk.UnsupportedError(f"the service cannot `{mode}`", hint=f"use {', '.join(MODES)}")
        return mode


def _columns(schema: sdk.Schema) -> list[dict[str, object]]:
    return [field.model_dump(mode="json") for field in schema.fields]
