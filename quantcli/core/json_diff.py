"""Where two JSON values differ: JSON pointers (RFC 6901), in document order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

DIFFERENCES_MAX = 20

#: Stands for a value that one side does not have.
ABSENT = "(absent)"


class Difference(NamedTuple):
    """One place where the values differ. The pointer of the whole document is empty."""

    pointer: str
    a: Any
    b: Any


def differences(a: Any, b: Any, limit: int = DIFFERENCES_MAX) -> list[Difference]:
    """Return the first differing places of two JSON values, at most `limit`.

    Object keys are visited in sorted order, array items by index. A value that only one side
    has differs from `(absent)`. Equal numbers of different type differ: 1 is not true.

    Examples:
        >>> differences({"a": [1, 2]}, {"a": [1, 3]})
        [Difference(pointer='/a/1', a=2, b=3)]
    """
    found: list[Difference] = []
    for difference in _walk(a, b, ""):
        if len(found) >= limit:
            break
        found.append(difference)
    return found


def _walk(a: Any, b: Any, pointer: str) -> Iterator[Difference]:
    if isinstance(a, dict) and isinstance(b, dict):
        for key in sorted({*a, *b}):
            yield from _walk_member(a, b, key, key, pointer)
    elif isinstance(a, list) and isinstance(b, list):
        left, right = dict(enumerate(a)), dict(enumerate(b))
        for index in range(max(len(a), len(b))):
            yield from _walk_member(left, right, index, str(index), pointer)
    elif type(a) is not type(b) or a != b:
        yield Difference(pointer, a, b)


def _walk_member(
    a: dict[Any, Any], b: dict[Any, Any], key: Any, name: str, pointer: str
) -> Iterator[Difference]:
    here = f"{pointer}/{name.replace('~', '~0').replace('/', '~1')}"
    if key not in a:
        yield Difference(here, ABSENT, b[key])
    elif key not in b:
        yield Difference(here, a[key], ABSENT)
    else:
        yield from _walk(a[key], b[key], here)
