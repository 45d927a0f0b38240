"""The port over the wire: three outcomes, every page, and never "nothing" for "no answer"."""

import datetime as dt
import itertools
import json
from urllib.parse import parse_qs, urlsplit

import pytest

from quantcli.contracts.broker_views import Accepted, Refused, Unknown
from quantcli.contracts.envelope import CallCount
from quantcli.contracts.errors import BrokerRefused, BrokerUnreachable, ContractDrift
from quantcli.ports.broker import Response, TransportFailure
from quantcli.shell.alpaca.broker import AlpacaBroker
from quantcli.shell.alpaca.http import AlpacaTransport
from tests.shell.alpaca.servers import Broker
from tests.shell.alpaca.test_translate import ACCOUNT, CLOCK, DAY, FEE, FILL, ORDER, POSITION

PAYLOAD = b'{"client_order_id":"q1-x","qty":"10","symbol":"SPY"}'
HTML = b"<html>bad gateway</html>"


class Said:
    """A transport that says one thing and remembers what it was asked."""

    def __init__(self, status=200, body=b"{}", failure=None):
        self.answer = Response(status, (), body)
        self.failure = failure
        self.asked = []

    def send(self, request):
        self.asked.append(request)
        if self.failure:
            raise self.failure
        return self.answer


def said(status, value):
    return Said(status, value if isinstance(value, bytes) else json.dumps(value).encode())


# ------------------------------------------------------------------------------ submissions

UNIQUE = {"code": 40010001, "message": "client_order_id must be unique"}
POWER = {"code": 40310000, "message": "insufficient buying power"}
OUTCOMES = {
    "an order": (200, ORDER, Accepted),
    "created": (201, ORDER, Accepted),
    "an order in a state nobody knows": (200, {**ORDER, "status": "teleported"}, Accepted),
    "an order with fields nobody knows": (200, {**ORDER, "new": 1}, Accepted),
    "another order": (200, {**ORDER, "client_order_id": "q1-y"}, Unknown),
    "an order without a state": (200, {**ORDER, "status": None}, Unknown),
    "an order cut short": (200, b'{"id":"x"', Unknown),
    "nothing at all": (200, b"", Unknown),
    "a page": (200, HTML, Unknown),
    "a list": (200, [ORDER], Unknown),
    "a key twice": (200, b'{"id":"1","id":"2"}', Unknown),
    "no content": (204, b"", Unknown),
    "a redirect": (302, b"", Unknown),
    "a redirect with an order": (302, ORDER, Unknown),
    "bad request": (400, {"message": "no"}, Refused),
    "unauthorised": (401, {"message": "unauthorized."}, Refused),
    "unauthorised by a gateway": (401, b"<html>authorization required</html>", Unknown),
    "forbidden": (403, POWER, Refused),
    "forbidden by a gateway": (403, HTML, Unknown),
    "not found": (404, {"message": "endpoint not found"}, Refused),
    "time-out": (408, {"message": "timeout"}, Unknown),
    "conflict": (409, {"message": "conflict"}, Refused),
    "unprocessable": (422, {"code": 42210000, "message": "sub-penny"}, Refused),
    "unprocessable by a gateway": (422, HTML, Unknown),
    "unprocessable, a list": (422, [1], Unknown),
    "too many": (429, {"code": 42910000, "message": "rate limit exceeded"}, Refused),
    "broken": (500, {"message": "internal server error"}, Unknown),
    "bad gateway": (502, HTML, Unknown),
    "unavailable": (503, {"message": "x"}, Unknown),
    "gateway time-out": (504, {"message": "x"}, Unknown),
}


@pytest.mark.parametrize("case", OUTCOMES)
@pytest.mark.parametrize("verb", ["submit", "replace"])
def test_every_answer_is_one_of_three_outcomes(case, verb):
    status, value, outcome = OUTCOMES[case]
    transport = said(status, value)
    broker = AlpacaBroker(transport)
    found = broker.submit(PAYLOAD) if verb == "submit" else broker.replace("b-1", PAYLOAD)

    assert isinstance(found, outcome)
    ((method, path, query, body),) = transport.asked
    assert (method, path) == (("POST", "/orders") if verb == "submit" else ("PATCH", "/orders/b-1"))
    assert (query, body) == ("", PAYLOAD)
    if outcome is Refused:
        assert found.status == status
        assert found.message == value["message"]
        assert not found.is_duplicate_id


