"""What was typed, asked and answered, in order: what the checkers judge by."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Asked:
    """One request as it left the desk.

    Attributes:
        outcome: The status, or the name of what went wrong on the line; empty: nobody waited.
        is_skewed: The broker's clock, in this answer, was far from the command's.
    """

    method: str
    path: str
    body: bytes
    outcome: str = ""
    is_skewed: bool = False


@dataclass(slots=True)
class Typed:
    """One command.

    Attributes:
        session, clock: When it was typed, in New York's date and the exchange's instant.
        words: The command line.
        code: Its exit code; None: it died.
        died_at: The moment at which it died.
        struck: Blows that it met.
        said: What it printed, both streams.
        is_inner: Typed while another command was at work.
        is_halted, is_paused: What the disk said when it was typed.
        requests: What it asked the broker.
    """

    session: str
    clock: str
    words: tuple[str, ...]
    code: int | None = None
    died_at: str = ""
    struck: tuple[str, ...] = ()
    said: str = ""
    is_inner: bool = False
    is_halted: bool = False
    is_paused: bool = False
    requests: list[Asked] = field(default_factory=list)

    def line(self) -> str:
        """Return one line for people."""
        end = f"died at {self.died_at}" if self.code is None else f"exit {self.code}"
        blows = f" [{', '.join(self.struck)}]" if self.struck else ""
        return f"{self.clock} quantcli {' '.join(self.words)} -> {end}{blows}"


class History:
    """All commands of one world."""

    def __init__(self) -> None:
        """Begin with nothing typed."""
        self.commands: list[Typed] = []
        self.notes: list[str] = []
        self._under_way: list[Typed] = []

    def begin(self, typed: Typed) -> None:
        """A command starts, maybe within another one."""
        self.commands.append(typed)
        self._under_way.append(typed)

    def end(self) -> None:
        """The newest command ends."""
        self._under_way.pop()

    @property
    def is_busy(self) -> bool:
        """True while a command is at work."""
        return bool(self._under_way)

    def request(self, method: str, path: str, body: bytes) -> Asked:
        """Note a request of the command under way."""
        asked = Asked(method, path, body)
        if self._under_way:
            self._under_way[-1].requests.append(asked)
        return asked
