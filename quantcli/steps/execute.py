"""`execute`: place what was approved and is due, exactly once; end what has had its time.

The only sender of entries. Intents are durable before anything is sent; then comes the sync, the
end of orders past their time to live, and the sending. Without a usable enforce.json nothing new
is sent, and all the rest is done.
"""

from __future__ import annotations

import datetime as dt
from contextlib import suppress

from quantcli.contracts.decide import Decide
from quantcli.contracts.enforce import Enforce
from quantcli.contracts.envelope import Finding
from quantcli.contracts.errors import ArtifactError, ArtifactMissing, BrokerError
from quantcli.contracts.execution import Execute
from quantcli.contracts.journal_rows import IntentRow
from quantcli.contracts.orders import OrderRecord
from quantcli.core.halts import journal_halt
from quantcli.core.order_payload import payload_sha256
from quantcli.core.order_states import own_row
from quantcli.core.sessions import SKEW_MAX
from quantcli.steps.desk import Desk
from quantcli.steps.entry_life import end_entry, end_unsent, is_due, is_overdue
from quantcli.steps.exit_codes import exit_code_of
from quantcli.steps.order_protocol import Patience, send
from quantcli.steps.order_reports import actions_booked, changes, fills_booked, order_reports
from quantcli.steps.sync import Synced, sync

_OUTDATED = "enforce-outdated"


class Gate:
    """Asked before each entry is sent: halt, PAUSED and the instant, read anew each time."""

    def __init__(
        self,
        desk: Desk,
        patience: Patience,
        blocked_symbols: frozenset[str],
        *,
        is_outdated: bool,
        exceeded: tuple[Finding, ...],
    ) -> None:
        """Start with nothing withheld and the broker's clock not yet read.

        Args:
            desk: The running step.
            patience: The waits since the step began.
            blocked_symbols: Symbols whose position differs at the broker.
            is_outdated: What was approved was judged on other grounds than are now in force.
            exceeded: Limits that differences of positions exceed: then no symbol is bought.
        """
        self._desk = desk
        self._patience = patience
        self._blocked = blocked_symbols
        self._is_outdated = is_outdated
        self._exceeded = exceeded
        self._is_skewed: bool | None = None
        self.withheld: dict[str, Finding] = {}

    def may_send(self, order: OrderRecord) -> bool:
        """Return whether an entry may go out now; if not, keep the reason."""
        code = self._objection(order)
        if code is not None:
            name = order.intent.client_order_id
            self.withheld[name] = Finding(code=code, observed=name)
        return code is None

    def _objection(self, order: OrderRecord) -> str | None:
        reading = self._desk.halts.read()
        if reading.entries or reading.all:
            return "halted"
        flags = self._desk.journal.flags()
        if journal_halt(flags) is not None:
            return "halted"
        if "paused" in flags and flags["paused"].is_set:
            return "paused"
        if self._exceeded:
            return self._exceeded[0].code
        if order.intent.symbol in self._blocked:
            return "position-quantity"
        if self._is_outdated:
            return _OUTDATED
        # The broker's clock, not the cycle's instant: a resumed run may come late.
        now = self._desk.broker.clock().timestamp
        if self._is_skewed is None:
            # Once, at the first send: later ones may have waited for look-ups.
            waited = dt.timedelta(seconds=self._patience.waited_seconds)
            self._is_skewed = abs(now - self._desk.stamp.as_of) > SKEW_MAX + waited
        if not is_due(self._desk, order.intent, now):
            return "outside-order-window"
        return "clock-skew" if self._is_skewed else None


def execute(desk: Desk) -> Execute:
    """Return one pass of `execute`."""
    patience = Patience(desk.sleep)
    enforce, problems = _enforcement(desk)
    is_outdated = enforce is not None and _is_outdated(desk, enforce)
    problems += _withdraw(desk, enforce) if is_outdated else _promise(desk, enforce)
    synced = sync(desk, patience)
    problems += synced.codes
    end_unsent(desk)
    gate = Gate(
        desk,
        patience,
        frozenset(item.subject for item in synced.differences),
        is_outdated=is_outdated,
        exceeded=synced.exceeded,
    )
    try:
        if not synced.is_foreign:
            _end_expired(desk, patience)
        if enforce is not None and synced.is_whole:
            _send_due(desk, gate, patience)
    except BrokerError as error:
        problems.append(error.code)
    return _artifact(desk, problems, gate, synced)


