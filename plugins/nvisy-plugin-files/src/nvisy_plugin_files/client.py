"""The session, the ways into the file system, and the translation of its errors.

A folder is entered step by step without following links, so that no link can lead a write out of the root.
"""

import errno
import fcntl
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import ParamSpec, Self, TypeVar

import nvisy_sdk as sdk

from ._keys import TEMPORARY, Refused
from .config import Credentials, Params

P = ParamSpec("P")
T = TypeVar("T")

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # a pipe must not make the open wait
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FORBIDDEN = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ELOOP)
_KINDS: dict[int, type[sdk.ProviderError]] = {
    **dict.fromkeys(_FORBIDDEN, sdk.PermissionDeniedError),
    **dict.fromkeys((errno.ENOTDIR, errno.EISDIR), sdk.InvalidConfigError),
    errno.ENOENT: sdk.NotFoundError,
    errno.ENAMETOOLONG: sdk.InvalidDataError,
}
# What one object's place can be taken by, as opposed to a failure of the whole folder.
_TAKEN = (errno.EISDIR, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG, errno.ENOTEMPTY)


@contextmanager
def translated(root: Path) -> Iterator[None]:
    """Turn errors of the operating system into the provider's."""
    try:
        yield
    except OSError as err:
        name = err.filename.decode(errors="replace") if isinstance(err.filename, bytes) else err.filename
        kind = _KINDS.get(
            err.errno or 0, sdk.UnavailableError
        )  # a full disk, too many files, a lost mount: it may pass
        why = (err.strerror or str(err)).lower()
        raise kind(f"{name or root}: {why}", hint="check `root`", context={"root": str(root)}) from err


@contextmanager
def taken() -> Iterator[None]:
    """Refuse one object whose place is taken by a folder, a link or a file where a folder should be."""
    try:
        yield
    except OSError as err:
        if err.errno not in _TAKEN:
            raise
        raise Refused("not_a_file", f"its place is taken: {(err.strerror or str(err)).lower()}") from err


