"""Our own engine by its public command line, with ledger and checkpoints on as they always are.

In each work it runs three times: as anyone would type it, the same once more under another name (what the two differ by is
the noise of the machine), and in its best published configuration.
"""

from __future__ import annotations

import dataclasses
from urllib.parse import quote, urlencode

from benchmarks.model import Before, Contender, Documents, Files, Flights, Role, Sql, Stage, Step, Target, Write
from benchmarks.server import HOST, USER
from benchmarks.stage import TENFOLD, documents, flights_sqlite, grown, tenfold

NAME, AGAIN, TENTH = "nvisy", "nvisy, again", "nvisy, a tenth"
TABLE = "target.flights"
# The largest batch whose rows of this width stay within the engine's bound of waiting bytes several times over.
LARGE = "50000"
_TOP = ("id", "carrier", "route", "at", "date", "legs", "tags", "note")


def table_to_table(stage: Stage) -> tuple[Contender, ...]:
    """One table into another, which it creates with the source's key."""
    return _both(stage)


def table_over_table(stage: Stage) -> tuple[Contender, ...]:
    """One table over another, in which every other key is taken by an outdated row."""
    made = f"CREATE TABLE {TABLE} (LIKE src.flights INCLUDING INDEXES)"
    stale = Sql((made, f"INSERT INTO {TABLE} SELECT * FROM src.stale ORDER BY id"))
    return tuple(dataclasses.replace(each, before=(stale,)) for each in _both(stage))


def tenfold_to_table(stage: Stage) -> tuple[Contender, ...]:
    """Ten times the table; and the table itself, for what a row takes there."""
    command = _copy(stage, _source(stage, table="tenfold"), _target(stage, table="flights"))
    usual = _contender(stage, NAME, command, Flights(TABLE, TENFOLD))
    usual = dataclasses.replace(usual, about="`nvisy copy`, one URI to the other", before=(Sql(tenfold(stage)),))
    tenth = dataclasses.replace(table_to_table(stage)[0], name=TENTH, about="W1 itself", items=stage.rows)
    return usual, _once_more(usual), tenth


def sqlite_to_table(stage: Stage) -> tuple[Contender, ...]:
    """A SQLite file into a table, which it creates with the source's key."""
    path = quote(str(flights_sqlite(stage.folder, stage.rows)))
    usual = _copy(stage, f"sqlite:///{path}?table=flights", _target(stage))
    large = _copy(stage, f"sqlite:///{path}?table=flights&batch_rows={LARGE}", _target(stage))
    return _three(stage, usual, large, Flights(TABLE), f"batch_rows={LARGE}")


def table_to_files(stage: Stage, form: str) -> tuple[Contender, ...]:
    """A table into Parquet or JSON Lines; Parquet also compressed, as others do unasked."""
    into = f"file://{quote(str(stage.folder.out / 'files'))}?format={form}"
    files = Files(f"files/**/*.{form}", form)
    usual = _copy(stage, _source(stage, table="flights"), into)
    large = _copy(stage, _source(stage, table="flights", batch_rows=LARGE), f"{into}&rows=250000")
    three = _three(stage, usual, large, files, f"batch_rows={LARGE}, rows=250000 in an object")
    if form != "parquet":
        return three
    small = _copy(stage, _source(stage, table="flights"), f"{into}&compression=zstd")
    return *three, dataclasses.replace(_contender(stage, f"{NAME}, zstd", small, files), about="with compression=zstd")


def lines_to_table(stage: Stage) -> tuple[Contender, ...]:
    """Documents into a table: a column for each name at the top, jsonb where the value is no scalar."""
    folder = quote(str(documents(stage.folder, stage.documents).parent))
    into = _uri(stage, schema="target", table="documents", key="id")
    fields = ", ".join(f"'{name}', t.{name}" for name in _TOP)
    holds = Documents("target.documents", f"jsonb_build_object({fields})")
    command = _copy(stage, f"file://{folder}?glob=*.jsonl", into)
    path = stage.folder.out / "documents.yaml"
    workflow = Write(path, _workflow(stage))
    large = dataclasses.replace(
        _contender(stage, f"{NAME}, appending", (*_nvisy(stage, "run"), str(path)), holds),
        about=f"a workflow file with batch_rows={LARGE} that appends, so it needs no key",
        before=(workflow,),
    )
    about = "`nvisy copy`, one URI to the other; a column for each name at the top of a document, and a key"
    usual = dataclasses.replace(_contender(stage, NAME, command, holds), about=about)
    return usual, _once_more(usual), large