@pytest.mark.parametrize("status", [409, 422])
@pytest.mark.parametrize("code", [40010001, 42210000, None])
def test_a_taken_id_is_told_by_its_words(status, code):
    found = AlpacaBroker(said(status, {**UNIQUE, "code": code})).submit(PAYLOAD)

    assert isinstance(found, Refused)
    assert found.is_duplicate_id


def test_the_same_words_with_another_status_are_no_proof():
    assert not AlpacaBroker(said(400, UNIQUE)).submit(PAYLOAD).is_duplicate_id


def test_a_request_that_never_left_is_told_as_such():
    transport = Said(failure=TransportFailure("connect-failed", was_sent=False))
    with pytest.raises(BrokerUnreachable, match="was not sent: connect-failed"):
        AlpacaBroker(transport).submit(PAYLOAD)
    assert len(transport.asked) == 1


def test_a_request_that_may_have_left_is_unknown():
    transport = Said(failure=TransportFailure("read-timeout", was_sent=True))

    assert AlpacaBroker(transport).submit(PAYLOAD) == Unknown("read-timeout")
    assert len(transport.asked) == 1


@pytest.mark.parametrize(
    ("status", "expected"),
    [(204, True), (200, True), (207, True), (404, False), (422, False),
     (400, None), (401, None), (403, None), (429, None), (500, None), (502, None), (504, None)],
)  # fmt: skip
def test_cancelling(status, expected):
    transport = said(status, HTML)

    assert AlpacaBroker(transport).cancel("b-1") is expected
    assert transport.asked[0][:2] == ("DELETE", "/orders/b-1")


@pytest.mark.parametrize("sent", [True, False])
def test_cancelling_without_an_answer_is_unknown(sent):
    transport = Said(failure=TransportFailure("x", was_sent=sent))

    assert AlpacaBroker(transport).cancel("b-1") is None


def test_an_id_cannot_lead_elsewhere():
    transport = said(204, b"")
    AlpacaBroker(transport).cancel("../positions?x=1#y z")

    assert transport.asked[0].path == "/orders/..%2Fpositions%3Fx%3D1%23y%20z"


# ------------------------------------------------------------------------------ reads

READS = {
    "account": (lambda broker: broker.account(), ACCOUNT),
    "clock": (lambda broker: broker.clock(), CLOCK),
    "calendar": (lambda broker: broker.calendar(*[dt.date(2024, 11, 29)] * 2), [DAY]),
    "positions": (lambda broker: broker.positions(), [POSITION]),
    "open orders": (lambda broker: broker.open_orders(), [ORDER]),
    "look-up": (lambda broker: broker.order_by_client_id("q1-x"), ORDER),
    "activities": (lambda broker: broker.activities("2024-11-29"), [FILL, FEE]),
}  # fmt: skip


@pytest.mark.parametrize("name", READS)
@pytest.mark.parametrize(
    ("status", "value", "error"),
    [
        (200, HTML, ContractDrift),
        (200, b"", ContractDrift),
        (200, b'{"a":1,"a":2}', ContractDrift),
        (200, 7, ContractDrift),
        (200, [None], ContractDrift),
        (302, b"", BrokerUnreachable),
        (401, {"message": "unauthorized."}, BrokerRefused),
        (401, HTML, BrokerRefused),
        (403, {"message": "forbidden."}, BrokerRefused),
        (422, [1], BrokerRefused),
        (429, {"message": "rate limit exceeded"}, BrokerRefused),
        (500, {"message": "x"}, BrokerUnreachable),
        (502, HTML, BrokerUnreachable),
        (504, b"", BrokerUnreachable),
    ],
)
def test_what_is_no_answer_is_never_nothing(name, status, value, error):
    read, _ = READS[name]
    with pytest.raises(error) as caught:
        read(AlpacaBroker(said(status, value)))
    assert caught.value.exit_code == 6
    assert len(caught.value.line().splitlines()) == 1


