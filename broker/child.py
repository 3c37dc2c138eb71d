"""Ties a child process to its parent; it starts and stops none itself."""

import ctypes
import os
import signal
import sys
from collections.abc import Callable
from functools import partial

_PR_SET_PDEATHSIG = 1


def end_with_parent() -> Callable[[], None] | None:
    """A `preexec_fn` after which the kernel ends the child when its parent ends, even by SIGKILL; None outside Linux.

    Call it in the parent's main thread: the kernel watches the thread that starts the child. The returned function
    runs between fork and exec, so everything that allocates or imports is done here, before.
    """
    if sys.platform != "linux":
        return None
    return partial(_bind, ctypes.CDLL(None).prctl, os.getpid())


def end_with(parent: int) -> None:
    """In a child that runs already: end when `parent` ends, under the same conditions; outside Linux do nothing."""
    if sys.platform == "linux":
        _bind(ctypes.CDLL(None).prctl, parent)


def _bind(prctl: Callable[[int, int], object], parent: int) -> None:
    prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # the parent ended before the kernel was told
        os._exit(1)
