"""Animals of the family PKG: packages that pip would install and that are wrong all the same."""

from __future__ import annotations

from pathlib import Path

from nvisy_sdk.conformance import Subject

from tests.kit.zoo._animal import package_animal
from tests.kit.zoo._package import parcel


@package_animal(breaks="PKG-01", pattern=r"`Shelf-Record` is not allowed", also={"META-01"})
def bad_name(folder: Path) -> Subject:
    """Has the name of its project for a name."""
    made = parcel(folder).meta("shelf =", "Shelf-Record =", file="entry_points.txt")
    return made.subject(name="Shelf-Record")


@package_animal(breaks="PKG-01", pattern=r"no reference to an object", also={"PKG-02"})
def module_without_class(folder: Path) -> Subject:
    """Names its module and forgets the class."""
    made = parcel(folder).meta("nvisy_plugin_shelf:Provider", "nvisy_plugin_shelf", file="entry_points.txt")
    return made.subject()


@package_animal(breaks="PKG-02", pattern=r"cannot be loaded: AttributeError", also={"SIG-01"})
def dead_reference(folder: Path) -> Subject:
    """Renamed its class and not its entry point."""
    return parcel(folder).subject(reference="nvisy_plugin_shelf:ShelfProvider")


@package_animal(breaks="PKG-03", pattern=r"connects a socket")
def connects_at_import(folder: Path) -> Subject:
    """Looks for its server while it is imported."""
    return (
        parcel(folder).add("client.py", '\nimport socket\n\nsocket.socket().connect_ex(("127.0.0.1", 9))\n').subject()
    )


@package_animal(breaks="PKG-03", pattern=r"changes the handlers or the level of the root logger")
def configures_logging_at_import(folder: Path) -> Subject:
    """Sets up logging for everybody."""
    return parcel(folder).add("client.py", "\nimport logging\n\nlogging.basicConfig(level=logging.DEBUG)\n").subject()


@package_animal(breaks="PKG-03", pattern=r"changes the running threads")
def starts_thread_at_import(folder: Path) -> Subject:
    """Starts a thread that waits for work."""
    text = "\nimport threading\n\nthreading.Thread(target=threading.Event().wait, daemon=True).start()\n"
    return parcel(folder).add("client.py", text).subject()


@package_animal(breaks="PKG-03", pattern=r"prints 'ready")
def greets_at_import(folder: Path) -> Subject:
    """Says that it is there."""
    return parcel(folder).add("client.py", '\nprint("ready")\n').subject()


@package_animal(breaks="PKG-04", pattern=r"import the driver where it is first used")
def heavy_import(folder: Path) -> Subject:
    """Computes a table that it may never need."""
    return parcel(folder).add("client.py", "\n_TOTAL = sum(range(45_000_000))\n").subject()


@package_animal(breaks="PKG-05", pattern=r"cannot be imported \(ModuleNotFoundError")
def raw_import_error(folder: Path) -> Subject:
    """Imports its driver at the top of a file."""
    made = parcel(folder).meta("Requires-Dist: nvisy-sdk", "Requires-Dist: packaging>=1\nRequires-Dist: nvisy-sdk")
    return made.add("client.py", "\nimport packaging.version\n").subject()


@package_animal(breaks="PKG-05", pattern=r"it must raise MissingDependencyError")
def import_error_in_connect(folder: Path) -> Subject:
    """Imports its driver late, and lets the error through."""
    made = parcel(folder).meta("Requires-Dist: nvisy-sdk", "Requires-Dist: packaging>=1\nRequires-Dist: nvisy-sdk")
    return made.edit(
        "client.py",
        "        if params.schema is not None:",
        "        import packaging.version\n\n        if params.schema is not None:",
    ).subject()


@package_animal(breaks="PKG-06", pattern=r"no py\.typed")
def untyped_package(folder: Path) -> Subject:
    """Has annotations that no type checker reads."""
    made = parcel(folder)
    (made.package / "py.typed").unlink()
    return made.subject()


