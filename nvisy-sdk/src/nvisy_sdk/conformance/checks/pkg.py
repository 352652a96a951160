"""PKG: the package, as pip and discovery see it."""

import ast
import configparser
import importlib.metadata
import re
import statistics
from collections.abc import Iterator
from typing import Any, Final

from ..._manifest import MANIFEST_FILE
from .._case import Case
from .._check import check
from .._child import ask, ask_beside
from .._outcome import Level
from .._static import Package
from .._subject import GROUP

NAME: Final = re.compile(r"[a-z][a-z0-9_]{1,40}")
GROUPS: Final = frozenset({GROUP, "nvisy.hooks"})
"""The groups of entry points that are Nvisy's. Groups of other projects are theirs to know."""
RESERVED: Final = frozenset({"env", "false", "no", "null", "off", "on", "true", "yes"})
"""Names that a workflow's text reads as something else."""
_SDK: Final = "nvisy-sdk"
_TESTERS: Final = frozenset({"hypothesis", "nose", "pytest", "unittest"})
_KIT: Final = ("nvisy_sdk.conformance", "nvisy_sdk.testing")
_TRACES: Final = frozenset({"PYTEST_CURRENT_TEST", "PYTEST_VERSION", *_TESTERS, *_KIT})
_RUNS: Final = 5
_SLACK: Final = 0.3  # seconds that any package may take, however fast the SDK is imported
_SHARE: Final = 1.0  # how many times the SDK's own import time a package may take


@check(
    "PKG-01",
    Level.LOADABLE,
    "the distribution has one entry point of that name in `nvisy.providers`, well formed",
    static=True,
)
async def entry_point_is_well_formed(package: Package) -> None:
    """Look at the entry points of the distribution."""
    name = package.subject.name
    package.expect(NAME.fullmatch(name), f"the name `{name}` is not allowed: a letter, then 1 to 40 of a-z, 0-9 and _")
    entries = [entry for entry in _entries(package) if entry.group == GROUP]
    named = [entry for entry in entries if entry.name == name]
    package.expect(
        len(named) == 1, f"`{name}` stands {len(named)} times in the group `{GROUP}` of its distribution, not once"
    )
    for entry in entries:
        package.expect(
            NAME.fullmatch(entry.name), f"its other entry point `{entry.name}` has a name that is not allowed"
        )
    reference = named[0].value
    parts = re.sub(r"\s*\[[^]]*\]\s*$", "", reference).replace(":", ".").split(".")
    whole = ":" in reference and all(part.isidentifier() for part in parts)
    package.expect(whole, f"`{reference}` is no reference to an object in a module; write `package:Class`")


@check("PKG-02", Level.LOADABLE, "the entry point resolves to a class", static=True, after=("PKG-01",))
async def entry_point_resolves(package: Package) -> None:
    """Import what the entry point names."""
    provider = package.provider
    package.expect(isinstance(provider, type), f"`{package.subject.reference}` is no class")


@check(
    "PKG-03",
    Level.LOADABLE,
    "importing the package opens nothing, starts nothing and changes nothing of the process",
    static=True,
    after=("PKG-02",),
)
async def import_has_no_side_effects(package: Package) -> None:
    """Import it in a process of its own, under an audit hook."""
    answer = ask("watch", package.module, bytecode=False)
    package.expect("died" not in answer, f"{answer.get('died')}")
    package.expect(not answer["deeds"], f"importing `{package.module}` {'; '.join(dict.fromkeys(answer['deeds']))}")
    package.expect(not answer["printed"], f"importing `{package.module}` prints {answer['printed']!r}")


@check(
    "PKG-04",
    Level.BRONZE,
    "importing the package takes little more than importing the SDK",
    static=True,
    after=("PKG-02",),
)
async def import_is_quick(package: Package) -> None:
    """Take the median of five fresh processes, or of as many as decide it."""
    times: list[tuple[float, float]] = []
    slow = quick = 0
    while max(slow, quick) <= _RUNS // 2:
        answer = ask("time", package.module)
        package.expect("died" not in answer, f"{answer.get('died')}")
        times.append((answer["package"], answer["sdk"]))
        late = answer["package"] > _SLACK + _SHARE * answer["sdk"]
        slow, quick = slow + late, quick + (not late)
    own, sdk = (statistics.median(column) for column in zip(*times, strict=True))
    package.expect(
        quick > slow,
        f"importing `{package.module}` takes {own:.2f} s beside {sdk:.2f} s for the SDK; at most "
        f"{_SHARE:g} times that and {_SLACK:g} s: import the driver where it is first used",
    )


