"""A report as JUnit XML, for the pages that continuous integration shows."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from ._outcome import Outcome


def write_junit(report: Mapping[str, Any], path: Path) -> None:
    """Write a report's checks as test cases; an outcome that does not count is a failure or an error, never a skip."""
    suite = ElementTree.Element("testsuite", name=f"nvisy conformance of {report['provider']['name']}")
    tally = {"tests": 0, "failures": 0, "errors": 0, "skipped": 0}
    for line in report["checks"]:
        if report["partial"] and line["outcome"] == Outcome.NOT_RUN:
            continue
        tally["tests"] += 1
        case = ElementTree.SubElement(
            suite,
            "testcase",
            classname=f"{report['provider']['name']}.{line['id'].rsplit('-', 1)[0]}",
            name=f"{line['id']} {line['title']}",
            time=f"{line['seconds']:.3f}",
        )
        kind = _kind(Outcome(line["outcome"]))
        if kind is not None:
            tally[f"{kind}s"] += 1
            first = line["message"].split("\n")[0]
            element = ElementTree.SubElement(case, kind, message=_legal(first), type=line["outcome"])
            element.text = _legal(f"{line['message']}\n{line['reproduce']}")
    for name, count in tally.items():
        suite.set(name, str(count))
    tree = ElementTree.ElementTree(suite)
    ElementTree.indent(tree)
    tree.write(path, encoding="utf-8", xml_declaration=True)


def _kind(outcome: Outcome) -> str | None:
    if outcome.counts or outcome in (Outcome.KNOWN_FAIL, Outcome.PROVISIONAL_FAIL):
        return None
    return "error" if outcome in (Outcome.ERROR, Outcome.NOT_RUN) else "failure"


def _legal(text: str) -> str:
    """Return the text without what XML cannot hold."""
    return "".join(
        letter if letter in "\t\n" or (letter >= " " and letter not in "\ufffe\uffff") else "?" for letter in text
    )
