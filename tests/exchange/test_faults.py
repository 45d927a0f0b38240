"""Each kind of fault as the wire shows it, and how faults are set, listed and taken back."""

import datetime as dt
import json
from decimal import Decimal
from pathlib import Path

import pytest

from quantcli.exchange.faults import CONTROL_PATH, KINDS, ConnectionDropped
from tests.exchange.market import KEYS, customer, order

ORDERS = "/v2/orders"
LOOK_UP = "/v2/orders:by_client_order_id"


def fault(someone, kind, **more):
    """Set a fault; return it as listed."""
    status, value = someone.ask("POST", "/_sim/faults", body={"kind": kind, **more})
    assert status == 200, value
    return value


def clear(someone, number=None):
    path = "/_sim/faults" if number is None else f"/_sim/faults/{number}"
    assert someone.ask("DELETE", path) == (204, None)


def raw(someone, method, path, query="", body=None):
    """Return status, headers as a mapping, and the bytes of the answer."""

    data = b"" if body is None else json.dumps(body).encode()
    status, headers, data = someone.exchange.handle(method, path, query, data, KEYS)
    return status, dict(headers), data


# ------------------------------------------------------------------ setting, listing, clearing


def test_a_fault_is_set_listed_and_cleared(queued):
    assert queued.get("/_sim/faults") == []
    set_one = fault(queued, "bad-gateway", method="GET", path="/v2/account", nth=2)
    assert set_one == {"id": 1, "kind": "bad-gateway", "method": "GET", "path": "/v2/account",
                       "nth": 2, "seen": 0, "struck": 0}  # fmt: skip
    assert fault(queued, "extra-fields", path="/v2/clock")["count"] == 10
    queued.get("/v2/account")
    assert [each["seen"] for each in queued.get("/_sim/faults")] == [1, 0]
    clear(queued, 1)
    assert [each["id"] for each in queued.get("/_sim/faults")] == [2]
    clear(queued)
    assert queued.get("/_sim/faults") == []
    assert fault(queued, "bad-gateway")["id"] == 3


def test_only_the_nth_or_every_request_is_struck(queued):
    fault(queued, "bad-gateway", method="GET", path="/v2/account", nth=2)
    assert [queued.ask("GET", "/v2/clock")[0] for _ in range(3)] == [200, 200, 200]
    assert [raw(queued, "GET", "/v2/account")[0] for _ in range(4)] == [200, 502, 200, 200]
    clear(queued)
    fault(queued, "bad-gateway", method="GET", path="/v2/acc*", nth="every")
    assert [raw(queued, "GET", "/v2//account")[0] for _ in range(3)] == [502, 502, 502]
    assert raw(queued, "GET", "/v2/account/configurations")[0] == 502
    assert queued.get("/_sim/faults")[0]["struck"] == 4


def test_the_simulation_itself_is_never_faulty(queued):
    fault(queued, "bad-gateway", path="/*", nth="every")
    assert raw(queued, "GET", CONTROL_PATH + "clock")[0] == 200
    clear(queued)
    assert queued.ask("GET", "/v2/account")[0] == 200


def test_keys_are_required(queued):
    assert queued.ask("GET", "/_sim/faults", headers={"APCA-API-KEY-ID": "x",
                      "APCA-API-SECRET-KEY": "y"})[0] == 401  # fmt: skip
    fault(queued, "bad-gateway", method="GET", path="/v2/account")
    wrong = {"APCA-API-KEY-ID": "x", "APCA-API-SECRET-KEY": "y"}
    assert queued.ask("GET", "/v2/account", headers=wrong)[0] == 401
    assert queued.get("/_sim/faults")[0]["seen"] == 0


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, "unknown kind of fault: None; there are accepted-then-rejected, account-reset"),
        ({"kind": "gremlins"}, "unknown kind of fault: 'gremlins'; there are"),
        ({"kind": ["delay"]}, "unknown kind of fault"),
        ({"kind": "delay"}, "delay needs seconds"),
        ({"kind": "delay", "seconds": 0}, "invalid seconds of delay: 0"),
        ({"kind": "delay", "seconds": 61}, "invalid seconds of delay: 61"),
        ({"kind": "delay", "seconds": "soon"}, "invalid seconds of delay"),
        ({"kind": "missing-field"}, "missing-field needs field"),
        ({"kind": "missing-field", "field": ""}, "invalid field of missing-field"),
        ({"kind": "extra-fields", "count": 0}, "invalid count of extra-fields: 0"),
        ({"kind": "late-visibility", "calls": True}, "invalid calls of late-visibility"),
        ({"kind": "partial-then-cancel", "qty": "-1"}, "invalid qty of partial-then-cancel: -1"),
        ({"kind": "rate-limited", "headers": "no"}, "rate-limited: no; true or false"),
        ({"kind": "rate-limited", "retry_after": 1}, "rate-limited: 1; text, in quotes"),
        ({"kind": "bad-gateway", "nth": 0}, "invalid nth: 0; a count from 1, or every"),
        ({"kind": "bad-gateway", "nth": "all"}, "invalid nth: 'all'"),
        ({"kind": "bad-gateway", "method": "get"}, "invalid method: 'get'"),
        ({"kind": "bad-gateway", "path": "v2"}, "invalid path: 'v2'"),
        ({"kind": "bad-gateway", "times": 2}, "bad-gateway has no setting times; it has kind, "),
        ({"kind": "clock-skew", "seconds": 9, "method": "POST"}, "strikes at GET only, not at"),
    ],
)
def test_what_cannot_be_is_said(body, words, queued):
    status, value = queued.ask("POST", "/_sim/faults", body=body)
    assert (status, value["code"]) == (422, 40010001)
    assert words in value["message"]
    assert queued.get("/_sim/faults") == []


