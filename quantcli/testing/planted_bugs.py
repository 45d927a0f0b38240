"""The table of planted bugs: what is replaced, by what, and the worlds that show it."""

from __future__ import annotations

from typing import NamedTuple


class Edit(NamedTuple):
    """One replacement: the sound text stands in the module exactly once."""

    module: str
    sound: str
    planted: str


class Bug(NamedTuple):
    """A known way to be wrong.

    Attributes:
        name: What is wrong.
        edits: Replacements; more than one where two places hold the same promise.
    """

    name: str
    edits: tuple[Edit, ...]

    @property
    def place(self) -> str:
        """Where it shows; see `planted`."""
        return _PLACES[self.name]


#: Where each bug shows: the first place that was found.
_PLACES: dict[str, str] = {
    "send-before-persist": "moments:6:2:4:3:0",
    "duplicate-read-as-refusal": "choices:6:2:1",
    "new-id-after-not-found": "1-1+drop-before-accept",
    "unknown-ended-before-the-close": "1-1+late-visibility+delay+lasting",
    "unknown-is-no-exposure": "drill:doubt",
    "partial-fills-not-booked": "1-0+parts",
    "partial-sale-ignored": "1-1+parts",
    "fees-not-booked": "1-0+steps",
    "fill-booked-twice": "1-0+steps",
    "activities-read-from-today": "1-0+skip",
    "cancel-not-confirmed": "1-0+parts+stuck-pending-cancel",
    "stop-loosened": "1-0+steps",
    "certificate-counts-what-is-in-doubt": "1-10+drop-before-accept+lasting",
    "uncovered-not-said": "1-0+accepted-then-rejected",
    "halt-not-read-before-a-send": "1-2+operator",
    "paused-not-obeyed": "1-0+account-reset+steps",
    "entry-after-its-time": "moments:6:2:4:5:0",
    "time-to-live-not-ended": "1-0+parts",
    "unsent-never-ends": "1-0+bad-gateway",
    "wrong-clock-believed": "1-0+clock-skew",
    "positions-limit-one-off": "1-0+steps",
    "entries-judged-one-by-one": "1-1+tight",
    "directory-not-flushed": "1-0+power+steps",
    "file-not-flushed": "1-0+power+steps",
    "found-directory-not-flushed": "moments:6:2:0:60:3",
    "written-in-place": "1-0+kill+steps",
    "tape-not-flushed": "1-0+power+steps",
    "earlier-tape-not-flushed": "1-1+power+kill+steps+again",
    "lock-not-taken": "1-0+overlap+steps",
    "step-done-again": "1-0+double+steps",
    "missed-report-not-written": "1-1+skip",
    "end-told-twice": "drill:short-day",
    "host-in-an-artifact": "twin:1-0+steps",
}

_PROTOCOL = "quantcli.steps.order_protocol"
_EXECUTE = "quantcli.steps.execute"
_EXITS = "quantcli.steps.exits"
_SYNC = "quantcli.steps.sync"
_LIFE = "quantcli.steps.entry_life"
_PLAN = "quantcli.core.exit_plan"
_FILES = "quantcli.shell.files"


def _one(name: str, module: str, sound: str, planted: str) -> Bug:
    return Bug(name, (Edit(module, sound, planted),))


