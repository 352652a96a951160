"""Writing objects as files: each under a temporary name first, then renamed, so that nobody sees half of one.

Unfinished writes and what `replace` stages live in a folder of their own below the root, one for each prefix; so one run
at a time may write below a prefix. A file and its name are durable before the receipt is given.
"""

import fcntl
import hashlib
import itertools
import json
import os
import shutil
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import nvisy_sdk as sdk
from nvisy_sdk import WriteMode

from ._keys import TEMPORARY, Refused, pattern, steps
from .client import Session, entered, fill, locked, move, opened, read_at, taken, walk

P = ParamSpec("P")
T = TypeVar("T")

_PLAN = "publish.json"
_WRITERS = 8  # threads that make files durable: the system then writes several down at once, some 15 times faster
_serial = itertools.count()


class Writer(Session):
    """The session as a sink."""

    _fresh: bool | None = None  # whether the first stream prepared begins anew; None before that
    _placed: frozenset[str] = frozenset()  # keys of a batch that failed half-way: it may be written again

    async def prepare(self, request: sdk.Prepare) -> None:
        """Make the folder, and forget what an earlier run left unfinished below the same prefix."""
        if request.kind is not sdk.DataKind.OBJECT:
            raise sdk.UnsupportedError(f"files hold objects, not {request.kind} items", hint="add an `encode` step")
        await self._run(self._working, self._prepare, fresh=request.fresh)

    async def write(self, batch: sdk.IncomingBatch) -> sdk.Receipt:
        """Write the objects, and the parts of objects, of one batch."""
        return await self._run(self._working, self._write, batch)

    async def publish(self) -> None:
        """Move what `replace` staged into place and remove the other files below the prefix; again changes nothing."""
        if self._params.mode is WriteMode.REPLACE:
            await self._run(self._working, self._publish)

    @property
    def _area(self) -> Path:
        return self._root / TEMPORARY / _digest(self._params.prefix)

    def _working(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Make the folder, and keep other sessions from tidying it up meanwhile."""
        self._root.mkdir(parents=True, exist_ok=True)
        with locked(self._root, fcntl.LOCK_SH):
            return function(*args, **kwargs)

    def _prepare(self, *, fresh: bool) -> None:
        first, self._fresh = self._fresh is None, fresh if self._fresh is None else self._fresh
        with entered(self._root, [TEMPORARY, self._area.name]):
            pass
        if not (fresh and first):
            return
        for left in self._area.iterdir():
            kind, _, owner = left.name.partition("-")
            if left.is_dir():
                shutil.rmtree(left)
            elif kind != "whole" or not _alive(int(owner.partition("-")[0])):
                left.unlink()
        if self._params.mode is WriteMode.REPLACE:
            (self._area / "replace").mkdir()

    def _write(self, batch: sdk.IncomingBatch) -> sdk.Receipt:
        if self._fresh is None:
            self._prepare(fresh=True)
        rejected, placed, again = [], set(), self._placed
        folders: set[tuple[str, ...]] = set()
        try:
            area_steps = [TEMPORARY, self._area.name]
            with entered(self._root, area_steps) as area, ThreadPoolExecutor(_WRITERS) as pool:
                rows = batch.rows()
                for index, ready in enumerate(list(pool.map(partial(_filled, area), rows))):
                    row = rows[index]
                    try:
                        folders.add(self._put(area, row, ready, again=not self._fresh or row["path"] in again))
                        placed.add(str(row["path"]))
                    except Refused as err:
                        rejected.append(sdk.Rejection(index=index, code=err.code, reason=err.reason))
                    finally:
                        _drop(area, ready)
            self._sync(folders)
            self._placed, placed = frozenset(), set()
        finally:
            self._placed |= placed
        return sdk.Receipt(accepted=len(batch) - len(rejected), rejected=tuple(rejected))

    def _put(self, area: int, row: Mapping[str, Any], ready: str | None, *, again: bool) -> tuple[str, ...]:
        """Give a finished file its place, or add a part; return the folder in which a name changed."""
        path, data, size, offset = row.get("path"), row.get("data"), row.get("size"), row.get("offset") or 0
        if path is None or data is None or size is None:
            raise Refused("not_null", "an object needs a path, data and a size")
        if offset + len(data) > size or (not data and offset < size):
            raise Refused("size", f"{len(data)} bytes at {offset} do not belong to an object of {size}")
        if row.get("metadata"):
            raise Refused("metadata", "a file cannot keep metadata; drop the column `metadata` with a transform")
        key = self._params.prefix + path
        *inner, name = steps(key)
        folders = (*self._stage(), *inner)
        place = Path(*folders, name)
        over = self._params.mode is not WriteMode.APPEND
        unfinished = ready or f"part-{_digest(key)}"
        with taken(), entered(self._root, folders) as folder:
            if over or not (self._root / place).exists():
                held = None if ready else fill(area, unfinished, data, offset=offset)
                if held is not None:
                    self._settle_gap(place, data, offset=offset, size=size, held=held)
                    return folders
                if offset + len(data) < size:
                    return (TEMPORARY, self._area.name)
                if move(area, unfinished, folder, name, over=over):
                    return folders
            if again and self._holds(place, data, offset=offset, size=size):
                return folders
        raise Refused("exists", f"there is an object {key[:99]} already, and the mode is append")

    def _stage(self) -> tuple[str, ...]:
        """Return the folder that files are written into: the root, or what `publish` moves into it."""
        if self._params.mode is not WriteMode.REPLACE:
            return ()
        if (self._area / _PLAN).exists():
            self._publish()
        # A stream that goes on after it was published adds to what is there: nothing is removed then.
        name = "replace" if (self._area / "replace").is_dir() else "merge"
        return (TEMPORARY, self._area.name, name)

    def _settle_gap(self, path: Path, data: bytes, *, offset: int, size: int, held: int) -> None:
        """Accept a part again whose object was finished before the run was interrupted."""
        if not self._holds(path, data, offset=offset, size=size):
            raise sdk.ConflictError(
                f"a part of {path.name} begins at {offset}, but only {held} bytes before it are there",
                hint="start over: an earlier part was removed",
                context={"path": str(path)},
            )

    def _holds(self, path: Path, data: bytes, *, offset: int = 0, size: int) -> bool:
        with opened(self._root, str(path)) as file:
            return file is not None and file.size == size and read_at(file.descriptor, offset, len(data)) == data

    def _sync(self, folders: Iterable[tuple[str, ...]]) -> None:
        for names in folders:
            with entered(self._root, names) as folder:
                os.fsync(folder)

    def _publish(self) -> None:
        stage = self._area / "replace"
        stage = stage if stage.is_dir() else self._area / "merge"
        plan = self._area / _PLAN
        if not plan.exists():
            if not stage.is_dir():
                return
            made: dict[str, Any] = {"whole": stage.name == "replace", "keys": [key.decode() for key in walk(stage)]}
            with entered(self._root, [TEMPORARY, self._area.name]) as area:
                fill(area, "plan", json.dumps(made).encode())
                move(area, "plan", area, _PLAN, over=True)
                os.fsync(area)
        planned = json.loads(plan.read_text())
        late = [key for key in planned["keys"] if not self._shift(stage, key)]
        if planned["whole"]:
            self._remove_others(frozenset(planned["keys"]))
        for key in late:  # their place was taken by an old file or folder
            self._shift(stage, key, last=True)
        self._sync({tuple(steps(key)[:-1]) for key in planned["keys"]})
        shutil.rmtree(stage, ignore_errors=True)
        plan.unlink()

    def _shift(self, stage: Path, key: str, *, last: bool = False) -> bool:
        """Move one staged file into place; False when that is taken. A file that is not staged was moved before."""
        *inner, name = steps(key)
        staged = [*stage.relative_to(self._root).parts, *inner]
        try:
            with taken(), entered(self._root, staged) as source, entered(self._root, inner) as folder:
                move(source, name, folder, name, over=True)
        except FileNotFoundError:
            return True
        except Refused as err:
            if last:
                raise sdk.ConflictError(
                    f"{key} cannot be published: {err.reason}", hint="remove what is there"
                ) from err
            return False
        return True

    def _remove_others(self, kept: frozenset[str]) -> None:
        chosen = pattern("**" if self._params.glob is None else self._params.glob)
        for name in [*walk(self._root, self._params.prefix)]:
            key = name.decode(errors="surrogateescape")
            with opened(self._root, key) as file:
                if key in kept or not chosen.fullmatch(key) or file is None:
                    continue
            path = self._root / key
            path.unlink(missing_ok=True)
            for folder in path.relative_to(self._root).parents:
                try:
                    (self._root / folder).rmdir()
                except OSError:  # it holds something else, or it is the root
                    break


def _filled(area: int, row: Mapping[str, Any]) -> str | None:
    """Write an object that came whole under a temporary name, which is returned; None for a part."""
    data = row.get("data")
    if data is None or row.get("offset") or len(data) != row.get("size"):
        return None
    name = f"whole-{os.getpid()}-{next(_serial)}"
    fill(area, name, data)
    return name


def _drop(area: int, name: str | None) -> None:
    """Remove a temporary file that found no place."""
    if name is not None:
        with suppress(FileNotFoundError):
            os.unlink(name, dir_fd=area)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _alive(process: int) -> bool:
    with suppress(PermissionError):
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return False
    return True
