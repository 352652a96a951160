"""Every session of the process and what is under way on them. All of it runs on the loop thread."""

import asyncio
from typing import TYPE_CHECKING, Final

from nvisy_sdk import ClosedError

from ._calls import invoke
from ._fault import describe
from ._inbox import Inbox
from ._job import GRACE, Job
from ._load import Classes, Loader, models
from ._pump import Pump
from ._session import Session

if TYPE_CHECKING:
    from nvisy._core import Link

_LAST: Final = 1.0  # seconds a task that belongs to no session has to react at the interpreter's exit


class Sessions:
    """What Rust holds numbers of."""

    def __init__(self, link: "Link") -> None:
        self._link = link
        self._classes = Classes()
        self._sessions: dict[int, Session] = {}
        self._connecting: set[Session] = set()
        self._calls: dict[int, Job | _Leaving] = {}
        self._pumps: dict[int, Pump] = {}
        self._inboxes: dict[int, Inbox] = {}
        self._ending = False

    @property
    def busy(self) -> bool:
        """Whether there is any session."""
        return bool(self._sessions or self._connecting)

    def connect(self, call: int, session: Session, loader: Loader, credentials: str, params: str) -> None:
        """Load the class and open a session. One that nobody waits for any more is disconnected again."""

        async def work() -> None:
            try:
                self._accepting()
                found = await self._classes.find(loader, session.provider)
                opened, asked, session.secrets = models(found, credentials, params)
                session.open(await found.connect(opened, asked))  # type: ignore[attr-defined]
            except BaseException as error:  # noqa: BLE001 (SystemExit in a provider must not end the loop)
                self._link.fail(call, describe(error, secrets=session.secrets))
                return
            self._sessions[session.number] = session
            if not self._link.answer(call, session.abilities()):
                self._close(session)

        def over() -> None:
            self._connecting.discard(session)
            self._forget(call)

        self._connecting.add(session)
        self._calls[call] = Job(session, "connecting", work(), over)

    def call(self, call: int, number: int, method: str, argument: str | None) -> None:
        """Call a method that answers once."""
        if method == "disconnect":
            self._disconnect(call, number)
            return
        session = self._known(number)

        async def work() -> None:
            try:
                answer = await invoke(session.usable(), method, argument)
            except BaseException as error:  # noqa: BLE001 (SystemExit in a provider must not end the loop)
                self._link.fail(call, describe(error, secrets=session.secrets))
            else:
                self._link.answer(call, answer)

        self._calls[call] = Job(session, f"`{method}`", work(), lambda: self._forget(call))

    def cancel(self, call: int) -> None:
        """Nobody waits for that call any more."""
        job = self._calls.get(call)
        if job is not None:
            job.cancel()

    def read(self, stream: int, number: int, context: str | None) -> None:
        """Begin a stream."""
        self._pumps[stream] = Pump(
            self._link, stream, self._known(number), context, lambda: self._pumps.pop(stream, None)
        )

    def resume(self, stream: int) -> None:
        """The stream has room again."""
        pump = self._pumps.get(stream)
        if pump is not None:
            pump.resume()

    def stop(self, stream: int) -> None:
        """Nobody reads that stream any more."""
        pump = self._pumps.get(stream)
        if pump is not None:
            pump.stop()

    def drain(self, number: int) -> None:
        """The session has writes waiting."""
        inbox = self._inboxes.get(number)
        if inbox is None:
            inbox = Inbox(self._link, self._known(number))
            if number in self._sessions:
                self._inboxes[number] = inbox
        inbox.drain()

    def abort(self, number: int, sequence: int) -> None:
        """Nobody waits for that write any more."""
        inbox = self._inboxes.get(number)
        if inbox is not None:
            inbox.abort(sequence)

    def abandon(self, number: int) -> None:
        """The session was dropped without being disconnected."""
        session = self._sessions.get(number)
        if session is not None:
            self._close(session)

    async def end(self) -> None:
        """Refuse what is new, cancel and join everything, and disconnect every session, within twice the grace."""
        self._ending = True
        for session in list(self._connecting):
            for job in list(session.jobs):
                job.cancel()
        opening = [job.task for session in self._connecting for job in session.jobs]
        if opening:
            await asyncio.wait(opening, timeout=GRACE)
        closing = [self._close(session).task for session in list(self._sessions.values())]
        if closing:
            await asyncio.wait(closing, timeout=2 * GRACE)
        rest = asyncio.all_tasks() - {asyncio.current_task()}
        for task in rest:
            task.cancel()
        if rest:
            await asyncio.wait(rest, timeout=_LAST)

    def _accepting(self) -> None:
        if self._ending:
            raise ClosedError("the interpreter is shutting down")

    def _known(self, number: int) -> Session:
        """The session; for one that is gone, one that refuses everything."""
        return self._sessions.get(number) or Session(number, "a closed session")

    def _forget(self, call: int) -> None:
        self._calls.pop(call, None)
        # A task that was cancelled before it began has answered nothing; after an answer this does nothing.
        self._link.fail(call, describe(ClosedError("the call was cancelled")))

    def _disconnect(self, call: int, number: int) -> None:
        session = self._sessions.get(number)
        if session is None:
            self._link.answer(call, None)
            return
        closing = self._close(session)
        self._calls[call] = _Leaving(closing)

        def over(_: asyncio.Task[None]) -> None:
            self._calls.pop(call, None)
            error = session.close_error
            if error is None:
                self._link.answer(call, None)
            else:
                self._link.fail(call, describe(error, secrets=session.secrets))

        closing.task.add_done_callback(over)

    def _close(self, session: Session) -> Job:
        """Begin to disconnect the session, once: it goes on whether or not anyone waits for it."""
        if session.closing is None:
            session.closing = Job(session, "disconnecting", self._closing(session))
        return session.closing

    async def _closing(self, session: Session) -> None:
        others = [job for job in session.jobs if job is not session.closing]
        for job in others:
            job.cancel()
        try:
            if others:
                await asyncio.wait([job.task for job in others], timeout=GRACE)
        except asyncio.CancelledError:
            pass  # out of patience with the others; the object must be told all the same
        try:
            await session.opened.disconnect()
        except BaseException as error:  # noqa: BLE001 (SystemExit in a provider must not end the loop)
            session.close_error = error
        finally:
            self._sessions.pop(session.number, None)
            self._inboxes.pop(session.number, None)


class _Leaving:
    """A `disconnect` under way. It is not cancelled with its caller, only bounded from then on."""

    def __init__(self, closing: Job) -> None:
        self._closing = closing

    def cancel(self) -> None:
        asyncio.get_running_loop().call_later(GRACE, self._closing.cancel)