def test_no_fault_is_left_after_the_exchange_is_opened_again(market, tmp_path):
    first = customer(market, path=tmp_path / "book")
    fault(first, "bad-gateway", nth="every")
    first.exchange.close()
    assert customer(market, path=tmp_path / "book").get("/_sim/faults") == []


def test_one_that_is_not_there_cannot_be_taken_back(queued):
    assert queued.ask("DELETE", "/_sim/faults/7")[0] == 404


def test_every_kind_is_tested_here():
    text = Path(__file__).read_text()
    assert [kind for kind in KINDS if f'"{kind}"' not in text] == []


# ------------------------------------------------------------------ connection and gateway


def test_dropped_before_it_is_accepted(queued):
    fault(queued, "drop-before-accept", method="POST", path=ORDERS)
    with pytest.raises(ConnectionDropped) as dropped:
        queued.send("XYZ", 1, "buy", "limit", "90", client_order_id="a")
    assert not dropped.value.is_everybodys
    assert queued.get(ORDERS) == []


def test_dropped_after_it_was_accepted(queued):
    fault(queued, "drop-after-accept", method="POST", path=ORDERS)
    with pytest.raises(ConnectionDropped):
        queued.send("XYZ", 1, "buy", "limit", "90", client_order_id="a")
    assert [row["client_order_id"] for row in queued.get(ORDERS)] == ["a"]


def test_gateway_gives_up_after_the_order_was_accepted(queued):
    fault(queued, "gateway-timeout-after-accept", method="POST", path=ORDERS)
    status, headers, page = raw(
        queued, "POST", ORDERS, body=order("XYZ", 1, "buy", "limit", "90", client_order_id="a")
    )
    assert (status, headers["Content-Type"]) == (504, "text/html")
    assert b"504 Gateway Time-out" in page
    assert [row["client_order_id"] for row in queued.get(ORDERS)] == ["a"]


def test_bad_gateway_is_a_page_and_the_order_never_arrives(queued):
    fault(queued, "bad-gateway", method="POST", path=ORDERS)
    status, headers, page = raw(queued, "POST", ORDERS, body=order("XYZ", 1, "buy"))
    assert (status, headers["Content-Type"]) == (502, "text/html")
    assert page.startswith(b"<html>")
    assert queued.get(ORDERS) == []


@pytest.mark.parametrize("has_headers", [True, False])
def test_rate_limit_with_and_without_headers(has_headers, queued):
    fault(queued, "rate-limited", path="/v2/account", headers=has_headers, retry_after="-5")
    status, headers, body = raw(queued, "GET", "/v2/account")
    assert (status, json.loads(body)["code"]) == (429, 42910000)
    sent = {"Retry-After", "X-Ratelimit-Limit", "X-Ratelimit-Remaining", "X-Ratelimit-Reset"}
    assert sent & headers.keys() == (sent if has_headers else set())
    if has_headers:
        assert headers["Retry-After"] == "-5"
        # 2024-11-26T13:00:00Z and a minute
        assert headers["X-Ratelimit-Reset"] == "1732626060"


