"""The document's words on one work: its table, its goals, its losses, and what went wrong."""

from __future__ import annotations

from collections import Counter

from benchmarks import figures
from benchmarks.figures import Figures, Verdict
from benchmarks.model import Role
from benchmarks.result import Entry, Task

_HEAD = (
    "| | {unit}/s | of the limit | of the best other | seconds | CPU s | server CPU s | MiB | spread | equal |\n"
    "|---|---|---|---|---|---|---|---|---|---|"
)


def work(task: Task, charts: str) -> str:
    """The section of a work."""
    noise = figures.noise(task)
    control = (
        "There is no A/A control: ours did not run twice." if noise is None else f"A/A control: {noise:.1%} apart."
    )
    goals = [f"- {_mark(verdict)} {goal(task, verdict)}" for verdict in figures.judged(task)]
    parts = [f"## {task.name}: {task.title}", "", f"{task.about} {task.items:,} {task.unit}. {control}", ""]
    parts += [f"![{task.name}]({charts}/{task.name.lower()}.svg)", "", table(task), "", *goals, ""]
    troubles = [*failures(task), *(f"- **{each.name}: not there yet.** {each.reason}." for each in task.missing)]
    parts += [*troubles, ""] if troubles else []
    how = [f"- **{entry.name}**: {entry.about}. `{_short(entry.command)}`" for entry in task.entries]
    return "\n".join([*parts, "<details><summary>Who is who</summary>", "", *how, "", "</details>", ""])


def table(task: Task) -> str:
    """One line for each contender, the fastest first, those without a time last."""
    found = [(entry, figures.of(entry, task.items)) for entry in task.entries]
    found.sort(key=lambda pair: -pair[1].rate if pair[1] else 0.0)
    limit, other = figures.best(task, [Role.LIMIT]), figures.best(task, [Role.GLUE, Role.PEER])
    lines = [_line(entry, each, limit[1] if limit else None, other[1] if other else None) for entry, each in found]
    return "\n".join([_HEAD.format(unit=task.unit), *lines])


def goal(task: Task, verdict: Verdict) -> str:
    """A goal, what was found, and by which measure."""
    wanted, found = verdict.goal, verdict.found
    nothing = "nothing, ours has failed" if verdict.reached is False else "nothing to compare it with"
    shown = (
        nothing
        if found is None
        else f"{found:.0f}"
        if wanted.figure == "memory" and not wanted.against
        else f"{found:.2f}"
    )
    match wanted.figure:
        case "wall":
            said = f"at most {wanted.bound:g} s, start-up included"
        case "memory" if wanted.against:
            said = f"at most {wanted.bound:g} x the memory of {wanted.against}"
        case "memory":
            said = f"at most {wanted.bound:g} MiB"
        case "cpu":
            said = f"at most {wanted.bound:g} CPU seconds of ours for a million {task.unit}"
        case _:
            said = f"at least {wanted.bound:g} x {_named(wanted.against)}"
    return f"{task.name}: {said}; measured: {shown}"


def losses(task: Task) -> list[str]:
    """Who is faster than ours in its default configuration, other than a limit, and by how much."""
    ours = figures.ours(task)
    if ours is None:
        return [f"{task.name}: ours has no time"]
    found = [(entry, figures.of(entry, task.items)) for entry in task.entries if entry.role in {Role.GLUE, Role.PEER}]
    return [
        f"{task.name}: {entry.name} is {each.rate / ours.rate:.2f} times as fast as ours"
        for entry, each in found
        if each is not None and each.rate > ours.rate
    ]


def failures(task: Task) -> list[str]:
    """Who failed, how often, and why."""
    lines = []
    for entry in task.entries:
        reasons = Counter(run.reason or "no reason" for run in entry.runs if not run.equal)
        lines += [
            f"- **{entry.name}: failed** in {count} of {len(entry.runs)} runs: {reason}"
            for reason, count in reasons.items()
        ]
    return lines


def _line(entry: Entry, found: Figures | None, limit: Figures | None, other: Figures | None) -> str:
    """One contender in the table."""
    equal = f"{sum(run.equal for run in entry.runs)} of {len(entry.runs)}"
    name = entry.name.replace("|", "\\|")
    name = f"**{name}**" if entry.role is Role.OURS else name
    if found is None:
        return f"| {name} ({entry.role}) | failed | | | | | | | | {equal} |"
    ratios = [f"{found.rate / each.rate:.2f}" if each else "" for each in (limit, other)]
    numbers = [
        f"{found.wall:.2f}",
        f"{found.cpu:.2f}",
        f"{found.server_cpu:.2f}",
        f"{found.memory:.0f}",
        f"{found.spread:.0%}" if len(entry.runs) > 1 else "",
    ]
    return f"| {name} ({entry.role}) | {found.rate:,.0f} | {' | '.join([*ratios, *numbers])} | {equal} |"


def _named(against: str | None) -> str:
    """Whom a rate is compared with."""
    return {"limit": "the limit", "glue": "the best glue of libraries"}.get(against or "", f"{against}")


def _mark(verdict: Verdict) -> str:
    """The verdict in a word."""
    return {True: "reached", False: "**missed**", None: "not measured"}[verdict.reached] + ":"


def _short(command: str) -> str:
    """A command on one line, in which no character ends the code."""
    return " ".join(command.split()).replace("`", "'")
