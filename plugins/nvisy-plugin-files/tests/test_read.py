"""What a read yields, in which order, and where it resumes."""

import asyncio
import os
import socket
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nvisy_plugin_files import Credentials, Params, Provider
from nvisy_sdk import (
    ClosedError,
    ConflictError,
    InvalidConfigError,
    InvalidContextError,
    InvalidDataError,
    MarkerContext,
    NotFoundError,
)
from nvisy_sdk.testing import items

from .folder import Folder, whole

NAMES = st.text(alphabet="ab.-0 ~!/'\"\\%_[*\u00e9\ud7ff\ue000\U0001f600", min_size=1, max_size=6)


def is_name(key: str) -> bool:
    """Whether a file can be called so."""
    return all(step not in ("", ".", "..") for step in key.split("/"))


@settings(max_examples=60, deadline=None)
@given(st.lists(NAMES.filter(is_name), unique=True, max_size=10))
def test_every_item_resumes_exactly_after_it_in_byte_order(keys: list[str]) -> None:
    """Nested folders, characters below and above the slash, astral planes."""
    with TemporaryDirectory() as place:
        folder, made = Folder(Path(place)), []
        for key in keys:
            try:
                folder.fill({key: key.encode()})
            except OSError:  # a file where a folder should be, or the other way round
                continue
            made.append(key)

        async def use(session: Provider) -> None:
            found = await items(session.read(None))
            assert [row["path"] for row, _ in found] == sorted(made, key=str.encode)
            for index, (_, context) in enumerate(found):
                assert [row["path"] for row, _ in await items(session.read(context))] == sorted(made, key=str.encode)[
                    index + 1 :
                ]

        folder.run(use)


def test_object_has_the_canonical_columns(folder: Folder) -> None:
    """Also the empty one."""
    folder.fill({"a/b.csv": b"x,y", "empty": b""})
    os.utime(folder.root / "empty", ns=(0, 1_500_000))
    (first, _), (second, _) = folder.read()
    assert (first["path"], first["data"], first["size"], first["content_type"]) == ("a/b.csv", b"x,y", 3, "text/csv")
    assert (second["data"], second["size"], second["offset"], second["metadata"]) == (b"", 0, None, None)
    assert second["modified_at"] == datetime(1970, 1, 1, 0, 0, 0, 1500, tzinfo=UTC)


@pytest.mark.parametrize(
    ("glob", "wanted"),
    [
        ("*", ["a.csv", "b.CSV"]),
        ("*.csv", ["a.csv"]),
        ("**", ["a.csv", "b.CSV", "d/[x].csv", "d/a.csv", "d/e/a.csv"]),
        ("**/*.csv", ["a.csv", "d/[x].csv", "d/a.csv", "d/e/a.csv"]),
        ("d/*.csv", ["d/[x].csv", "d/a.csv"]),
        ("d/**", ["d/[x].csv", "d/a.csv", "d/e/a.csv"]),
        ("d/**/a.csv", ["d/a.csv", "d/e/a.csv"]),
        ("?.csv", ["a.csv"]),
        ("[!a].*", ["b.CSV"]),
        ("[a-c].[cC]*", ["a.csv", "b.CSV"]),
        ("d/[[]x].csv", ["d/[x].csv"]),
        ("d[/]a.csv", []),
        ("nothing[", []),
    ],
)
def test_glob_matches_the_whole_key(folder: Folder, glob: str, wanted: list[str]) -> None:
    """`*` and `?` stay within a folder, `**` does not."""
    folder.fill(dict.fromkeys(["a.csv", "b.CSV", "d/a.csv", "d/e/a.csv", "d/[x].csv"], b""))
    assert folder.keys(glob=glob) == wanted


def test_prefix_is_of_the_key_not_of_the_folder(folder: Folder) -> None:
    """Together with a glob, both must hold."""
    folder.fill(dict.fromkeys(["a", "ab/c", "ab/d", "abc", "b"], b""))
    assert folder.keys(prefix="ab") == ["ab/c", "ab/d", "abc"]
    assert folder.keys(prefix="ab/") == ["ab/c", "ab/d"]
    assert folder.keys(prefix="ab", glob="*") == ["abc"]
    assert folder.keys(prefix="nothing/") == []
    with pytest.raises(InvalidConfigError, match="glob"):
        folder.keys(glob="[z-a]")


@pytest.mark.parametrize("size", [65_536, 100_000, 199_999, 200_000])
def test_large_object_travels_in_parts_and_resumes_inside(folder: Folder, size: int) -> None:
    """Each part has its offset; every context leads to exactly the parts after it."""
    data = os.urandom(200_000)
    folder.fill({"a": b"1", "big": data, "c": b"2"})
    found = folder.read(part_bytes=size)
    assert b"".join(bytes(row["data"]) for row, _ in found if row["path"] == "big") == data  # type: ignore[call-overload]
    assert all(row["size"] == len(data) for row, _ in found if row["path"] == "big")
    for index, (_, context) in enumerate(found):
        assert [row for row, _ in folder.read(context, part_bytes=size)] == [row for row, _ in found[index + 1 :]]


def test_object_that_changes_between_its_parts_is_a_conflict(folder: Folder) -> None:
    """While it is read, or between the context and the resumption; or it is gone."""
    folder.fill({"big": bytes(20 * 2**20)})
    context = folder.read(part_bytes=65_536)[0][1]

    async def use(session: Provider) -> None:
        stream = session.read(None)
        with pytest.raises(ConflictError, match="big"):
            async for _ in stream:
                folder.fill({"big": b"y" * 200_000})

    folder.run(use, part_bytes=8 * 2**20)
    folder.fill({"big": os.urandom(20 * 2**20)})
    with pytest.raises(ConflictError):
        folder.read(context, part_bytes=65_536)
    (folder.root / "big").unlink()
    with pytest.raises(ConflictError):
        folder.read(context, part_bytes=65_536)