def test_delay_is_for_the_transport_to_wait(queued):

    exchange = queued.exchange
    assert exchange.seconds_before("GET", "/v2/account", KEYS) == 0
    fault(queued, "delay", seconds="0.25", path="/v2/account", nth=2)
    fault(queued, "delay", seconds=1, nth="every")
    assert exchange.seconds_before("GET", "/v2/account", {}) == 0  # without keys nobody waits
    waits = [exchange.seconds_before("GET", "/v2/account", KEYS) for _ in range(3)]
    assert waits == [1, 1.25, 1]
    assert exchange.seconds_before("GET", "/_sim/clock", KEYS) == 0


def test_restart_drops_everybody_and_keeps_the_book(market, tmp_path):
    someone = customer(market, path=tmp_path / "book")
    someone.send("XYZ", 1, "buy", "limit", "90", client_order_id="a")
    fault(someone, "broker-restart", method="POST", path=ORDERS)
    with pytest.raises(ConnectionDropped) as dropped:
        someone.send("XYZ", 1, "buy", "limit", "91", client_order_id="b")
    assert dropped.value.is_everybodys
    assert [row["client_order_id"] for row in someone.get(ORDERS)] == ["a"]
    someone.send("XYZ", 1, "buy", "limit", "91", client_order_id="b")


# ------------------------------------------------------------------ words