@pytest.mark.parametrize("name", READS)
@pytest.mark.parametrize("sent", [True, False])
def test_no_answer_is_unreachable(name, sent):
    read, _ = READS[name]
    with pytest.raises(BrokerUnreachable, match="read-timeout"):
        read(AlpacaBroker(Said(failure=TransportFailure("read-timeout", was_sent=sent))))


@pytest.mark.parametrize("name", ["positions", "open orders", "activities", "calendar"])
def test_a_list_with_one_bad_item_is_no_list(name):
    read, good = READS[name]
    broken = {key: value for key, value in good[0].items() if key not in {"symbol", "open"}}
    with pytest.raises(ContractDrift):
        read(AlpacaBroker(said(200, [*good, broken])))
    with pytest.raises(ContractDrift, match="is not a list"):
        read(AlpacaBroker(said(200, {"orders": good})))


@pytest.mark.parametrize("name", READS)
def test_a_good_answer(name):
    read, value = READS[name]

    assert read(AlpacaBroker(said(200, value)))


def test_looking_up():
    transport = said(200, {**ORDER, "client_order_id": "q1 &x"})
    found = AlpacaBroker(transport).order_by_client_id("q1 &x")

    assert found.broker_order_id == ORDER["id"]
    assert transport.asked[0][:3] == (
        "GET", "/orders:by_client_order_id", "client_order_id=q1+%26x",
    )  # fmt: skip


def test_not_found_is_the_brokers_word_and_not_a_gateways():
    absent = {"code": 40410000, "message": "order not found for q1-x"}

    assert AlpacaBroker(said(404, absent)).order_by_client_id("q1-x") is None
    with pytest.raises(BrokerUnreachable, match="gateway"):
        AlpacaBroker(said(404, HTML)).order_by_client_id("q1-x")


def test_another_order_than_the_one_asked_for_is_drift():
    with pytest.raises(ContractDrift, match="another order"):
        AlpacaBroker(said(200, ORDER)).order_by_client_id("q1-y")


def test_positions_come_by_symbol():
    shown = [{**POSITION, "symbol": symbol} for symbol in ("SPY", "AAPL", "MSFT")]
    found = AlpacaBroker(said(200, shown)).positions()

    assert [each.symbol for each in found] == ["AAPL", "MSFT", "SPY"]


def test_no_positions_are_no_positions():
    broker = AlpacaBroker(said(200, []))

    assert broker.positions() == broker.open_orders() == broker.activities(None) == ()


# ------------------------------------------------------------------------------ pages


