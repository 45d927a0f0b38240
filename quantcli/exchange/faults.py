"""Faults on request: which request they meet, and what kind of wrong they do to it.

A fault waits for requests of one method whose path fits a pattern, counts them, and strikes at
the n-th or at every one. Nothing is random: the same requests meet the same faults. They live in
this process only and are gone when it ends; what they did to the book stays, as at a broker.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from quantcli.exchange.figures import number_of
from quantcli.exchange.refusals import malformed

METHODS = ("GET", "POST", "PATCH", "PUT", "DELETE")
#: Longest wait of a delay, in seconds.
DELAY_SECONDS_MAX = 60
COUNT_MAX = 1000
#: Nothing below this path is ever faulty: otherwise a fault could not be taken back.
CONTROL_PATH = "/_sim/"

_EVERY = "every"
_COMMON = ("kind", "method", "path", "nth")


class Kind(NamedTuple):
    """One kind of fault.

    Attributes:
        method: The only method it makes sense for; `*`: any.
        path: Where it strikes unless the request to set it says otherwise.
        settings: Names of its own settings, with their defaults; a default of `...` means that
            the setting must be given.
    """

    method: str = "*"
    path: str = "/v2/*"
    settings: dict[str, Any] = {}  # noqa: RUF012 (of constants only)


_ORDERS, _ONE_ORDER = "/v2/orders", "/v2/orders/*"
_ACTIVITIES = "/v2/account/activities*"

#: What a setting must be, for whoever gave something else; every other one is text.
_WANTED = {
    "headers": "true or false",
    "count": f"a whole number from 1 to {COUNT_MAX}",
    "calls": f"a whole number from 1 to {COUNT_MAX}",
    "seconds": f"a number above 0, at most {DELAY_SECONDS_MAX}; any number for clock-skew",
    "qty": "a number above 0, or nothing for about half",
}

KINDS: dict[str, Kind] = {
    # the connection
    "delay": Kind(settings={"seconds": ...}),
    "drop-before-accept": Kind(),
    "drop-after-accept": Kind(),
    "broker-restart": Kind(),
    # the gateway
    "gateway-timeout-after-accept": Kind(),
    "bad-gateway": Kind(),
    "rate-limited": Kind(settings={"headers": True, "retry_after": "1"}),
    # the words
    "truncated-json": Kind(),
    "malformed-json": Kind(),
    "unknown-status": Kind(settings={"value": "pondering"}),
    "missing-field": Kind(settings={"field": ...}),
    "number-for-string": Kind(settings={"field": ...}),
    "extra-fields": Kind(settings={"count": 10}),
    # what is shown
    "stale-positions": Kind("GET", "/v2/positions"),
    "late-visibility": Kind("POST", _ORDERS, {"calls": 3}),
    "duplicate-activities": Kind("GET", _ACTIVITIES),
    "reordered-activities": Kind("GET", _ACTIVITIES),
    "account-reset": Kind(),
    "clock-skew": Kind("GET", "/v2/clock", {"seconds": ...}),
    # what becomes of an order
    "accepted-then-rejected": Kind("POST", _ORDERS),
    "stuck-pending-cancel": Kind("DELETE", _ONE_ORDER),
    "partial-then-cancel": Kind("POST", _ORDERS, {"qty": None}),
}


class ConnectionDropped(Exception):
    """No answer leaves: the transport ends the connection.

    Attributes:
        is_everybodys: All connections end, not only the one that asked.
    """

    def __init__(self, *, is_everybodys: bool = False) -> None:
        """Keep whose connections end."""
        super().__init__("connection dropped")
        self.is_everybodys = is_everybodys


@dataclass(slots=True)
class Fault:
    """One fault that was set.

    Attributes:
        number: Its name: from 1, in the order of setting, never used twice.
        kind: A key of KINDS.
        method: Upper case; `*`: any.
        path: Pattern with `*`, `?` and `[...]`; a `*` also stands for slashes.
        nth: Strikes at this matching request only, counted from 1; None: at every one.
        settings: Those of its kind.
        seen: Matching requests so far.
        struck: How often it has struck.
        kept: What it showed when it was set: the body of a stale answer.
    """

    number: int
    kind: str
    method: str
    path: str
    nth: int | None
    settings: dict[str, Any]
    seen: int = 0
    struck: int = 0
    kept: bytes = b""

    def meets(self, method: str, path: str) -> bool:
        """Count a request if it matches; return whether the fault strikes at it."""
        if self.method not in ("*", method) or not fnmatchcase(path, self.path):
            return False
        self.seen += 1
        is_due = self.nth is None or self.seen == self.nth
        self.struck += is_due
        return is_due

    def view(self) -> dict[str, Any]:
        """Return the JSON object that the list of faults shows."""
        return {
            "id": self.number,
            "kind": self.kind,
            "method": self.method,
            "path": self.path,
            "nth": _EVERY if self.nth is None else self.nth,
            "seen": self.seen,
            "struck": self.struck,
            **{name: _plain(value) for name, value in self.settings.items()},
        }


@dataclass(slots=True)
class FaultBoard:
    """The faults that are set, and what those that struck have left behind.

    Attributes:
        faults: By number.
        hidden: Order id -> how many more questions about it find nothing, and whose doing it is.
        stuck: Order id -> the fault that keeps its cancel from being done.
        parts: Order id -> shares that fill at the next open before the rest is cancelled, and
            whose doing it is.
        numbered: The newest number given.
    """

    faults: dict[int, Fault] = field(default_factory=dict)
    hidden: dict[str, tuple[int, int]] = field(default_factory=dict)
    stuck: dict[str, int] = field(default_factory=dict)
    parts: dict[str, tuple[Decimal | None, int]] = field(default_factory=dict)
    numbered: int = 0

    def add(self, body: dict[str, Any]) -> Fault:
        """Set a fault as a request describes it.

        Raises:
            Refusal: unknown kind or setting, or a value that cannot be.
        """
        kind, settings = _kind_of(body), {}
        for name, default in KINDS[kind].settings.items():
            settings[name] = _setting(kind, name, body.get(name, default))
        fault = Fault(
            number=self.numbered + 1,
            kind=kind,
            method=_method_of(body, kind),
            path=_path_of(body, kind),
            nth=_nth_of(body),
            settings=settings,
        )
        self.numbered = fault.number
        self.faults[fault.number] = fault
        return fault

    def remove(self, numbers: Iterable[int]) -> list[str]:
        """Take faults back with all that they left behind; return the orders no longer stuck."""
        gone = set(numbers)
        for number in gone:
            self.faults.pop(number, None)
        freed = [name for name, number in self.stuck.items() if number in gone]
        self.hidden = {k: v for k, v in self.hidden.items() if v[1] not in gone}
        self.stuck = {k: v for k, v in self.stuck.items() if v not in gone}
        self.parts = {k: v for k, v in self.parts.items() if v[1] not in gone}
        return freed

    def met(self, method: str, path: str) -> list[Fault]:
        """Return the faults that strike at a request, in the order of setting; delays apart."""
        return [
            each
            for each in self.faults.values()
            if each.kind != "delay" and each.meets(method, path)
        ]

    def seconds_before(self, method: str, path: str) -> float:
        """Return how long a request lies on the line before the exchange sees it."""
        delays = [each for each in self.faults.values() if each.kind == "delay"]
        return float(sum(each.settings["seconds"] for each in delays if each.meets(method, path)))


def _kind_of(body: dict[str, Any]) -> str:
    kind = body.get("kind")
    if not isinstance(kind, str) or kind not in KINDS:
        raise malformed(f"unknown kind of fault: {kind!r}; there are {', '.join(sorted(KINDS))}")
    known = (*_COMMON, *KINDS[kind].settings)
    for name in body:
        if name not in known:
            raise malformed(f"{kind} has no setting {name}; it has {', '.join(known)}")
    return kind


def _method_of(body: dict[str, Any], kind: str) -> str:
    only = KINDS[kind].method
    method = body.get("method", only)
    if method not in ("*", *METHODS):
        raise malformed(f"invalid method: {method!r}; one of *, {', '.join(METHODS)}")
    if only not in ("*", method):
        raise malformed(f"{kind} strikes at {only} only, not at {method}")
    return str(method)


def _path_of(body: dict[str, Any], kind: str) -> str:
    path = body.get("path", KINDS[kind].path)
    if not isinstance(path, str) or not path.startswith("/"):
        raise malformed(f"invalid path: {path!r}; a pattern such as /v2/orders or /v2/orders/*")
    return path


def _nth_of(body: dict[str, Any]) -> int | None:
    nth = body.get("nth", 1)
    if nth == _EVERY:
        return None
    if type(nth) is not int or nth < 1:
        raise malformed(f"invalid nth: {nth!r}; a count from 1, or {_EVERY}")
    return nth


def _setting(kind: str, name: str, value: Any) -> Any:
    """Return the value of a setting.

    Raises:
        Refusal: it is missing, or cannot be.
    """
    if value is ...:
        raise malformed(f"{kind} needs {name}")
    if name == "headers":
        is_right = isinstance(value, bool)
    elif name in {"count", "calls"}:
        is_right = type(value) is int and 1 <= value <= COUNT_MAX
    elif name == "seconds":
        value = number_of(value)
        is_right = value is not None and (kind == "clock-skew" or 0 < value <= DELAY_SECONDS_MAX)
    elif name == "qty":
        value = None if value is None else number_of(value) or 0
        is_right = value is None or value > 0
    else:
        is_right = isinstance(value, str) and value != ""
    if not is_right:
        wanted = _WANTED.get(name, "text, in quotes")
        raise malformed(f"invalid {name} of {kind}: {_plain(value)}; {wanted}")
    return value


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, Decimal) else value
