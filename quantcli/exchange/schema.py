"""Tables of the exchange's book. Numbers are text, so that no float ever touches money."""

from __future__ import annotations

#: Marks the file as a book (PRAGMA application_id): "QXBK".
APPLICATION_ID = 0x5158424B
VERSION = 2

_ORDERS_OPEN = """
    CREATE INDEX orders_open ON orders (sequence)
        WHERE status IN ('accepted', 'new', 'partially_filled', 'held')
    """
_ORDERS_PARENT = "CREATE INDEX orders_parent ON orders (parent) WHERE parent IS NOT NULL"

CONFIGURATIONS = """
    CREATE TABLE IF NOT EXISTS configurations (
        name TEXT PRIMARY KEY,
        value TEXT NOT NULL
    ) STRICT, WITHOUT ROWID
    """

CANCELS = """
    CREATE TABLE IF NOT EXISTS cancels (
        order_id TEXT PRIMARY KEY,
        requests INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID
    """

TABLES = (
    """
    CREATE TABLE venue (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        seed INTEGER NOT NULL,
        opened INTEGER NOT NULL,
        clock INTEGER NOT NULL,
        opening_cash TEXT NOT NULL,
        cash TEXT NOT NULL
    ) STRICT
    """,
    """
    CREATE TABLE assets (
        symbol TEXT PRIMARY KEY,
        asset_id TEXT NOT NULL UNIQUE,
        tradable INTEGER NOT NULL DEFAULT 1
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE last_prints (
        symbol TEXT PRIMARY KEY,
        price TEXT NOT NULL,
        at INTEGER NOT NULL,
        session TEXT NOT NULL,
        close_before TEXT
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE orders (
        sequence INTEGER PRIMARY KEY,
        order_id TEXT NOT NULL UNIQUE,
        client_order_id TEXT NOT NULL UNIQUE,
        symbol TEXT NOT NULL,
        side TEXT NOT NULL CHECK (side IN ('buy', 'sell')),
        order_type TEXT NOT NULL,
        time_in_force TEXT NOT NULL,
        quantity TEXT NOT NULL,
        limit_price TEXT,
        stop_price TEXT,
        reserve_price TEXT,
        status TEXT NOT NULL,
        created INTEGER NOT NULL,
        submitted INTEGER NOT NULL,
        updated INTEGER NOT NULL,
        expires INTEGER,
        filled_quantity TEXT NOT NULL,
        filled_cost TEXT NOT NULL,
        filled INTEGER,
        canceled INTEGER,
        expired INTEGER,
        failed INTEGER,
        replaced INTEGER,
        replaces TEXT,
        replaced_by TEXT,
        order_class TEXT NOT NULL DEFAULT '',
        parent TEXT,
        notional TEXT,
        trail_price TEXT,
        trail_percent TEXT,
        high_water_mark TEXT,
        triggered INTEGER,
        extended_hours INTEGER NOT NULL DEFAULT 0
    ) STRICT
    """,
    _ORDERS_OPEN,
    "CREATE INDEX orders_submitted ON orders (submitted)",
    _ORDERS_PARENT,
    """
    CREATE TABLE positions (
        symbol TEXT PRIMARY KEY,
        quantity TEXT NOT NULL,
        average_price TEXT NOT NULL
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE activities (
        sequence INTEGER PRIMARY KEY,
        activity_id TEXT NOT NULL UNIQUE,
        activity_type TEXT NOT NULL,
        at INTEGER NOT NULL,
        date TEXT NOT NULL,
        net_amount TEXT NOT NULL,
        symbol TEXT,
        side TEXT,
        quantity TEXT,
        price TEXT,
        order_id TEXT,
        cumulative_quantity TEXT,
        leaves_quantity TEXT,
        order_status TEXT,
        sub_type TEXT,
        description TEXT
    ) STRICT
    """,
    "CREATE INDEX activities_date ON activities (date)",
    """
    CREATE TABLE closes (
        session TEXT PRIMARY KEY,
        equity TEXT NOT NULL
    ) STRICT, WITHOUT ROWID
    """,
)

#: Version -> what makes its tables those of the next one.
UPGRADES: dict[int, tuple[str, ...]] = {
    1: (
        "ALTER TABLE assets ADD COLUMN tradable INTEGER NOT NULL DEFAULT 1",
        "ALTER TABLE orders ADD COLUMN order_class TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE orders ADD COLUMN parent TEXT",
        "ALTER TABLE orders ADD COLUMN notional TEXT",
        "ALTER TABLE orders ADD COLUMN trail_price TEXT",
        "ALTER TABLE orders ADD COLUMN trail_percent TEXT",
        "ALTER TABLE orders ADD COLUMN high_water_mark TEXT",
        "ALTER TABLE orders ADD COLUMN triggered INTEGER",
        "ALTER TABLE orders ADD COLUMN extended_hours INTEGER NOT NULL DEFAULT 0",
        "DROP INDEX orders_open",
        _ORDERS_OPEN,
        _ORDERS_PARENT,
    ),
}