@check(
    "PKG-05",
    Level.LOADABLE,
    "without its driver the package can be imported, and connecting says which `pip install` helps",
    after=("PKG-02",),
)
async def missing_driver_is_named(case: Case) -> None:
    """Hide the driver from a process of its own; a package without one imports nothing foreign."""
    package = Package(case.subject)
    drivers = {*package.foreign(), *_required_modules(package)}
    case.observe(len(package.sources))
    if not drivers:
        return
    module, _, attribute = case.subject.reference.partition(":")
    answer = await ask_beside(
        "connect",
        module,
        attribute=attribute,
        absent=sorted(drivers),
        credentials=dict(case.service.harness.credentials(case.endpoint, case.secret)),
        params=dict(case.service.harness.params(case.endpoint, case.stream())),
    )
    names = ", ".join(sorted(drivers))
    case.expect("died" not in answer, f"{answer.get('died')}")
    case.expect(
        "imported" not in answer,
        f"without {names} the package cannot be imported ({answer.get('imported')}); import the driver in `connect`",
    )
    case.expect(
        answer.get("kind") == "missing_dependency",
        f"without {names} `connect` ends with {answer.get('text')!r}; it must raise MissingDependencyError",
    )
    case.expect(
        "pip install" in answer["text"], f"the error without {names} names no `pip install`: {answer['text']!r}"
    )


@check(
    "PKG-06",
    Level.BRONZE,
    "the package has `py.typed` and its manifest, and the distribution nothing beside it",
    static=True,
)
async def package_holds_its_files(package: Package) -> None:
    """Look into the folder, and into the list of installed files where there is one."""
    top = package.folder.parent if (package.folder.parent / "__init__.py").is_file() else package.folder
    package.expect(
        (top / "py.typed").is_file(), f"there is no py.typed in `{top.name}`, so no type checker reads its annotations"
    )
    package.expect(
        (package.folder / MANIFEST_FILE).is_file(), f"there is no {MANIFEST_FILE} in `{package.folder.name}`"
    )
    strays = sorted(
        name for name in _installed_tops(package) if name in ("tests", "test", "docs", "examples", "harness.py")
    )
    package.expect(not strays, f"the distribution installs {', '.join(strays)} at the top of site-packages")


@check(
    "PKG-07",
    Level.LOADABLE,
    "it requires `nvisy-sdk` below an upper bound, and nothing of the engine or of other plugins",
    static=True,
)
async def requirements_are_bounded(package: Package) -> None:
    """Read `Requires-Dist`."""
    own = _normal(package.distribution.metadata["Name"])
    needs = list(_requirements(package.distribution))
    package.observe(len(needs) + 1)
    if own != _SDK:
        sdk = [rest for name, rest, extra in needs if name == _SDK and not extra]
        package.expect(sdk, f"`{own}` does not require `{_SDK}`")
        bounded = all(re.search(r"<|~=|==", rest) for rest in sdk)
        package.expect(bounded, f"the requirement `{_SDK}{sdk[0]}` has no upper bound; write `{_SDK}>=X,<Y`")
        package.expect(
            all("[" not in rest for rest in sdk), f"it requires `{_SDK}{sdk[0]}`: the kit's extras are for development"
        )
    for name, _, extra in needs:
        engine = name in ("nvisy", "nvisy-core")
        package.expect(not engine or extra, f"it requires `{name}`: a provider knows the SDK, not the engine")
        other = name.startswith("nvisy-plugin-") and name != own
        package.expect(not other or extra, f"it requires `{name}`: a provider knows no other provider")
    required = {name for name, _, _ in needs}
    for module, path in package.foreign().items():
        owners = {_normal(one) for one in importlib.metadata.packages_distributions().get(module, [])}
        package.expect(
            not owners or owners & required, f"{path.name} imports `{module}`, which `{own}` does not require"
        )


@check("PKG-08", Level.BRONZE, "runtime code neither imports nor looks for the kit and other test tools", static=True)
async def runtime_ignores_test_tools(package: Package) -> None:
    """Look at every import and every text of the package's files."""
    for path, name in package.imported():
        package.observe()
        test = name.split(".")[0] in _TESTERS or name.startswith(_KIT)
        package.expect(not test, f"{path.name} imports `{name}`, which is for tests")
    for path, tree in package.sources:
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in _TRACES:
                package.fail(
                    f"{path.name}:{node.lineno} looks for {node.value!r}: a provider must not know whether it is tested"
                )


