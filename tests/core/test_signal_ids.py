"""Signal ids: digests taken with another program, and no two setups alike."""

import datetime as dt

import pytest

from quantcli.core.signal_ids import signal_id

SESSION, BAR = dt.date(2024, 8, 2), dt.date(2024, 8, 1)


def test_id_is_the_digest_of_the_five_parts():
    # printf '2024-08-02|avwap|MSFT|buy|2024-08-01' | sha256sum
    assert signal_id(SESSION, "avwap", "MSFT", "buy", BAR) == (
        "bd7ad17241882e0a65803d7f3526658855dd5676cfe8979da35b0e8df2a1c31d"
    )


@pytest.mark.parametrize(
    "other",
    [
        (BAR, "avwap", "MSFT", "buy", BAR),
        (SESSION, "other", "MSFT", "buy", BAR),
        (SESSION, "avwap", "MSF", "buy", BAR),
        (SESSION, "avwap", "MSFT", "sell", BAR),
        (SESSION, "avwap", "MSFT", "buy", SESSION),
    ],
)
def test_every_part_counts(other):
    assert signal_id(*other) != signal_id(SESSION, "avwap", "MSFT", "buy", BAR)


def test_parts_cannot_run_into_each_other():
    with pytest.raises(AssertionError):
        signal_id(SESSION, "avwap|MSFT", "buy", "buy", BAR)
