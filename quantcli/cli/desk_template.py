"""The desk.toml that `init` writes: every section, with comments that teach."""

from __future__ import annotations

GITIGNORE = """\
# Tracked: desk.toml. Choose otherwise by deleting a line.
/state/
/exchange/
/data/
/artifacts/
/views/
/checks/
/dry-run/
/backups/
*.key
keys.json
# A keys_file may have any name; whatever JSON lies here is not the desk's configuration.
/*.json
"""

DESK_TOML = """\
# The desk's configuration. It is strict: an unknown key, a missing limit or a word where a
# number belongs stops every command with exit code 3 and one line that says where.
# `quantcli config show` prints what is in force.

[desk]
name = "@NAME@"
# dry-run: decide only, on a shadow book. local: trade on the exchange that lives in this
# folder. paper: Alpaca's paper account.
mode = "local"

[broker]
# Empty: the local exchange, in process. Else its address, e.g. http://127.0.0.1:8123,
# or Alpaca's paper address. Keys come from APCA_API_KEY_ID and APCA_API_SECRET_KEY, or from
# keys_file: a JSON file with "key_id" and "secret" that only you can read (chmod 600); a relative
# path begins at this folder.
url = ""
keys_file = ""

[data]
# Bars of exactly this feed and adjustment are believed, never a mixture.
feed = "@FEED@"
adjustment = "split"
benchmark = "SPY"
volatility_index = "VIX"
# Without a value of the index for the newest session, no new risk is taken.
is_index_required = true
# `quantcli data fetch` brings bars from Alpaca when feed is one of its feeds ("iex", "sip", ...),
# from Polygon when it is "polygon". In mode paper `day` fetches at this time; "" never.
fetch_at = "open-75min"
# "1Min" too, if stops are to lean on minute bars.
fetch_timeframes = ["1Day"]
# How far back a symbol without any bar begins.
fetch_history_sessions = 500
fetch_minute_sessions = 5
# An address (Cboe's or FRED's) or a CSV file with the values of the volatility index; "" none.
fetch_index_from = "https://cdn.cboe.com/api/global/us_indices/daily_prices/VIX_History.csv"

[universe]
# Every imported stock, less the funds below. Or a list: symbols = ["AAPL", "MSFT"]
symbols = "imported"
exclude = [
  "ARKK", "DIA", "EEM", "EFA", "GLD", "HYG", "IEF", "IWM", "LQD", "MDY", "QQQ", "SLV", "SPY",
  "TLT", "UGA", "USO", "VOO", "VTI", "VXX", "VXXB", "XLB", "XLC", "XLE", "XLF", "XLI", "XLK",
  "XLP", "XLRE", "XLU", "XLV", "XLY", "PPLT", "TZA",
]
price_min = 3.0
mean_volume_shares_min = 400_000
mean_dollar_volume_min = 10_000_000

[schedule]
# Cycles, as minutes from the session's open and close; half days move with the close.
# `quantcli schedule --cron` prints the crontab.
"open-60min" = ["reconcile", "scan", "decide", "enforce", "execute"]
"open+5min" = ["execute", "exits"]
"close+5min" = ["exits", "reconcile", "snapshot", "report"]

[window]
# Entries may be sent between these instants only. Exits may always be sent.
entries_from = "open-90min"
entries_until = "close-15min"

[limits]
# All of them are mandatory and finite. Fractions are of equity: 0.20 is 20 percent.
positions_max = 10
entries_per_session_max = 5
symbol_concentration_fraction_max = 0.20
exposure_gross_usd_max = 100_000
exposure_gross_fraction_max = 1.0
risk_per_trade_usd_max = 1_000
risk_per_trade_fraction_max = 0.01
# At this distance below the high-water mark nothing new is bought.
drawdown_fraction_max = 0.20
# How far a limit price may lie from the last close.
price_collar_fraction_max = 0.03
# Entries need a clean reconciliation of this session that is no older.
reconcile_age_minutes_max = 30
# "universe", or a list of symbols.
allowlist = "universe"

[sizing]
# Risk to the stop, and size, of one trade as fractions of equity.
risk_fraction = 0.005
position_fraction_max = 0.10
notional_usd_min = 500
# Sessions to stay away from a symbol after it was sold.
reentry_cooldown_sessions = 5

[enforce]
# false is shadow mode: decide's verdicts are recorded and do not bind; all other gates do.
enabled = true

[reconcile]
# Every difference pauses entries until a reconciliation is clean. More positions than this that
# only one side holds, or a quantity further off than this, halt them until `quantcli resume`.
positions_missing_max = 3
quantity_drift_fraction_max = 0.05

[exits]
# The stop lies this far below the swing low it leans on.
stop_buffer_usd = 0.10
# The first stop keeps at least this distance from the entry price.
first_stop_distance_fraction_min = 0.015
# Sell at the target price of the signal?
is_target_used = false
# Sell after so many sessions; 0: never for that reason.
hold_sessions_max = 0

[fees]
# Estimates until the broker books its own; both apply to sales only.
sec_usd_per_million = 27.80
taf_usd_per_share = 0.000166
taf_usd_max = 8.30

[exchange]
# The local exchange's account.
seed = 1
cash_usd = 100_000
slippage_bps = 5
limit_fills_on = "touch"
# Whether dividends that bars or imported corporate actions tell of are paid, on the ex-date.
pays_dividends = false

[strategy.avwap]
enabled = true
# The limit of an entry lies this far above the last close.
entry_limit_fraction = 0.005
# CSV files (symbol,date and symbol,sector); empty: the check is off and listed as such.
earnings_file = ""
sectors_file = ""
"""
