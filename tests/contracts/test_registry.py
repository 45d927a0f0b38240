"""Schemas by name: what was written once is read for ever, or refused by name."""

from pathlib import Path

import orjson
import pytest
from pydantic import ValidationError

from quantcli.contracts.envelope import (
    STEPS,
    Artifact,
    CodeId,
    Finding,
    Frozen,
    InputRef,
    SchemaId,
    Stamp,
)
from quantcli.contracts.errors import ArtifactCorrupt, SchemaUnknown
from quantcli.contracts.manifest import Manifest
from quantcli.contracts.registry import (
    SCHEMA_NAMES,
    all_schemas,
    parse_artifact,
    parse_manifest,
    schema_model,
)

#: Written by the program when the version was current. A file here is never edited: a change
#: that cannot read it is a new version, which gets a file of its own beside it.
PREVIOUS = Path(__file__).with_name("previous_versions")
FILES = sorted(PREVIOUS.glob("*/v*.json"))


def read(name, data):
    if name == "manifest":
        return parse_manifest(data, what="x.json")
    return parse_artifact(data, schema_model(name), what="x.json")


def changed(data, **fields):
    value = {**orjson.loads(data), **fields}
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE)


@pytest.fixture(params=FILES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def golden(request):
    """A name and the bytes of an artifact of that schema."""
    return request.param.parent.name, request.param.read_bytes()


# ------------------------------------------------------------------------------ old bytes


def test_there_is_an_example_of_every_schema():
    assert {path.parent.name for path in FILES} == set(SCHEMA_NAMES)


def test_old_bytes_load_to_the_same_bytes(golden):
    name, data = golden
    found = read(name, data)
    schema = found.schema_id

    assert orjson.dumps(found.as_json(), option=orjson.OPT_SORT_KEYS) + b"\n" == data
    assert (schema.name, schema.version) == (name, type(found).VERSION)


@pytest.mark.parametrize(
    "schema",
    [
        {"name": "NAME", "version": 2},
        {"name": "NAME", "version": 0},
        {"name": "NAME", "version": "1"},
        {"name": "gossip", "version": 1},
        {"version": 1},
        {"name": "NAME"},
        {},
    ],
)
def test_another_schema_is_refused_by_name(golden, schema):
    name, data = golden
    said = {key: name if value == "NAME" else value for key, value in schema.items()}

    with pytest.raises(SchemaUnknown, match=rf"this program reads {name} version 1") as caught:
        read(name, changed(data, schema=said))
    assert caught.value.code == "artifact-schema-unknown"
    assert caught.value.exit_code == 4


@pytest.mark.parametrize("schema", [None, "scan", [], 1])
def test_without_a_schema_it_is_no_artifact(golden, schema):
    name, data = golden
    with pytest.raises(ArtifactCorrupt, match="has no schema"):
        read(name, changed(data, schema=schema))
    with pytest.raises(ArtifactCorrupt, match="has no schema"):
        read(name, b"[]\n")


def test_a_field_more_or_less_is_refused_where_it_stands(golden):
    name, data = golden
    with pytest.raises(ArtifactCorrupt, match=r"x\.json: .* at /note"):
        read(name, changed(data, note="x"))
    value = orjson.loads(data)
    value.pop("session")
    bare = orjson.dumps(value, option=orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE)
    with pytest.raises(ArtifactCorrupt, match=r"x\.json: .* at /session"):
        read(name, bare)


def test_a_value_in_another_spelling_is_refused(golden):
    """Canonical JSON, allowed by the schema, and yet not what this program writes."""
    name, data = golden
    for field, value in (("as_of", "2024-11-25T13:30:00+00:00"), ("exit_code", 0.0),
                         ("journal_seq", "7"), ("session", "20241125")):  # fmt: skip
        if field in orjson.loads(data):
            with pytest.raises(ArtifactCorrupt):
                read(name, changed(data, **{field: value}))


# ------------------------------------------------------------------------------ the registry


def test_every_step_and_the_seal_have_a_schema():
    assert set(SCHEMA_NAMES) == {*STEPS, "manifest"}
    assert all_schemas().keys() == set(SCHEMA_NAMES)
    for name, model in all_schemas().items():
        assert name == model.SCHEMA
        if issubclass(model, Artifact):
            assert name == model.STEP


def test_no_such_schema():
    with pytest.raises(SchemaUnknown, match="no such schema") as caught:
        schema_model("gossip")
    assert caught.value.hint.startswith("known: decide, enforce, execute")


@pytest.mark.parametrize("name", SCHEMA_NAMES)
def test_json_schema(name):
    model = schema_model(name)
    schema = model.model_json_schema()

    assert schema["type"] == "object"
    assert schema["additionalProperties"] is False
    assert set(schema["required"]) <= set(schema["properties"])
    # Aliases are what stands in the files.
    assert "schema" in schema["properties"]
    assert "schema_id" not in schema["properties"]
    for definition in schema.get("$defs", {}).values():
        assert definition.get("additionalProperties") is False or "properties" not in definition


@pytest.mark.parametrize("name", SCHEMA_NAMES)
def test_no_number_of_an_artifact_is_a_float(name):
    def kinds(node):
        if isinstance(node, dict):
            if isinstance(node.get("type"), str):
                yield node["type"]
            for value in node.values():
                yield from kinds(value)
        elif isinstance(node, list):
            for value in node:
                yield from kinds(value)

    assert "number" not in set(kinds(schema_model(name).model_json_schema(mode="serialization")))


# ------------------------------------------------------------------------------ the envelope


def made(**changes):
    stamp = Stamp(
        session="2024-11-25",
        cycle="083000",
        as_of="2024-11-25T13:30:00Z",
        mode="local",
        code=CodeId(version="1", digest="a" * 64),
        config_sha256="b" * 64,
    )
    refs = tuple(InputRef(name=name, sha256="c" * 64) for name in ("z", "a", "z", "m"))
    model = schema_model("execute")
    fields = {"orders": (), "fills": (), "withheld": (), "codes": ()}
    return model(**{**model.header(stamp, refs, 0), **fields, **changes})


def test_inputs_are_sorted_and_named_once():
    assert [ref.name for ref in made().inputs] == ["a", "m", "z"]


@pytest.mark.parametrize(
    "change",
    [
        {"exit_code": 11},
        {"exit_code": -1},
        {"mode": "LIVE"},
        {"cycle": "8:30"},
        {"session": "2024-11-31"},
        {"as_of": "2024-11-25T13:30:00"},
        {"config_sha256": "B" * 64},
        {"code": {"version": "1", "digest": "short"}},
        {"schema_id": {"name": "execute", "version": 0}},
    ],
)
def test_an_envelope_is_checked(change):
    with pytest.raises(ValidationError):
        made(**change)


def test_models_do_not_change():
    with pytest.raises(ValidationError, match="frozen"):
        made().exit_code = 1
    with pytest.raises(ValidationError, match="frozen"):
        Finding(code="x").code = "y"
    with pytest.raises(ValidationError, match="extra"):
        Finding(code="x", note="y")


def test_bytes_are_read_back():
    assert parse_artifact(made().to_bytes(), schema_model("execute"), what="x") == made()


def test_the_alias_is_what_is_written():
    class Tagged(Frozen):
        schema_id: SchemaId

    value = made().as_json()
    assert value["schema"] == {"name": "execute", "version": 1}
    assert "schema_id" not in value
    assert Tagged(schema_id=SchemaId(name="x", version=1)).as_json()["schema_id"]["name"] == "x"


def test_a_manifest_is_not_an_artifact_of_a_step():
    assert not issubclass(Manifest, Artifact)
