"""A desk's journal rows, as stored."""

import json
import sqlite3


def rows_of(desk, kind):
    """Return (row, (session, cycle, step)) of each row of a kind, in order."""
    db = sqlite3.connect(f"file:{desk / 'state/desk.sqlite3'}?mode=ro", uri=True)
    try:
        found = db.execute(
            "SELECT body, session, cycle, step FROM journal WHERE kind = ? ORDER BY seq", (kind,)
        )
        return [(json.loads(body), tuple(place)) for body, *place in found]
    finally:
        db.close()
