"""Reporting and sealing: the session's last report closes it for ever.

Order of effects: pages, report.json, transactions.jsonl, manifest.json. A rerun that finds the
report without a manifest seals; on a sealed session nothing is written. A session with an order
whose end is not known is not sealed: `unsealed.json` names it, and the next report tries again.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import suppress
from typing import NamedTuple

from quantcli.contracts.canonical import canonical_bytes
from quantcli.contracts.envelope import SchemaId, Stamp
from quantcli.contracts.errors import ArtifactConflict, ArtifactError, ClockSkew, gravest
from quantcli.contracts.manifest import TRANSACTIONS_FILE, Damage, Manifest, PreviousSeal
from quantcli.contracts.report import Report
from quantcli.contracts.scalars import instant_text
from quantcli.contracts.stored_config import check_config, config_name
from quantcli.core.sessions import SKEW_MAX, cycle_name, sessions_between
from quantcli.ports.artifact_store import Located
from quantcli.steps.cycles import WINDOW, cycles_of, is_last_cycle
from quantcli.steps.desk import Desk
from quantcli.steps.report import report
from quantcli.steps.run import World, run_step

_UNKNOWN_EXIT_CODE = 7


class Closing(NamedTuple):
    """What closing came to."""

    report: Report
    exit_code: int
    page: str
    sealed: tuple[dt.date, ...]


def close_report(world: World, stamp: Stamp) -> Closing:
    """Write the report with its pages and, if it is the session's last, seal.

    Older sessions that were left unsealed are sealed first, oldest first, and only by a report
    that may seal its own: one typed with a wrong date must not close the session under way.

    Raises:
        ClockSkew: the report would seal, and its instant lies in the future.
    """
    world.started()
    folder = f"{stamp.session.isoformat()}/{stamp.cycle}"
    page = f"{folder}/report.html"
    was_sealed = world.store.is_sealed(stamp.session)
    final = world.store.find(stamp.session, "report", not_after=stamp.cycle)
    if was_sealed and final is not None and final.cycle != stamp.cycle:
        return _as_sealed(world, final)
    is_last = is_last_cycle(world.config, stamp.session, stamp.as_of)
    if is_last and not was_sealed:
        _require_present(world, stamp)
    older = _seal_older(world, stamp) if is_last and not was_sealed else ()
    found = _told(world, stamp)
    sealed = older
    exit_code = found.exit_code
    if found.seals and not was_sealed:
        # A report of an attempt that died may have been written before the damage was done.
        lost = tuple(
            each for each in _seal_damage(world, stamp.session) if each not in found.damage
        )
        seal(world, stamp, stamp.session, (*found.damage, *lost))
        sealed = (*older, stamp.session)
        exit_code = gravest([exit_code, ArtifactError.exit_code if lost else 0])
    elif found.seals:
        # The run that sealed may have died before its record: the same bytes may be recorded.
        with suppress(ArtifactConflict):
            seal(world, stamp, stamp.session, found.damage)
    elif is_last:
        open_ids = {"open_orders": list(_open_orders(world, stamp.session))}
        told = canonical_bytes(open_ids)
        world.store.publish_file(f"{folder}/unsealed.json", told, is_final=False)
        exit_code = gravest([exit_code, _UNKNOWN_EXIT_CODE])
    if sealed:
        # Views read every session: only a seal is worth that.
        world.refresh_views()
    return Closing(found, exit_code, page, sealed)


def _told(world: World, stamp: Stamp) -> Report:
    """Return the report of a cycle, written now with its pages unless it was before."""
    folder = f"{stamp.session.isoformat()}/{stamp.cycle}"

    def with_pages(desk: Desk) -> Report:
        found = report(desk)
        for name, data in sorted(world.pages(found).items()):
            # A report that died here may have left pages of another instant.
            world.store.publish_file(f"{folder}/{name}", data, is_final=False)
        return found

    found = run_step(world, "report", stamp, with_pages)
    assert isinstance(found, Report)
    return found


def _require_present(world: World, stamp: Stamp) -> None:
    """Refuse to seal ahead of time: nothing could be added to the session under way."""
    present = world.present()
    if stamp.as_of > present + SKEW_MAX:
        raise ClockSkew(
            f"a report of {instant_text(stamp.as_of)} would seal; now is {instant_text(present)}",
            value=stamp.session,
            hint="nothing was written; check --as-of, or advance the local exchange first",
        )


def _as_sealed(world: World, final: Located) -> Closing:
    """Return the report that a sealed session has; nothing is written.

    Raises:
        ArtifactError: it is damaged.
    """
    found, _ = world.store.load(final, Report)
    folder = final.path.rsplit("/", 1)[0]
    return Closing(found, found.exit_code, f"{folder}/report.html", ())


def seal(world: World, stamp: Stamp, session: dt.date, damage: tuple[Damage, ...]) -> None:
    """Write a session's manifest, chained to the newest before it, and record its digest.

    Args:
        world: The composition root's parts.
        stamp: Where the report that seals runs; its run record names the manifest, which has
            no successor yet that would.
        session: The session to seal, the stamp's own or an older one.
        damage: What is known to be damaged.
    """
    previous = world.store.previous_seal(session)
    head = world.journal.head()
    world.store.settle(session)
    # Of an attempt to seal that died the log may lack rows; of a sealed session it never changes.
    world.store.publish_file(
        f"{session.isoformat()}/{TRANSACTIONS_FILE}",
        world.journal.transactions(session),
        is_final=world.store.is_sealed(session),
    )
    manifest = Manifest(
        schema_id=SchemaId(name=Manifest.SCHEMA, version=Manifest.VERSION),
        session=session,
        previous=previous,
        gap=_gap(previous, session),
        files=(*world.store.files(session), *world.store.configs(session)),
        damage=damage,
        journal_seq=head.seq,
        journal_sha256=head.sha256,
    )
    path = f"{session.isoformat()}/manifest.json"
    ref = world.store.publish_file(path, canonical_bytes(manifest.as_json()))
    world.record(stamp, "report", 0, {ref.name: ref.sha256})


def _seal_older(world: World, stamp: Stamp) -> tuple[dt.date, ...]:
    older = [
        session
        for session in world.store.sessions()
        if session < stamp.session
        and not world.store.is_sealed(session)
        and world.store.seal_published(session) is None
    ]
    if older and _open_orders(world, older[-1]):
        return ()
    for session in older:
        _tell_missed(world, session)
        seal(world, stamp, session, (*_damage(world, session), *_seal_damage(world, session)))
    return tuple(older)


def _tell_missed(world: World, session: dt.date) -> None:
    """Write a session's last report if none told how it ended: its signals end there, or nowhere.

    One that was written while an outcome was open stays what it is; another follows it.
    """
    cycles = cycles_of(world.config, session)
    if not cycles:
        return
    told = world.store.find(session, "report", not_after="235959")
    at = cycles[-1].at
    if told is not None and told.cycle >= cycles[-1].name:
        try:
            last, _ = world.store.load(told, Report)
        except ArtifactError:
            return  # the seal names the damage
        if last.seals:
            return
        at = last.as_of + WINDOW
    _told(world, world.stamp(session, cycle_name(at), at))


def _damage(world: World, session: dt.date) -> Iterator[Damage]:
    """Yield what is damaged of a session that its own report did not seal."""
    yield from world.store.damage(session)
    for config in world.store.configs(session):
        try:
            check_config(config_name(config.path), config.sha256)
        except ArtifactError as error:
            yield Damage(path=config.path, code=error.code, detail=error.message)


def _seal_damage(world: World, session: dt.date) -> tuple[Damage, ...]:
    """Return the newest seal before a session if it is not what was published."""
    previous = world.store.previous_seal(session)
    damage = None if previous is None else world.store.seal_damage(previous.session)
    return () if damage is None else (damage,)


def _open_orders(world: World, session: dt.date) -> tuple[str, ...]:
    """Return orders up to a session whose outcome is unknown, or that may still open a position."""
    return tuple(
        order.intent.client_order_id
        for order in world.journal.orders(live_only=True)
        if order.intent.session <= session
        and (order.state == "UNKNOWN" or order.intent.purpose == "entry")
    )


def _gap(previous: PreviousSeal | None, session: dt.date) -> tuple[dt.date, ...]:
    if previous is None:
        return ()
    return sessions_between(previous.session, session)[1:-1]
