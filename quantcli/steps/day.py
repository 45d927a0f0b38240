"""Running a cycle: every step of it, whatever becomes of the others."""

from __future__ import annotations

from typing import NamedTuple

from quantcli.contracts.envelope import Artifact, Stamp, StepName
from quantcli.contracts.errors import QuantcliError, UnexpectedError, gravest
from quantcli.steps.closing import close_report
from quantcli.steps.run import World, run_step


class StepOutcome(NamedTuple):
    """What became of one step of a cycle."""

    step: StepName
    exit_code: int
    artifact: Artifact | None
    error: QuantcliError | None


def run_cycle(
    world: World,
    steps: tuple[StepName, ...],
    stamp: Stamp,
) -> tuple[StepOutcome, ...]:
    """Run the steps of one cycle in order; a failed one never prevents the next.

    A step after a failed one finds its input missing and blocks by itself: fail closed is the
    business of each step, not of its caller.
    """
    return tuple([_run(world, step, stamp) for step in steps])


def exit_code_of(outcomes: tuple[StepOutcome, ...]) -> int:
    """Return the gravest exit code of a cycle."""
    return gravest([outcome.exit_code for outcome in outcomes])


def _run(world: World, step: StepName, stamp: Stamp) -> StepOutcome:
    try:
        if step == "report":
            closing = close_report(world, stamp)
            return StepOutcome(step, closing.exit_code, closing.report, None)
        artifact = run_step(world, step, stamp)
    except QuantcliError as error:
        return StepOutcome(step, error.exit_code, None, error)
    except Exception as error:  # noqa: BLE001 - a bug here must not leave shares without a stop
        bug = UnexpectedError(f"{step} failed: {type(error).__name__}: {error}")
        bug.__cause__ = error
        return StepOutcome(step, bug.exit_code, None, bug)
    return StepOutcome(step, artifact.exit_code, artifact, None)
