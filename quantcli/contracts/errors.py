"""The error tree: every way in which a command cannot do its job.

Verdicts are values; an exception means that the command stops. Each class has one stable
kebab-case code and one exit code; instances carry the offending value and what to do.

::

    QuantcliError
    |-- UnexpectedError          1  bug
    |-- UsageError               2  usage
    |-- ConfigError              3  config-invalid
    |   |-- CredentialMissing    3  credential-missing
    |-- ArtifactError            4  artifact-invalid
    |   |-- ArtifactMissing      4  artifact-missing
    |   |-- ArtifactCorrupt      4  artifact-corrupt
    |   |-- ArtifactTampered     4  artifact-tampered
    |   |-- ArtifactForeign      4  artifact-foreign
    |   |-- ArtifactConflict     4  artifact-conflict
    |   `-- SchemaUnknown        4  artifact-schema-unknown
    |-- MarketDataError          4  bars-invalid
    |   |-- BarsMissing          4  bars-missing
    |   `-- BarsStale            4  bars-stale
    |-- SessionError             5  not-a-session
    |   |-- OutsideWindow        5  outside-window
    |   |-- ClockSkew            5  clock-skew
    |   `-- LockHeld             5  lock-held
    |-- BrokerError              6  broker-error
    |   |-- BrokerUnreachable    6  broker-unreachable
    |   |-- BrokerRefused        6  broker-refused
    |   `-- ContractDrift        6  broker-contract-drift
    |-- OutcomeUnknown           7  outcome-unknown
    |-- LedgerError              8  ledger-broken
    |   |-- InvalidTransitionError            8  order-transition-invalid
    |   |-- TerminalStateError                8  order-state-terminal
    |   |-- BrokerConfirmationRequiredError   8  broker-confirmation-required
    |   `-- DuplicateOrderError               8  order-duplicate
    |-- HaltEngaged              9  halt-engaged
    `-- StorageError            10  storage-failed
        |-- StateMissing        10  state-missing
        |-- JournalCorrupt      10  journal-corrupt
        `-- StateRolledBack     10  state-rolled-back
"""

from __future__ import annotations

from typing import ClassVar

EXIT_CODES: dict[int, str] = {
    0: "the promised artifact is durable; verdicts, BLOCK among them, are data",
    1: "a bug: an unexpected exception",
    2: "usage: the command line is wrong",
    3: "configuration: desk.toml or credentials",
    4: "input missing, corrupt, stale or tampered with",
    5: "not a session, outside the window, clock skew, or the lock is held",
    6: "the broker is unreachable or refused",
    7: "the outcome of an order is unknown",
    8: "a break was found, a share is uncovered, or PAUSED stopped something sendable",
    9: "a halt stopped something sendable",
    10: "storage: disk, permission or a damaged journal",
}

#: When several hold, the first of these is the command's exit code.
EXIT_PRECEDENCE: tuple[int, ...] = (1, 2, 3, 10, 7, 8, 9, 6, 4, 5, 0)

ERRORS: dict[str, type[QuantcliError]] = {}


def gravest(codes: list[int]) -> int:
    """Return the exit code that outranks the others; 0 for an empty list."""
    return min(codes, key=EXIT_PRECEDENCE.index, default=0)


def one_line(text: str) -> str:
    """Return text from anywhere as one line that no terminal and no log reader obeys.

    Runs of white space become one space; what is not printable is spelled out.
    """
    words = " ".join(text.split())
    if words.isprintable():
        return words
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in words)


class QuantcliError(Exception):
    """Base of all errors that a command reports in one line."""

    code: ClassVar[str] = "quantcli-error"
    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, value: object = None, hint: str = "") -> None:
        """Keep what happened, the offending value and what to do about it."""
        super().__init__(message)
        self.message = message
        self.value = None if value is None else str(value)
        self.hint = hint
        self.found_sha256: str | None = None

    def __init_subclass__(cls, **kwargs: object) -> None:
        """Register the subclass under its own code; two classes may not share one."""
        super().__init_subclass__(**kwargs)
        if cls.code in ERRORS:
            raise TypeError(f"error code {cls.code} is taken by {ERRORS[cls.code].__name__}")
        ERRORS[cls.code] = cls

    def line(self) -> str:
        """Return the error as one line: code, message, value, hint."""
        value = "" if self.value is None else f" [{self.value}]"
        hint = f" -> {self.hint}" if self.hint else ""
        return one_line(f"{self.code}: {self.message}{value}{hint}")

    def as_object(self) -> dict[str, object]:
        """Return the error for `--json`."""
        return {
            "error": self.code,
            "exit_code": self.exit_code,
            "message": self.message,
            "value": self.value,
            "hint": self.hint,
        }


