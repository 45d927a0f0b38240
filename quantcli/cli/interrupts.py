"""Ctrl-C, remembered: some libraries turn the exception that it raises into one of their own.

A step that ends so looks like one that failed by itself, and what comes after it would go on.
So the interruption is kept, and asked for before each step begins.
"""

from __future__ import annotations

import signal
import threading
from types import FrameType


class _Interruption:
    """Whether Ctrl-C was typed since the command began."""

    was_typed = False


def listen() -> None:
    """Begin to remember; where somebody else handles Ctrl-C, or in a thread, leave it to them."""
    _Interruption.was_typed = False
    is_ours = signal.getsignal(signal.SIGINT) in {signal.default_int_handler, _remember}
    if is_ours and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, _remember)


def was_interrupted() -> bool:
    """Return whether Ctrl-C was typed since the command began."""
    return _Interruption.was_typed


def check() -> None:
    """Stop here if Ctrl-C was typed.

    Raises:
        KeyboardInterrupt: it was.
    """
    if _Interruption.was_typed:
        raise KeyboardInterrupt


def _remember(number: int, frame: FrameType | None) -> None:
    _Interruption.was_typed = True
    raise KeyboardInterrupt