def test_truncated_and_malformed_json_are_no_json(queued):
    whole = raw(queued, "GET", "/v2/account")[2]
    fault(queued, "truncated-json", path="/v2/account")
    status, _, body = raw(queued, "GET", "/v2/account")
    assert (status, body) == (200, whole[: len(whole) // 2])
    fault(queued, "malformed-json", path="/v2/account")
    body = raw(queued, "GET", "/v2/account")[2]
    assert len(body) > len(whole)
    with pytest.raises(json.JSONDecodeError):
        json.loads(body)
    assert raw(queued, "GET", "/v2/account")[2] == whole


def test_unknown_status_in_answers_and_lists_but_not_in_the_book(queued):
    fault(queued, "unknown-status", method="POST", path=ORDERS)
    fault(queued, "unknown-status", method="GET", path=ORDERS, value="mulling")
    booked = queued.send("XYZ", 1, "buy", "limit", "90")
    assert booked["status"] == "pondering"
    assert [row["status"] for row in queued.get(ORDERS)] == ["mulling"]
    assert queued.order(booked)["status"] == "accepted"


def test_missing_field(queued):
    fault(queued, "missing-field", path="/v2/account", field="equity")
    before = queued.get("/v2/account")
    assert {*queued.get("/v2/account")} - {*before} == {"equity"}


def test_number_for_string_keeps_its_digits(holder):
    fault(holder, "number-for-string", path="/v2/positions", field="avg_entry_price", nth="every")
    _, _, body = raw(holder, "GET", "/v2/positions")
    found = json.loads(body, parse_int=str, parse_float=str)[0]["avg_entry_price"]
    assert found == "99"
    assert b'"avg_entry_price":99,' in body
    clear(holder)
    fault(holder, "number-for-string", path="/v2/account", field="status")
    assert holder.get("/v2/account")["status"] == "ACTIVE"  # no number, so it stays


def test_extra_fields_of_every_type(queued):
    before = queued.get("/v2/account")
    fault(queued, "extra-fields", path="/v2/account", count=10)
    after = queued.get("/v2/account")
    extras = {name: value for name, value in after.items() if name not in before}
    assert len(extras) == 10
    kinds = {type(value) for value in extras.values()}
    assert kinds == {str, int, float, bool, dict, list, type(None)}
    assert {name: after[name] for name in before} == before


def test_a_refusal_keeps_its_words(queued):
    fault(queued, "missing-field", method="POST", path=ORDERS, field="message")
    assert "message" in queued.refused("XYZ", 0, "buy")[1]


# ------------------------------------------------------------------ what is shown


def test_stale_positions_are_those_of_the_moment_of_setting(holder):
    fault(holder, "stale-positions", nth="every")
    before = holder.get("/v2/positions")
    holder.to("2024-11-26T15:00:00Z")
    holder.send("XYZ", 4, "sell")
    assert holder.get("/v2/positions") == before
    assert holder.position("XYZ")["qty"] == "6"
    clear(holder)
    assert holder.get("/v2/positions")[0]["qty"] == "6"


def test_an_order_is_not_found_for_a_while(queued):
    queued.send("XYZ", 1, "buy", "limit", "80", client_order_id="old")
    fault(queued, "late-visibility", calls=3)
    booked = queued.send("XYZ", 1, "buy", "limit", "90", client_order_id="new")
    assert queued.ask("GET", LOOK_UP, {"client_order_id": "old"})[0] == 200
    status, value = queued.ask("GET", LOOK_UP, {"client_order_id": "new"})
    assert (status, value["message"]) == (404, "order not found for new")
    assert [row["client_order_id"] for row in queued.get(ORDERS)] == ["old"]
    taken = queued.refused("XYZ", 1, "buy", "limit", "90", client_order_id="new")
    assert taken[1]["message"] == "client_order_id must be unique"
    assert queued.ask("GET", f"/v2/orders/{booked['id']}")[0] == 404
    assert queued.ask("GET", LOOK_UP, {"client_order_id": "new"})[0] == 200
    assert len(queued.get(ORDERS)) == 2


def test_a_hidden_order_shows_again_when_the_fault_is_taken_back(queued):
    fault(queued, "late-visibility", calls=1000)
    queued.send("XYZ", 1, "buy", "limit", "90", client_order_id="new")
    assert queued.get(ORDERS) == []
    clear(queued)
    assert len(queued.get(ORDERS)) == 1


def test_duplicate_and_reordered_activities(holder):
    holder.to("2024-11-26T22:00:00Z")
    holder.send("XYZ", 4, "sell")
    holder.send("ABC", 1, "buy")
    holder.to("2024-11-27T22:00:00Z")
    path = "/v2/account/activities"
    plain = holder.get(path, direction="asc")
    assert len(plain) >= 3
    fault(holder, "duplicate-activities")
    assert holder.get(path, direction="asc") == [row for row in plain for _ in range(2)]
    fault(holder, "reordered-activities")
    assert holder.get(path, direction="asc") == plain[::-1]
    assert holder.get(path, direction="asc") == plain


def test_another_account_until_the_fault_is_taken_back(holder):
    own = holder.get("/v2/account")
    holder.send("XYZ", 4, "sell", "stop", "80", tif="gtc")
    fault(holder, "account-reset", method="GET", path="/v2/account", nth=2)
    assert holder.get("/v2/account")["id"] == own["id"]
    other = holder.get("/v2/account")
    assert other["id"] != own["id"]
    assert other["account_number"] != own["account_number"]
    assert other["cash"] == "100000"
    for path in ("/v2/positions", ORDERS, "/v2/account/activities"):
        assert holder.get(path) == [], path
    holder.send("ABC", 5, "buy")
    holder.to("2024-11-26T15:00:00Z")
    assert holder.position("ABC")["qty"] == "5"
    clear(holder)
    assert holder.get("/v2/account")["id"] == own["id"]
    assert [row["symbol"] for row in holder.get("/v2/positions")] == ["XYZ"]
    assert len(holder.get(ORDERS)) == 1
    assert holder.exchange.clock == dt.datetime(2024, 11, 26, 15, tzinfo=dt.UTC)


@pytest.mark.parametrize(("seconds", "shown"), [(45, "08:00:45"), ("-600", "07:50:00")])
def test_clock_skew(seconds, shown, queued):
    fault(queued, "clock-skew", seconds=seconds)
    assert queued.get("/v2/clock")["timestamp"] == f"2024-11-26T{shown}-05:00"
    assert queued.get("/v2/clock")["timestamp"] == "2024-11-26T08:00:00-05:00"
    assert queued.get("/_sim/clock")["timestamp"] == "2024-11-26T13:00:00Z"


# ------------------------------------------------------------------ what becomes of an order


def test_accepted_then_rejected(queued):
    fault(queued, "accepted-then-rejected")
    booked = queued.send("XYZ", 1, "buy", "limit", "200")
    assert booked["status"] == "accepted"
    shown = queued.order(booked)
    assert (shown["status"], shown["failed_at"]) == ("rejected", "2024-11-26T13:00:00Z")
    queued.to("2024-11-26T22:00:00Z")
    assert queued.fills() == []
    assert queued.cash() == "100000"


def test_accepted_then_rejected_even_where_it_would_fill_at_once(queued):
    queued.to("2024-11-26T15:00:00Z")
    fault(queued, "accepted-then-rejected")
    booked = queued.send("XYZ", 1, "buy", client_order_id="a")
    assert booked["status"] == "new"
    assert (queued.order(booked)["status"], queued.order(booked)["filled_qty"]) == ("rejected", "0")
    assert (queued.fills(), queued.get("/v2/positions")) == ([], [])
    assert queued.refused("XYZ", 1, "buy", client_order_id="a")[0] == 422


def test_a_refused_order_stays_refused(queued):
    fault(queued, "accepted-then-rejected", nth="every")
    assert queued.refused("XYZ", 0, "buy")[0] == 422
    assert queued.get(ORDERS, status="all") == []


def test_stuck_pending_cancel(queued):
    booked = queued.send("XYZ", 1, "buy", "limit", "90")
    fault(queued, "stuck-pending-cancel")
    assert queued.cancel(booked) is None
    assert queued.order(booked)["status"] == "pending_cancel"
    assert [row["status"] for row in queued.get(ORDERS)] == ["pending_cancel"]
    status, value = queued.ask("DELETE", f"/v2/orders/{booked['id']}")
    assert (status, value["message"]) == (422, "order pending cancel")
    assert queued.ask("PATCH", f"/v2/orders/{booked['id']}", body={"qty": 2})[0] == 422
    clear(queued)
    assert queued.order(booked)["status"] == "canceled"


def test_an_order_that_waits_for_its_cancel_may_still_fill(queued):
    booked = queued.send("XYZ", 1, "buy", "limit", "98")
    fault(queued, "stuck-pending-cancel", nth="every")
    queued.cancel(booked)
    queued.to("2024-11-26T22:00:00Z")
    assert queued.order(booked)["status"] == "filled"
    clear(queued)
    assert queued.order(booked)["status"] == "filled"


def test_partial_then_cancel_of_a_queued_order_happens_at_the_open(queued):
    """XYZ opens at 100: of 10 shares limited to 101 three are bought there."""
    fault(queued, "partial-then-cancel", qty=3)
    booked = queued.send("XYZ", 10, "buy", "limit", "101")
    assert queued.order(booked)["status"] == "accepted"
    queued.to("2024-11-26T14:29:59Z")
    assert queued.order(booked)["filled_qty"] == "0"
    status, _ = queued.ask("POST", "/_sim/clock", body={"to": "2024-11-26T22:00:00Z"})
    assert status == 200
    shown = queued.order(booked)
    assert (shown["status"], shown["qty"], shown["filled_qty"]) == ("canceled", "10", "3")
    assert shown["canceled_at"] == "2024-11-26T14:30:00Z"
    assert queued.fills() == [("2024-11-26T14:30:00Z", "buy", "3", "100")]
    row = queued.get("/v2/account/activities/FILL")[0]
    assert (row["type"], row["cum_qty"], row["leaves_qty"]) == ("partial_fill", "3", "7")
    assert queued.position("XYZ")["qty"] == "3"
    assert queued.cash() == "99700"


def test_partial_then_cancel_in_regular_hours_happens_at_once(holder):
    holder.to("2024-11-26T15:00:00Z")
    fault(holder, "partial-then-cancel")
    shown = holder.order(holder.send("XYZ", 7, "sell"))
    assert (shown["status"], shown["filled_qty"]) == ("canceled", "3")
    assert holder.position("XYZ")["qty"] == "7"
    assert Decimal(holder.fills()[-1][2]) == 3


def test_a_part_that_waits_is_forgotten_with_its_fault(queued):
    fault(queued, "partial-then-cancel", qty=3)
    booked = queued.send("XYZ", 10, "buy", "limit", "101")
    clear(queued)
    queued.to("2024-11-26T22:00:00Z")
    assert queued.order(booked)["status"] == "filled"


def test_the_same_requests_meet_the_same_faults(market):
    def story():
        someone = customer(market)
        fault(someone, "late-visibility", calls=2)
        fault(someone, "partial-then-cancel", nth=2)
        fault(someone, "extra-fields", path="/v2/*", nth=3)
        someone.send("XYZ", 3, "buy", "limit", "101")
        someone.send("ABC", 4, "buy", "limit", "41")
        seen = [raw(someone, "GET", ORDERS), raw(someone, "GET", "/v2/account")]
        someone.to("2024-11-26T22:00:00Z")
        return [*seen, raw(someone, "GET", ORDERS, "status=all"), someone.fills()]

    assert story() == story()


def test_a_book_in_memory_stays_when_the_broker_restarts(queued):
    queued.send("XYZ", 1, "buy", "limit", "90")
    fault(queued, "broker-restart", path="/v2/account")
    with pytest.raises(ConnectionDropped):
        queued.get("/v2/account")
    assert len(queued.get(ORDERS)) == 1
