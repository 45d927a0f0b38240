"""What a seed is made of: which kinds of trouble its world has, and how much of each.

Each world has some kinds of trouble and not others: with all of them at once nothing would ever
be traded, and with a little of each the rare pairs would never meet.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from random import Random
from typing import Any, Literal

#: Kinds of faults at the broker that a world may have; each with settings to draw from.
FAULT_SETTINGS: dict[str, dict[str, tuple[Any, ...]]] = {
    "delay": {"seconds": (20, 60)},
    "drop-before-accept": {},
    "drop-after-accept": {},
    "broker-restart": {},
    "gateway-timeout-after-accept": {},
    "bad-gateway": {},
    "rate-limited": {"headers": (True, False)},
    "truncated-json": {},
    "malformed-json": {},
    "unknown-status": {},
    "missing-field": {"field": ("equity", "cash", "qty", "status", "id", "filled_qty", "symbol")},
    "number-for-string": {"field": ("qty", "cash", "filled_qty", "limit_price")},
    "extra-fields": {},
    "stale-positions": {},
    "late-visibility": {"calls": (1, 3, 8, 60)},
    "duplicate-activities": {},
    "reordered-activities": {},
    "account-reset": {},
    "clock-skew": {"seconds": (-600, -45, 45, 600)},
    "accepted-then-rejected": {},
    "stuck-pending-cancel": {},
    "partial-then-cancel": {},
}
#: Where a fault that may strike anywhere does.
PLACES = (
    ("POST", "/v2/orders"), ("POST", "/v2/orders"), ("PATCH", "/v2/orders/*"),
    ("DELETE", "/v2/orders/*"), ("GET", "/v2/orders:by_client_order_id"), ("GET", "/v2/orders"),
    ("GET", "/v2/orders/*"), ("GET", "/v2/account"), ("GET", "/v2/positions"),
    ("GET", "/v2/clock"), ("GET", "/v2/account/activities*"), ("*", "/v2/*"),
)  # fmt: skip
#: Kinds that know by themselves where they strike.
_PLACED = frozenset(
    {
        "stale-positions", "late-visibility", "duplicate-activities", "reordered-activities",
        "clock-skew", "accepted-then-rejected", "stuck-pending-cancel", "partial-then-cancel",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Swarm:
    """The trouble of one world. Rates are per command, 0 to 1.

    Attributes:
        kinds: Faults that the broker may have.
        fault_rate: A command meets new faults.
        fault_lasting: Faults of one command stay for the next one.
        kill_rate, power_rate: A command is killed, or the power is cut under it.
        disk_rate: A command finds the disk full.
        again_rate: After a death somebody types the same once more.
        skip_rate, double_rate, swap_rate, late_rate, overlap_rate: Cron's own mistakes.
        operator_rate: Somebody halts, looks or resumes.
        is_by_day: Cron types `day` for each cycle instead of each step by itself.
        settings: Placeholders of the desk's configuration.
        limit_fills_on, volume_share_max: How the exchange fills.
    """

    kinds: tuple[str, ...]
    fault_rate: float
    fault_lasting: float
    kill_rate: float
    power_rate: float
    disk_rate: float
    again_rate: float
    skip_rate: float
    double_rate: float
    swap_rate: float
    late_rate: float
    overlap_rate: float
    operator_rate: float
    is_by_day: bool
    settings: dict[str, str]
    limit_fills_on: Literal["touch", "trade-through"]
    volume_share_max: Decimal | None


_SETTINGS = {"TARGET": "false", "HOLD": "0", "FILLS": "touch", "POSITIONS": "5"}
#: A world without any trouble.
CALM = Swarm(
    kinds=(), fault_rate=0, fault_lasting=0, kill_rate=0, power_rate=0, disk_rate=0, again_rate=0,
    skip_rate=0, double_rate=0, swap_rate=0, late_rate=0, overlap_rate=0, operator_rate=0,
    is_by_day=False, settings=_SETTINGS,
    limit_fills_on="touch", volume_share_max=None,
)  # fmt: skip


def draw(chance: Random) -> Swarm:
    """Return the trouble of a world."""
    kinds = sorted(FAULT_SETTINGS)
    count = chance.choice((0, 1, 2, 4, 8, len(kinds)))

    def rate(*values: float) -> float:
        return chance.choice((0.0, 0.0, *values))

    fills = chance.choice(("touch", "trade-through"))
    return Swarm(
        kinds=tuple(chance.sample(kinds, count)),
        fault_rate=chance.choice((0.1, 0.3, 0.7)),
        fault_lasting=rate(0.3, 0.8),
        kill_rate=rate(0.05, 0.2, 0.5),
        power_rate=rate(0.05, 0.2),
        disk_rate=rate(0.05, 0.1),
        again_rate=chance.choice((0.0, 0.5, 1.0)),
        skip_rate=rate(0.03, 0.15),
        double_rate=rate(0.1, 0.5),
        swap_rate=rate(0.05, 0.2),
        late_rate=rate(0.05, 0.3),
        overlap_rate=rate(0.05, 0.2),
        operator_rate=rate(0.03),
        is_by_day=chance.random() < 0.4,
        settings={
            "TARGET": chance.choice(("true", "false")),
            "HOLD": str(chance.choice((0, 0, 2, 5))),
            "FILLS": fills,
            "POSITIONS": chance.choice(("5", "5", "2", "1")),
        },
        limit_fills_on="touch" if fills == "touch" else "trade-through",
        volume_share_max=chance.choice((None, None, Decimal("0.00005"))),
    )


#: What a world's name may ask for after a plus sign, besides the kinds of faults: the rates that
#: are not zero then.
FOCUS: dict[str, dict[str, Any]] = {
    "kill": {"kill_rate": 0.5},
    "power": {"power_rate": 0.5, "again_rate": 0.5},
    "again": {"again_rate": 1.0},
    "full-disk": {"disk_rate": 0.5},
    "skip": {"skip_rate": 0.15},
    "double": {"double_rate": 0.5},
    "swap": {"swap_rate": 0.3},
    "late": {"late_rate": 0.5},
    "overlap": {"overlap_rate": 0.7},
    "operator": {"operator_rate": 0.3},
    "steps": {"is_by_day": False},
    "parts": {"volume_share_max": Decimal("0.00002")},
    "lasting": {"fault_lasting": 0.8},
    "gap": {"skip_rate": 0.4},
    "splits": {},
    "tight": {"settings": {**_SETTINGS, "POSITIONS": "1"}},
}


def focused(wanted: Sequence[str]) -> Swarm:
    """Return a world that has these troubles, often, and no other.

    Args:
        wanted: Kinds of faults, or keys of FOCUS.

    Raises:
        KeyError: there is no such trouble.
    """
    kinds = tuple(each for each in wanted if each in FAULT_SETTINGS)
    rates: dict[str, Any] = {"kinds": kinds, "fault_rate": 0.7 if kinds else 0.0}
    for each in wanted:
        if each not in kinds:
            rates |= FOCUS[each]
    return replace(CALM, **rates)


def draw_fault(chance: Random, kinds: tuple[str, ...]) -> dict[str, Any]:
    """Return one fault as a request to set it describes it."""
    kind = chance.choice(kinds)
    settings = FAULT_SETTINGS[kind]
    fault: dict[str, Any] = {"kind": kind, "nth": chance.choice((1, 1, 1, 2, 3, 5, "every"))}
    fault |= {name: chance.choice(values) for name, values in settings.items()}
    if kind not in _PLACED:
        fault["method"], fault["path"] = chance.choice(PLACES)
    return fault