class UnexpectedError(QuantcliError):
    """A bug: an exception that no part of the program claims."""

    code = "bug"
    exit_code = 1


class UsageError(QuantcliError):
    """The command line asks for something that cannot be."""

    code = "usage"
    exit_code = 2


class ConfigError(QuantcliError):
    """desk.toml is missing, malformed, or holds a value that is not allowed."""

    code = "config-invalid"
    exit_code = 3


class CredentialMissing(ConfigError):
    """No broker keys in the environment or in the key file."""

    code = "credential-missing"


class ArtifactError(QuantcliError):
    """An artifact cannot be used."""

    code = "artifact-invalid"
    exit_code = 4


class ArtifactMissing(ArtifactError):
    """The artifact that this command reads does not exist."""

    code = "artifact-missing"


class ArtifactCorrupt(ArtifactError):
    """The bytes are not a canonical artifact of the expected schema."""

    code = "artifact-corrupt"


class ArtifactTampered(ArtifactError):
    """The bytes differ from what was published."""

    code = "artifact-tampered"


class ArtifactForeign(ArtifactError):
    """The artifact belongs to another session, cycle or step than its path says."""

    code = "artifact-foreign"


class ArtifactConflict(ArtifactError):
    """A published artifact would have to change."""

    code = "artifact-conflict"


class SchemaUnknown(ArtifactError):
    """The artifact's schema name or version is not known to this program."""

    code = "artifact-schema-unknown"


class MarketDataError(QuantcliError):
    """Bars or index values cannot be used."""

    code = "bars-invalid"
    exit_code = 4


class BarsMissing(MarketDataError):
    """No bars for what was asked."""

    code = "bars-missing"


class BarsStale(MarketDataError):
    """The newest complete bar is older than the session before."""

    code = "bars-stale"


class SessionError(QuantcliError):
    """The instant does not lie in an exchange session."""

    code = "not-a-session"
    exit_code = 5


class OutsideWindow(SessionError):
    """The step is not due at this instant."""

    code = "outside-window"


class ClockSkew(SessionError):
    """Our instant and the broker's clock differ by more than 30 seconds."""

    code = "clock-skew"


class LockHeld(SessionError):
    """Another command works on this account; this one did nothing."""

    code = "lock-held"


class BrokerError(QuantcliError):
    """The broker did not give a usable answer."""

    code = "broker-error"
    exit_code = 6


class BrokerUnreachable(BrokerError):
    """No answer, and certainly nothing was done."""

    code = "broker-unreachable"


class BrokerRefused(BrokerError):
    """The broker answered with a definite refusal."""

    code = "broker-refused"


class ContractDrift(BrokerError):
    """A required field of the broker's answer is absent or unreadable."""

    code = "broker-contract-drift"


class OutcomeUnknown(QuantcliError):
    """The request may or may not have been carried out."""

    code = "outcome-unknown"
    exit_code = 7


class LedgerError(QuantcliError):
    """The order book kept here contradicts itself or the broker."""

    code = "ledger-broken"
    exit_code = 8


class InvalidTransitionError(LedgerError):
    """The stored order state does not allow this change."""

    code = "order-transition-invalid"


class TerminalStateError(LedgerError):
    """The stored order state is final."""

    code = "order-state-terminal"


class BrokerConfirmationRequiredError(LedgerError):
    """The change needs the broker's order id and has none."""

    code = "broker-confirmation-required"


class DuplicateOrderError(LedgerError):
    """An intent with this id exists with other bytes."""

    code = "order-duplicate"


class HaltEngaged(QuantcliError):
    """A halt stopped something that was ready to be sent."""

    code = "halt-engaged"
    exit_code = 9


class StorageError(QuantcliError):
    """The disk did not do what it was asked to do."""

    code = "storage-failed"
    exit_code = 10


class StateMissing(StorageError):
    """The desk's state is absent: halted and paused, never a fresh start."""

    code = "state-missing"


class JournalCorrupt(StorageError):
    """The journal's hash chain or its tables do not hold."""

    code = "journal-corrupt"


class StateRolledBack(StorageError):
    """The journal lacks rows that were recorded elsewhere: an older copy, halted and paused."""

    code = "state-rolled-back"
