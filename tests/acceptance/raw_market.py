"""The synthetic market as it would have been printed: raw, with splits, a dividend, a new symbol.

From the ex-date on the prices are those of the synthetic market; before it they are told in the
shares of then. So nothing is won or lost by an action, and the desk must see it that way.
"""

import csv
from decimal import Decimal
from pathlib import Path

from quantcli.cli.init_desk import make_desk
from quantcli.lab.demo_desk import fill_desk
from tests.acceptance.made import MARKET_SESSIONS, SEED
from tests.acceptance.typed import typed

EX_DATE, RENAMED_ON = "2024-11-26", "2024-11-27"
#: One share of SYNC becomes four on the ex-date, two of SYNR become one; SYNK pays a dividend;
#: SYNB is called SYNZ from the day after on.
ACTIONS = f"""symbol,ex_date,type,ratio,amount,new_symbol
SYNC,{EX_DATE},forward_split,4:1,,
SYNR,{EX_DATE},reverse_split,1:2,,
SYNK,{EX_DATE},cash_dividend,,0.505,
SYNB,{RENAMED_ON},name_change,,,SYNZ
"""
RATIOS = {"SYNC": Decimal(4), "SYNR": Decimal("0.5")}


def make_raw_desk(root: Path, *, actions: str = ACTIONS) -> None:
    """Make a desk on raw bars with a list of corporate actions; nothing has been traded."""
    make_desk(root, name="raw", feed="synthetic", git=False)
    fill_desk(root, SEED, MARKET_SESSIONS)
    printed = root / "raw.csv"
    with (root / "data" / "synthetic-bars.csv").open() as told, printed.open("w") as file:
        reader = csv.DictReader(told)
        writer = csv.DictWriter(file, reader.fieldnames)
        writer.writeheader()
        writer.writerows(as_printed(row) for row in reader)
    config = root / "desk.toml"
    text = config.read_text().replace('adjustment = "split"', 'adjustment = "raw"')
    config.write_text(text.replace("pays_dividends = false", "pays_dividends = true"))
    outcome = typed(root, "data", "import", printed, "-q")
    assert outcome.code == 0, outcome.err
    if actions:
        listed = root / "actions.csv"
        listed.write_text(actions)
        outcome = typed(root, "data", "import", listed, "--kind", "corporate-actions")
        assert outcome.code == 0, outcome.err


def as_printed(row: dict[str, str]) -> dict[str, str]:
    """Return a bar in the shares, and under the symbol, of its own day."""
    if row["symbol"] == "SYNB" and row["date"] >= RENAMED_ON:
        return row | {"symbol": "SYNZ"}
    ratio = RATIOS.get(row["symbol"])
    if ratio is None or row["date"] >= EX_DATE:
        return row
    cent = Decimal("0.01")
    prices = {
        name: str((Decimal(row[name]) * ratio).quantize(cent))
        for name in ("open", "high", "low", "close")
    }
    return row | prices | {"volume": str(int(Decimal(row["volume"]) / ratio))}
