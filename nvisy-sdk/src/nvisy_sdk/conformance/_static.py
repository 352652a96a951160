"""What a check that needs no session gets: the package as it lies on disk, and the words to say what it expects."""

import ast
import importlib.metadata
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NoReturn

from pydantic import BaseModel, ValidationError

from .._error import ProtocolError
from .._manifest import MANIFEST_FILE, Manifest
from ._outcome import CheckFailed
from ._subject import Subject

OURS = frozenset({"nvisy_sdk", "pydantic", "pydantic_core", "annotated_types", "typing_extensions"})
"""Modules that are there wherever the SDK is."""


@dataclass
class Package:
    """One static check's run.

    Args:
        subject: The provider under test.
    """

    subject: Subject
    observations: int = 0

    @property
    def folder(self) -> Path:
        """The package's folder.

        Raises:
            CheckFailed: There is none.
        """
        folder = self.subject.folder
        if folder is None:
            raise CheckFailed(
                f"the package `{self.subject.package}` cannot be found in {len(sys.path)} places of sys.path"
            )
        return folder

    @property
    def module(self) -> str:
        """Import name of the module that the entry point names."""
        return self.subject.reference.partition(":")[0]

    @property
    def distribution(self) -> importlib.metadata.Distribution:
        """The distribution that brought the provider.

        Raises:
            CheckFailed: The provider was handed over as a class.
        """
        if self.subject.distribution is None:
            raise CheckFailed(
                "the provider was handed over as a class; only an installed one has a distribution to look at"
            )
        return self.subject.distribution

    @property
    def provider(self) -> type[Any]:
        """The class.

        Raises:
            CheckFailed: It cannot be imported.
        """
        try:
            return self.subject.provider
        except Exception as err:
            reason = f"{type(err).__name__}: {err}"
            raise CheckFailed(f"the entry point `{self.subject.reference}` cannot be loaded: {reason}") from err

    @property
    def models(self) -> tuple[type[BaseModel], type[BaseModel]]:
        """The models of credentials and parameters.

        Raises:
            CheckFailed: `connect` does not name them.
        """
        provider = self.provider
        try:
            return self.subject.models
        except ProtocolError as err:
            raise CheckFailed(f"`{provider.__name__}` has no models: {err}") from err

    @property
    def manifest(self) -> Manifest:
        """The static manifest.

        Raises:
            CheckFailed: There is none, or it is not valid.
        """
        if self.subject.described is not None:
            return self.subject.described
        text = self.subject.manifest_text
        if text is None:
            raise CheckFailed(
                f"the package has no {MANIFEST_FILE}; `python -m nvisy_sdk manifest {self.module} --write` makes it"
            )
        try:
            return Manifest.model_validate_json(text)
        except ValidationError as err:
            where = "; ".join(
                f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in err.errors(include_input=False)
            )
            raise CheckFailed(f"{MANIFEST_FILE} is not valid: {where}") from None

    @cached_property
    def sources(self) -> tuple[tuple[Path, ast.Module], ...]:
        """The package's Python files, parsed.

        Raises:
            CheckFailed: One cannot be parsed.
        """
        found = []
        for path in sorted(self.folder.rglob("*.py")):
            try:
                found.append((path, ast.parse(path.read_bytes(), str(path))))
            except (SyntaxError, ValueError) as err:
                raise CheckFailed(f"{path.name} cannot be parsed: {err}") from err
        return tuple(found)

    def imported(self) -> Iterator[tuple[Path, str]]:
        """Return every module that a file of the package imports, wherever in it, by its full name."""
        for path, tree in self.sources:
            for node in ast.walk(tree):
                if isinstance(node, ast.Import):
                    yield from ((path, alias.name) for alias in node.names)
                elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
                    yield path, node.module
                    yield from ((path, f"{node.module}.{alias.name}") for alias in node.names)

    def foreign(self) -> dict[str, Path]:
        """Return the top-level modules that are neither Python's, the SDK's nor the package's own, and who imports them."""
        known = {*sys.stdlib_module_names, *OURS, self.subject.package}
        found: dict[str, Path] = {}
        for path, name in self.imported():
            top = name.split(".")[0]
            if top not in known:
                found.setdefault(top, path)
        return found

    def observe(self, count: int = 1) -> None:
        """Say that so many things were looked at."""
        self.observations += count

    def expect(self, condition: object, message: str) -> None:
        """Look at one thing.

        Raises:
            CheckFailed: The condition does not hold.
        """
        self.observe()
        if not condition:
            raise CheckFailed(message)

    def fail(self, message: str) -> NoReturn:
        """Say that the provider does not do what the check asserts."""
        raise CheckFailed(message)
