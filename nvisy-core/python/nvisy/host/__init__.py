"""The asyncio half of the bridge: one thread, one loop, and every provider's session on it.

Read in this order: `_host` takes commands and starts jobs, `_job` cancels them, `_load` imports a provider's class,
`_session` holds what `connect` returned, `_pump` reads, `_inbox` writes, `_fault` describes what went wrong,
`_watchdog` notices a provider that blocks the loop. Rust calls `start` and `stop` and nothing else.
"""

from ._host import blocked, start, stop
from ._watchdog import Blocked

__all__ = ["Blocked", "blocked", "start", "stop"]
