"""Reporting and sealing: the session's last report closes it for ever.

Order of effects: pages, report.json, manifest.json. A rerun that finds the report without a
manifest seals; on a sealed session nothing is written. A session whose orders are not all
known is not sealed: `unsealed.json` says so and the next report tries again.
"""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple

from quantcli.contracts.canonical import canonical_bytes
from quantcli.contracts.envelope import SchemaId, Stamp
from quantcli.contracts.errors import gravest
from quantcli.contracts.manifest import Damage, Manifest, PreviousSeal
from quantcli.contracts.report import Report
from quantcli.core.sessions import sessions_between
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

    Older sessions that were left unsealed are sealed first, oldest first.
    """
    folder = f"{stamp.session.isoformat()}/{stamp.cycle}"
    page = f"{folder}/report.html"
    older = _seal_older(world, stamp) if not world.store.is_sealed(stamp.session) else ()

    def with_pages(desk: Desk) -> Report:
        found = report(desk)
        for name, data in sorted(world.pages(found).items()):
            world.store.publish_file(f"{folder}/{name}", data)
        return found

    found = run_step(world, "report", stamp, with_pages)
    assert isinstance(found, Report)
    if not found.seals or world.store.is_sealed(stamp.session):
        world.refresh_views()
        return Closing(found, found.exit_code, page, older)
    unknown = _unknown_orders(world)
    if unknown:
        path = f"{folder}/unsealed.json"
        world.store.publish_file(path, canonical_bytes({"unknown_orders": list(unknown)}))
        world.refresh_views()
        return Closing(found, gravest([found.exit_code, _UNKNOWN_EXIT_CODE]), page, older)
    seal(world, stamp.session, found.damage)
    world.refresh_views()
    return Closing(found, found.exit_code, page, (*older, stamp.session))


def seal(world: World, session: dt.date, damage: tuple[Damage, ...]) -> None:
    """Write the session's manifest, chained to the newest before it."""
    previous = world.store.last_seal(session)
    head = world.journal.head()
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
    world.store.publish_file(path, canonical_bytes(manifest.as_json()))


def _seal_older(world: World, stamp: Stamp) -> tuple[dt.date, ...]:
    older = [
        session
        for session in world.store.sessions()
        if session < stamp.session and not world.store.is_sealed(session)
    ]
    if older and _unknown_orders(world):
        return ()
    for session in older:
        seal(world, session, tuple(world.store.damage(session)))
    return tuple(older)


def _unknown_orders(world: World) -> tuple[str, ...]:
    return tuple(
        order.intent.client_order_id
        for order in world.journal.orders(live_only=True)
        if order.state == "UNKNOWN"
    )


def _gap(previous: PreviousSeal | None, session: dt.date) -> tuple[dt.date, ...]:
    if previous is None:
        return ()
    return sessions_between(previous.session, session)[1:-1]
