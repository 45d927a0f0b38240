"""The AVWAP rules once more, for one symbol, in plain loops over a list of bars.

Written from the rules and not from the columns: no arrays, exact sums, each anchor found by
walking back. It is slow and only judges; the strategy is held against it on real bars.
"""

import math
from statistics import median
from typing import NamedTuple


class Bar(NamedTuple):
    session: object
    open: float
    high: float
    low: float
    close: float
    volume: float


class Verdict(NamedTuple):
    code: str | None
    anchor: str | None = None
    anchor_date: object = None
    stop: float | None = None
    trend: float | None = None


def mean(values):
    values = list(values)
    return math.fsum(values) / len(values)


def closes(bars, count, ago=0):
    end = len(bars) - ago
    return [bar.close for bar in bars[end - count : end]]


def true_range(bars, at):
    bar, before = bars[at], bars[at - 1].close
    return max(bar.high, before) - min(bar.low, before)


def atr(bars, at):
    return mean(true_range(bars, each) for each in range(at - 13, at + 1))


def judge(bars):
    """Return the verdict on the last bar: a code, or None for a setup."""
    close = bars[-1].close
    weeks = {}
    for bar in bars:
        weeks[bar.session.isocalendar()[:2]] = bar.close
    weekly = [weeks[key] for key in sorted(weeks)]
    if not mean(weekly[-10:]) > mean(weekly[-40:]):
        return Verdict("weekly-trend-down")
    if atr(bars, len(bars) - 1) < 0.5:
        return Verdict("atr-too-small")
    change = mean(closes(bars, 50)) / mean(closes(bars, 50, ago=10)) - 1
    short, long = mean(closes(bars, 20)), mean(closes(bars, 50))
    if not ((close > short >= long) or (close > long and change > 0)):
        return Verdict("trend-too-weak")
    percents = [
        100 * atr(bars, each) / bars[each].close for each in range(len(bars) - 120, len(bars))
    ]
    if percents[-1] > 6 or percents[-1] > 1.15 * median(percents):
        return Verdict("volatility-too-high")
    best = best_anchor(bars)
    if best is None:
        return Verdict("no-anchor-passes")
    name, at, level = best
    sign = (change > 0) - (change < 0)
    trend = 200 * change + 0.7 * adx(bars) * sign - 10 * percents[-1] / median(percents)
    return Verdict(None, name, bars[at].session, stop_under(bars, level), trend)


def vwap(bars, start, end):
    traded = bars[start:end]
    paid = math.fsum((bar.high + bar.low + bar.close) / 3 * bar.volume for bar in traded)
    return paid / math.fsum(bar.volume for bar in traded)


def anchors(bars):
    """Return name, priority and place of each anchor."""
    size, last = len(bars), bars[-1].session
    found = {}
    for at in range(size):
        if bars[at].session.year == last.year:
            found.setdefault("year-start", (100, at))
            if bars[at].session.month == last.month:
                found.setdefault("month-start", (70, at))
    for at in range(size - 60, size):
        bar, before = bars[at], bars[at - 1].close
        if abs(bar.open - before) / before >= 0.04:
            found["gap"] = (90, at)
        usual = mean(each.volume for each in bars[at - 19 : at + 1])
        prior = max(each.high for each in bars[at - 5 : at])
        reach = bar.high - bar.low
        is_high = reach > 0 and (bar.close - bar.low) / reach >= 0.7
        if bar.volume > 1.8 * usual and bar.close > prior and is_high:
            found["volume-breakout"] = (80, at)
    recent = range(size - 20, size)
    found["swing-low"] = (50, min(recent, key=lambda at: bars[at].low))
    found["swing-high"] = (40, max(recent, key=lambda at: bars[at].high))
    taken, kept = set(), []
    for name, (priority, at) in sorted(found.items(), key=lambda item: -item[1][0]):
        if at not in taken:
            taken.add(at)
            kept.append((name, priority, at))
    return kept


def best_anchor(bars):
    """Return name, place and level of the anchor of highest score."""
    close, before = bars[-1].close, bars[-2].close
    best = None
    for name, priority, at in anchors(bars):
        if at > len(bars) - 6:
            continue
        level, past = vwap(bars, at, len(bars)), vwap(bars, at, len(bars) - 5)
        distance = 100 * (close - level) / level
        is_reclaim = before <= level < close
        is_flat = (level - past) / past >= -0.05
        if not close > level or distance > 8 or not (is_flat or is_reclaim):
            continue
        score = priority - distance + 50 * (0.1 <= distance <= 1.5) + 40 * is_reclaim
        if best is None or score > best[0]:
            best = (score, name, at, level)
    return None if best is None else best[1:]


def stop_under(bars, level):
    stop = level * 0.997
    for at in range(len(bars) - 2, len(bars) - 21, -1):
        if bars[at].low < bars[at - 1].low and bars[at].low < bars[at + 1].low:
            if bars[at].low * 0.995 < level:
                stop = min(stop, bars[at].low * 0.995)
            break
    return min(stop, level - atr(bars, len(bars) - 1), level * 0.985)


def adx(bars):
    """Return Wilder's average directional index over the last 199 movements."""
    smooth = None
    index = None
    for at in range(len(bars) - 199, len(bars)):
        up, down = bars[at].high - bars[at - 1].high, bars[at - 1].low - bars[at].low
        move = (up if up > down and up > 0 else 0.0, down if down > up and down > 0 else 0.0)
        if smooth is None:
            smooth = move
        else:
            smooth = tuple((13 * old + new) / 14 for old, new in zip(smooth, move, strict=True))
        total = sum(smooth)
        spread = abs(smooth[0] - smooth[1]) / total if total else 0.0
        index = spread if index is None else (13 * index + spread) / 14
    return 100 * index
