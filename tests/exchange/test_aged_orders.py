"""When orders end by themselves: at their session's close, or 90 days after they were made."""

import datetime as dt

import pytest

from quantcli.contracts.session_table import is_session
from tests.exchange.market import customer

#: Every session of half a year at one price.
FLAT = {
    day.isoformat(): {"XYZ": (100, 101, 99, 100)}
    for day in (dt.date(2024, 9, 3) + dt.timedelta(days=n) for n in range(180))
    if is_session(day)
}
MADE = dt.datetime(2024, 9, 3, 15, tzinfo=dt.UTC)
#: The 90th day is a Monday; the session's close is at 16:00 in winter.
LAST = "2024-12-02T21:00:00Z"


@pytest.fixture
def someone():
    return customer(FLAT, opening_at=MADE)


def far(someone, tif="gtc", **more):
    return someone.send("XYZ", 1, "buy", "limit", "50", tif, **more)


def test_a_gtc_order_ages_out_at_the_close_of_its_90th_day(someone):
    booked = far(someone)
    assert booked["expires_at"] == LAST
    someone.to("2024-12-02T20:59:59Z")
    assert someone.order(booked)["status"] == "new"
    someone.to(LAST)

    ended = someone.order(booked)
    assert (ended["status"], ended["expired_at"]) == ("expired", LAST)
    assert someone.get("/v2/account")["buying_power"] == "100000"


def test_the_90th_day_may_be_no_session(someone):
    someone.to("2024-09-06T15:00:00Z")  # 90 days later is a Thursday
    assert far(someone)["expires_at"] == "2024-12-05T21:00:00Z"
    someone.to("2024-09-08T15:00:00Z")  # a Sunday; 90 days later is a Saturday
    assert far(someone)["expires_at"] == "2024-12-06T21:00:00Z"


def test_an_order_in_anothers_place_is_as_old_as_that_one(someone):
    booked = far(someone)
    someone.to("2024-10-15T15:00:00Z")
    changed = someone.replace(booked, limit_price="51")

    assert (changed["created_at"], changed["expires_at"]) == (booked["created_at"], LAST)
    someone.to(LAST)
    assert someone.order(changed)["status"] == "expired"


def test_a_stop_ages_out_and_leaves_its_shares_free(someone):
    someone.send("XYZ", 5, "buy")
    stop = someone.send("XYZ", 5, "sell", "stop", "60", "gtc")
    assert someone.position("XYZ")["qty_available"] == "0"
    someone.to(LAST)

    assert someone.order(stop)["status"] == "expired"
    assert someone.position("XYZ")["qty_available"] == "5"


def test_an_entry_that_ages_out_takes_its_exits_along(someone):
    exits = {"take_profit": {"limit_price": "120"}, "stop_loss": {"stop_price": "40"}}
    entry = far(someone, order_class="bracket", **exits)
    someone.to(LAST)

    nested = someone.get(f"/v2/orders/{entry['id']}", nested="true")
    assert [each["status"] for each in (nested, *nested["legs"])] == [
        "expired", "canceled", "canceled",
    ]  # fmt: skip


@pytest.mark.parametrize("tif", ["day", "opg", "cls", "ioc", "fok"])
def test_all_others_name_the_close_of_their_session(tif):
    someone = customer(FLAT, opening_at=dt.datetime(2024, 9, 4, 0, tzinfo=dt.UTC))

    assert far(someone, tif)["expires_at"] == "2024-09-04T20:00:00Z"


@pytest.mark.parametrize(
    ("tif", "status", "at"),
    [("day", "expired", "20:00"), ("opg", "canceled", "13:30"), ("cls", "canceled", "20:00")],
)
def test_what_an_auction_or_a_day_leaves_ends_there(tif, status, at):
    someone = customer(FLAT, opening_at=dt.datetime(2024, 9, 4, 0, tzinfo=dt.UTC))
    booked = far(someone, tif)
    someone.to("2024-09-04T22:00:00Z")

    ended = someone.order(booked)
    assert (ended["status"], ended["updated_at"]) == (status, f"2024-09-04T{at}:00Z")
    assert ended["canceled_at" if status == "canceled" else "expired_at"] == ended["updated_at"]
