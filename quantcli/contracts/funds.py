"""Exchange-traded funds that are widely held: imported with equities, never scanned as one.

A broker lists funds as ordinary US equities, so nothing in the data tells them apart. This is the
default of `universe.funds`; a desk that imports other funds names them there.
"""

from __future__ import annotations

FUNDS: tuple[str, ...] = (
    "AGG", "ARKK", "BIL", "BND", "DBC", "DIA", "EEM", "EFA", "EWJ", "EWZ", "FXI", "GDX", "GDXJ",
    "GLD", "HYG", "IAU", "IBIT", "IEF", "IEFA", "IEMG", "IJH", "IJR", "IVV", "IVW", "IWB", "IWD",
    "IWF", "IWM", "IWV", "IYR", "JEPI", "JEPQ", "KRE", "KWEB", "LQD", "MDY", "MUB", "PFF", "QLD",
    "QQQ", "QQQM", "QUAL", "RSP", "SCHB", "SCHD", "SCHX", "SDS", "SGOV", "SH", "SHV", "SHY", "SLV",
    "SMH", "SOXL", "SOXS", "SOXX", "SPLG", "SPXL", "SPXS", "SPXU", "SPY", "SQQQ", "SSO", "TIP",
    "TLT", "TNA", "TQQQ", "TZA", "UNG", "UPRO", "USMV", "USO", "UVXY", "VB", "VCIT", "VEA", "VGT",
    "VIG", "VNQ", "VO", "VOO", "VT", "VTI", "VTV", "VUG", "VWO", "VXUS", "VXX", "VYM", "XBI", "XLB",
    "XLC", "XLE", "XLF", "XLI", "XLK", "XLP", "XLRE", "XLU", "XLV", "XLY", "XME", "XOP",
)  # fmt: skip
