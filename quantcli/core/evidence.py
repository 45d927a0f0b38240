"""What a session left behind: its artifacts, whole or damaged, and its journal rows.

The report and `why` are functions of this value. A damaged artifact is a fact among others:
nothing here fails because one cannot be read.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar

from quantcli.contracts.config import DeskConfig
from quantcli.contracts.envelope import STEPS, Artifact, Frozen, StepName
from quantcli.contracts.journal_rows import FlagRow
from quantcli.contracts.manifest import Damage
from quantcli.contracts.orders import TERMINAL_ORDER_STATES, OrderRecord
from quantcli.contracts.report import StepHealth, StepStatus
from quantcli.contracts.snapshot import Snapshot

ArtifactT = TypeVar("ArtifactT", bound=Artifact)
RowT = TypeVar("RowT", bound=Frozen)

_STATUS: Mapping[str, StepStatus] = {
    "artifact-missing": "missing",
    "artifact-tampered": "tampered",
    "artifact-foreign": "foreign",
}


class Seen(NamedTuple):
    """One artifact of the session: whole, or damaged with the error that says how."""

    cycle: str
    step: StepName
    path: str
    artifact: Artifact | None
    error_code: str = ""
    error_detail: str = ""

    @property
    def health(self) -> StepHealth:
        """The artifact's state for the report."""
        status: StepStatus = "ok"
        if self.artifact is None:
            status = _STATUS.get(self.error_code, "corrupt")
        exit_code = self.artifact.exit_code if self.artifact else None
        return StepHealth(
            cycle=self.cycle, step=self.step, status=status, exit_code=exit_code, path=self.path
        )


class Written(NamedTuple):
    """A journal row of the session and which step wrote it."""

    cycle: str
    step: str
    row: Frozen


StepT = TypeVar("StepT", Seen, StepHealth)


class Expected(NamedTuple):
    """Steps that the schedule asks of one cycle."""

    cycle: str
    steps: tuple[StepName, ...]


def in_run_order(items: Iterable[StepT], expected: Iterable[Expected]) -> tuple[StepT, ...]:
    """Return what belongs to steps by cycle, in the order in which the schedule runs them.

    A step that the schedule does not name in that cycle was run by hand: it comes after those
    that are named, in the order of the chain.
    """
    places = {(cycle, step): index for cycle, steps in expected for index, step in enumerate(steps)}
    return tuple(
        sorted(
            items,
            key=lambda item: (
                item.cycle,
                places.get((item.cycle, item.step), len(STEPS)),
                STEPS.index(item.step),
            ),
        )
    )


@dataclass(frozen=True, slots=True)
class Evidence:
    """A session as found.

    Attributes:
        session: Its date.
        cycle: The cycle that looks; nothing later is seen.
        seen: Artifacts by cycle, in the order in which steps ran; damaged ones included.
        expected: What the schedule asked for so far.
        rows: The journal's rows of the session, in order.
        orders: Orders whose intents were formed in the session, then older ones that are still
            live or changed in it.
        flags: PAUSED and halts as the journal holds them now.
        before: The snapshot that closed the session before, or the genesis one.
        config: Limits and labels.
        damage: Files that are not what was published.
        is_last: The schedule holds nothing after this cycle.
        told: Ids of signals of earlier sessions whose end their own session's report told.
    """

    session: dt.date
    cycle: str
    seen: tuple[Seen, ...]
    expected: tuple[Expected, ...]
    rows: tuple[Written, ...]
    orders: tuple[OrderRecord, ...]
    flags: Mapping[str, FlagRow]
    before: Snapshot | None
    config: DeskConfig
    damage: tuple[Damage, ...] = field(default=())
    is_last: bool = False
    told: frozenset[str] = frozenset()

    def all(self, model: type[ArtifactT]) -> tuple[ArtifactT, ...]:
        """Return the readable artifacts of a step, oldest cycle first."""
        found = (each.artifact for each in self.seen)
        return tuple(artifact for artifact in found if isinstance(artifact, model))

    def newest(self, model: type[ArtifactT]) -> ArtifactT | None:
        """Return the newest readable artifact of a step; None if there is none."""
        found = self.all(model)
        return found[-1] if found else None

    def booked(self, model: type[RowT]) -> tuple[RowT, ...]:
        """Return the session's journal rows of one kind."""
        return tuple(each.row for each in self.rows if isinstance(each.row, model))

    def health(self) -> tuple[StepHealth, ...]:
        """Return every step's state: those seen, and those the schedule asked for in vain."""
        known = {(each.cycle, each.step): each.health for each in self.seen}
        for cycle, steps in self.expected:
            for step in steps:
                path = f"{self.session.isoformat()}/{cycle}/{step}.json"
                absent = StepHealth(
                    cycle=cycle, step=step, status="missing", exit_code=None, path=path
                )
                known.setdefault((cycle, step), absent)
        return in_run_order(known.values(), self.expected)

    def unresolved(self) -> tuple[OrderRecord, ...]:
        """Return orders of unknown outcome, and entries not at their end.

        While there is one, the signals of its session have not all ended: neither that session is
        sealed nor this one, whose seal names the one before.
        """
        return tuple(
            order
            for order in self.orders
            if order.state == "UNKNOWN"
            or (order.intent.purpose == "entry" and order.state not in TERMINAL_ORDER_STATES)
        )
