"""/v1beta1/indices: values of indices are for subscribers, and this account is none."""

from __future__ import annotations

from quantcli.exchange.calls import Answer, Call
from quantcli.exchange.refusals import Refusal


def get_values(call: Call) -> Answer:
    """Refuse, as the data side does: with a message and no code."""
    raise Refusal(403, None, "subscription does not permit querying index data")
