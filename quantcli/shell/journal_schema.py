"""The journal's tables. Only `journal` is truth; the others follow from it."""

from __future__ import annotations

SCHEMA_VERSION = 1

PRAGMAS = (
    "PRAGMA foreign_keys = ON",
    "PRAGMA synchronous = FULL",
    "PRAGMA trusted_schema = OFF",
    "PRAGMA busy_timeout = 5000",
)

#: What follows from the rows of `journal`.
DERIVED_TABLES = ("orders", "fills", "cash_movements", "positions", "stops", "flags", "facts")

TABLES = """
CREATE TABLE journal (
  seq INTEGER PRIMARY KEY,
  session TEXT NOT NULL,
  cycle TEXT NOT NULL,
  step TEXT NOT NULL,
  kind TEXT NOT NULL,
  body TEXT NOT NULL,
  previous TEXT NOT NULL,
  sha256 TEXT NOT NULL UNIQUE
) STRICT;
CREATE INDEX journal_place ON journal (session, cycle, step);
CREATE INDEX journal_kind ON journal (kind, session, seq);
CREATE TRIGGER journal_no_update BEFORE UPDATE ON journal
  BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
CREATE TRIGGER journal_no_delete BEFORE DELETE ON journal
  BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;

CREATE TABLE orders (
  client_order_id TEXT PRIMARY KEY,
  intent_id TEXT NOT NULL UNIQUE,
  signal_id TEXT,
  session TEXT NOT NULL,
  strategy TEXT NOT NULL,
  symbol TEXT NOT NULL,
  purpose TEXT NOT NULL CHECK (purpose IN ('entry', 'stop', 'exit')),
  sequence INTEGER NOT NULL CHECK (sequence >= 1),
  intent TEXT NOT NULL,
  seq INTEGER NOT NULL UNIQUE,
  state TEXT NOT NULL,
  is_live INTEGER NOT NULL CHECK (is_live IN (0, 1)),
  broker_order_id TEXT UNIQUE,
  cumulative_quantity TEXT NOT NULL,
  average_price TEXT,
  submitted_at TEXT,
  code TEXT,
  message TEXT,
  UNIQUE (session, strategy, symbol, purpose, sequence)
) STRICT;
CREATE INDEX orders_live ON orders (seq) WHERE is_live = 1;
CREATE INDEX orders_symbol ON orders (symbol, seq);
CREATE INDEX orders_session ON orders (session, seq);

CREATE TABLE fills (
  execution_id TEXT PRIMARY KEY,
  seq INTEGER NOT NULL UNIQUE,
  symbol TEXT NOT NULL,
  body TEXT NOT NULL
) STRICT;
CREATE INDEX fills_symbol ON fills (symbol, seq);

CREATE TABLE cash_movements (
  activity_id TEXT PRIMARY KEY,
  seq INTEGER NOT NULL UNIQUE,
  net_amount TEXT NOT NULL
) STRICT;

CREATE TABLE positions (
  symbol TEXT PRIMARY KEY,
  body TEXT NOT NULL
) STRICT;

CREATE TABLE stops (
  symbol TEXT PRIMARY KEY,
  body TEXT NOT NULL
) STRICT;

CREATE TABLE flags (
  name TEXT PRIMARY KEY,
  body TEXT NOT NULL
) STRICT;

CREATE TABLE facts (
  name TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT;
"""