_ALL = (
    _one(
        "send-before-persist", _PROTOCOL,
        "        desk.write([*promise, mark])\n        order = apply_order_row(order, mark)\n"
        "    answer = _request(desk, order, is_first=is_first)\n",
        "        order = apply_order_row(order, mark)\n"
        "    answer = _request(desk, order, is_first=is_first)\n"
        "    if is_first:\n        desk.write([*promise, mark])\n",
    ),
    _one(
        "duplicate-read-as-refusal", _PROTOCOL,
        "    if is_first and isinstance(answer, Refused) and not answer.is_duplicate_id:",
        "    if isinstance(answer, Refused):",
    ),
    _one(
        "new-id-after-not-found", _PROTOCOL,
        "    body = request_body(intent)\n",
        "    body = request_body(intent if is_first else intent.model_copy(\n"
        "        update={'client_order_id': intent.client_order_id + 'r'}))\n",
    ),
    Bug("unknown-ended-before-the-close", (
        Edit(_EXITS,
             "        if now < hours(order.intent.session).closes_at:\n",
             "        if now < order.intent.expires_at and order.state != 'UNKNOWN':\n"),
        Edit(_EXITS,
             "        elif order.intent.symbol not in strange and is_own_account(desk):\n",
             "        elif is_own_account(desk):\n"),
    )),
    _one(
        "unknown-is-no-exposure", "quantcli.core.exposure",
        "    limit = order.intent.limit_price\n    if quantity <= 0",
        "    limit = order.intent.limit_price if order.state != 'UNKNOWN' else None\n"
        "    if quantity <= 0",
    ),
    _one(
        "partial-fills-not-booked", _SYNC,
        "        if order is not None and fill is not None:\n            found.append",
        "        if order is not None and fill is not None and order.state == 'FILLED':\n"
        "            found.append",
    ),
    _one(
        "partial-sale-ignored", "quantcli.core.ledger",
        "        return position._replace(quantity=after)\n",
        "        return position._replace(quantity=before)\n",
    ),
    _one(
        "fees-not-booked", _SYNC,
        "    rows += [row for item in new if (row := _cash_row(item)) is not None]\n",
        "",
    ),
    _one(
        "fill-booked-twice", _SYNC,
        "item for item in activities if not desk.journal.has_activity(item.activity_id)",
        "item for item in activities",
    ),
    _one(
        "activities-read-from-today", _SYNC,
        "    session = desk.stamp.session\n    for _ in range(_SESSIONS_BACK_MAX):",
        "    return desk.stamp.session\n    for _ in range(_SESSIONS_BACK_MAX):",
    ),
    _one(
        "cancel-not-confirmed", _PROTOCOL,
        "    desk.broker.cancel(order.broker_order_id)\n",
        "    desk.broker.cancel(order.broker_order_id)\n"
        "    return write(desk, order, own_row(order, 'CANCELLED', 'cancel', None))\n",
    ),
    Bug("stop-loosened", (
        Edit(_PLAN, "    if level.price < highest:\n", "    if level.price < 0:\n"),
        Edit("quantcli.core.stops",
             "    if candidate is None or candidate.price < base.price:",
             "    if candidate is None:"),
    )),
    _one(
        "certificate-counts-what-is-in-doubt", "quantcli.core.coverage",
        '_COVERING_STATES = frozenset({"SUBMITTED", "PARTIALLY_FILLED"})',
        "_COVERING_STATES = frozenset({'SUBMITTED', 'PARTIALLY_FILLED', 'UNKNOWN', 'PENDING',"
        " 'REJECTED', 'PENDING_CANCEL', 'CANCELLED'})",
    ),
    _one(
        "uncovered-not-said", _EXITS,
        '        codes.add("share-uncovered")',
        '        codes.add("")',
    ),
    _one(
        "halt-not-read-before-a-send", _EXECUTE,
        "        if reading.entries or reading.all:\n",
        "        if reading.all and not reading.entries:\n",
    ),
    Bug("paused-not-obeyed", (
        Edit(_EXECUTE,
             '        if "paused" in flags and flags["paused"].is_set:\n',
             '        if "paused" not in flags and reading.all:\n'),
        Edit("quantcli.core.gates.paused", "    if facts.paused is not None:\n", "    if False:\n"),
        Edit("quantcli.core.gates.paused",
             "    if reported is not None and reported.paused.is_set:\n", "    if False:\n"),
        Edit("quantcli.core.gates.reconciled", "    if found.breaks:\n", "    if False:\n"),
    )),
    Bug("entry-after-its-time", (
        Edit(_LIFE, "    is_in_time = intent.expires_at is None or now < intent.expires_at\n",
             "    is_in_time = True\n"),
        Edit(_LIFE,
             "        has_ended = intent.expires_at is not None and"
             " intent.expires_at <= desk.stamp.as_of\n",
             "        has_ended = False\n"),
    )),
    _one(
        "time-to-live-not-ended", _LIFE,
        "    return cancel(desk, order, patience) if is_overdue(desk, order) else order\n",
        "    return order\n",
    ),
    _one(
        "unsent-never-ends", _LIFE,
        '        if order.state == "PENDING" and is_over:\n',
        '        if order.state == "PENDING" and is_over is None:\n',
    ),
    _one(
        "wrong-clock-believed", _EXECUTE,
        '        return "clock-skew" if self._is_skewed else None\n',
        "        return None\n",
    ),
    Bug("positions-limit-one-off", (
        Edit("quantcli.core.allocation", "        if after > limit:\n",
             "        if after > limit + 1:\n"),
        Edit("quantcli.core.gates.rulings", "code if observed > limit else None",
             "code if observed > limit + 1 else None"),
    )),
    Bug("entries-judged-one-by-one", (
        Edit("quantcli.core.allocation",
             "            portfolio = portfolio.after(signal, size.notional)\n",
             "            portfolio = portfolio\n"),
        Edit("quantcli.core.gates", "            tally = tally.after(proposal)\n",
             "            tally = tally\n"),
    )),
    _one(
        "directory-not-flushed", _FILES,
        "the attempt that linked it may have died before this.\n"
        "        sync_directory(path.parent)\n",
        "\n",
    ),
    _one(
        "file-not-flushed", _FILES,
        "        _write_all(descriptor, data)\n        sync_file(descriptor)\n    except OSError:",
        "        _write_all(descriptor, data)\n    except OSError:",
    ),
    _one(
        "found-directory-not-flushed", _FILES,
        "        if path.is_dir():\n            _settle_name(path)\n            return\n",
        "        if path.is_dir():\n            return\n",
    ),
    _one(
        "written-in-place", _FILES,
        "    try:\n        os.link(temporary, path)\n",
        "    try:\n        append_durably(path, data)\n",
    ),
    _one(
        "tape-not-flushed", "quantcli.shell.tape",
        "        if self._is_dirty:\n            with storage(self._path):",
        "        if self._is_dirty is None:\n            with storage(self._path):",
    ),
    _one(
        "earlier-tape-not-flushed", "quantcli.shell.tape",
        "                sync_path(earlier)\n",
        "                earlier.stat()\n",
    ),
    _one(
        "lock-not-taken", "quantcli.shell.lock",
        "            self._acquire(descriptor, time.monotonic() + wait_seconds)\n",
        "",
    ),
    _one(
        "step-done-again", "quantcli.steps.run",
        "        artifact = world.store.published(stamp, model)\n",
        "        artifact = None\n",
    ),
    _one(
        "missed-report-not-written", "quantcli.steps.closing",
        "        _tell_missed(world, session)\n",
        "",
    ),
    _one(
        "end-told-twice", "quantcli.core.report_model",
        "        and order.intent.signal_id not in evidence.told\n",
        "",
    ),
    _one(
        "host-in-an-artifact", "quantcli.cli.wiring",
        "            as_of=as_of,\n            mode=self.mode,\n            code=self.code,\n",
        "            as_of=as_of,\n            mode=self.mode,\n"
        "            code=self.code.model_copy(update={'version': str(len(str(self.root)))}),\n",
    ),
)  # fmt: skip

#: Name -> bug.
BUGS: dict[str, Bug] = {bug.name: bug for bug in _ALL}
