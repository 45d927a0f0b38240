"""Every sequence of choices of a bounded problem, one run for each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

ChoiceT = TypeVar("ChoiceT")


class Chooser:
    """Replays the choices of the run before, with the last one that can be changed changed.

    A choice other than the first costs one of a limited number of faults; when they are spent
    there is nothing left to choose.
    """

    def __init__(self, faults_max: int, *, part: int = 0, parts: int = 1) -> None:
        """Begin with the run in which nothing goes wrong.

        Args:
            faults_max: Most faults in one run.
            part: Which part of the runs, told apart by their first fault, from 0.
            parts: How many parts there are.
        """
        self._faults_max = faults_max
        self._part, self._parts = part, parts
        self._firsts = 0
        self._taken: list[tuple[int, int]] = []
        self._replayed: list[int] = []
        self._next = 0
        self.runs = 0

    def begin(self) -> bool:
        """Begin the next run; False when every sequence was run."""
        if self.runs and not self._change():
            return False
        self._taken, self._next = [], 0
        self.runs += 1
        return True

    def _change(self) -> bool:
        """Change the last choice that can be changed; False if there is none."""
        while self._taken:
            choice, count = self._taken.pop()
            if choice + 1 == count:
                continue
            before = [each for each, _ in self._taken]
            if not choice and not any(before):
                self._firsts += 1
            if not any(before) and (self._firsts + choice) % self._parts != self._part:
                self._taken.append((choice + 1, count))
                continue
            self._replayed = [*before, choice + 1]
            return True
        return False

    def choose(self, options: Sequence[ChoiceT]) -> ChoiceT:
        """Return one of the options; the first is the one in which nothing goes wrong."""
        spent = sum(1 for choice, _ in self._taken if choice)
        count = len(options) if spent < self._faults_max else 1
        choice = self._replayed[self._next] if self._next < len(self._replayed) else 0
        self._next += 1
        self._taken.append((choice, count))
        return options[choice]

    @property
    def vector(self) -> tuple[int, ...]:
        """The choices of this run so far."""
        return tuple(choice for choice, _ in self._taken)