def test_marker_of_a_deleted_file_leads_to_the_exact_suffix(folder: Folder) -> None:
    """And files added after the last context are what the next read yields."""
    folder.fill(dict.fromkeys("abcd", b""))
    found = folder.read()
    (folder.root / "b").unlink()
    assert folder.keys(found[1][1]) == ["c", "d"]
    assert folder.keys(found[3][1]) == []
    folder.fill({"e": b"", "aa": b""})
    assert folder.keys(found[3][1]) == ["e"]


def test_context_of_another_stream_is_refused(folder: Folder) -> None:
    """Another prefix, glob or folder; a marker that is nowhere leads to what is after it."""
    folder.fill(dict.fromkeys(["a", "b/c"], b""))
    context = folder.read()[0][1]
    assert isinstance(context, MarkerContext)
    for params in ({"prefix": "b"}, {"glob": "**"}, {"root": folder.root / "b"}):
        with pytest.raises(InvalidContextError):
            folder.read(context, **params)
    assert folder.keys(context.model_copy(update={"key": "../../etc"})) == ["a", "b/c"]
    outside = folder.root.parent / "outside"
    outside.write_bytes(b"secret")
    held = outside.stat()
    etag = f"{held.st_mtime_ns:x}-{held.st_size:x}-{held.st_ino:x}"
    for key in ("../outside", str(outside)):
        with pytest.raises(ConflictError):
            folder.read(context.model_copy(update={"key": key, "offset": 1, "etag": etag}))


def test_deep_folders_are_written_and_read(folder: Folder) -> None:
    """As deep as a key may be."""
    deep = "/".join("d" * 256)
    folder.write([whole(deep)])
    assert folder.keys() == [deep]


def test_links_and_special_files_are_read_by_the_rule(folder: Folder, tmp_path: Path) -> None:
    """A link to a file inside is that file; nothing outside is read, no folder twice, and a pipe does not hang."""
    (tmp_path / "secret").write_bytes(b"secret")
    folder.fill({"a/file": b"1"})
    (folder.root / "inside").symlink_to("a/file")
    (folder.root / "outside").symlink_to(tmp_path / "secret")
    (folder.root / "up").symlink_to("..")
    (folder.root / "loop").symlink_to("a")
    (folder.root / "gone").symlink_to("nowhere")
    os.mkfifo(folder.root / "pipe")
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(os.path.relpath(folder.root / "socket"))
    assert [(row["path"], row["data"]) for row, _ in folder.read()] == [("a/file", b"1"), ("inside", b"1")]


def test_unfinished_writes_are_no_objects(folder: Folder) -> None:
    """Only at the top: a folder of that name further down is somebody's."""
    folder.fill({".nvisy-tmp/x/part-1": b"", "d/.nvisy-tmp/y": b""})
    assert folder.keys() == ["d/.nvisy-tmp/y"]


def test_name_that_is_not_utf8_is_an_error(folder: Folder) -> None:
    """No key can hold it, and skipping it would lose data in silence; a prefix can leave it out."""
    folder.fill({"a": b""})
    (folder.root / os.fsdecode(b"\xff")).touch()
    with pytest.raises(InvalidDataError, match="UTF-8"):
        folder.read()
    assert folder.keys(prefix="a") == ["a"]


def test_batches_are_bounded_by_bytes_and_items(folder: Folder) -> None:
    """8 MiB or 1,000 objects, or one part."""
    folder.fill({f"{i:04}": b"" for i in range(1_001)} | {f"x{i}": bytes(3 * 2**20) for i in range(4)})

    async def use(session: Provider) -> None:
        sizes = [len(batch.data) async for batch in session.read(None)]  # type: ignore[arg-type]
        assert sizes == [1_000, 3, 2]

    folder.run(use)


def test_missing_folder_is_not_found_and_a_file_is_no_folder(folder: Folder) -> None:
    """Reading creates nothing."""
    for use in (lambda s: s.check(), lambda s: s.describe(), lambda s: s.streams()):
        with pytest.raises(NotFoundError, match="root"):
            folder.run(use)
    with pytest.raises(NotFoundError, match="root"):
        folder.read()
    assert not folder.root.exists()
    folder.root.write_bytes(b"")
    with pytest.raises(InvalidConfigError, match="not a folder"):
        folder.read()


def test_streams_and_description_count(folder: Folder) -> None:
    """The whole folder, each folder in it, and what the parameters name."""
    folder.fill(dict.fromkeys(["a", "b/1", "b/c/2", "d/3"], b""))
    found = folder.run(lambda session: session.streams())
    assert [(info.name, info.rows) for info in found] == [(".", 4), ("b/", 2), ("d/", 1)]
    described = folder.run(lambda session: session.describe(), prefix="b/", glob="b/*")
    assert (described.name, described.rows, described.key) == ("b/", 1, ("path",))
    folder.run(lambda session: session.check())


def test_closed_session_says_so(folder: Folder) -> None:
    """Disconnecting twice is fine; a read under way ends with `closed`."""
    folder.fill({"big": bytes(200_000)})

    async def use() -> None:
        session = await Provider.connect(Credentials(), Params(root=folder.root, part_bytes=65_536))
        stream = session.read(None)
        await session.disconnect()
        await session.disconnect()
        with pytest.raises(ClosedError):
            await anext(stream)

    asyncio.run(use())
