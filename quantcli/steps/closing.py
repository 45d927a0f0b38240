"""Reporting and sealing: the session's last report closes it for ever.

Order of effects: pages, report.json, transactions.jsonl, manifest.json. A rerun that finds the
report without a manifest seals; on a sealed session nothing is written. A session with an order
whose end is not known is not sealed: `unsealed.json` names it, and the next report tries again.
"""

from __future__ import annotations

import datetime as dt
from contextlib import suppress
from typing import NamedTuple

from quantcli.contracts.canonical import canonical_bytes
from quantcli.contracts.envelope import SchemaId, Stamp
from quantcli.contracts.errors import ArtifactConflict, ArtifactMissing, ClockSkew, gravest
from quantcli.contracts.manifest import TRANSACTIONS_FILE, Damage, Manifest, PreviousSeal
from quantcli.contracts.report import Report
from quantcli.contracts.scalars import instant_text
from quantcli.core.sessions import SKEW_MAX, sessions_between
from quantcli.ports.artifact_store import Located
from quantcli.steps.cycles import is_last_cycle
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

    def with_pages(desk: Desk) -> Report:
        found = report(desk)
        for name, data in sorted(world.pages(found).items()):
            # A report that died here may have left pages of another instant.
            world.store.publish_file(f"{folder}/{name}", data, is_final=False)
        return found

    found = run_step(world, "report", stamp, with_pages)
    assert isinstance(found, Report)
    sealed = older
    exit_code = found.exit_code
    if found.seals and not was_sealed:
        lost = _lost_seals(world, stamp.session)
        seal(world, stamp, stamp.session, (*found.damage, *lost))
        sealed = (*older, stamp.session)
        exit_code = gravest([exit_code, ArtifactMissing.exit_code if lost else 0])
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
    previous = _previous(world, session)
    head = world.journal.head()
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
        seal(world, stamp, session, tuple(world.store.damage(session)))
    return tuple(older)


def _previous(world: World, session: dt.date) -> PreviousSeal | None:
    """Return the newest seal before a session: as published, whatever stands there now."""
    for earlier in reversed(world.store.sessions()):
        if earlier < session:
            published = world.store.seal_published(earlier)
            if published is not None:
                return PreviousSeal(session=earlier, sha256=published)
            if world.store.is_sealed(earlier):
                return world.store.last_seal(session)
    return None


def _lost_seals(world: World, session: dt.date) -> tuple[Damage, ...]:
    """Return the newest earlier seal as damage if it was published and is gone."""
    previous = _previous(world, session)
    if previous is None or world.store.is_sealed(previous.session):
        return ()
    path = f"{previous.session.isoformat()}/manifest.json"
    return (Damage(path=path, code=ArtifactMissing.code, detail="was published and is gone"),)


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