def _enforcement(desk: Desk) -> tuple[Enforce | None, list[str]]:
    """Return the newest enforcement of the session, or why there is none."""
    located = desk.find("enforce")
    if located is None:
        return None, ["enforce-missing"]
    try:
        enforce, _ = desk.read(Enforce, located)
    except ArtifactMissing:
        return None, ["enforce-missing"]
    except ArtifactError as error:
        return None, ["enforce-invalid", error.code]
    return enforce, []


def _is_outdated(desk: Desk, enforce: Enforce) -> bool:
    """Return whether a newer decision, or another configuration, is in force by now.

    What `enforce` approved may be what they forbid.
    """
    if enforce.config_sha256 != desk.stamp.config_sha256:
        return True
    newest = desk.find("decide")
    judged = None if enforce.decision is None else enforce.decision.name
    if newest is None or newest.path == judged:
        return False
    with suppress(ArtifactError):
        desk.read(Decide, newest)  # an input, whatever it says
    return True


def _withdraw(desk: Desk, enforce: Enforce | None) -> list[str]:
    """End what was approved on grounds that no longer hold and was never sent.

    What was not promised yet may be approved anew.
    """
    orders = desk.journal.orders(purpose="entry", session=desk.stamp.session, live_only=True)
    unsent = [order for order in orders if order.state == "PENDING"]
    desk.write([own_row(order, "EXPIRED", "expire", _OUTDATED) for order in unsent])
    rows = (row for change in changes(desk.my_rows()) for row in change.rows)
    is_ended = any(row.code == _OUTDATED for row in rows)
    intents = () if enforce is None else enforce.intents
    is_new = any(desk.journal.order(intent.client_order_id) is None for intent in intents)
    return [_OUTDATED] if is_ended or is_new else []


def _promise(desk: Desk, enforce: Enforce | None) -> list[str]:
    """Journal the intents that are new and return codes of those that cannot be believed."""
    rows, problems = [], []
    for intent in () if enforce is None else enforce.intents:
        known = desk.journal.order(intent.client_order_id)
        if known is not None and known.intent == intent:
            continue
        is_sound = (
            known is None
            and intent.purpose == "entry"
            and intent.side == "buy"
            and intent.session == desk.stamp.session
            and intent.payload_sha256 == payload_sha256(intent)
        )
        if is_sound:
            rows.append(IntentRow(intent=intent))
        else:
            problems.append("intent-invalid")
    desk.write(rows)
    return problems


def _end_expired(desk: Desk, patience: Patience) -> None:
    for order in desk.journal.orders(purpose="entry", live_only=True):
        end_entry(desk, order, patience)


def _send_due(desk: Desk, gate: Gate, patience: Patience) -> None:
    """Send what is due: new entries, and those whose outcome is unknown, once more."""
    for order in desk.journal.orders(purpose="entry", session=desk.stamp.session, live_only=True):
        if order.state in {"PENDING", "UNKNOWN"} and is_due(desk, order.intent, desk.stamp.as_of):
            send(desk, order, patience, gate.may_send)


def _artifact(desk: Desk, problems: list[str], gate: Gate, synced: Synced) -> Execute:
    codes = set(problems) | {item.code for item in synced.differences}
    live = desk.journal.orders(live_only=True)
    if any(order.state == "UNKNOWN" for order in live):
        codes.add("outcome-unknown")
    if any(is_overdue(desk, order) for order in live):
        codes.add("cancel-unconfirmed")
    withheld = tuple(gate.withheld[name] for name in sorted(gate.withheld))
    codes |= {finding.code for finding in withheld}
    rows = desk.my_rows()
    return Execute(
        **desk.header(Execute, exit_code_of(codes)),
        orders=order_reports(desk, rows),
        fills=fills_booked(rows),
        actions=actions_booked(rows),
        withheld=withheld,
        codes=tuple(sorted(codes)),
    )
