"""/_sim/faults: setting faults, listing them, taking them back."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

from quantcli.exchange.calls import Answer, Call, encoded
from quantcli.exchange.orders_api import delete_order
from quantcli.exchange.positions_api import list_positions
from quantcli.exchange.refusals import Refusal, not_found


def list_faults(call: Call) -> Answer:
    """Return every fault that is set, with how often it was met and how often it struck."""
    return Answer(200, [fault.view() for fault in call.faults.faults.values()])


def post_fault(call: Call) -> Answer:
    """Set a fault and return it; a stale list of positions is the one of this moment."""
    fault = call.faults.add(call.json_body())
    if fault.kind == "stale-positions":
        fault.kept = encoded(list_positions(call).body)
    return Answer(200, fault.view())


def delete_faults(call: Call) -> Answer:
    """Take back all faults, or the one that the path names, with what they left behind.

    A cancel that was stuck goes through now, if there is still something to cancel.
    """
    faults = call.faults.faults
    gone = [*faults]
    if call.segments:
        gone = [number for number in faults if str(number) == call.segments[0]]
        if not gone:
            raise not_found(f"no fault {call.segments[0]}")
    for order_id in call.faults.remove(gone):
        with suppress(Refusal):
            delete_order(replace(call, segments=(order_id,)))
    return Answer(204, None)