@package_animal(breaks="PKG-06", pattern=r"installs tests at the top", also={"PKG-11"})
def ships_tests(folder: Path) -> Subject:
    """Puts its tests where every other project's tests are."""
    return parcel(folder).installs("tests/__init__.py").subject()


@package_animal(breaks="PKG-07", pattern=r"no upper bound")
def unbounded_sdk(folder: Path) -> Subject:
    """Believes that it will work with every SDK to come."""
    return parcel(folder).meta("Requires-Dist: nvisy-sdk<0.2,>=0.1", "Requires-Dist: nvisy-sdk>=0.1").subject()


@package_animal(breaks="PKG-07", pattern=r"requires `nvisy-core`: a provider knows the SDK")
def requires_the_engine(folder: Path) -> Subject:
    """Needs the engine for one small function."""
    made = parcel(folder).meta("Requires-Dist: nvisy-sdk", "Requires-Dist: nvisy-core\nRequires-Dist: nvisy-sdk")
    return made.subject()


@package_animal(
    breaks="PKG-07", pattern=r"imports `packaging`, which `nvisy-plugin-shelf` does not require", also={"PKG-05"}
)
def borrows_a_package(folder: Path) -> Subject:
    """Imports what happens to be installed on its author's machine."""
    return parcel(folder).add("client.py", "\nimport packaging.version\n").subject()


@package_animal(breaks="PKG-08", pattern=r"looks for 'pytest'")
def detects_tests(folder: Path) -> Subject:
    """Behaves while it is watched."""
    return parcel(folder).add("client.py", '\nimport sys\n\n_WATCHED = "pytest" in sys.modules\n').subject()


@package_animal(breaks="PKG-08", pattern=r"imports `nvisy_sdk.testing`")
def uses_test_tools(folder: Path) -> Subject:
    """Uses the SDK's stand-ins for the engine at run time."""
    return parcel(folder).add("writer.py", "\nfrom nvisy_sdk.testing import RowBatch\n\n_BATCH = RowBatch\n").subject()


@package_animal(breaks="PKG-10", pattern=r"names no licence")
def no_licence(folder: Path) -> Subject:
    """May not be used by anybody."""
    return parcel(folder).meta("License-Expression: Apache-2.0\n", "").subject()


@package_animal(breaks="PKG-11", pattern=r"`null` is reserved", also={"META-01"})
def claims_reserved(folder: Path) -> Subject:
    """Has a name that a workflow reads as nothing."""
    return parcel(folder).meta("shelf =", "null =", file="entry_points.txt").subject(name="null")


@package_animal(breaks="PKG-11", pattern=r"outside of `nvisy_plugin_shelf`")
def installs_beside(folder: Path) -> Subject:
    """Puts a module into somebody else's package."""
    return parcel(folder).installs("nvisy_sdk/shelf_extras.py").subject()


@package_animal(breaks="PKG-12", pattern=r"cannot be read, which breaks every program", also={"PKG-01", "PKG-11"})
def broken_entry_points(folder: Path) -> Subject:
    """Has a line in its entry points that is none."""
    made = parcel(folder).meta("[nvisy.providers]", "shelf provider\n[nvisy.providers]", file="entry_points.txt")
    return made.subject()


@package_animal(breaks="PKG-12", pattern=r"the group `nvisy\.plugins` is none of Nvisy's")
def unknown_group(folder: Path) -> Subject:
    """Enters itself in a group that nobody reads."""
    text = "[nvisy.plugins]\nshelf = nvisy_plugin_shelf:Provider\n\n[nvisy.providers]"
    return parcel(folder).meta("[nvisy.providers]", text, file="entry_points.txt").subject()


@package_animal(breaks="PKG-13", pattern=r"`nvisy_plugin_shelf.__version__` is 0\.9\.0")
def version_skew(folder: Path) -> Subject:
    """Raised its version in one of two places."""
    return parcel(folder).edit("__init__.py", '__version__ = "0.1.0"', '__version__ = "0.9.0"').subject()
