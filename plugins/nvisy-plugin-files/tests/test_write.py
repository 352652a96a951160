"""Writing: whole files or none, inside the root, and what the three modes do."""

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nvisy_plugin_files import Provider
from nvisy_sdk import ConflictError, DataKind, PermissionDeniedError, Prepare, Receipt, UnsupportedError

from .folder import SCHEMA, Folder, Row, objects, parts, prepare, whole

SPECIAL = [
    "a b",
    "a'b\"c",
    "%_",
    "é",
    "e\u0301",
    "\U0001f600",
    "a\nb",
    "-rf",
    "~",
    "a..b",
    ".hidden",
    "*",
    "a" * 255,
    "d/e/f",
]


def test_object_becomes_a_file_and_comes_back(folder: Folder) -> None:
    """Names of all kinds, the empty object, all bytes; nothing else is left behind."""
    rows = [whole(path, bytes(range(256)) * i) for i, path in enumerate(SPECIAL)]
    assert folder.write(rows) == [Receipt(accepted=len(rows))]
    assert folder.found() == {str(row["path"]): row["data"] for row in rows}
    assert [(row["path"], row["data"]) for row, _ in folder.read()] == sorted(
        ((row["path"], row["data"]) for row in rows), key=lambda pair: str(pair[0]).encode()
    )
    assert not (folder.root / ".nvisy-tmp").exists()


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "/etc/x",
        "..",
        "../x",
        "a/../../x",
        "a/./b",
        "a//b",
        "a/",
        "a\0b",
        "a\\b",
        "\ud800",
        "a" * 256,
        "b/" * 2000 + "c",
        "b/" * 300 + "c",
        ".nvisy-tmp/x",
        ".NVISY-TMP/x",
    ],
)
def test_path_that_is_no_file_below_the_root_is_rejected(folder: Folder, path: str) -> None:
    """Alone: the other objects of the batch arrive, and nothing appears elsewhere."""
    (receipt,) = folder.write([whole("ok1"), whole(path), whole("ok2")])
    assert [(r.index, r.code) for r in receipt.rejected] == [(1, "invalid_path")]
    assert folder.found() == {"ok1": b"x", "ok2": b"x"}
    assert [p.name for p in folder.root.parent.iterdir()] == ["root"]


@settings(max_examples=80, deadline=None)
@given(prefix=st.text("./\\a\0", max_size=5), path=st.text("./\\a\0", max_size=9))
def test_no_key_leads_out_of_the_root(prefix: str, path: str) -> None:
    """Whatever prefix and path are joined."""
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as place:
        folder = Folder(Path(place) / "in" / "root")
        folder.root.parent.mkdir()
        (receipt,) = folder.write([whole(path)], prefix=prefix)
        assert list(Path(place).iterdir()) == [folder.root.parent]
        assert list(folder.root.parent.iterdir()) == [folder.root]
        assert list(folder.found()) == ([prefix + path] if receipt.accepted else [])


def test_links_are_never_written_through(folder: Folder, tmp_path: Path) -> None:
    """A folder that is a link is refused, a file that is a link is replaced by a file."""
    outside = Folder(tmp_path / "outside")
    outside.fill({"file": b"theirs"})
    folder.fill({"a": b""})
    (folder.root / "link").symlink_to(outside.root)
    (folder.root / "file").symlink_to(outside.root / "file")
    (receipt,) = folder.write([whole("link/new"), whole("link/file"), whole("file"), whole("a/b"), whole("d")])
    assert [(r.index, r.code) for r in receipt.rejected] == [(0, "not_a_file"), (1, "not_a_file"), (3, "not_a_file")]
    assert outside.found() == {"file": b"theirs"}
    assert (folder.root / "file").read_bytes() == b"x"
    (folder.root / "e").mkdir()
    (receipt,) = folder.write([whole("e")])
    assert [(r.index, r.code) for r in receipt.rejected] == [(0, "not_a_file")]
    assert not (folder.root / ".nvisy-tmp").exists()


