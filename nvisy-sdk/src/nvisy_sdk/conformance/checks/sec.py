"""SEC: a secret turns up nowhere, and what comes from outside is data, never an instruction."""

import os
import pickle
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ValidationError

from ..._context import KeysetContext
from ..._error import ProviderError
from ..._kind import Ability, DataKind, ErrorKind, Feature, Operator
from ..._params import Condition
from ..._value import TextValue
from .._case import Case
from .._check import check
from .._guards._audit import listening
from .._guards._origin import Origin, place
from .._guards._secrets import Canary
from .._impostor import Meeting
from .._lifecycle import error_of, exercise, filled, met_impostor, operations, plain_only, started, told, work, writing
from .._outcome import Level
from .._threads import is_harness

_RUNS: Final = frozenset({"compile", "exec", "pickle.find_class", "marshal.loads"})
_HOSTILE: Final = (
    "x' OR '1'='1",
    'x" OR "1"="1',
    "x'; DROP TABLE victim; --",
    "x) OR true --",
    "*",
    "%",
    '{"$ne": null}',
    "${jndi:ldap://x}",
    "../../etc/passwd",
    "x\r\nDEL *\r\n",
)
"""Texts that mean something to one system or another; to a provider they are data."""


@check(
    "SEC-01",
    Level.BRONZE,
    "the secret is in no repr and no text of credentials, session, parameters or contexts",
    secret=True,
)
async def not_in_reprs(case: Case) -> None:
    """Print whatever a program could print."""
    canary = Canary(case.secret)
    stream, _ = await filled(case)
    session = await case.connect(stream, **writing(case))
    await work(case, session, stream)
    shown: dict[str, object] = {
        "credentials": case.credentials(),
        "session": session,
        "parameters": case.params(stream),
    }
    if case.can(Ability.READ):
        contexts = [context for _, context in await case.read(session) if context is not None]
        shown |= {"context": contexts[-1]} if contexts else {}
        shown["iterator of a read"] = (reading := session.read(None))
        await reading.aclose()
    for name, value in shown.items():
        for way, text in (("repr", repr(value)), ("text", str(value)), ("format", f"{value}")):
            case.expect(not canary.sings_in(text), f"the secret is in the {way} of the {name}")
        if isinstance(value, BaseModel):
            case.expect(not canary.sings_in(value.model_dump_json()), f"the secret is in the JSON of the {name}")
    await case.disconnect(session)


@check("SEC-02", Level.BRONZE, "the secret is in no log record, of no logger, at no level", secret=True)
async def not_in_logs(case: Case) -> None:
    """Go through all that may happen to a session, under the guard for log records."""
    await exercise(case)


@check(
    "SEC-03",
    Level.BRONZE,
    "the secret is in no error: not in its text, its attributes or its causes",
    secret=True,
    after=("ERR-01",),
)
async def not_in_errors(case: Case) -> None:
    """Provoke errors with the right secret and with a wrong one, and look through each whole chain."""
    stream, _ = await filled(case)
    found: list[tuple[str, BaseException | None]] = []
    wrong = case.wrong_secret
    found.append(("a wrong secret", await error_of(case, case.connect(stream, secret=wrong), "connect")))
    async with case.session(case.stream()) as session:
        for operation in operations(case):
            if operation.name != "write":
                found.append((operation.name, await error_of(case, started(operation, session), operation.name)))
    session = await case.connect(stream)
    await case.disconnect(session)
    for operation in operations(case):
        found.append((operation.name, await error_of(case, started(operation, session), operation.name)))
    if case.service.proxy is not None:
        proxy = case.proxy
        for count in (0, 1, 20):
            await case.service.run(proxy.reset_after(count))
            found.append(("a broken connect", await error_of(case, case.connect(stream), "connect")))
            await case.service.run(proxy.heal())
            await case.close()
        await case.service.run(proxy.refuse())
        found.append(("a refused connect", await error_of(case, case.connect(stream), "connect")))
        await case.service.run(proxy.heal())
    for what, err in found:
        for secret, which in ((case.secret, "the secret"), (wrong, "the wrong secret")):
            where = Canary(secret).found_in_error(err) if err is not None else None
            case.expect(where is None, f"{which} is in {where}, of the error of {what}")


