"""Reports made by hand: a trading day, a quiet day, a bad day, a hostile one."""

from quantcli.contracts.envelope import Finding
from quantcli.contracts.report import Report
from quantcli.core.report_model import report_exit_code, report_fields
from tests.core.day_facts import (
    BEFORE,
    CLOSE,
    MORNING,
    damaged,
    difference,
    enforce,
    evidence,
    exits,
    fill,
    gate,
    judgment,
    order,
    order_report,
    reconcile,
    review,
    scan,
    signal,
    skip,
    snapshot,
    stamp,
)
from tests.core.test_report_model import DAY, FILLED, ROWS
from tests.core.test_trades import FREE, book_of, trades_of

HOSTILE = (
    "<img src=x onerror=alert(1)> `code` *b* _i_ [a](javascript:x) | # \\ </td></style>"
    "\x1b[31m\r\n\u202egnp.exe\u2028 [red]x[/red] =HYPERLINK(1) "
    "https://evil.example www.evil.example"
)


def made(*artifacts, mode="local", previous_seal="9" * 64, **changes):
    day = evidence(*artifacts, **changes)
    at = stamp(CLOSE, hour=20, mode=mode).model_copy(update={"config_sha256": "d" * 64})
    header = Report.header(at, (), report_exit_code(day))
    return Report(**header, **report_fields(day, mode), previous_seal=previous_seal)


def trading_day():
    fills = (fill(1, "buy", 30, "99"), fill(2, "sell", 30, "104.5"))
    closed = trades_of(book_of(fills, FREE).matches, {}, {"x2"})
    return made(*DAY[:-1], snapshot(trades_closed=closed), orders=(FILLED,), rows=ROWS)


def quiet_day():
    return made(
        reconcile(), scan(skipped=(skip(),)), exits(), reconcile(cycle=CLOSE),
        snapshot(cash="100000", equity="100000", positions=(), equity_history=("100000",)),
    )  # fmt: skip


def bad_day():
    return made(
        reconcile(difference(), paused=("position-foreign",)),
        damaged("scan"),
        enforce(judgment(gate("paused", "paused", "position-foreign", "not paused"))),
        exits(review(), uncovered=10, exit_code=8),
        expected=[(MORNING, ("reconcile", "scan", "decide"))],
        orders=(order("FILLED", 5, average="97.25", session=BEFORE, quantity=20),),
        mode="dry-run",
    )


def hostile_day():
    refused = order_report(action="refused", state="REJECTED", code=None, message=HOSTILE)
    gates = judgment(gate("size", "size-zero", HOSTILE, HOSTILE))
    withheld = (Finding(code="halted", observed=HOSTILE),)
    return made(
        scan(signal(strategy=HOSTILE)),
        enforce(gates),
        exits(review(basis=HOSTILE), orders=(refused,), withheld=withheld, codes=(HOSTILE,)),
        reconcile(difference().model_copy(update={"theirs": HOSTILE})),
    )
