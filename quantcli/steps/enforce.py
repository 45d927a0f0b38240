"""`enforce`: every gate asked about every signal; what passes becomes an intent.

Reads the scan and the decision on it, this session's newest reconciliation, the journal, the
halt record and, on tape, the broker's account, clock and calendar. It sends nothing and journals
nothing: an intent is a proposal until `execute` makes it durable.
"""

from __future__ import annotations

from quantcli.contracts.enforce import AccountState, Enforce, EnforceVerdict
from quantcli.contracts.errors import gravest
from quantcli.contracts.orders import OrderIntent
from quantcli.core.gates import Judgment, desk_codes, judge
from quantcli.core.gates.facts import Facts, Tally
from quantcli.core.intents import entry_expiry, entry_intent
from quantcli.core.order_ids import IntentKey
from quantcli.steps.desk import Desk
from quantcli.steps.facts import gather, proposals_of

#: Reasons that mean: an artifact that this step reads is absent, damaged, foreign or too old.
_INPUT_CODES = frozenset(
    {
        "decision-missing",
        "decision-invalid",
        "decision-mismatch",
        "scan-missing",
        "scan-invalid",
        "reconcile-absent",
        "reconcile-invalid",
        "reconcile-stale",
    }
)


def enforce(desk: Desk) -> Enforce:
    """Return every gate's answer on every signal, and the intents of those allowed.

    The exit code is 6 when the broker did not answer, 4 when an input is absent, damaged or too
    old, else 0: verdicts are data.
    """
    facts, tally = gather(desk)
    judgments = judge(facts, proposals_of(facts), tally)
    intents = {
        judgment.proposal.terms.signal_id: _intent(desk, facts, judgment)
        for judgment in judgments
        if judgment.is_allowed
    }
    codes = desk_codes(facts)
    return Enforce(
        **desk.header(Enforce, _exit_code(facts, codes)),
        is_enforced=facts.is_enforced,
        decision=facts.decision.ref,
        reconcile=facts.reconcile.ref,
        account=_account_state(facts, tally),
        verdicts=tuple(_verdict(facts, judgment, intents) for judgment in judgments),
        intents=tuple(intents.values()),
        codes=codes,
    )


def _intent(desk: Desk, facts: Facts, judgment: Judgment) -> OrderIntent:
    """Return the entry of an allowed signal: the next one of its strategy and symbol."""
    verdict = judgment.proposal.verdict
    assert verdict is not None, "no gate allows a signal without a decision"
    assert facts.account_id is not None, "no gate allows an entry for an unknown account"
    session = facts.session
    newest = desk.journal.sequence_max(session, verdict.strategy, verdict.symbol, "entry")
    key = IntentKey(
        account=facts.account_id,
        strategy=verdict.strategy,
        session=session,
        symbol=verdict.symbol,
        purpose="entry",
        sequence=newest + 1,
    )
    cycles = desk.config.schedule.offsets()
    expires_at = entry_expiry(cycles, facts.hours.start, facts.hours.end, facts.as_of)
    return entry_intent(key, verdict, expires_at)


def _verdict(facts: Facts, judgment: Judgment, intents: dict[str, OrderIntent]) -> EnforceVerdict:
    """Return the judgment as recorded; a signal that has an intent refers to it."""
    proposal = judgment.proposal
    signal_id = proposal.terms.signal_id
    formed = intents.get(signal_id)
    return EnforceVerdict(
        signal_id=signal_id,
        rank=proposal.terms.rank,
        strategy=proposal.terms.strategy,
        symbol=proposal.symbol,
        decision="ALLOW" if judgment.is_allowed else "BLOCK",
        decided=None if proposal.verdict is None else proposal.verdict.decision,
        enforced=facts.is_enforced,
        primary=judgment.primary,
        gates=judgment.results,
        intent_id=facts.intents.get(signal_id) if formed is None else formed.intent_id,
    )


def _account_state(facts: Facts, tally: Tally) -> AccountState:
    account = facts.account.value
    if account is None:
        return AccountState(status="unreadable", equity=None, cash=None, spending_power=None)
    return AccountState(
        status="tradable" if account.is_tradable else "blocked",
        equity=account.equity,
        cash=account.cash,
        spending_power=tally.spending_power,
    )


def _exit_code(facts: Facts, codes: tuple[str, ...]) -> int:
    silent = {*codes, *(asset.fault for asset in facts.assets.values())}
    broker = [6] if "broker-unavailable" in silent else []
    inputs = [4] if _INPUT_CODES & set(codes) else []
    return gravest([*broker, *inputs, 0])
