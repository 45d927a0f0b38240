"""What became of one order in one pass, in words."""

from decimal import Decimal

import pytest

from quantcli.contracts.journal_rows import FillRow
from quantcli.core.order_states import apply_order_row
from quantcli.core.order_story import OrderPass, order_sentences, thing
from tests.core.made_orders import fill, intent, order, row

ENTRY, STOP, EXIT = intent(), intent(purpose="stop"), intent(purpose="exit")
FOUND = ("UNKNOWN", {"cause": "send"}), ("SUBMITTED", {"cause": "look-up"})


def told(of, start, *changes, fills=(), unbooked=0, replaced=None, cumulative=0):
    """Return (sentence, is trouble) of an order that starts in a state and changes so."""
    record, rows = order(start, broker_order_id="b-1", of=of, cumulative=cumulative), []
    for to_state, more in changes:
        rows.append(row(record, to_state, broker_order_id="b-1", **more))
        record = apply_order_row(record, rows[-1])
    booked = tuple(FillRow(fill=each, is_late=late) for each, late in fills)
    said = order_sentences(OrderPass(of, tuple(rows), booked, Decimal(unbooked), replaced))
    return [tuple(sentence) for sentence in said]


def test_what_an_order_is_called():
    assert thing(ENTRY) == "the purchase of 10 AAPL at up to 100.00"
    assert thing(STOP) == "the stop under 10 AAPL at 95.00"
    assert thing(EXIT) == "the sale of 10 AAPL at market"