class Session:
    """One open session: a folder, which holds nothing open between two calls."""

    def __init__(self, params: Params) -> None:
        self._params = params
        self._root = params.root.absolute()
        self._closed = False

    @classmethod
    async def connect(cls, credentials: Credentials, params: Params) -> Self:
        """Open a session. A folder that is not there yet is refused by a read, or created by the first write."""
        session = cls(params)
        await session._run(session._probe)
        return session

    async def disconnect(self) -> None:
        """Close the session; a read under way ends with `closed`."""
        if not self._closed:
            self._closed = True
            await sdk.in_thread(self._tidy)

    async def _run(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        if self._closed:
            raise sdk.ClosedError("the session is closed")
        return await sdk.in_thread(self._translate, function, *args, **kwargs)

    def _translate(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        with translated(self._root):
            return function(*args, **kwargs)

    def _probe(self) -> None:
        if self._root.exists() and not self._root.is_dir():
            hint = f"set `root` to {self._root.parent} and `glob` to {self._root.name}"
            raise sdk.InvalidConfigError(f"{self._root} is not a folder", hint=hint)

    def _tidy(self) -> None:
        """Remove the folders of unfinished writes that are empty, unless another session is writing: then it will."""
        with suppress(OSError), locked(self._root, fcntl.LOCK_EX | fcntl.LOCK_NB):
            for folder in (self._root / TEMPORARY).iterdir():
                with suppress(OSError):
                    folder.rmdir()
            (self._root / TEMPORARY).rmdir()


@contextmanager
def locked(folder: Path, how: int) -> Iterator[None]:
    """Hold an advisory lock on a folder. A process that dies lets go of it."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, how)
        yield
    finally:
        os.close(descriptor)


@dataclass(slots=True)
class File:
    """An open file, as it was when it was opened."""

    descriptor: int
    etag: str
    size: int
    modified: datetime

    def unchanged(self) -> bool:
        """Return whether nobody has written to it since."""
        return _etag(os.fstat(self.descriptor)) == self.etag


def _etag(found: os.stat_result) -> str:
    return f"{found.st_mtime_ns:x}-{found.st_size:x}-{found.st_ino:x}"


@contextmanager
def opened(root: Path, key: str) -> Iterator[File | None]:
    """Open an object to read; None when it is gone, no regular file, or a link that leads out of the root."""
    path = root / key
    if path.is_symlink():
        path = path.resolve()
        if not path.is_relative_to(root.resolve()) or not path.is_file():
            yield None
            return
    try:
        descriptor = os.open(path, _READ)
    except FileNotFoundError:
        yield None
        return
    try:
        found = os.fstat(descriptor)
        modified = _EPOCH + timedelta(microseconds=found.st_mtime_ns // 1_000)
        regular = stat.S_ISREG(found.st_mode)
        yield File(descriptor, _etag(found), found.st_size, modified) if regular else None
    finally:
        os.close(descriptor)


def read_at(descriptor: int, offset: int, size: int) -> bytes:
    """Read exactly `size` bytes, or as many as there are."""
    pieces = []
    while size > 0 and (piece := os.pread(descriptor, size, offset)):
        pieces.append(piece)
        offset, size = offset + len(piece), size - len(piece)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def walk(root: Path, prefix: str = "", after: bytes = b"") -> Iterator[bytes]:
    """Yield the keys of all files that begin with `prefix` and come after `after`, in the order of their bytes.

    One folder's names are held at a time for each level, and no file is opened. Folders that are links are not entered.
    """
    if not root.is_dir():
        raise sdk.NotFoundError(f"there is no folder {root}", hint="check `root`", context={"root": str(root)})
    pending = [b""]
    while pending:
        key = pending.pop()
        if key and not key.endswith(b"/"):
            yield key
        elif key != TEMPORARY.encode() + b"/":
            pending += _listed(os.fsencode(root), key, prefix.encode(), after)


def _listed(root: bytes, folder: bytes, wanted: bytes, after: bytes) -> list[bytes]:
    """Return what is still to come of one folder, last first; a folder's key ends with a slash.

    So a folder is sorted as its files are: `a-b` comes before `a/b`, and that before `a0`.
    """
    found = []
    try:
        with os.scandir(root + b"/" + folder) as entries:
            for entry in entries:
                inside = entry.is_dir(follow_symlinks=False)
                if not inside and not (entry.is_file(follow_symlinks=False) or entry.is_symlink()):
                    continue  # a socket, a pipe or a device holds no object
                key = folder + entry.name + b"/" * inside
                ahead = key > after or (inside and after.startswith(key))
                if ahead and (key.startswith(wanted) or (inside and wanted.startswith(key))):
                    found.append(key)
    except FileNotFoundError:
        if not folder:
            raise  # the root; any other folder was deleted meanwhile
    return sorted(found, reverse=True)


@contextmanager
def entered(root: Path, steps: Sequence[str]) -> Iterator[int]:
    """Enter a folder below the root, making what is missing, without following a link."""
    descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for step in steps:
            inner = _inner(descriptor, step)
            os.close(descriptor)
            descriptor = inner
        yield descriptor
    finally:
        os.close(descriptor)


def _inner(folder: int, name: str) -> int:
    with suppress(FileNotFoundError):
        return os.open(name, _FOLDER, dir_fd=folder)
    with suppress(FileExistsError):
        os.mkdir(name, dir_fd=folder)
        os.fsync(folder)
    return os.open(name, _FOLDER, dir_fd=folder)


def fill(folder: int, name: str, data: bytes, *, offset: int = 0) -> int | None:
    """Write `data` at `offset` of a file, which ends there, and make it durable.

    Returns:
        None, or how many bytes the file has when those before `offset` are missing.
    """
    create = os.O_CREAT | os.O_TRUNC if offset == 0 else 0
    try:
        descriptor = os.open(name, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC | create, 0o666, dir_fd=folder)
    except FileNotFoundError:
        return 0
    try:
        held = os.fstat(descriptor).st_size
        if held < offset:
            return held
        os.ftruncate(descriptor, offset)
        view = memoryview(data)
        while view:
            written = os.pwrite(descriptor, view, offset)
            view, offset = view[written:], offset + written
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    return None


def move(source: int, name: str, target: int, new: str, *, over: bool) -> bool:
    """Give a finished file its place; return False when there is one already and it must not be replaced."""
    if over:
        os.replace(name, new, src_dir_fd=source, dst_dir_fd=target)
        return True
    try:
        os.link(name, new, src_dir_fd=source, dst_dir_fd=target, follow_symlinks=False)
    except FileExistsError:
        return False
    finally:
        os.unlink(name, dir_fd=source)
    return True