def stamp(number):
    """Return an instant; four orders share each millisecond."""
    at = dt.datetime(2024, 11, 29, 14, 30, tzinfo=dt.UTC) + dt.timedelta(milliseconds=number // 4)
    return at.isoformat().replace("+00:00", "Z")


def order_book(count):
    """Return a broker's list of open orders, served as Alpaca serves it."""
    orders = [
        {**ORDER, "id": f"b-{n}", "client_order_id": f"q1-{n}", "submitted_at": stamp(n)}
        for n in range(count)
    ]

    def answer(method, path, headers, body):
        query = {key: values[0] for key, values in parse_qs(urlsplit(path).query).items()}
        assert query["status"] == "open"
        assert query["direction"] == "asc"
        names = [order["id"] for order in orders]
        first = names.index(query["after_order_id"]) + 1 if "after_order_id" in query else 0
        return 200, {}, json.dumps(orders[first : first + int(query["limit"])]).encode()

    return answer


@pytest.mark.parametrize("count", [0, 1, 499, 500, 501, 1203])
def test_open_orders_to_the_last_page(count):
    """However many: also where hundreds were submitted at one instant."""
    with Broker(order_book(count)) as server:
        broker = AlpacaBroker(AlpacaTransport(server.url, "k", "s"))
        found = broker.open_orders()

    assert [order.client_order_id for order in found] == [f"q1-{n}" for n in range(count)]
    (asked,) = broker.calls()
    assert asked == CallCount(endpoint="open-orders", calls=1, requests=count // 500 + 1)


def test_questions_and_their_requests_are_counted_apart():
    broker = AlpacaBroker(said(200, []))
    broker.positions()
    broker.positions()
    broker.activities(None)
    assert [(each.endpoint, each.calls, each.requests) for each in broker.calls()] == [
        ("activities", 1, 1),
        ("positions", 2, 2),
    ]


def test_a_request_that_is_not_answered_counts_as_well():
    broker = AlpacaBroker(Said(failure=TransportFailure("read-timeout", was_sent=True)))
    with pytest.raises(BrokerUnreachable):
        broker.account()
    assert [(each.calls, each.requests) for each in broker.calls()] == [(1, 1)]


def test_a_list_that_does_not_move_on_is_drift():
    page = [{**ORDER, "id": f"b-{n}"} for n in range(500)]

    with pytest.raises(ContractDrift, match="does not end"):
        AlpacaBroker(said(200, page)).open_orders()


def test_a_list_without_end_is_drift():
    numbers = itertools.count()

    class Endless(Said):
        def send(self, request):
            page = [
                {**ORDER, "id": f"b-{n}", "submitted_at": stamp(4 * n)}
                for n in itertools.islice(numbers, 500)
            ]
            self.asked.append(request)
            return Response(200, (), json.dumps(page).encode())

    transport = Endless()
    with pytest.raises(ContractDrift, match="does not end"):
        AlpacaBroker(transport).open_orders()
    assert len(transport.asked) == 200


def journal_of(count):
    """Return a broker's activities, fills and fees in turn, served as Alpaca serves them."""
    rows = [
        {**(FILL if n % 2 else FEE), "id": f"20241129{n:06}::{n}", "order_id": f"b-{n}"}
        for n in range(count)
    ]

    def answer(method, path, headers, body):
        query = {key: values[0] for key, values in parse_qs(urlsplit(path).query).items()}
        assert urlsplit(path).path == "/v2/account/activities"
        token = query.get("page_token")
        first = 0 if token is None else next(n for n, r in enumerate(rows) if r["id"] == token) + 1
        return 200, {}, json.dumps(rows[first : first + int(query["page_size"])]).encode()

    return answer


@pytest.mark.parametrize("count", [0, 1, 99, 100, 101, 350])
def test_activities_to_the_last_page(count):
    with Broker(journal_of(count)) as server:
        found = AlpacaBroker(AlpacaTransport(server.url, "k", "s")).activities("2024-11-29")

    assert [int(item.activity_id.split("::")[1]) for item in found] == list(range(count))
    # The broker's `after` excludes its own day.
    assert all("after=2024-11-28" in path for _, path, _, _ in server.requests)


def test_activities_from_the_beginning():
    transport = said(200, [])
    AlpacaBroker(transport).activities(None)

    assert "after" not in transport.asked[0].query
    assert "direction=asc" in transport.asked[0].query


def test_activities_without_end_are_drift():
    page = [{**FEE, "id": f"{n}"} for n in range(100)]

    with pytest.raises(ContractDrift, match="does not end"):
        AlpacaBroker(said(200, page)).activities(None)


# ------------------------------------------------------------------------------ assets

ASSET = {"id": "a-1", "class": "us_equity", "symbol": "BRK.B", "status": "active", "tradable": True}


def test_an_asset_and_whether_it_takes_orders():
    transport = said(200, ASSET)
    found = AlpacaBroker(transport).asset("BRK.B")
    assert (found.symbol, found.takes_orders) == ("BRK.B", True)
    assert transport.asked[0].path == "/assets/BRK.B"


@pytest.mark.parametrize(
    "changes", [{"tradable": False}, {"tradable": "true"}, {"status": "inactive"}]
)
def test_an_asset_in_doubt_takes_none(changes):
    assert not AlpacaBroker(said(200, {**ASSET, **changes})).asset("BRK.B").takes_orders


def test_an_asset_that_the_broker_has_not_is_none():
    refusal = {"code": 40410000, "message": "asset not found for BRK.B"}
    assert AlpacaBroker(said(404, refusal)).asset("BRK.B") is None


@pytest.mark.parametrize(
    ("status", "answer", "error"),
    [
        (404, b"<html>", BrokerRefused),
        (503, b"", BrokerUnreachable),
        (200, {**ASSET, "symbol": "BRK.A"}, ContractDrift),
        (200, {"symbol": "BRK.B"}, ContractDrift),
    ],
)
def test_an_answer_in_doubt_says_nothing_of_an_asset(status, answer, error):
    with pytest.raises(error):
        AlpacaBroker(said(status, answer)).asset("BRK.B")
