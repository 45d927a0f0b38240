"""Wishes to stop, remembered: Ctrl-C, SIGTERM and a terminal that goes away (SIGHUP).

Some libraries turn the exception that they raise into one of their own. A step that ends so looks
like one that failed by itself, and what comes after it would go on. So the interruption is kept,
and asked for before each step begins.
"""

from __future__ import annotations

import signal
import threading
from types import FrameType

#: What each signal does where nobody handles it; any other handler is somebody's own.
_UNHANDLED = {
    signal.SIGINT: signal.default_int_handler,
    signal.SIGTERM: signal.SIG_DFL,
    signal.SIGHUP: signal.SIG_DFL,  # `nohup` ignores it, and that stands
}


class _Interruption:
    """Whether a wish to stop came since the command began."""

    was_typed = False


def listen() -> None:
    """Begin to remember; where somebody else handles a signal, or in a thread, leave it to them."""
    _Interruption.was_typed = False
    if threading.current_thread() is not threading.main_thread():
        return
    for number, unhandled in _UNHANDLED.items():
        if signal.getsignal(number) == unhandled:
            signal.signal(number, _remember)


def was_interrupted() -> bool:
    """Return whether a wish to stop came since the command began."""
    return _Interruption.was_typed


def check() -> None:
    """Stop here if a wish to stop came.

    Raises:
        KeyboardInterrupt: it did.
    """
    if _Interruption.was_typed:
        raise KeyboardInterrupt


def _remember(number: int, frame: FrameType | None) -> None:
    """Raise, once: a second wish while the first is being told must not cut off its line."""
    if _Interruption.was_typed and number != signal.SIGINT:
        return
    _Interruption.was_typed = True
    raise KeyboardInterrupt
