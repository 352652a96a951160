"""`python -m nvisy_sdk new` makes what cookiecutter makes from the same template, and says what stands in its way."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import nvisy_sdk
import pytest
from nvisy_sdk import scaffold
from nvisy_sdk.__main__ import main

from tests.scaffold.baking import PAIRWISE, Choice, bake, paths

CHOICE = PAIRWISE[1]


def arguments(choice: Choice, folder: Path) -> list[str]:
    """A choice as the command line takes it."""
    given = choice.answers
    options = [part for name, value in given.items() if name != "system_name" for part in (f"--{name}", value)]
    return [given["system_name"], "--no-input", "--output-dir", str(folder), *options]


def test_command_makes_what_the_template_makes(tmp_path: Path) -> None:
    """Every file, byte for byte."""
    one, other = tmp_path / "one", tmp_path / "other"
    one.mkdir()
    other.mkdir()
    wanted = bake(one, **CHOICE.answers)
    assert main(["new", *arguments(CHOICE, other)]) == 0
    made = other / wanted.name
    assert paths(made) == paths(wanted)
    assert [name for name in paths(made) if (made / name).read_bytes() != (wanted / name).read_bytes()] == []


def test_command_asks_for_what_is_not_given(tmp_path: Path) -> None:
    """Without `--no-input`, answers come from the terminal; an empty one is the default."""
    ended = subprocess.run(
        (sys.executable, "-m", "nvisy_sdk", "new", "--output-dir", str(tmp_path)),
        input="My Store\nmy_store\n2\n1\n4\nMe\n2\n2\n",
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    made = tmp_path / "nvisy-plugin-my-store"
    assert "MIT License" in (made / "LICENSE").read_text(encoding="utf-8")
    assert "bucket: str" in (made / "src" / "nvisy_plugin_my_store" / "config.py").read_text(encoding="utf-8")
    assert not (made / ".github").exists()


def test_command_refuses_a_folder_that_is_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What is in it stays as it is."""
    folder = tmp_path / f"nvisy-plugin-{CHOICE.slug.replace('_', '-')}"
    folder.mkdir()
    (folder / "mine.txt").write_text("mine")
    assert main(["new", *arguments(CHOICE, tmp_path)]) == 1
    assert "already exists; choose another `--slug` or `--output-dir`" in capsys.readouterr().err
    assert [path.name for path in folder.iterdir()] == ["mine.txt"]


def test_command_refuses_a_bad_name_without_a_traceback(tmp_path: Path) -> None:
    """The template's own sentence is all that is said."""
    ended = subprocess.run(
        (sys.executable, "-m", "nvisy_sdk", "new", "9 lives", "--no-input", "--output-dir", str(tmp_path)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 1
    assert "put a letter first, such as `x_9_lives`" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert list(tmp_path.iterdir()) == []


def test_command_refuses_what_reads_like_a_template(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Before anything evaluates it."""
    assert main(["new", "Example", "--author", "{{ 7 * 7 }}", "--no-input", "--output-dir", str(tmp_path)]) == 1
    assert "`author` has the character '{' in it; leave it out" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_command_names_the_package_it_needs(tmp_path: Path) -> None:
    """Where cookiecutter is not installed: an isolated Python that sees the SDK and Pydantic, and nothing else."""
    script = (
        "import sys; from importlib.abc import MetaPathFinder\n"
        "class Without(MetaPathFinder):\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.split('.')[0] == 'cookiecutter': raise ModuleNotFoundError(name)\n"
        "sys.meta_path.insert(0, Without())\n"
        "from nvisy_sdk.__main__ import main\n"
        f"sys.exit(main(['new', 'Example', '--no-input', '--output-dir', {str(tmp_path)!r}]))\n"
    )
    ended = subprocess.run((sys.executable, "-c", script), capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert 'cookiecutter is not installed; run `python -m pip install "nvisy-sdk[scaffold]"`' in ended.stderr
    assert list(tmp_path.iterdir()) == []


def test_template_is_the_one_of_the_repository() -> None:
    """An editable installation copies nothing."""
    assert scaffold.template() == Path(__file__).parents[2] / "cookiecutter-provider"
    assert (Path(nvisy_sdk.__file__).parent / "template").exists() is False