def test_temporary_folder_that_is_a_link_is_refused(folder: Folder, tmp_path: Path) -> None:
    """Nothing is written through it."""
    folder.fill({"a": b""})
    (tmp_path / "outside").mkdir()
    (folder.root / ".nvisy-tmp").symlink_to(tmp_path / "outside")
    with pytest.raises(Exception, match="nvisy-tmp") as caught:
        folder.write([whole("b")])
    assert caught.value.__cause__ is not None
    assert list((tmp_path / "outside").iterdir()) == []


def test_prefix_is_put_before_every_key(folder: Folder) -> None:
    """As it stands: it need not end with a slash."""
    folder.write([whole("a")], prefix="x/y-")
    assert folder.found() == {"x/y-a": b"x"}


def test_upsert_replaces_and_append_rejects_what_exists(folder: Folder) -> None:
    """By default an object takes the place of the one with its key; the last of a batch wins."""
    for _ in range(2):
        assert folder.write([whole("a", b"1"), whole("a", b"2")]) == [Receipt(accepted=2)]
        assert folder.found() == {"a": b"2"}
    (receipt,) = folder.write([whole("a", b"2"), whole("b", b"3"), whole("b", b"3")], mode="append")
    assert [(r.index, r.code) for r in receipt.rejected] == [(0, "exists"), (2, "exists")]
    assert folder.found() == {"a": b"2", "b": b"3"}


def test_append_takes_its_own_objects_again_after_an_interruption(folder: Folder) -> None:
    """A batch that was acknowledged to nobody is written again: equal objects are accepted, others are not."""
    data = os.urandom(50)
    folder.write([whole("a", b"1")], parts("big", data, 20), mode="append")
    again = [whole("a", b"1"), whole("b", b"2"), *parts("big", data, 20)[1:]]
    assert folder.write(again, fresh=False, mode="append") == [Receipt(accepted=4)]
    (receipt,) = folder.write([whole("a", b"?")], fresh=False, mode="append")
    assert [r.code for r in receipt.rejected] == ["exists"]
    assert folder.found() == {"a": b"1", "b": b"2", "big": data}


@pytest.mark.parametrize("mode", ["upsert", "append", "replace"])
def test_parts_are_put_together_and_seen_when_they_are_whole(folder: Folder, mode: str) -> None:
    """Over several batches; nothing is there before the last one."""
    data = os.urandom(100)

    async def use(session: Provider) -> None:
        await prepare(session, fresh=True)
        for part in parts("d/big", data, 30):
            assert not (folder.root / "d/big").exists()
            assert await session.write(objects(part)) == Receipt(accepted=1)
        await session.publish()

    folder.run(use, mode=mode)
    assert folder.found() == {"d/big": data}


def test_parts_go_on_after_an_interruption_wherever_it_was(folder: Folder) -> None:
    """From any acknowledged part on, also when later ones, or the whole object, are there already."""
    data = os.urandom(100)
    pieces = parts("big", data, 30)
    for done in range(1, 5):
        for resumed in range(done + 1):
            folder.write(pieces[:done])
            assert folder.write(pieces[resumed:], fresh=False) == [Receipt(accepted=len(pieces) - resumed)]
            assert folder.found() == {"big": data}
            (folder.root / "big").unlink()
    with pytest.raises(ConflictError, match="begins at 30, but only 0"):
        folder.write(pieces[1:], fresh=False)
    assert folder.found() == {}


def test_what_makes_no_object_is_rejected(folder: Folder) -> None:
    """Sizes that do not fit, nulls, and metadata, which a file cannot keep."""
    rows: list[Row] = [
        {"path": "a", "data": b"123", "size": 2},
        {"path": "a", "data": b"1", "size": 2, "offset": 2},
        {"path": "a", "data": b"", "size": 2},
        {"path": None, "data": b"", "size": 0},
        {"path": "a", "data": None, "size": 0},
        whole("a", metadata={"x": 1}),
        whole("b", metadata={}),
    ]
    (receipt,) = folder.write(rows)
    assert [r.code for r in receipt.rejected] == ["size", "size", "size", "not_null", "not_null", "metadata"]
    assert (receipt.accepted, folder.found()) == (1, {"b": b"x"})
    with pytest.raises(UnsupportedError, match="record"):
        folder.run(lambda s: s.prepare(Prepare(kind=DataKind.RECORD, schema=SCHEMA, fresh=True)))


