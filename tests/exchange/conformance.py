"""Reading the checks of the wire's reference, and holding an exchange against one of them.

The file is not part of the repository: the environment names it, or it lies beside the real bars,
in `reference/`. Its keys that a machine can judge are judged here; its prose is judged by
`conformance_prose.py`. Which exchange it is, is the business of a world: the local one's is in
`conformance_world.py`, that of the paper account in `conformance_paper.py`.
"""

import json
import os
import re
import uuid
from pathlib import Path

from quantcli.contracts.scalars import instant
from tests.exchange.conformance_before import BEFORE
from tests.exchange.conformance_needs import NotApplicable
from tests.exchange.conformance_prose import AFTER
from tests.real_data import locate

ROOT = Path(__file__).resolve().parents[2]
VARIABLE, FOLDER, NAME = "QUANTCLI_CONFORMANCE", "reference", "alpaca-conformance.json"

#: What the runner knows how to judge, or leaves to a function written for the check.
MACHINE = frozenset(
    {"status", "json", "json_in", "json_has", "message_matches", "absent", "types",
     "content_type", "json_parseable", "body_empty", "transport_error", "frames"}
)  # fmt: skip
PROSE = frozenset({"and", "later", "rule", "state", "then", "sdk", "note"})

_DECIMAL = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]*[1-9])?")


def reference(environment=os.environ, root=ROOT):
    """Return the file's value; None where none is named and none lies where one may be expected.

    Raises:
        OSError: one is named and cannot be read.
    """
    if environment.get(VARIABLE):
        return json.loads(Path(environment[VARIABLE]).read_text(encoding="utf-8"))
    data = locate(environment, root)
    path = None if data is None else data.parent / FOLDER / NAME
    return json.loads(path.read_text(encoding="utf-8")) if path and path.is_file() else None


def run(check, world):
    """Hold a world against one check; return (part, reason) for what it cannot show.

    Raises:
        AssertionError: the check is not met.
        NotApplicable: the world cannot show any of it.
    """
    for words in check["pre"]:
        _refuse(world.why_not(BEFORE[words]))
        BEFORE[words](world)
    request = filled_in(check["request"], world.places)
    expect = filled_in(check["expect"], world.places)
    parts = AFTER.get(check["id"], ())
    if "websocket" in request or expect.get("transport_error"):
        answer = request | {"frames": expect.get("frames")}
        if all(world.why_not(part) for part in parts):
            _refuse(world.why_not(parts[0]))
    else:
        headers = request["headers"]
        answer = world.send(
            request["method"], request["path"], query=request.get("query"),
            body=request.get("json"), headers=world.auth if headers == "auth" else headers,
        )  # fmt: skip
        hold(answer, expect)
        assert parts or not (expect.keys() & PROSE) - {"note"}, "prose that nobody judges"
    left = []
    for part in parts:
        try:
            _refuse(world.why_not(part))
            part(world, answer)
        except NotApplicable as why:
            left.append((part.__name__, str(why)))
    return left


def _refuse(reason):
    if reason:
        raise NotApplicable(reason)


def filled_in(value, places):
    """Return a JSON value with its placeholders, `$ID` and the like, filled in."""
    if isinstance(value, dict):
        return {name: filled_in(each, places) for name, each in value.items()}
    if isinstance(value, list):
        return [filled_in(each, places) for each in value]
    if isinstance(value, str):
        for name in sorted(places, key=len, reverse=True):
            value = value.replace(name, places[name])
    return value


def hold(answer, expect):
    """Hold one HTTP answer against what a check expects of it."""
    assert set(expect) <= MACHINE | PROSE, "a key that nobody judges"
    assert answer.status_code == expect["status"], answer.text
    if "content_type" in expect:
        assert answer.headers["Content-Type"].split(";")[0] == expect["content_type"]
    if expect.get("body_empty"):
        assert answer.content == b""
    if expect.get("json_parseable") is False:
        assert not _is_json(answer.text)
        return
    if expect.keys() & {"json", "json_in", "json_has", "message_matches", "absent", "types"}:
        hold_body(answer.json(), expect)


def hold_body(body, expect):
    """Hold a decoded body against the keys that speak of it."""
    hold_subset(body, expect.get("json", {}))
    for name, allowed in expect.get("json_in", {}).items():
        assert body[name] in allowed
    for name in expect.get("json_has", ()):
        assert name in body
    for name in expect.get("absent", ()):
        assert name not in body
    if "message_matches" in expect:
        assert re.search(expect["message_matches"], body["message"]), body
    for name, kind in expect.get("types", {}).items():
        assert is_of(body[name], kind), (name, body[name], kind)


def hold_subset(found, wanted):
    """Everything wanted is there and equal; objects may hold more, lists may not."""
    if isinstance(wanted, dict):
        assert isinstance(found, dict), found
        for name, value in wanted.items():
            assert name in found, name
            hold_subset(found[name], value)
    elif isinstance(wanted, list):
        assert isinstance(found, list), found
        assert len(found) == len(wanted), found
        for each, value in zip(found, wanted, strict=True):
            hold_subset(each, value)
    else:
        assert type(found) is type(wanted), (found, wanted)
        assert found == wanted


def is_of(value, kind):
    """Return whether a value has a named type; a name that is no type is the value itself."""
    if kind == "bool":
        return isinstance(value, bool)
    if kind == "uuid":
        return isinstance(value, str) and str(uuid.UUID(value)) == value
    if kind == "decimal-string":
        return isinstance(value, str) and _DECIMAL.fullmatch(value) is not None
    if kind == "rfc3339":
        return isinstance(value, str) and instant(value).tzinfo is not None
    if kind == "list of order uuids":
        return isinstance(value, list) and bool(value) and all(is_of(v, "uuid") for v in value)
    return bool(value == kind)


def _is_json(text):
    try:
        json.loads(text)
    except ValueError:
        return False
    return True
