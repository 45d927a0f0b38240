"""Views: tables over all sessions, a function of the artifacts and never part of the seal.

`metrics.csv` has one row for each session, `enforcement.jsonl` one line for each judgment of a
signal. Both may be deleted at any time. A damaged artifact leaves its cells empty: the views
show what is known, the report says what is wrong.

Sealed sessions do not change, so their rows are kept from one refresh to the next, or a seal
would cost the more the older the desk. `kept.json` says what is kept: its digests, the seal it
reaches to, which through the chain stands for all seals before, and the program that made it.
Whatever does not fit that description is made anew.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Iterable, Sequence
from itertools import takewhile
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import orjson

from quantcli.contracts.canonical import canonical_bytes, canonical_line, sha256_hex
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
KEPT_FILE = "kept.json"
METRICS_COLUMNS: tuple[str, ...] = (
    "session", "equity", "cash", "exposure_gross", "exposure_net", "heat", "drawdown",
    "drawdown_max", "return_session", "volatility_5", "realised_session_gross", "pnl_net",
    "positions", "trades_closed", "fills", "signals", "executed", "incidents", "verdict",
    "go_no_go",
)  # fmt: skip


class _Rows(NamedTuple):
    """Rows of the first `sessions` sessions: CSV without its header, and JSON lines."""

    sessions: int
    metrics: bytes
    enforcement: bytes


_NOTHING = _Rows(0, b"", b"")
_DAY = dt.timedelta(days=1)


class Views:
    """The views of a desk."""

    def __init__(self, store: ArtifactStore, folder: Path, program: str) -> None:
        """Name the artifacts, the folder, `<desk>/views`, and the program's digest."""
        self._store = store
        self._folder = folder
        self._program = program

    def refresh(self) -> None:
        """Write both views, each atomically, with the bytes that a first refresh would write.

        Raises:
            StorageError: the disk refused.
        """
        sessions = self._store.sessions()
        sealed = tuple(takewhile(self._store.is_sealed, sessions))
        kept = self._kept(sealed)
        keep = _joined((kept, *map(self._rows_of, sealed[kept.sessions :])))
        whole = _joined((keep, *map(self._rows_of, sessions[len(sealed) :])))
        replace_file(self._folder / METRICS_FILE, _HEADER + whole.metrics)
        replace_file(self._folder / ENFORCEMENT_FILE, whole.enforcement)
        replace_file(self._folder / KEPT_FILE, canonical_bytes(self._described(sealed, keep)))

    def _kept(self, sealed: tuple[dt.date, ...]) -> _Rows:
        """Return the rows that can be kept; none if anything is not as it was described."""
        try:
            told = orjson.loads((self._folder / KEPT_FILE).read_bytes())
            metrics = (self._folder / METRICS_FILE).read_bytes().removeprefix(_HEADER)
            enforcement = (self._folder / ENFORCEMENT_FILE).read_bytes()
            kept = _Rows(
                told["sessions"],
                metrics[: told["metrics_bytes"]],
                enforcement[: told["enforcement_bytes"]],
            )
            return kept if self._described(sealed, kept) == told else _NOTHING
        except (OSError, ValueError, TypeError, KeyError):
            return _NOTHING

    def _described(self, sealed: tuple[dt.date, ...], rows: _Rows) -> dict[str, Any]:
        sessions = sealed[: rows.sessions]
        names = [session.isoformat() for session in sessions]
        seal = self._store.last_seal(sessions[-1] + _DAY) if sessions else None
        return {
            "program": self._program,
            "sessions": len(sessions),
            "sessions_sha256": sha256_hex(" ".join(names).encode()),
            "seal": seal.as_json() if seal is not None else None,
            "metrics_bytes": len(rows.metrics),
            "metrics_sha256": sha256_hex(rows.metrics),
            "enforcement_bytes": len(rows.enforcement),
            "enforcement_sha256": sha256_hex(rows.enforcement),
        }

    def _rows_of(self, session: dt.date) -> _Rows:
        located = self._store.list(session)
        snapshots = self._readable(located, Snapshot)
        reports = self._readable(located, Report)
        enforcements = self._readable(located, Enforce)
        return _Rows(
            1,
            _csv(_metrics(session, snapshots[-1:], reports[-1:])),
            b"".join(_judgments(each) for each in enforcements),
        )

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


def _joined(rows: Sequence[_Rows]) -> _Rows:
    return _Rows(
        sum(each.sessions for each in rows),
        b"".join(each.metrics for each in rows),
        b"".join(each.enforcement for each in rows),
    )


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


def _csv(cells: tuple[str, ...]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue().encode()


_HEADER = _csv(METRICS_COLUMNS)