def increment(stage: Stage) -> tuple[Contender, ...]:
    """The second copy of a table that has grown since the first."""
    source = _source(stage, table="growing")
    first = Before(_copy(stage, source, _target(stage, table="flights")), _env(stage))
    steps: tuple[Step, ...] = (first, Sql((grown(stage),)))
    command = (*_copy(stage, source, _target(stage, table="flights")), "--incremental")
    usual = _contender(stage, NAME, command, Flights(TABLE, "src.growing"))
    usual = dataclasses.replace(usual, about="`nvisy copy --incremental` after a full copy", before=steps)
    return usual, _once_more(usual)


def _both(stage: Stage) -> tuple[Contender, ...]:
    """From table to table, as it is and in large batches."""
    usual = _copy(stage, _source(stage, table="flights"), _target(stage))
    large = _copy(stage, _source(stage, table="flights", batch_rows=LARGE), _target(stage))
    return _three(stage, usual, large, Flights(TABLE), f"batch_rows={LARGE}")


def _three(
    stage: Stage, usual: tuple[str, ...], large: tuple[str, ...], target: Target, setting: str
) -> tuple[Contender, ...]:
    """As it is typed, the same again, and in its best configuration."""
    first = dataclasses.replace(_contender(stage, NAME, usual, target), about="`nvisy copy`, one URI to the other")
    best = _contender(stage, f"{NAME}, large batches", large, target)
    return first, _once_more(first), dataclasses.replace(best, about=f"the same with {setting}")


def _once_more(contender: Contender) -> Contender:
    """The A/A control: the same command under another name."""
    return dataclasses.replace(contender, name=AGAIN, about=f"the same command as `{contender.name}`: the noise")


def _contender(stage: Stage, name: str, command: tuple[str, ...], target: Target) -> Contender:
    """A command of ours."""
    return Contender(name, Role.OURS, "", command, target, env=_env(stage))


def _copy(stage: Stage, source: str, target: str) -> tuple[str, ...]:
    """`nvisy copy`."""
    return (*_nvisy(stage, "copy"), source, target)


def _nvisy(stage: Stage, verb: str) -> tuple[str, ...]:
    """Our command line."""
    return (str(stage.ours / "nvisy"), verb, "--quiet")


def _env(stage: Stage) -> dict[str, str]:
    """A state folder that is empty at the beginning of a run."""
    return {"NVISY_HOME": str(stage.folder.out / "home")}


def _source(stage: Stage, **params: str) -> str:
    """The URI to read from."""
    return _uri(stage, schema="src", **params)


def _target(stage: Stage, **params: str) -> str:
    """The URI to write to."""
    return _uri(stage, schema="target", **params)


def _uri(stage: Stage, **params: str) -> str:
    """The server's address; the password is a reference."""
    login = f"{USER}:${{env:PGPASSWORD}}@{HOST}:{stage.server.port}"
    return f"postgresql://{login}/{stage.server.database}?{urlencode(params)}"


def _workflow(stage: Stage) -> str:
    """The documents' workflow, in the format of docs/workflow-file.md."""
    folder = documents(stage.folder, stage.documents).parent
    server = f"host: {HOST}, port: {stage.server.port}, database: {stage.server.database}, schema: target"
    login = f'username: {USER}, password: "${{env:PGPASSWORD}}"'
    return f"""version: 1
name: documents
connections:
  inbox: {{provider: files, params: {{root: "{folder}"}}}}
  base: {{provider: postgres, params: {{{server}}}, credentials: {{{login}}}}}
nodes:
  - {{id: files, read: inbox, params: {{glob: "*.jsonl"}}}}
  - {{id: rows, transform: decode, params: {{format: jsonl, batch_rows: {LARGE}}}}}
  - {{id: documents, write: base, params: {{table: documents, mode: append}}}}
"""