@check(
    "PKG-10",
    Level.BRONZE,
    "the metadata has a summary, a licence, `Requires-Python`, a readme and `Typing :: Typed`",
    static=True,
)
async def metadata_is_complete(package: Package) -> None:
    """Read the distribution's metadata."""
    metadata: Any = package.distribution.metadata
    licence = metadata.get("License-Expression") or metadata.get("License")
    package.expect(licence, "the metadata names no licence; set `license` to an SPDX expression")
    for field, setting in (("Summary", "description"), ("Requires-Python", "requires-python"), ("Version", "version")):
        package.expect(metadata.get(field), f"the metadata has no {field}; set `{setting}` in pyproject.toml")
    described = metadata.get("Description") or metadata.get_payload()
    package.expect(str(described or "").strip(), "the metadata has no description; set `readme` in pyproject.toml")
    classified = "Typing :: Typed" in (metadata.get_all("Classifier") or [])
    package.expect(classified, "the classifier `Typing :: Typed` is missing")


@check("PKG-11", Level.LOADABLE, "it claims no reserved name and installs nothing outside its package", static=True)
async def claims_only_its_own(package: Package) -> None:
    """Compare names with the reserved ones, and the list of installed files with the package."""
    own = _normal(package.distribution.metadata["Name"])
    for entry in _entries(package):
        if entry.group not in GROUPS:
            continue
        package.expect(
            entry.name not in RESERVED, f"the name `{entry.name}` is reserved: a workflow reads it as something else"
        )
        ours = entry.name.startswith("nvisy") and not own.startswith("nvisy-")
        package.expect(
            not ours, f"the name `{entry.name}` is reserved: names that begin with `nvisy` are for its own packages"
        )
    outside = sorted(_installed_tops(package) - {package.subject.package})
    package.expect(
        not outside, f"the distribution installs {', '.join(outside[:5])} outside of `{package.subject.package}`"
    )


@check(
    "PKG-12",
    Level.LOADABLE,
    "its `entry_points.txt` can be read, and every group of Nvisy in it is one there is",
    static=True,
)
async def entry_points_are_readable(package: Package) -> None:
    """Read the file strictly, as other programs do."""
    text = package.distribution.read_text("entry_points.txt")
    package.expect(text, "the distribution has no entry_points.txt")
    parser = configparser.ConfigParser(delimiters=("=",), interpolation=None, strict=True)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    try:
        parser.read_string(text or "")
    except configparser.Error as err:
        reason = str(err).splitlines()[0]
        package.fail(f"entry_points.txt cannot be read, which breaks every program that lists entry points: {reason}")
    for group in parser.sections():
        known = group in GROUPS or not group.startswith("nvisy")
        package.expect(known, f"the group `{group}` is none of Nvisy's; there are {', '.join(sorted(GROUPS))}")


@check(
    "PKG-13",
    Level.BRONZE,
    "the package's `__version__`, where it has one, is its distribution's version",
    static=True,
    after=("PKG-02",),
)
async def versions_agree(package: Package) -> None:
    """Compare the two."""
    installed = package.distribution.version
    module = importlib.import_module(package.provider.__module__.split(".")[0])
    said = getattr(module, "__version__", installed)
    package.expect(
        said == installed, f"`{module.__name__}.__version__` is {said}, its distribution's version {installed}"
    )


def _entries(package: Package) -> list[importlib.metadata.EntryPoint]:
    distribution = package.distribution
    try:
        return list(distribution.entry_points)
    except Exception as err:  # noqa: BLE001 - a malformed file raises many things
        package.fail(f"the entry points of {distribution.metadata['Name']} cannot be read: {err}")


def _requirements(distribution: importlib.metadata.Distribution) -> Iterator[tuple[str, str, bool]]:
    """Return each requirement's normalised name, the rest of it, and whether only an extra asks for it."""
    for text in distribution.requires or ():
        wanted, _, marker = text.partition(";")
        found = re.match(r"\s*([A-Za-z0-9._-]+)\s*(.*)", wanted)
        if found:
            yield _normal(found[1]), found[2].strip(), "extra" in marker


def _required_modules(package: Package) -> set[str]:
    """Return the modules that the required distributions bring, but for those that come with the SDK."""
    needed = {name for name, _, extra in _requirements(package.distribution) if not extra} - {_SDK, "pydantic"}
    if not needed or _normal(package.distribution.metadata["Name"]) == _SDK:
        return set()
    brought = importlib.metadata.packages_distributions()
    return {module for module, owners in brought.items() if {_normal(owner) for owner in owners} & needed}


def _installed_tops(package: Package) -> set[str]:
    """Return the top of every installed file's path, but for metadata and what makes an editable installation work."""
    found = set()
    for path in package.distribution.files or ():
        top = path.parts[0]
        editable = top.startswith(("_editable", "__editable__")) or (len(path.parts) == 1 and top.endswith(".pth"))
        if not top.endswith(".dist-info") and not editable and top != "__pycache__":
            found.add(top)
    return found


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
