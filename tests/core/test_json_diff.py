"""JSON pointers of what differs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantcli.core.json_diff import ABSENT, differences

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ({"x": 1}, {"x": 1}, []),
        ({"x": 1}, {"x": 2}, [("/x", 1, 2)]),
        ({"b": 1, "a": [1, {"c": None}]}, {"b": 1, "a": [1, {"c": "0"}]}, [("/a/1/c", None, "0")]),
        ({"x": 1}, {"y": 1}, [("/x", 1, ABSENT), ("/y", ABSENT, 1)]),
        ([1], [1, 2], [("/1", ABSENT, 2)]),
        ([1, 2], [1], [("/1", 2, ABSENT)]),
        ({"x": [1]}, {"x": {"0": 1}}, [("/x", [1], {"0": 1})]),
        (1, True, [("", 1, True)]),
        ({"a/b": {"~": 1}}, {"a/b": {"~": 2}}, [("/a~1b/~0", 1, 2)]),
    ],
)
def test_pointers(a, b, expected):
    assert [tuple(each) for each in differences(a, b)] == expected


def test_only_the_first_are_returned():
    a, b = {str(n): 0 for n in range(9)}, {str(n): 1 for n in range(9)}

    assert [each.pointer for each in differences(a, b, limit=3)] == ["/0", "/1", "/2"]
    assert differences(a, b, limit=0) == []


@given(JSON, JSON)
def test_equal_means_no_difference(a, b):
    def spelled(value):
        import json

        return json.dumps(value, sort_keys=True)

    assert (differences(a, b) == []) == (spelled(a) == spelled(b))
