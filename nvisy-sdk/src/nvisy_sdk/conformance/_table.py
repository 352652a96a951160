"""The table of what a provider supports, as Markdown between two markers of its README."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from .._kind import Ability, CapabilityState, Feature
from .._manifest import Capability, Manifest
from ._check import catalogue
from ._values import SAMPLES

BEGIN: Final = "<!-- nvisy:support -->"
END: Final = "<!-- /nvisy:support -->"
_STATES: Final = {
    CapabilityState.FULL: "yes",
    CapabilityState.PARTIAL: "partly",
    CapabilityState.UNSUPPORTED: "no",
    CapabilityState.NOT_IMPLEMENTED: "not yet",
}


class TableError(ValueError):
    """The table has no place in the file."""


def support_rows(manifest: Manifest) -> str:
    """Return the table's part that the manifest alone decides: abilities, features and types."""
    abilities = [(_words(ability), _ability(manifest, ability)) for ability in Ability]
    features = [(_words(feature), manifest.feature(feature)) for feature in Feature if _concerns(manifest, feature)]
    types = [(name.removeprefix("types "), capability) for name, capability in features if name.startswith("types ")]
    others = [pair for pair in features if not pair[0].startswith("types ")]
    words = [("kinds", ", ".join(manifest.kinds)), ("contexts", ", ".join(manifest.contexts) or "none")]
    words.append(("write modes", ", ".join(manifest.modes) or "none"))
    lines = [f"{name.capitalize()}: {text}." for name, text in words]
    sections = (("Ability", abilities), ("Feature", others), ("Type", types))
    return "\n\n".join([" ".join(lines), *("\n".join(_section(title, rows)) for title, rows in sections)])


def support_table(report: Mapping[str, Any]) -> str:
    """Return the whole text between the markers, markers included.

    Raises:
        TableError: The report has no manifest, or names no level because only some checks were run.
    """
    if report["manifest"] is None:
        raise TableError("there is no table to write: the provider has no valid manifest")
    if report["partial"]:
        raise TableError("there is no table to write: only some checks were run")
    manifest = Manifest.model_validate(report["manifest"])
    return f"{BEGIN}\n{badge(report)}\n\n{support_rows(manifest)}\n{END}"


def badge(report: Mapping[str, Any]) -> str:
    """Return the line that says which level was reached, and against what."""
    server = f", {report['server']}" if report["server"] else ""
    known = [line["id"] for line in report["checks"] if line["outcome"] == "known-fail"]
    tail = f" Known failures: {', '.join(known)}." if known else ""
    level = report["level"] or "none"
    return f"Conformance level: **{level}** ({report['evidence']}{server}; specification {report['spec']}).{tail}"


def write_table(report: Mapping[str, Any], path: Path) -> None:
    """Put the table between the markers of a Markdown file.

    Raises:
        TableError: The file has no such markers.
    """
    path.write_text(_with_table(report, path), encoding="utf-8", newline="\n")


def table_is_current(report: Mapping[str, Any], path: Path) -> bool:
    """Whether the file has the table that this report gives.

    Raises:
        TableError: The file has no such markers.
    """
    return _with_table(report, path) == path.read_text(encoding="utf-8")


def _with_table(report: Mapping[str, Any], path: Path) -> str:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as err:
        raise TableError(f"{path.name} cannot be read: {err}") from None
    if text.count(BEGIN) != 1 or text.count(END) != 1 or text.index(BEGIN) > text.index(END):
        raise TableError(f"{path.name} has no place for the table; add the lines `{BEGIN}` and `{END}`, each once")
    before, after = text.split(BEGIN)[0], text.split(END)[1]
    return f"{before}{support_table(report)}{after}"


def _concerns(manifest: Manifest, feature: Feature) -> bool:
    """Whether a feature says anything about the provider: a folder of files has no decimals."""
    if not feature.value.startswith("types.") or feature in manifest.features:
        return True
    written = {sample.feature for kind in manifest.kinds for samples in SAMPLES[kind].values() for sample in samples}
    looked_at = {
        named
        for check in catalogue().values()
        if any(check.out_of_scope(manifest, kind) is None for kind in manifest.kinds)
        for named in check.features
    }
    return feature in written | looked_at


def _ability(manifest: Manifest, ability: Ability) -> Capability:
    return manifest.abilities.get(ability, Capability(state=CapabilityState.UNSUPPORTED))


def _section(title: str, rows: Iterable[tuple[str, Capability]]) -> list[str]:
    lines = [f"| {title} | | |", "|---|---|---|"]
    for name, capability in rows:
        limits = ", ".join(f"{limit} {value}" for limit, value in capability.limits.items())
        said = "; ".join(text for text in (capability.mechanism or "", limits) if text)
        lines.append(f"| {name} | {_STATES[capability.state]} | {_cell(said)} |")
    return lines


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _words(value: str) -> str:
    return str(value).replace(".", " ").replace("_", " ")
