"""Reason codes: why something was skipped, blocked, changed or reported.

One registry. A code that can end a signal names the one terminal state it leads to; the
others only explain. The runbook page of all codes is generated from here.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

TerminalState = Literal[
    "EXECUTED",
    "REJECTED_BY_CORRELATION",
    "REJECTED_BY_HEAT",
    "REJECTED_BY_CIRCUIT_BREAKER",
    "REJECTED_BY_SIZING",
    "REJECTED_BY_BROKER",
    "REJECTED_BY_DECISION",
    "REJECTED_BY_GATE",
    "EXPIRED_UNFILLED",
]
TERMINAL_STATES: tuple[TerminalState, ...] = get_args(TerminalState)


class Reason(NamedTuple):
    """One reason code.

    Attributes:
        code: Kebab-case, unique, never reused for another meaning.
        summary: What it means, in one sentence.
        terminal_state: The state of a signal that ends with this code; None if it cannot end one.
        remedy: What an operator does about it.
    """

    code: str
    summary: str
    terminal_state: TerminalState | None
    remedy: str


_BREAKER: TerminalState = "REJECTED_BY_CIRCUIT_BREAKER"
_GATE: TerminalState = "REJECTED_BY_GATE"
_DECISION: TerminalState = "REJECTED_BY_DECISION"
_SIZING: TerminalState = "REJECTED_BY_SIZING"

_NOTHING = "nothing: this is normal"
_DATA = "quantcli data check, then import what is missing"

# One entry for one or two lines: the table is read as a whole.
# fmt: off
_TABLE: tuple[Reason, ...] = (
    # scan: why a symbol gave no signal
    Reason("bars-missing", "no bars for the symbol at the data session", None, _DATA),
    Reason("fetch-failed", "the bars of the data session were asked for and did not arrive", None,
           "quantcli data fetch; see runbook/data-fetch.md"),
    Reason("bars-stale", "the newest complete bar is older than the session before", _GATE, _DATA),
    Reason("bars-too-few", "not enough history for the indicators", None, _DATA),
    Reason("bars-quarantined", "data check holds the symbol's bars to be wrong", None, _DATA),
    Reason("split-unrecorded",
           "raw bars jump overnight by a ratio of a split, and no split is recorded", None,
           "quantcli data import --kind corporate-actions FILE: a split, or none for a true move"),
    Reason("benchmark-missing", "no bars for the benchmark: the market gate cannot be judged",
           None, _DATA),
    Reason("benchmark-below-average", "the benchmark closed at or below its 200-day average",
           None, _NOTHING),
    Reason("index-missing", "no value of the volatility index for the data session", None, _DATA),
    Reason("price-too-low", "the close is below the universe's minimum price", None, _NOTHING),
    Reason("volume-too-low", "mean share volume of 20 bars below the minimum", None, _NOTHING),
    Reason("dollar-volume-too-low", "mean dollar volume of 20 bars below the minimum", None,
           _NOTHING),
    Reason("earnings-near", "earnings lie within the blackout", None, _NOTHING),
    Reason("earnings-missing", "an earnings source is configured but does not cover the symbol",
           None, "complete the earnings file or switch the check off"),
    Reason("sector-missing", "a sector source is configured but does not cover the symbol", None,
           "complete the sector file or switch the check off"),
    Reason("sector-weak", "the symbol's sector is not among the strongest", None, _NOTHING),
    Reason("weekly-trend-down", "10-week average not above the 40-week average", None, _NOTHING),
    Reason("atr-too-small", "average true range below the minimum in dollars", None, _NOTHING),
    Reason("trend-too-weak", "neither trend tier holds", None, _NOTHING),
    Reason("volatility-too-high", "ATR percent above its cap or its own median band", None,
           _NOTHING),
    Reason("no-anchor-passes", "no anchored VWAP is reclaimed or held closely enough", None,
           _NOTHING),
    Reason("setup-not-new", "the setup already held on the session before: not a triggering bar",
           None, _NOTHING),
    Reason("stop-not-below-entry", "no stop below the entry price could be formed", _SIZING,
           _NOTHING),
    Reason("signal-cap", "more signals than the strategy may emit in a session", None, _NOTHING),
    # decide
    Reason("within-limits", "every portfolio limit allows the entry", None, _NOTHING),
    Reason("scan-missing", "no scan of this session", _GATE, "run quantcli scan"),
    Reason("scan-invalid", "the scan cannot be read or is of another session", _GATE,
           "see runbook/damaged-artifact.md"),
    Reason("scan-blocked", "the scan itself blocked new risk", _GATE, _DATA),
    Reason("snapshot-missing", "no snapshot of the previous session or later", _GATE,
           "run quantcli snapshot for the previous session"),
    Reason("snapshot-invalid", "the snapshot cannot be read", _GATE,
           "see runbook/damaged-artifact.md"),
    Reason("snapshot-stale", "the newest snapshot is older than the previous session", _GATE,
           "run quantcli snapshot for the previous session"),
    Reason("snapshot-blocked", "the snapshot was made from inputs in doubt", _DECISION,
           "see the snapshot's codes"),
    Reason("session-mismatch", "the input belongs to another session", _DECISION,
           "run the chain in order for one session"),
    Reason("equity-not-positive", "equity is zero or negative", _DECISION,
           "see the snapshot; trading ends here"),
    Reason("limit-positions", "the number of open positions is at its limit", _DECISION,
           _NOTHING),
    Reason("limit-entries", "the entries of this session are used up", _DECISION, _NOTHING),
    Reason("limit-symbol-concentration", "the symbol would exceed its share of equity", _DECISION,
           _NOTHING),
    Reason("limit-gross-exposure", "gross exposure would exceed its limit", "REJECTED_BY_HEAT",
           _NOTHING),
    Reason("limit-drawdown", "drawdown from the high-water mark is at its limit", _DECISION,
           "review before raising the limit"),
    Reason("reentry-cooldown", "the symbol was exited too few sessions ago", _DECISION, _NOTHING),
    Reason("already-held", "the symbol is held or has an open intent", _DECISION, _NOTHING),
    Reason("signal-consumed", "the signal has an intent in this session: it ends as that one ends",
           None, _NOTHING),
    Reason("size-zero", "one share already exceeds the risk budget or the notional cap", _SIZING,
           _NOTHING),
    Reason("notional-too-small", "the size is worth less than the minimum notional", _SIZING,
           _NOTHING),
    Reason("quantity-not-whole", "the size is not a whole number of shares", _SIZING,
           "report the bug; only whole shares are traded"),
    Reason("spending-power", "the order needs more than may be spent", _SIZING, _NOTHING),
    # enforce
    Reason("decision-missing", "no decision of this session", _GATE, "run quantcli decide"),
    Reason("decision-invalid", "the decision cannot be read", _GATE,
           "see runbook/damaged-artifact.md"),
    Reason("decision-mismatch", "the decision does not cover this signal or session", _GATE,
           "run the chain in order for one session"),
    Reason("decision-block", "decide blocked the signal", _DECISION, _NOTHING),
    Reason("halted", "the desk is halted", _BREAKER, "quantcli resume --reason TEXT"),
    Reason("mode-forbids", "the mode does not allow orders here", _GATE, "quantcli config show"),
    Reason("state-restored", "the journal was rebuilt: entries wait for a clean reconciliation and"
           " resume", None, "see runbook/restore.md"),
    Reason("paused", "reconciliation found a break and paused entries", _BREAKER,
           "see runbook/paused.md"),
    Reason("reconcile-absent", "no reconciliation in this session", _BREAKER,
           "run quantcli reconcile"),
    Reason("reconcile-stale", "the newest reconciliation is too old", _BREAKER,
           "run quantcli reconcile"),
    Reason("reconcile-invalid", "the reconciliation cannot be read", _BREAKER,
           "see runbook/damaged-artifact.md"),
    Reason("reconcile-break", "the newest reconciliation found breaks", _BREAKER,
           "see runbook/paused.md"),
    Reason("session-unsealed", "the previous session is not sealed", _GATE,
           "run quantcli report for it"),
    Reason("seal-invalid", "the previous session's seal is not what was published", _GATE,
           "see runbook/damaged-artifact.md"),
    Reason("outside-order-window", "entries may not be sent at this instant", _GATE, _NOTHING),
    Reason("not-on-allowlist", "the symbol is not on the allowlist", _GATE,
           "edit limits.allowlist"),
    Reason("position-exists", "the symbol is already held", _GATE, _NOTHING),
    Reason("order-exists", "an order in the symbol is working", _GATE, _NOTHING),
    Reason("outcome-unknown", "an order in the symbol has an unknown outcome", _GATE,
           "see runbook/unknown-order.md"),
    Reason("price-outside-collar", "the limit price is too far from the reference price", _GATE,
           _NOTHING),
    Reason("risk-per-trade", "the risk at the stop exceeds the limit in dollars or percent",
           _SIZING, _NOTHING),
    Reason("clock-skew", "our instant and the broker's clock differ by more than 30 seconds",
           _GATE, "set the machine's clock"),
    Reason("calendar-disagrees", "the broker's calendar disagrees with ours for this session",
           _GATE, "update quantcli or stop for the day"),
    Reason("account-not-tradable", "the broker reports a blocked or inactive account", _GATE,
           "ask the broker"),
    Reason("asset-not-tradable", "the broker takes no orders in the symbol now", _GATE,
           "nothing: it is not active or halted there"),
    Reason("account-foreign", "the broker's account is not the one the journal belongs to", _GATE,
           "check the keys; one desk trades one account"),
    Reason("genesis-missing", "the journal holds no account: it has not begun", _GATE,
           "run quantcli snapshot --genesis"),
    Reason("broker-unavailable", "the broker's account state could not be read", _GATE,
           "quantcli status; run the step again"),
    Reason("gate-raised", "a gate failed to judge: that is a BLOCK", _GATE,
           "report the bug; entries stay blocked"),
    # execute
    Reason("enforce-missing", "no enforcement of this session", _GATE, "run quantcli enforce"),
    Reason("enforce-outdated",
           "the enforcement was made on an older decision or another configuration", _GATE,
           "run quantcli enforce"),
    Reason("enforce-invalid", "the enforcement cannot be read or is of another session", _GATE,
           "see runbook/damaged-artifact.md"),
    Reason("intent-invalid", "an intent contradicts its id, its digest or its session", _GATE,
           "see runbook/damaged-artifact.md"),
    Reason("sent", "the broker accepted the order", None, _NOTHING),
    Reason("resolved-present", "an unknown outcome was found at the broker", None, _NOTHING),
    Reason("order-refused", "the broker refused the order", "REJECTED_BY_BROKER",
           "see the broker's message"),
    Reason("order-unfilled", "the order ended without a fill", "EXPIRED_UNFILLED", _NOTHING),
    Reason("ttl-expired", "the order's time to live ended; the remainder was cancelled",
           "EXPIRED_UNFILLED", _NOTHING),
    Reason("cancel-unconfirmed", "the broker did not confirm that an order was cancelled", None,
           "run quantcli execute again; see runbook/unknown-order.md"),
    Reason("intent-expired", "the intent was never sent and its time has passed", _GATE,
           "see the incident list for the reason"),
    Reason("filled", "shares were bought", "EXECUTED", _NOTHING),
    Reason("filled-partly", "some shares were bought; the rest was cancelled", "EXECUTED",
           _NOTHING),
    Reason("step-missing", "a step that was due left no artifact", _GATE,
           "quantcli status; run the step again and read its line; check cron"),
    # exits
    Reason("stop-placed", "the first stop of the position was placed", None, _NOTHING),
    Reason("stop-raised", "the stop was moved up", None, _NOTHING),
    Reason("stop-kept", "the stop stands where it is", None, _NOTHING),
    Reason("stop-resized", "the stop was fitted to the quantity held", None, _NOTHING),
    Reason("stop-at-market", "the stop would lie at or above the price: sold at market", None,
           _NOTHING),
    Reason("target-reached", "the price reached the target", None, _NOTHING),
    Reason("max-hold", "the position was held for its maximum number of sessions", None,
           _NOTHING),
    Reason("exit-working", "an exit order is working", None, _NOTHING),
    Reason("sold", "a stop or an exit sold its shares", None, _NOTHING),
    Reason("replace-needs-open-market", "a working stop can be replaced in regular hours only",
           None, _NOTHING),
    Reason("buy-resting", "a buy rests in the symbol: a plain stop would be a wash trade", None,
           "the next cycle cancels the buy and places the stop"),
    Reason("share-uncovered", "shares held without a working stop or exit", None,
           "see runbook/uncovered-share.md"),
    Reason("stop-too-close", "the structural level is too near the entry for a first stop", None,
           _NOTHING),
    Reason("stop-cancelled", "a working stop was cancelled at the broker, not by the desk", None,
           "find out who did; exits placed another, see runbook/uncovered-share.md"),
    Reason("stop-outdated", "a split or a new symbol ended the shares that the stop was told in",
           None, _NOTHING),
    Reason("stop-refused", "the broker refused the stop", None, "see runbook/uncovered-share.md"),
    Reason("exit-refused", "the broker refused to sell; a stop was placed again", None,
           "see runbook/uncovered-share.md"),
    # any step that reads the broker: where an answer differs from the contract
    Reason("broker-field-unknown", "the broker's answer has a field that nobody told us of", None,
           "nothing: it is left unread; see runbook/broker.md"),
    Reason("broker-status-unknown", "the broker uses an order status that nobody told us of", None,
           "see runbook/unknown-order.md"),
    Reason("broker-answer-unusable", "what must be in the broker's answer is absent or unreadable",
           None, "see runbook/broker.md"),
    # reconcile
    Reason("position-missing", "we hold shares that the broker does not show", None,
           "see runbook/paused.md"),
    Reason("position-foreign", "the broker shows shares that we did not buy", None,
           "see runbook/paused.md"),
    Reason("position-quantity", "quantities differ", None, "see runbook/paused.md"),
    Reason("position-price", "average prices differ", None, "see runbook/paused.md"),
    Reason("limit-positions-missing", "more positions are missing on one side than a clean"
           " reconciliation may end", _BREAKER, "see runbook/paused.md, then quantcli resume"),
    Reason("limit-quantity-drift", "a quantity differs by more than a clean reconciliation may end",
           _BREAKER, "see runbook/paused.md, then quantcli resume"),
    Reason("cash-difference", "cash differs", None, "see runbook/paused.md"),
    Reason("order-missing", "an order we hold to be working is not open at the broker", None,
           "see runbook/paused.md"),
    Reason("order-foreign", "the broker shows an open order that is not ours", None,
           "see runbook/paused.md"),
    Reason("order-forgotten", "the broker shows an open order under a name of ours that the journal"
           " does not hold", _BREAKER, "quantcli restore; see runbook/restore.md"),
    Reason("order-differs", "an order at the broker differs from its intent", None,
           "see runbook/paused.md"),
    Reason("fill-foreign", "the broker shows a fill of an order that is not ours", None,
           "see runbook/paused.md"),
    Reason("fill-missing", "our fills and the broker's differ", None, "see runbook/paused.md"),
    Reason("late-fill", "a fill arrived after the order's final state", None,
           "see runbook/paused.md"),
    Reason("order-overfilled", "more shares were filled than ordered", None,
           "see runbook/paused.md"),
    Reason("position-oversold", "more shares were sold than held", None, "see runbook/paused.md"),
    Reason("order-state-contradicts", "the broker reports an order state that cannot follow ours",
           None, "see runbook/paused.md"),
    Reason("account-differs", "the broker's account is not the one the journal belongs to", None,
           "quantcli config show"),
    Reason("journal-not-empty-account", "the journal is empty but the account is not", None,
           "close or transfer the positions first"),
    # snapshot
    Reason("mark-missing", "neither a bar nor the broker gave a price for a held symbol",
           "REJECTED_BY_HEAT", _DATA),
    Reason("history-gap", "a session before this one has no snapshot: returns span several", None,
           "quantcli status; check cron"),
    # report
    Reason("artifact-missing", "an artifact of the session is absent", None,
           "see runbook/damaged-artifact.md"),
    Reason("artifact-corrupt", "an artifact of the session cannot be read", None,
           "see runbook/damaged-artifact.md"),
    Reason("artifact-tampered", "an artifact of the session was changed", None,
           "see runbook/damaged-artifact.md"),
    Reason("artifact-foreign", "an artifact belongs to another session", None,
           "see runbook/damaged-artifact.md"),
    Reason("exit-code", "a step ended with an exit code other than 0", None,
           "see the runbook page of the step"),
    Reason("order-open", "the entry may still be filled: the signal has not ended", None,
           "quantcli execute, then exits; the report seals when the outcome is known"),
    Reason("no-signals", "the scan found no signal", None, _NOTHING),
    Reason("all-rejected", "every signal was rejected", None, _NOTHING),
    Reason("none-filled", "orders were placed but none was filled", None, _NOTHING),
)
# fmt: on

REASONS: dict[str, Reason] = {reason.code: reason for reason in _TABLE}


def terminal_state_of(code: str) -> TerminalState:
    """Return the terminal state that a reason code leads to.

    An unregistered code is a gate's doubt: it never ends as anything but a rejection.
    """
    reason = REASONS.get(code)
    return (reason.terminal_state if reason else None) or _GATE
