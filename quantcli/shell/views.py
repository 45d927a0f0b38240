"""Views: tables over all sessions, rebuilt whole from artifacts and never part of the seal.

`metrics.csv` has one row for each session, `enforcement.jsonl` one line for each judgment of a
signal. Both may be deleted at any time. A damaged artifact leaves its cells empty: the views
show what is known, the report says what is wrong.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple, TypeVar
from weakref import WeakKeyDictionary

from quantcli.contracts.canonical import canonical_line
from quantcli.contracts.enforce import Enforce
from quantcli.contracts.envelope import Artifact
from quantcli.contracts.errors import ArtifactError
from quantcli.contracts.report import Report
from quantcli.contracts.scalars import plain
from quantcli.contracts.snapshot import Snapshot
from quantcli.ports.artifact_store import ArtifactStore, Located
from quantcli.shell.files import replace_file

ArtifactT = TypeVar("ArtifactT", bound=Artifact)

METRICS_FILE = "metrics.csv"
ENFORCEMENT_FILE = "enforcement.jsonl"
METRICS_COLUMNS: tuple[str, ...] = (
    "session", "equity", "cash", "exposure_gross", "exposure_net", "heat", "drawdown",
    "drawdown_max", "return_session", "volatility_5", "realised_session_gross", "pnl_net",
    "positions", "trades_closed", "fills", "signals", "executed", "incidents", "verdict",
    "go_no_go",
)  # fmt: skip


def refresh_views(home: Path, store: ArtifactStore) -> None:
    """Rebuild the views of a desk under `<home>/views`.

    Raises:
        StorageError: the disk refused.
    """
    if store not in _OPEN:
        _OPEN[store] = Views(store, home / "views")
    _OPEN[store].rebuild()


class _Block(NamedTuple):
    """What one session adds to the views."""

    metrics: tuple[str, ...]
    enforcement: bytes


class Views:
    """Rebuilds the views of a desk; remembers sealed sessions, which cannot change."""

    def __init__(self, store: ArtifactStore, folder: Path) -> None:
        """Name the artifacts and the folder, `<desk>/views`."""
        self._store = store
        self._folder = folder
        self._sealed: dict[dt.date, _Block] = {}

    def rebuild(self) -> None:
        """Write both views whole, each atomically.

        Raises:
            StorageError: the disk refused.
        """
        blocks = [self._block(session) for session in self._store.sessions()]
        replace_file(self._folder / METRICS_FILE, _csv(block.metrics for block in blocks))
        lines = b"".join(block.enforcement for block in blocks)
        replace_file(self._folder / ENFORCEMENT_FILE, lines)

    def _block(self, session: dt.date) -> _Block:
        known = self._sealed.get(session)
        if known is not None:
            return known
        located = self._store.list(session)
        snapshots = self._readable(located, Snapshot)
        reports = self._readable(located, Report)
        block = _Block(
            _metrics(session, snapshots[-1:], reports[-1:]),
            b"".join(_judgments(each) for each in self._readable(located, Enforce)),
        )
        if self._store.is_sealed(session):
            self._sealed[session] = block
        return block

    def _readable(
        self, located: Iterable[Located], model: type[ArtifactT]
    ) -> tuple[ArtifactT, ...]:
        found = []
        for each in located:
            if each.step == model.STEP:
                try:
                    found.append(self._store.load(each, model)[0])
                except ArtifactError:
                    continue
        return tuple(found)


#: The views of each store in this process: a replay closes many sessions.
_OPEN: WeakKeyDictionary[ArtifactStore, Views] = WeakKeyDictionary()


def _metrics(
    session: dt.date, snapshots: tuple[Snapshot, ...], reports: tuple[Report, ...]
) -> tuple[str, ...]:
    cells = dict.fromkeys(METRICS_COLUMNS, "")
    cells["session"] = session.isoformat()
    for snapshot in snapshots:
        for name in METRICS_COLUMNS[1:10]:
            value = getattr(snapshot, name)
            cells[name] = "" if value is None else plain(value)
        cells["realised_session_gross"] = plain(snapshot.pnl.realised_session_gross)
        cells["pnl_net"] = plain(snapshot.pnl.net)
        cells["positions"] = str(len(snapshot.positions))
        cells["trades_closed"] = str(len(snapshot.trades_closed))
    for report in reports:
        cells["fills"] = str(len(report.fills))
        cells["signals"] = str(report.signals_scanned)
        cells["executed"] = str(report.counts.get("EXECUTED", 0))
        cells["incidents"] = str(len(report.incidents))
        cells["verdict"] = report.verdict
        cells["go_no_go"] = report.go_no_go
    return tuple(cells.values())


def _judgments(enforce: Enforce) -> bytes:
    place = {
        "session": enforce.session.isoformat(),
        "cycle": enforce.cycle,
        "is_enforced": enforce.is_enforced,
    }
    lines = ({**place, **verdict.as_json()} for verdict in enforce.verdicts)
    return b"".join(canonical_line(line) for line in lines)


def _csv(rows: Iterable[tuple[str, ...]]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(METRICS_COLUMNS)
    writer.writerows(rows)
    return text.getvalue().encode()