@check("SEC-04", Level.BRONZE, "the error of wrong credentials does not show what was given", secret=True)
async def not_in_validation(case: Case) -> None:
    """Give credentials with a misspelt field, a wrong type, a missing field and broken JSON."""
    model: Any = case.subject.models[0]
    canary = Canary(case.secret)
    fields = dict(case.service.harness.credentials(case.endpoint, case.secret))
    wrong: list[tuple[str, object]] = [("a misspelt field", {**fields, "tokn": case.secret})]
    for name in fields:
        others = {other: value for other, value in fields.items() if other != name}
        wrong.append((f"a list as `{name}`", {**others, name: [case.secret]}))
        wrong.append((f"a map as `{name}`", {**others, name: {case.secret: case.secret}}))
        wrong.append((f"`{name}` under another name", {**others, f"{name}x": case.secret}))
    for what, given in wrong:
        try:
            model.model_validate(given)
        except ValidationError as err:
            _expect_silent(case, canary, err, what)
        except Exception as err:  # noqa: BLE001  # its class is another check's
            case.expect(not canary.sings_in(f"{err!r} {err}"), f"the error of credentials with {what} shows the secret")
    try:
        model.model_validate_json(f'{{"token": "{case.secret}"')
    except ValidationError as err:
        _expect_silent(case, canary, err, "broken JSON")


@check("SEC-05", Level.BRONZE, "the secret is written to no standard stream and in no warning", secret=True)
async def not_printed(case: Case) -> None:
    """Go through all that may happen to a session, under the guard for what is printed."""
    await exercise(case)


@check("SEC-06", Level.BRONZE, "the secret is in no argument of a process, no written file and no dump", secret=True)
async def not_handed_on(case: Case) -> None:
    """Listen for processes that are started and files that are opened, then look into what is there."""
    canary = Canary(case.secret)
    stream, _ = await filled(case)
    arguments: list[str] = []
    paths: list[str] = []

    def heard(event: str, given: tuple[object, ...]) -> None:
        if is_harness():
            return
        if event in ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn"):
            arguments.append(repr(given))
        elif (event in ("open", "tempfile.mkstemp") and isinstance(given[0], str)) or (
            event == "tempfile.mkdtemp" and isinstance(given[0], str)
        ):
            paths.append(given[0])

    with listening(heard):
        session = await case.connect(stream, **writing(case))
        await work(case, session, stream)
        found = [path for path in _files(paths) if canary.sings_in(_content(path))]
        await case.disconnect(session)
        found += [path for path in _files(paths) if canary.sings_in(_content(path))]
    case.expect(
        not canary.sings_in(" ".join(arguments)), "the secret is an argument of a process, where everybody sees it"
    )
    case.expect(not found, f"the secret was written to the file `{Path(found[0]).name if found else ''}`")
    case.expect(not canary.sings_in(case.params(stream).model_dump_json()), "the secret is in the parameters' JSON")
    case.expect(not canary.sings_in(_pickled(session)), "the secret is in the pickle of a session")


@check(
    "SEC-08",
    Level.SILVER,
    "the server's certificate is verified unless a parameter says otherwise",
    features=(Feature.ENDPOINT, Feature.TLS),
    inverse=plain_only,
)
async def verified(case: Case) -> None:
    """Put a server with a certificate of its own making in the place of the real one."""
    met, _ = await met_impostor(case)
    fooled = [each for each in met if each.how is Meeting.FOOLED]
    case.expect(
        not fooled, "connect took a server for the real one whose certificate nobody has signed; verify it by default"
    )


@check(
    "SEC-09",
    Level.SILVER,
    "only the credentials that were given are used, none from the environment",
    secret=True,
    features=(Feature.ENDPOINT,),
    after=("CON-03",),
)
async def no_ambient_identity(case: Case) -> None:
    """Put the right secret wherever clients look for one, and give a wrong one; then the other way round."""
    stream, _ = await filled(case, 2)
    with _surroundings(case, case.secret):
        for given, what in ((case.wrong_secret, "a wrong secret"), ("", "an empty secret")):
            err = await error_of(case, _attempt(case, stream, given), "connect")
            case.expect(
                err is not None,
                f"connect with {what} succeeded while the environment held the right one; use what is given alone",
            )
    with _surroundings(case, case.wrong_secret):
        err = await error_of(case, _attempt(case, stream, case.secret), "connect")
        case.expect(
            err is None, f"connect with the right secret failed while the environment held a wrong one: {told(err)}"
        )


@check(
    "SEC-10", Level.SILVER, "hostile names, conditions and contexts change nothing and open nothing", after=("READ-09",)
)
async def no_injection(case: Case) -> None:
    """Use texts that mean something to one system or another, as names, as values and as positions."""
    victim, items = await filled(case)
    for text in _HOSTILE:
        if case.can(Ability.READ):
            await _read_hostile(case, victim, text, len(items))
        await _use_hostile_name(case, f"{case.prefix} {text}")
    case.expect_items(await case.dump(victim), items, "after hostile names, conditions and contexts the stream")


