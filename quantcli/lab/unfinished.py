"""Steps that died and were never run again: their tapes, and what they could have read."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

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


def visible_to(store: FileStore, located: Located) -> tuple[InputRef, ...]:
    """Return all that a step could have read: its session so far, and the session before."""
    return tuple(_visible(store, located))


def _visible(store: FileStore, located: Located) -> Iterator[InputRef]:
    own = [each for each in store.list(located.session) if each.cycle <= located.cycle]
    earlier = [day for day in store.sessions() if day < located.session][-1:]
    before = [each for day in earlier for each in store.list(day)]
    for each in (*before, *own):
        file = store.root / each.path
        if file.is_file():
            yield InputRef(name=each.path, sha256=sha256_hex(file.read_bytes()))
    for day in earlier:
        digest = store.seal_published(day)
        if digest is not None and store.is_sealed(day):
            yield InputRef(name=f"{day.isoformat()}/manifest.json", sha256=digest)