def test_replace_shows_the_old_files_until_it_is_published(folder: Folder) -> None:
    """Then exactly the new ones below the prefix; files elsewhere, and again, change nothing."""
    folder.fill({"other": b"0", "p/a": b"old", "p/b": b"old", "p/d/e": b"old", "p/f": b"old"})
    old = folder.found()

    async def use(session: Provider) -> None:
        await prepare(session, fresh=True)
        await session.write(objects(whole("a", b"new"), whole("c/d", b"new")))
        await prepare(session, fresh=True)  # the second source of the same run
        await session.write(objects(whole("d", b"new"), whole("f/g", b"new")))
        assert {name: data for name, data in folder.found().items() if not name.startswith(".nvisy-tmp/")} == old
        await session.publish()
        await session.publish()

    folder.run(use, prefix="p/", mode="replace")
    new = {"other": b"0", "p/a": b"new", "p/c/d": b"new", "p/d": b"new", "p/f/g": b"new"}
    assert folder.found() == new
    folder.run(lambda session: session.publish(), prefix="p/", mode="replace")
    assert folder.found() == new


def test_replace_goes_on_after_an_interruption(folder: Folder) -> None:
    """fresh=False keeps what is staged, fresh=True forgets it; publishing an unfinished plan finishes it."""
    folder.fill({"old": b""})
    folder.write([whole("forgotten")], mode="replace")
    folder.write([whole("a", b"1")], mode="replace")
    folder.write([whole("b", b"2")], fresh=False, mode="replace")
    assert folder.keys() == ["old"]
    folder.write([], fresh=False, publish=True, mode="replace")
    assert folder.found() == {"a": b"1", "b": b"2"}
    folder.write([], fresh=False, publish=True, mode="replace")  # killed between `publish` and the engine's note of it
    assert folder.found() == {"a": b"1", "b": b"2"}
    folder.write([whole("c", b"3")], fresh=False, publish=True, mode="replace")  # an incremental stream adds
    assert folder.found() == {"a": b"1", "b": b"2", "c": b"3"}


def test_replace_without_objects_empties_the_prefix(folder: Folder) -> None:
    """The target holds exactly this run's items: none."""
    folder.fill({"p/a": b"", "b": b""})
    folder.write([], publish=True, mode="replace", prefix="p/")
    assert folder.found() == {"b": b""}


def test_leftovers_of_dead_writers_are_removed_by_a_fresh_run(folder: Folder) -> None:
    """Those of a living process stay."""
    folder.write(parts("big", b"123456", 2)[:1])
    (area,) = (folder.root / ".nvisy-tmp").iterdir()
    for name in (f"whole-{2**22 + 1}-0", f"whole-{os.getppid()}-0"):
        (area / name).write_bytes(b"")
    folder.write([whole("a")])
    assert [path.name for path in area.iterdir()] == [f"whole-{os.getppid()}-0"]


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is forbidden to root")
def test_folder_that_must_not_be_written_is_a_permission_error(folder: Folder) -> None:
    """Named, with its cause."""
    folder.fill({"a": b""})
    folder.root.chmod(0o500)
    try:
        with pytest.raises(PermissionDeniedError, match="root"):
            folder.write([whole("b")])
    finally:
        folder.root.chmod(0o700)


def test_publish_that_failed_half_way_goes_on(folder: Folder) -> None:
    """What was moved stays, the rest follows, and only then are the old files gone."""
    folder.fill({"x": b"no csv", "old.csv": b""})
    params: dict[str, str] = {"mode": "replace", "glob": "**/*.csv"}
    folder.write([whole("a.csv"), whole("x/b.csv")], mode="replace", glob="**/*.csv")
    with pytest.raises(ConflictError, match=r"x/b\.csv"):
        folder.run(lambda session: session.publish(), **params)
    (folder.root / "x").unlink()
    for _ in range(2):
        folder.run(lambda session: session.publish(), **params)
        assert folder.found() == {"a.csv": b"x", "x/b.csv": b"x"}
