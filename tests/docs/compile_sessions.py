"""Write the session table of the program from exchange_calendars, or check that it is current.

`python -m tests.docs.compile_sessions` rewrites the lines between the two marks in
`quantcli/contracts/session_table.py`; with `--check` nothing is written and the exit code is 1
when they differ. The horizon is fixed here: the exchange publishes its holidays to the end of
2027, and beyond that the library merely extrapolates the rules.
"""

import datetime as dt
import sys
from pathlib import Path
from zoneinfo import ZoneInfo

import exchange_calendars

TARGET = Path(__file__).resolve().parents[2] / "quantcli" / "contracts" / "session_table.py"
FIRST = dt.date(2007, 1, 1)  # the daylight rule of today holds since 2007
LAST = dt.date(2027, 12, 31)
BEGIN, END = "# ---- compiled from here\n", "# ---- compiled to here\n"
NEW_YORK = ZoneInfo("America/New_York")


def calendar():
    """Return the library's calendar over the whole range."""
    return exchange_calendars.get_calendar("XNYS", start=FIRST.isoformat(), end=LAST.isoformat())


def closures(sessions: set[dt.date]) -> list[dt.date]:
    """Return the weekdays of the range on which no session is held."""
    days = (FIRST + dt.timedelta(days=n) for n in range((LAST - FIRST).days + 1))
    return [day for day in days if day.weekday() < 5 and day not in sessions]


def short_sessions(schedule) -> list[dt.date]:
    """Return sessions that end at 13:00; refuse hours that the table cannot express."""
    short = []
    for label, opens, closes in zip(
        schedule.index, schedule["open"], schedule["close"], strict=True
    ):
        times = tuple(
            stamp.tz_convert(NEW_YORK).strftime("%H:%M") for stamp in (opens, closes)
        )  # fmt: skip
        if times not in {("09:30", "16:00"), ("09:30", "13:00")}:
            raise SystemExit(f"{label.date()}: hours {times} do not fit the table")
        if times[1] == "13:00":
            short.append(label.date())
    return short


def daylight(year: int) -> list[dt.date]:
    """Return the dates on which New York's clocks change in a year."""
    days = [dt.date(year, 1, 1) + dt.timedelta(days=n) for n in range(365)]
    offsets = [dt.datetime.combine(day, dt.time(12), NEW_YORK).utcoffset() for day in days]
    pairs = zip(days[1:], offsets[:-1], offsets[1:], strict=True)
    return [day for day, before, after in pairs if before != after]


def literal(name: str, comment: str, days: list[dt.date]) -> str:
    """Return one table as source: year -> the days as MM-DD."""
    years: dict[int, list[str]] = {}
    for day in days:
        years.setdefault(day.year, []).append(day.strftime("%m-%d"))
    lines = [f'    {year}: "{" ".join(of_year)}",' for year, of_year in sorted(years.items())]
    return "\n".join([f"# {comment}", f"{name}: dict[int, str] = {{", *lines, "}", ""])


def compiled() -> str:
    """Return the lines between the marks."""
    schedule = calendar().schedule
    sessions = [label.date() for label in schedule.index]
    changes = [day for year in range(FIRST.year, LAST.year + 1) for day in daylight(year)]
    return "\n".join(
        [
            "#: The first and the last session of the table.",
            f"FIRST = dt.date({sessions[0].year}, {sessions[0].month}, {sessions[0].day})",
            f"LAST = dt.date({sessions[-1].year}, {sessions[-1].month}, {sessions[-1].day})",
            literal("_CLOSED", "Weekdays without a session.", closures(set(sessions)))
            + literal("_SHORT", "Sessions that end at 13:00.", short_sessions(schedule))
            + literal("_DAYLIGHT", "Sundays on which clocks go forward and back.", changes),
        ]
    )


def main(arguments: list[str]) -> int:
    """Write or check; return the exit code."""
    source = TARGET.read_text(encoding="utf-8")
    head, rest = source.split(BEGIN)
    tail = rest.split(END)[1]
    wanted = head + BEGIN + compiled() + END + tail
    if "--check" in arguments:
        print("current" if wanted == source else "out of date")
        return int(wanted != source)
    TARGET.write_text(wanted, encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
