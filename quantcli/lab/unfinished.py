"""Steps that died and were never run again: their tapes, and what they could have read."""

from __future__ import annotations

import datetime as dt

from quantcli.contracts.canonical import sha256_hex
from quantcli.contracts.envelope import STEPS, InputRef
from quantcli.ports.artifact_store import Located
from quantcli.shell.artifact_store import FileStore
from quantcli.shell.tape import TAPE_NAME
from quantcli.steps.run import BROKER_STEPS


def unfinished(store: FileStore, session: dt.date) -> tuple[Located, ...]:
    """Return where the artifacts of steps with tapes belong, whether they are there or not."""
    day = session.isoformat()
    found = set()
    for path in (store.root / day).glob("*/*.jsonl"):
        step = TAPE_NAME.sub("", path.name)
        if step in BROKER_STEPS:
            cycle = path.parent.name
            found.add(Located(session, cycle, step, f"{day}/{cycle}/{step}.json"))
    return tuple(sorted(found, key=lambda each: (each.cycle, STEPS.index(each.step))))


def visible_to(
    store: FileStore, located: Located, seen: frozenset[str] | None
) -> tuple[InputRef, ...]:
    """Return all that a step could have read: its session so far, and the session before.

    Args:
        store: The files as they are now.
        located: Where the step's artifact would be.
        seen: Names that the step's tape says were there; None: it does not say, all are taken.
    """
    found = store.names_before(located.session)
    return tuple(
        InputRef(name=name, sha256=sha256_hex((store.root / name).read_bytes()))
        for name in found
        if (name in seen if seen is not None else _cycle_of(name, located) <= located.cycle)
        and (store.root / name).is_file()
    )


def _cycle_of(name: str, located: Located) -> str:
    """Return the cycle of a file of the step's own session; that of an older one is the first."""
    day, cycle, *_ = name.split("/")
    return cycle if day == located.session.isoformat() else ""
