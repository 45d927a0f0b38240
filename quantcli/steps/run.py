"""How every command runs its step: resume or do, publish, record.

The step's JSON is the commit mark. If it exists it is verified and nothing is touched; if not,
the step runs, and finds in the journal what an attempt before it had already done.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol, cast

from quantcli.contracts.envelope import Artifact, InputRef, Stamp, StepName
from quantcli.contracts.errors import (
    ArtifactError,
    LockHeld,
    OutsideWindow,
    QuantcliError,
    StorageError,
    UnexpectedError,
)
from quantcli.contracts.registry import schema_model
from quantcli.steps.desk import Desk

if TYPE_CHECKING:
    from quantcli.contracts.config import DeskConfig
    from quantcli.contracts.report import Report
    from quantcli.ports.artifact_store import ArtifactStore
    from quantcli.ports.broker import Broker
    from quantcli.ports.halts import Halts
    from quantcli.ports.journal import Journal
    from quantcli.ports.market_data import MarketData

#: Steps that talk to the broker, each on a tape of its own.
BROKER_STEPS: frozenset[StepName] = frozenset({"enforce", "execute", "exits", "reconcile"})

#: Steps that a stored config which cannot be relied on does not stop: they open nothing.
_WITHOUT_CONFIG: frozenset[StepName] = frozenset({"exits", "reconcile", "report"})


#: Steps that give the account's lock up while they wait for the broker.
_STEPS_ASIDE: frozenset[StepName] = frozenset({"execute"})
#: How often a step begins again because others worked while it waited.
_BEGINNINGS_MAX = 10


class Overtaken(Exception):
    """Another command worked on the session while this step waited: it has to look again."""


@dataclass(frozen=True, slots=True)
class Session:
    """One attempt's line to the broker: recorded, with the halt record beside it."""

    broker: Broker | None
    halts: Halts
    tape_refs: Callable[[], tuple[InputRef, ...]]


class World(Protocol):
    """What the composition root provides."""

    @property
    def config(self) -> DeskConfig:
        """desk.toml, resolved."""
        ...

    @property
    def store(self) -> ArtifactStore:
        """Artifacts."""
        ...

    @property
    def journal(self) -> Journal:
        """The journal."""
        ...

    @property
    def market(self) -> MarketData:
        """Bars."""
        ...

    def present(self) -> dt.datetime:
        """Return the instant that is: the local exchange's clock, else the machine's."""
        ...

    def stamp(self, session: dt.date, cycle: str, as_of: dt.datetime) -> Stamp:
        """Return the stamp that all artifacts of a cycle share."""
        ...

    def attempt(self, stamp: Stamp, step: StepName) -> AbstractContextManager[Session]:
        """Open the line to the broker for one attempt of a step."""
        ...

    def pages(self, report: Report) -> Mapping[str, bytes]:
        """Return the report's pages: file name -> bytes."""
        ...

    def refresh_views(self) -> None:
        """Rebuild the views, which stand outside the seal."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait between look-ups of an unknown outcome."""
        ...

    def step_aside(self, stamp: Stamp, seconds: float) -> None:
        """Wait without the account's lock, and take it again.

        Raises:
            Overtaken: another command worked on the session meanwhile.
            LockHeld: another command has the lock.
        """
        ...

    def alarm(self, line: str) -> None:
        """Tell of an invariant that was violated, at once, and keep it for the run record."""
        ...

    def keep_config(self) -> None:
        """Store the decision config content-addressed, once.

        Raises:
            ArtifactError: other bytes stand there.
            StorageError: the disk refused.
        """
        ...

    def record(
        self, stamp: Stamp, step: StepName, exit_code: int, published: Mapping[str, str]
    ) -> None:
        """Write the run record."""
        ...

    def started(self) -> None:
        """Note the wall-clock start of a step, for its run record."""
        ...


StepFunction = Callable[[Desk], Artifact]


class Deferred:
    """A part of the world that is opened when a step first uses it.

    Opening costs imports; a step that needs neither journal nor bars does not pay for them.
    """

    def __init__(self, opened: Callable[[], Any]) -> None:
        """Keep how to open it."""
        self._opened = opened

    def __getattr__(self, name: str) -> Any:
        """Open it and hand over what was asked for."""
        return getattr(self._opened(), name)


