"""Instants and dates as they are typed, and the instant a command acts as of, read once."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from quantcli.contracts.errors import BarsMissing, SessionError, UsageError
from quantcli.contracts.scalars import instant, instant_text, session_date
from quantcli.core.sessions import is_session, new_york, next_session

if TYPE_CHECKING:
    from quantcli.cli.wiring import Workspace


def typed_instant(text: str, option: str) -> dt.datetime:
    """Return the instant that an option spells.

    Raises:
        UsageError: not an instant.
    """
    try:
        return instant(text)
    except ValueError as error:
        raise UsageError(
            f"{option} is not an instant", value=text, hint="write it like 2024-08-01T12:30:00Z"
        ) from error


def typed_date(text: str, option: str) -> dt.date:
    """Return the date that an option or argument spells.

    Raises:
        UsageError: not a date.
    """
    try:
        return session_date(text)
    except ValueError as error:
        raise UsageError(
            f"{option} is not a date", value=text, hint="write it like 2024-08-01"
        ) from error


def typed_range(first: str, last: str) -> tuple[dt.date, dt.date]:
    """Return the dates that --from and --to spell.

    Raises:
        UsageError: not dates, or in the wrong order.
    """
    begin, end = typed_date(first, "--from"), typed_date(last, "--to")
    if end < begin:
        raise UsageError("--to lies before --from", value=f"{begin} to {end}")
    return begin, end


def command_instant(workspace: Workspace, as_of: str | None) -> dt.datetime:
    """Return the instant, whole seconds: given, the local exchange's, or the wall's.

    Raises:
        UsageError: not an instant.
        BarsMissing: a local exchange that never ran, on a desk without bars.
        SessionError: a local exchange whose clock was never moved.
    """
    if as_of is None:
        return _started(workspace, _default(workspace)).replace(microsecond=0)
    return typed_instant(as_of, "--as-of").replace(microsecond=0)


def present(workspace: Workspace) -> dt.datetime:
    """Return the instant that is: the local exchange's clock, a dry run's own, or the wall's.

    Raises:
        BarsMissing: a local exchange that never ran, on a desk without bars.
    """
    if workspace.mode != "dry-run":
        return _default(workspace)
    return workspace.exchange_time()


def operators_session(workspace: Workspace, at: dt.datetime) -> dt.date:
    """Return the session that learns of an operator's act: nothing is added to a sealed one."""
    day = new_york(at).date()
    session = day if is_session(day) else next_session(day)
    return next_session(session) if workspace.store.is_sealed(session) else session


def _started(workspace: Workspace, clock: dt.datetime) -> dt.datetime:
    """Return a local exchange's clock, unless it stands where every new one does."""
    from quantcli.exchange.settings import FIRST_INSTANT

    if workspace.config.desk.mode == "local" and clock == FIRST_INSTANT:
        raise SessionError(
            "the local exchange's clock was never moved",
            value=instant_text(clock),
            hint="quantcli exchange advance --to INSTANT, or quantcli replay; or name --as-of",
        )
    return clock


def _default(workspace: Workspace) -> dt.datetime:
    if workspace.config.desk.mode != "local":
        return workspace.clock.now()
    if workspace.url:
        return workspace.exchange_time()
    from quantcli.exchange.clock_reading import book_clock

    homes = {workspace.root, workspace.home}
    clocks = [book_clock(home / "exchange" / "book.sqlite3") for home in sorted(homes)]
    known = [clock for clock in clocks if clock is not None]
    if known:
        return max(known)
    if workspace.market.summary("1Day").last is None:
        raise BarsMissing(
            "no bars are imported: the local exchange has no time to start at",
            hint="quantcli data import FILE --timeframe 1Day, or name an instant with --as-of",
        )
    return workspace.exchange_time()
