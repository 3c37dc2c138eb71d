"""Ties a child process to its parent; it starts and stops none itself."""

import ctypes
import os
import signal
import sys
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1


def end_with_parent() -> Callable[[], None] | None:
    """A `preexec_fn` after which the kernel ends the child when its parent ends, even by SIGKILL; None outside Linux.

    Call it in the parent's main thread: the kernel watches the thread that starts the child. The returned function
    runs between fork and exec, so everything that allocates or imports is done here, before.
    """
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl
    parent = os.getpid()

    def bind() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # the parent ended before the kernel was told
            os._exit(1)

    return bind