SENT = ("UNKNOWN", {"cause": "send"})
CASES = {
    "sent": (
        ENTRY, "PENDING", [SENT, ("SUBMITTED", {"cause": "send"})],
        [("Sent the purchase of 10 AAPL at up to 100.00.", False)],
    ),
    "answer lost": (
        ENTRY, "PENDING", FOUND,
        [(("Sent the purchase of 10 AAPL at up to 100.00. The broker's answer was lost; looked up "
          "by its id, the order was there, once."), True)],
    ),
    "outcome unknown": (
        ENTRY, "PENDING", [SENT],
        [(("Sent the purchase of 10 AAPL at up to 100.00. No usable answer came and no look-up "
          "found it: nobody knows whether the broker has it. It counts as bought, and nothing more "
          "is bought in AAPL, until that is known."), True)],
    ),
    "stop of unknown outcome": (
        STOP, "PENDING", [SENT],
        [(("Sent the stop under 10 AAPL at 95.00. No usable answer came and no look-up found it: "
          "nobody knows whether the broker has it. Its shares count as uncovered until that is "
          "known."), True)],
    ),
    "never left": (
        ENTRY, "PENDING", [SENT, ("PENDING", {"cause": "send"})],
        [("The purchase of 10 AAPL at up to 100.00 could not be sent: the broker was not reached.",
          True)],
    ),
    "refused": (
        ENTRY, "PENDING", [SENT, ("REJECTED", {"cause": "send", "message": "403 no money"})],
        [("The broker refused the purchase of 10 AAPL at up to 100.00: 403 no money.", True)],
    ),
    "another order under its id": (
        ENTRY, "PENDING",
        [SENT, ("REJECTED", {"cause": "look-up", "code": "order-differs", "message": "buy 3"})],
        [(("The purchase of 10 AAPL at up to 100.00 is not at the broker: buy 3. Nothing was "
          "bought under that name by the desk."), True)],
    ),
    "found later": (
        ENTRY, "UNKNOWN", [("SUBMITTED", {"cause": "look-up"})],
        [(("The purchase of 10 AAPL at up to 100.00, whose outcome was unknown, was found at the "
          "broker, once."), True)],
    ),
    "sent again": (
        STOP, "UNKNOWN", [("SUBMITTED", {"cause": "send"})],
        [(("The stop under 10 AAPL at 95.00, whose outcome was unknown, was sent again under the "
          "same id, and the broker took it."), True)],
    ),
    "time over": (
        ENTRY, "SUBMITTED",
        [("PENDING_CANCEL", {"cause": "cancel"}), ("CANCELLED", {"cause": "cancel"})],
        [(("The time of the purchase of 10 AAPL at up to 100.00 was over: the desk cancelled it "
          "and the broker confirmed it."), False)],
    ),
    "cancel not confirmed": (
        ENTRY, "SUBMITTED", [("PENDING_CANCEL", {"cause": "cancel"})],
        [(("Asked to cancel the purchase of 10 AAPL at up to 100.00; the broker has not confirmed "
          "it."), True)],
    ),
    "stop cancelled for an exit": (
        STOP, "SUBMITTED",
        [("PENDING_CANCEL", {"cause": "cancel"}), ("CANCELLED", {"cause": "cancel"})],
        [("Cancelled the stop under 10 AAPL at 95.00; the broker confirmed it.", False)],
    ),
    "entry cancelled by the broker": (
        ENTRY, "SUBMITTED", [("CANCELLED", {"cause": "sync", "code": "order-unfilled"})],
        [(("The broker cancelled the purchase of 10 AAPL at up to 100.00: the desk had "
          "not asked for it."), True)],
    ),
    "stop ended by a split": (
        STOP, "SUBMITTED", [("CANCELLED", {"cause": "sync", "code": "stop-outdated"})],
        [("The stop under 10 AAPL at 95.00 ended with the shares that it was told in.", False)],
    ),
    "stop cancelled by another hand": (
        STOP, "SUBMITTED", [("CANCELLED", {"cause": "sync", "code": "stop-cancelled"})],
        [("The stop under 10 AAPL at 95.00 was cancelled at the broker, not by the desk.", True)],
    ),
    "stop expired": (
        STOP, "SUBMITTED", [("EXPIRED", {"cause": "sync", "code": "stop-cancelled"})],
        [("The stop under 10 AAPL at 95.00 expired at the broker, not by the desk.", True)],
    ),
    "stop rejected afterwards": (
        STOP, "SUBMITTED", [("REJECTED", {"cause": "look-up", "code": "order-refused"})],
        [("The broker took the stop under 10 AAPL at 95.00 and rejected it afterwards.", True)],
    ),
    "vanished": (
        STOP, "SUBMITTED", [("UNKNOWN", {"cause": "sync", "code": "order-missing"})],
        [(("The broker shows the stop under 10 AAPL at 95.00 nowhere any more, though it had taken "
          "it. It covers nothing until it is found."), True)],
    ),
    "given up": (
        STOP, "UNKNOWN", [("REJECTED", {"cause": "look-up", "code": "order-missing"})],
        [("The stop under 10 AAPL at 95.00 is gone at the broker: it counts as rejected.", True)],
    ),
    "given up, its shares free": (
        STOP, "UNKNOWN", [("CANCELLED", {"cause": "look-up", "code": "order-missing"})],
        [(("The stop under 10 AAPL at 95.00 is gone at the broker, and the shares that it held are "
          "free: it counts as cancelled."), True)],
    ),
    "nowhere after the close": (
        ENTRY, "UNKNOWN", [("EXPIRED", {"cause": "expire", "code": "outcome-unknown"})],
        [(("The purchase of 10 AAPL at up to 100.00, whose outcome was unknown, is nowhere at the "
          "broker after the close: it counts as never there."), True)],
    ),
    "never sent": (
        ENTRY, "PENDING", [("EXPIRED", {"cause": "expire", "code": "intent-expired"})],
        [(("The purchase of 10 AAPL at up to 100.00 was never sent: the intent was never sent and "
          "its time has passed."), True)],
    ),
    "over with the session": (
        ENTRY, "SUBMITTED", [("EXPIRED", {"cause": "sync", "code": "order-unfilled"})],
        [(("The purchase of 10 AAPL at up to 100.00 ended with the session; 10 shares were not "
          "bought."), False)],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_sentences(case):
    of, start, changes, expected = CASES[case]
    assert told(of, start, *changes) == expected


def test_a_stop_that_replaces_another_names_both():
    before = intent(purpose="stop", sequence=9)
    after = intent(purpose="stop", stop_price=Decimal(97), replaces=before.client_order_id)
    sent = told(after, "PENDING", SENT, ("SUBMITTED", {"cause": "send"}), replaced=before)
    assert sent == [
        ("Replaced the stop of AAPL, 10 at 95.00, by the stop under 10 AAPL at 97.00.", False)
    ]
    ((text, is_trouble),) = told(after, "PENDING", SENT, replaced=before)
    assert text.endswith("Either it or the stop that it replaces stands.")
    assert is_trouble


def test_fills_are_told_at_their_mean_price_with_the_last_time():
    fills = [
        (fill(4, 99, of=ENTRY), False),
        (fill(6, Decimal("99.5"), minutes=1, execution_id="f-2", of=ENTRY), False),
    ]
    change = ("FILLED", {"cumulative": 10})
    assert told(ENTRY, "SUBMITTED", change, fills=fills) == [
        ("Bought 10 AAPL at 99.30 (09:31:00).", False)
    ]
    assert told(STOP, "SUBMITTED", fills=[(fill(4, 95, "sell", of=STOP), False)]) == [
        ("Sold 4 of 10 AAPL at 95.00 by its stop (09:30:00).", False)
    ]


def test_the_rest_of_a_purchase_that_is_cancelled():
    change = ("CANCELLED", {"cumulative": 4, "cause": "sync", "code": "filled-partly"})
    assert told(ENTRY, "SUBMITTED", change, fills=[(fill(4, 99, of=ENTRY), False)]) == [
        ("Bought 4 of 10 AAPL at 99.00 (09:30:00).", False),
        (("The broker cancelled the rest, 6 shares, of the purchase of 10 AAPL at up to 100.00: "
         "the desk had not asked for it."), True),
    ]  # fmt: skip


def test_a_late_fill_and_shares_that_no_fill_shows():
    assert told(ENTRY, "CANCELLED", fills=[(fill(3, 99, of=ENTRY), True)]) == [
        (("A fill of 3 AAPL at 99.00 (09:30:00) came after its order had ended: it is booked all "
         "the same, and is a break."), True)
    ]  # fmt: skip
    assert told(ENTRY, "SUBMITTED", ("FILLED", {"cumulative": 10}), unbooked=10) == [
        (("The broker's order tells of 10 AAPL that its list of fills does not show yet: they are "
         "not booked."), True)
    ]  # fmt: skip
