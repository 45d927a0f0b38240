"""`report`: the session for people. Reads everything, judges nothing again, never fails on damage.

It works from artifacts and journal rows alone: no broker, no bars, no halt record, so that it
can be derived again from what was sealed. Writing the pages, the manifest and the chain is the
work of the sealing step.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress

from quantcli.contracts.envelope import Artifact, StepName
from quantcli.contracts.errors import ArtifactError
from quantcli.contracts.journal_rows import OrderRow
from quantcli.contracts.manifest import Damage
from quantcli.contracts.orders import OrderRecord
from quantcli.contracts.registry import schema_model
from quantcli.contracts.report import Report
from quantcli.contracts.snapshot import Snapshot
from quantcli.core.evidence import Evidence, Expected, Seen, Written, in_run_order
from quantcli.core.report_model import report_exit_code, report_fields
from quantcli.ports.artifact_store import Located
from quantcli.ports.journal import JournalRow
from quantcli.steps.cycles import cycles_of, is_last_cycle
from quantcli.steps.desk import Desk


def report(desk: Desk, damage: Sequence[Damage] = ()) -> Report:
    """Return the report of this session as of this cycle.

    Args:
        desk: The session's artifacts and journal.
        damage: Damaged files other than those that this step finds itself.
    """
    evidence = gather(desk, damage)
    fields = report_fields(evidence, desk.stamp.mode)
    seal = desk.store.previous_seal(desk.stamp.session)
    return Report(
        **desk.header(Report, report_exit_code(evidence)),
        **fields,
        previous_seal=seal.sha256 if seal else None,
    )


def gather(desk: Desk, damage: Sequence[Damage] = ()) -> Evidence:
    """Return what the session left behind, as of this cycle; everything read is noted."""
    stamp, journal = desk.stamp, desk.journal
    desk.note_journal()
    found = [_seen(desk, located) for located in desk.store.list(stamp.session)]
    seen = [each for each in found if each is not None]
    expected = _expected(desk)
    rows = journal.rows(session=stamp.session)
    orders = _orders(desk, rows)
    return Evidence(
        session=stamp.session,
        cycle=stamp.cycle,
        seen=in_run_order(seen, expected),
        expected=expected,
        rows=tuple(Written(each.place.cycle, each.place.step, each.row) for each in rows),
        orders=orders,
        flags=journal.flags(),
        before=_before(desk),
        config=desk.config,
        damage=(*damage, *_damage(desk, seen)),
        is_last=is_last_cycle(desk.config, stamp.session, stamp.as_of),
        told=_told(desk, orders),
    )


def _told(desk: Desk, orders: Iterable[OrderRecord]) -> frozenset[str]:
    """Return the signals behind older entries whose end their own session's report told."""
    session = desk.stamp.session
    older = {
        order.intent.session
        for order in orders
        if order.intent.session < session and order.intent.purpose == "entry"
    }
    told = set()
    for each in sorted(older):
        located = desk.store.find(each, "report", not_after="235959")
        with suppress(ArtifactError):
            found = None if located is None else desk.read(Report, located)[0]
            told |= {
                outcome.signal_id
                for outcome in (found.signals if found is not None else ())
                if outcome.state is not None
            }
    return frozenset(told)


def _damage(desk: Desk, seen: Sequence[Seen]) -> tuple[Damage, ...]:
    """Return damage outside the session's artifacts: the seal before it, and its configs."""
    named = {each.artifact.config_sha256 for each in seen if each.artifact is not None}
    configs = sorted({*named, desk.stamp.config_sha256})
    found = (desk.seal_damage(), *map(desk.config_damage, configs))
    return tuple(each for each in found if each is not None)


def _seen(desk: Desk, located: Located) -> Seen | None:
    """Return an artifact as found; None for what lies after this step in the session."""
    cycle, step = located.cycle, _step(located)
    if cycle > desk.stamp.cycle or (cycle, step) == (desk.stamp.cycle, "report"):
        return None
    model = schema_model(step)
    assert issubclass(model, Artifact)
    try:
        artifact, _ = desk.read(model, located)
    except ArtifactError as error:
        return Seen(cycle, step, located.path, None, error.code, error.message)
    return Seen(cycle, step, located.path, artifact)


def _step(located: Located) -> StepName:
    step: StepName = located.step  # type: ignore[assignment]
    return step


def _expected(desk: Desk) -> tuple[Expected, ...]:
    """Return the steps scheduled so far; of this cycle those that stand before its report."""
    mine = desk.stamp.cycle
    found = []
    for cycle in cycles_of(desk.config, desk.stamp.session):
        steps = cycle.steps
        if cycle.name == mine and "report" in steps:
            steps = steps[: steps.index("report")]
        if cycle.name <= mine:
            found.append(Expected(cycle.name, steps))
    return tuple(found)


def _orders(desk: Desk, rows: Iterable[JournalRow]) -> tuple[OrderRecord, ...]:
    """Return orders with intents of this session, then older ones, live or changed in it."""
    own = desk.journal.orders(session=desk.stamp.session)
    known = {order.intent.client_order_id for order in own}
    older = {}
    for order in desk.journal.orders(live_only=True):
        older[order.intent.client_order_id] = order
    for each in rows:
        if isinstance(each.row, OrderRow) and each.row.client_order_id not in {*known, *older}:
            changed = desk.journal.order(each.row.client_order_id)
            if changed is not None:
                older[changed.intent.client_order_id] = changed
    return (*own, *(older[name] for name in older if name not in known))


def _before(desk: Desk) -> Snapshot | None:
    """Return the newest readable snapshot of an earlier session, else this session's genesis."""
    session = desk.stamp.session
    for earlier in reversed([each for each in desk.store.sessions() if each < session]):
        located = desk.store.find(earlier, "snapshot", not_after="235959")
        found = _snapshot(desk, located)
        if found is not None:
            return found
    firsts = [each for each in desk.store.list(session) if each.step == "snapshot"]
    found = _snapshot(desk, firsts[0]) if firsts else None
    return found if found is not None and found.is_genesis else None


def _snapshot(desk: Desk, located: Located | None) -> Snapshot | None:
    if located is None:
        return None
    try:
        return desk.read(Snapshot, located)[0]
    except ArtifactError:
        return None
