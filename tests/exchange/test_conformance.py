"""Every check of the wire's reference, over real HTTP, against `quantcli exchange serve`.

Skipped where the reference does not lie beside the real bars. A check that is not met yet says
why, and fails as soon as it is met.
"""

import pytest

from tests.exchange.conformance import reference, run
from tests.exchange.conformance_before import BEFORE
from tests.exchange.conformance_prose import AFTER
from tests.exchange.conformance_world import MORNING, World, make_market

#: Check -> why it is not met yet.
NOT_YET = {}

_REFERENCE = reference()
_CHECKS = [] if _REFERENCE is None else _REFERENCE["checks"]
_ABSENT = pytest.param(None, marks=pytest.mark.skip(reason="no reference beside the real bars"))


def case(check):
    """Return a check as a case; one that is not met yet must fail."""
    reason = NOT_YET.get(check["id"])
    marks = [pytest.mark.xfail(reason=reason, strict=True)] if reason else []
    return pytest.param(check, id=check["id"], marks=[pytest.mark.slow, *marks])


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    return make_market(tmp_path_factory.mktemp("conformance"))


@pytest.fixture
def world(template, tmp_path):
    world = World(template, tmp_path / "desk")
    world.to(MORNING)
    yield world
    world.close()


@pytest.mark.parametrize("check", [case(each) for each in _CHECKS] or [_ABSENT])
def test_check(check, world):
    assert run(check, world) == []


def test_every_reason_belongs_to_a_check():
    if _REFERENCE is None:
        pytest.skip("no reference beside the real bars")
    known = {check["id"] for check in _CHECKS}
    assert set(NOT_YET) <= known
    assert set(AFTER) <= known
    assert set(BEFORE) == {words for check in _CHECKS for words in check["pre"]}
