"""How long the kit waits: longer than it says while the process is at work, so that a crowded machine is not called a hang."""

import asyncio
import time
from typing import Any, Final

SHARE: Final = 0.25
"""What of the time a process that works gets of a processor at least, when others want it too."""
MOST: Final = 4.0
"""How many times as long as it says the kit waits at most."""


async def ended(task: "asyncio.Future[Any]", seconds: float) -> bool:
    """Wait until a task is done, and return whether it is; it goes on when it is not.

    What hangs uses no processor. So the time is up after `seconds` of which the process spent less than `SHARE` at work,
    and after `MOST` times as long in any case.

    Args:
        task: What is waited for.
        seconds: How long an idle process is waited for.
    """
    clock = asyncio.get_running_loop().time
    began, used = clock(), time.process_time()
    while not task.done():
        worked = (time.process_time() - used) / SHARE
        left = began + min(max(seconds, worked), seconds * MOST) - clock()
        if left <= 0:
            return False
        await asyncio.wait((task,), timeout=left)
    return True