@check(
    "SEC-11",
    Level.BRONZE,
    "an object's path never leads out of its stream",
    needs=(Ability.WRITE,),
    kinds=(DataKind.OBJECT,),
)
async def no_traversal(case: Case) -> None:
    """Write objects whose paths climb, begin at the root or hold NUL; each is kept as it is or refused."""
    victim, items = await filled(case, 2)
    stream = await case.seed([])
    with tempfile.TemporaryDirectory() as outside:
        for path in (
            f"../{victim}/part/stolen.txt",
            "../stolen.txt",
            "a/../../stolen.txt",
            f"{outside}/stolen.txt",
            "/stolen.txt",
            "a\x00b.txt",
            "..",
        ):
            item = {"path": path, "data": b"x", "size": 1}
            stored = await _stored(case, stream, item)
            kept = [each for each in await case.dump(stream) if each["path"] == path]
            case.expect(
                len(kept) == int(stored),
                f"the object `{path!r}` was {'accepted' if stored else 'refused'}, but the stream has it {len(kept)} times",
            )
            case.expect(not os.listdir(outside), f"the object `{path!r}` was written outside of its stream")  # noqa: PTH208
        case.expect_items(await case.dump(victim), items, "after paths that climb, another stream")


@check("SEC-12", Level.SILVER, "nothing is connected to but the endpoint that was given", features=(Feature.ENDPOINT,))
async def connects_nowhere_else(case: Case) -> None:
    """Listen for every connection and every name that is looked up, on every thread but the harness's."""
    proxy = case.proxy
    seen: list[str] = []

    def heard(event: str, given: tuple[object, ...]) -> None:
        if is_harness():
            return
        if event == "socket.connect" and not _is_ours(given[1], case):
            seen.append(f"connected to {given[1]}")
        if event in ("socket.getaddrinfo", "socket.gethostbyname") and given[0] not in (
            None,
            "",
            proxy.host,
            "localhost",
        ):
            seen.append(f"looked up {given[0]!r}")

    with listening(heard):
        await exercise(case)
    case.expect(not seen, f"the provider {'; '.join(dict.fromkeys(seen))}, which nobody told it to")


@check(
    "SEC-13",
    Level.SILVER,
    "what was read is never run: not evaluated, not compiled, not unpickled",
    needs=(Ability.READ,),
)
async def nothing_is_run(case: Case) -> None:
    """Listen for code that the provider makes from data, while it reads."""
    stream, _ = await filled(case)
    origin = Origin(case.subject.folders)
    seen: list[str] = []

    def heard(event: str, given: tuple[object, ...]) -> None:
        caller = sys._getframe(2)
        if event in _RUNS and not is_harness() and origin.owns(caller.f_code.co_filename):
            seen.append(f"`{event}` at {place(caller.f_code, caller.f_lineno)}")

    async with case.session(stream) as session:
        await case.read(session)  # what is imported or compiled once is no data
        with listening(heard):
            case.observe(len(await case.read(session)))
    case.expect(not seen, f"reading runs what it reads: {'; '.join(dict.fromkeys(seen))}")


# ---------------------------------------------------------------------- what the checks share


def _expect_silent(case: Case, canary: Canary, err: ValidationError, what: str) -> None:
    told_ = f"{err} {err!r} {err.errors(include_input=False, include_url=False)}"
    case.expect(not canary.sings_in(told_), f"the error of credentials with {what} shows the secret")
    chain = canary.found_in_error(err.__cause__) if err.__cause__ is not None else None
    case.expect(chain is None, f"the error of credentials with {what} shows the secret in {chain}")


def _files(paths: list[str]) -> Iterator[str]:
    for path in dict.fromkeys(paths):
        if Path(path).is_file():
            yield path
        elif Path(path).is_dir():
            yield from (str(each) for each in Path(path).rglob("*") if each.is_file())


def _content(path: str) -> str:
    try:
        with Path(path).open("rb") as file:
            return file.read(1_000_000).decode(errors="replace")
    except OSError:
        return ""


def _pickled(session: object) -> str:
    try:
        return pickle.dumps(session).decode(errors="replace")
    except Exception:  # noqa: BLE001  # most sessions cannot be pickled, and need not be
        return ""


async def _attempt(case: Case, stream: str, secret: str) -> None:
    session = await case.connect(stream, secret=secret)
    await case.disconnect(session)


