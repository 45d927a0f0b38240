"""enforce.json: every gate's judgment of every signal, and the approved intents."""

from typing import ClassVar, Literal

from pydantic import Field

from quantcli.contracts.decide import Verdict
from quantcli.contracts.envelope import BrokerArtifact, Finding, Frozen, InputRef, StepName
from quantcli.contracts.orders import OrderIntent
from quantcli.contracts.scalars import Digest, Money, Symbol


class GateResult(Frozen):
    """What one gate said, with what it saw and the limit it held that against."""

    gate: str
    verdict: Verdict
    code: str | None = Field(description="Reason code; None on ALLOW")
    observed: str | None = None
    limit: str | None = None


class EnforceVerdict(Frozen):
    """The judgment of one signal: ALLOW only if every gate said so."""

    signal_id: Digest
    rank: int
    strategy: str
    symbol: Symbol
    decision: Verdict
    decided: Verdict | None = Field(description="What decide said; None: it said nothing")
    enforced: bool = Field(description="False: decide's verdict was recorded, not enforced")
    primary: Finding | None = Field(description="First blocking gate in documented order")
    gates: tuple[GateResult, ...]
    intent_id: Digest | None


class AccountState(Frozen):
    """The account as read for this step; None fields: it could not be read."""

    status: Literal["tradable", "blocked", "unreadable"]
    equity: Money | None
    cash: Money | None
    spending_power: Money | None = Field(
        description="Smaller of buying power and non-marginable buying power, less pending entries"
    )


class Enforce(BrokerArtifact):
    """The enforcement of one cycle."""

    SCHEMA: ClassVar[str] = "enforce"
    STEP: ClassVar[StepName] = "enforce"

    is_enforced: bool = Field(description="enforce.enabled of desk.toml")
    decision: InputRef | None
    reconcile: InputRef | None
    account: AccountState
    verdicts: tuple[EnforceVerdict, ...]
    intents: tuple[OrderIntent, ...]
    codes: tuple[str, ...]