def step_function(step: StepName) -> StepFunction:
    """Return the function of a step, imported now: a command pays for its own step only."""
    function: StepFunction = getattr(import_module(f"quantcli.steps.{step}"), step)
    return function


def run_step(
    world: World, step: StepName, stamp: Stamp, function: StepFunction | None = None
) -> Artifact:
    """Run one step of one cycle, or verify that it was run, and return its artifact.

    Args:
        world: The composition root's parts.
        step: Which step.
        stamp: Session, cycle and instant.
        function: Another way to make the artifact than the step's own (genesis).

    Raises:
        QuantcliError: the step cannot do its job; a run record says so.
    """
    world.started()
    try:
        artifact, ref = _in_the_end(world, step, stamp, function)
    except QuantcliError as error:
        _record_failure(world, stamp, step, error.exit_code)
        raise
    except Exception:
        _record_failure(world, stamp, step, UnexpectedError.exit_code)
        raise
    world.record(stamp, step, artifact.exit_code, {ref.name: ref.sha256})
    return artifact


def _in_the_end(
    world: World, step: StepName, stamp: Stamp, function: StepFunction | None
) -> tuple[Artifact, InputRef]:
    """Return the result, begun again as after a crash whenever another command came between."""
    for _ in range(_BEGINNINGS_MAX):
        with suppress(Overtaken):
            return _result(world, step, stamp, function)
    raise LockHeld(
        f"others worked on this account each of {_BEGINNINGS_MAX} times that {step} waited",
        hint="run it again when the others have ended",
    )


def _result(
    world: World, step: StepName, stamp: Stamp, function: StepFunction | None
) -> tuple[Artifact, InputRef]:
    model = schema_model(step)
    assert issubclass(model, Artifact)
    damage: ArtifactError | None = None
    try:
        artifact = world.store.published(stamp, model)
    except ArtifactError as error:
        # What stands in the artifact's place is in doubt. That stops a step, but never exits.
        if step != "exits" or world.store.is_sealed(stamp.session):
            raise
        artifact, damage = None, error
    if artifact is None:
        _require_unsealed(world, stamp)
        _keep_config(world, step)
        artifact = _attempt(world, step, stamp, function or step_function(step))
    if damage is not None:
        raise damage
    return artifact, world.store.publish(artifact)


def _keep_config(world: World, step: StepName) -> None:
    """Store the config; what stands in its place stops only what may lead to new risk.

    The report lists the damage.
    """
    try:
        world.keep_config()
    except (ArtifactError, StorageError):
        if step not in _WITHOUT_CONFIG:
            raise


def _record_failure(world: World, stamp: Stamp, step: StepName, exit_code: int) -> None:
    """Record a run that failed; that the disk refuses this as well must not hide why."""
    with suppress(QuantcliError):
        world.record(stamp, step, exit_code, {})


def _attempt(world: World, step: StepName, stamp: Stamp, function: StepFunction) -> Artifact:
    with world.attempt(stamp, step) as session:
        desk = Desk(
            config=world.config,
            stamp=stamp,
            step=step,
            store=world.store,
            journal=cast("Journal", Deferred(lambda: world.journal)),
            market=cast("MarketData", Deferred(lambda: world.market)),
            halts=session.halts,
            sleep=partial(world.step_aside, stamp) if step in _STEPS_ASIDE else world.sleep,
            alarm=world.alarm,
            broker_or_none=session.broker,
            tape_refs=session.tape_refs,
        )
        return function(desk)


def _require_unsealed(world: World, stamp: Stamp) -> None:
    store, session = world.store, stamp.session
    # A seal that is gone is still a seal: only the same bytes may take its place.
    if store.is_sealed(session) or store.seal_published(session) is not None:
        raise OutsideWindow(
            "the session is sealed: nothing is added to it",
            value=stamp.session.isoformat(),
            hint="quantcli reconcile --read-only still works",
        )
