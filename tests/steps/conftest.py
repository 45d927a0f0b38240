"""A market written by hand and a desk that trades it."""

import pytest

from tests.steps.rig import Rig

# XYZ has a swing low of 93 on the 21st: a structural stop at 92.90 from the 22nd on.
# On Tuesday the 26th it opens at 100, is at 94 by 11:40, 106 by 13:50, and closes at 102.
MARKET = {
    "2024-11-20": {"XYZ": (96, 98, 95, 97), "ABC": (40, 41, 39, 40)},
    "2024-11-21": {"XYZ": (96, 98, 93, 97), "ABC": (40, 41, 39, 40)},
    "2024-11-22": {"XYZ": (97, 99, 95, 98), "ABC": (40, 41, 39, 40)},
    "2024-11-25": {"XYZ": (99, 101, 97, 98), "ABC": (40, 41, 39, 40)},
    "2024-11-26": {"XYZ": (100, 106, 94, 102), "ABC": (40, 44, 36, 42)},
    "2024-11-27": {"XYZ": (103, 108, 101, 107), "ABC": (42, 43, 41, 42)},
    "2024-11-29": {"XYZ": (108, 112, 106, 111), "ABC": (42, 43, 41, 42)},
    "2024-12-02": {"XYZ": (110, 114, 108, 113), "ABC": (42, 43, 41, 42)},
    "2024-12-03": {"XYZ": (112, 115, 104, 105), "ABC": (42, 43, 41, 42)},
    "2024-12-04": {"XYZ": (101, 103, 99, 100), "ABC": (42, 43, 41, 42)},
}
BEFORE_OPEN = "2024-11-26T13:00:00Z"
AFTER_OPEN = "2024-11-26T14:35:00Z"
AFTER_CLOSE = "2024-11-26T21:05:00Z"


@pytest.fixture
def rig():
    """Return a desk at 08:00 on Tuesday, its opening balance journaled."""
    return Rig(MARKET).begin()


@pytest.fixture
def holder(rig):
    """Return a desk at 09:35 that bought 10 XYZ at the open, booked and not yet protected."""
    rig.approve(rig.entry())
    rig.execute()
    rig.to(AFTER_OPEN)
    rig.execute()
    return rig


@pytest.fixture
def protected(holder):
    """Return the same desk with its stop in place."""
    holder.exits()
    return holder
