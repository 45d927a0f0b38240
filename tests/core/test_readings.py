"""A reading is a value or a fault, never both and never neither."""

import pytest

from quantcli.core.readings import Reading


def test_value_or_fault():
    assert Reading(value=0).fault is None  # a falsy value is a value
    assert Reading(fault="scan-missing").value is None


@pytest.mark.parametrize("terms", [{}, {"value": 1, "fault": "scan-missing"}])
def test_never_both_and_never_neither(terms):
    with pytest.raises(ValueError, match="either a value or a fault"):
        Reading(**terms)
