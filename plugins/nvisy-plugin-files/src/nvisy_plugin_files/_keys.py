"""Keys of objects: which may become files, and which a pattern matches."""

import re

from nvisy_sdk import InvalidConfigError

TEMPORARY = ".nvisy-tmp"
"""The folder below the root that holds unfinished writes; no object is in it."""

_LONGEST_NAME = 255  # bytes of one name, on every common file system
_LONGEST_PATH = 3_072  # bytes of a key: with its root it must stay below the 4,096 of Linux
_MOST_STEPS = 256  # folders within folders: what walks them in other programs is often recursive


class Refused(Exception):  # noqa: N818 - not an error of the provider: it becomes a rejection
    """One object cannot be written; the batch's other objects can."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code, self.reason = code, reason


def steps(key: str) -> list[str]:
    """Return the folders and the name that lead to a key from the root.

    Raises:
        Refused: The key is no name of a file below the root.
    """
    found = key.split("/")
    try:
        longest, total = max(len(step.encode()) for step in found), len(key.encode())
    except UnicodeEncodeError:
        raise Refused("invalid_path", "the path holds a lone surrogate, which UTF-8 cannot write") from None
    if "\0" in key or "\\" in key:
        raise Refused("invalid_path", f"the path {key[:99]!r} holds a NUL or a backslash")
    if any(step in ("", ".", "..") for step in found):
        raise Refused("invalid_path", f"the path {key[:99]!r} must be relative, without empty steps, `.` and `..`")
    if found[0].casefold() == TEMPORARY:
        raise Refused("invalid_path", f"{TEMPORARY} is the folder of unfinished writes")
    if longest > _LONGEST_NAME or total > _LONGEST_PATH or len(found) > _MOST_STEPS:
        raise Refused("invalid_path", f"the path {key[:99]!r}... is too long or too deep for a file system")
    return found


def pattern(glob: str) -> re.Pattern[str]:
    """Return the expression for a glob: `*` and `?` within a folder, `**` across folders, `[...]`, `[!...]`.

    Raises:
        InvalidConfigError: It has a class such as `[z-a]`.
    """
    token = re.compile(r"\*\*/|\*\*|\*|\?|\[!?\]?[^]/]*\]|.", re.DOTALL)
    try:
        return re.compile("".join(map(_translated, token.findall(glob))), re.DOTALL)
    except re.error as err:
        raise InvalidConfigError(
            f"the glob {glob} has a class that means nothing: {err}", hint="correct `glob`"
        ) from err


def _translated(token: str) -> str:
    known = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    if token in known:
        return known[token]
    if len(token) > 1:  # a class, in which only `!` at the front and `-` between two characters are special
        inner = re.sub(r"([\\\[\]^&~|])", r"\\\1", token[1:-1].removeprefix("!"))
        return f"(?!/)[{'^' if token[1] == '!' else ''}{inner}]"
    return re.escape(token)