@contextmanager
def _surroundings(case: Case, secret: str) -> Iterator[None]:
    """Put a secret into the variables and files in which clients look for one."""
    name = case.manifest.name.upper()
    words = ("TOKEN", "API_KEY", "PASSWORD", "SECRET", "KEY", "AUTH_TOKEN", "SECRET_KEY", "ACCESS_KEY", "CREDENTIALS")
    variables = {f"{start}{word}": secret for word in words for start in ("", f"{name}_", f"NVISY_{name}_")}
    variables |= {
        "AWS_ACCESS_KEY_ID": "decoy",
        "AWS_SECRET_ACCESS_KEY": secret,
        "AWS_SESSION_TOKEN": secret,
        "PGPASSWORD": secret,
        "PGUSER": "decoy",
        "MYSQL_PWD": secret,
        "REDISCLI_AUTH": secret,
        "QDRANT_API_KEY": secret,
        "AZURE_STORAGE_KEY": secret,
        "GOOGLE_API_KEY": secret,
        "OPENAI_API_KEY": secret,
    }
    with tempfile.TemporaryDirectory(prefix="nvisy-home-") as home:
        netrc = f"machine {case.endpoint.host} login decoy password {secret}\n"
        pgpass = f"*:*:*:*:{secret}\n"
        for file, text in ((".netrc", netrc), (".pgpass", pgpass), (".aws/credentials", _aws(secret))):
            path = Path(home) / file
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
            path.chmod(0o600)
        with _environment({**variables, "HOME": home}):
            yield


def _aws(secret: str) -> str:
    return f"[default]\naws_access_key_id = decoy\naws_secret_access_key = {secret}\n"


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(variables)
    try:
        yield
    finally:
        for name in variables:
            if name in before:
                os.environ[name] = before[name]
            else:
                os.environ.pop(name, None)


async def _read_hostile(case: Case, victim: str, text: str, count: int) -> None:
    """Narrow a read by a hostile text, and resume it from one: it opens nothing."""
    column = next((field.name for field in case.profile.schema.fields if field.type.name == "text"), None)
    filters = case.feature(Feature.FILTER).state not in ("unsupported", "not_implemented")
    if column and filters and "filter" in case.subject.models[1].model_fields:
        condition = Condition(column=column, op=Operator.EQ, value=text)
        try:
            async with case.session(victim, filter=[condition]) as session:
                found = await case.read_items(session)
        except ProviderError:
            case.observe()
        else:
            case.expect(
                not found, f"a read narrowed to `{column}` = {text!r} yields {len(found)} of {count} items, not none"
            )
    async with case.session(victim) as session:
        contexts = [context for _, context in await case.read(session) if context is not None]
        for context in contexts[:1]:
            if isinstance(context, KeysetContext):
                hostile = context.model_copy(update={"values": tuple(TextValue(value=text) for _ in context.values)})
                err = await error_of(case, case.read(session, hostile), "reading from a hostile context")
                case.expect(
                    err is None or isinstance(err, ProviderError),
                    f"reading from a context with {text!r} raised {told(err)}, which is no error of the SDK",
                )


async def _use_hostile_name(case: Case, name: str) -> None:
    """Read a stream of a hostile name, which nobody made: it is not there."""

    async def use() -> None:
        async with case.session(name) as session:
            for operation in operations(case):
                if operation.name in ("reading", "describe"):
                    await started(operation, session)

    err = await error_of(case, use(), f"using the stream {name!r}")
    case.expect(
        err is None or isinstance(err, ProviderError),
        f"using the stream {name!r} raised {told(err)}, which is no error of the SDK",
    )


async def _stored(case: Case, stream: str, item: dict[str, object]) -> bool:
    """Write an item and return whether it was accepted."""
    try:
        async with case.session(stream, **writing(case)) as session:
            receipt = await case.write(session, [item])
    except ProviderError as err:
        case.expect(
            err.kind not in (ErrorKind.INTERNAL, ErrorKind.CONNECTION),
            f"the object {item['path']!r} was refused with `{err.kind}` ({err}); that is no word for a path",
        )
        return False
    return receipt.accepted == 1


def _is_ours(address: object, case: Case) -> bool:
    """Whether an address is that of the system: behind the proxy, or the one that the system itself tells its clients."""
    if not isinstance(address, tuple) or len(address) < 2:
        return False
    near = (case.proxy.host, case.service.direct.host, "127.0.0.1", "::1")
    return address[0] in near and address[1] in (case.proxy.port, case.service.direct.port)
