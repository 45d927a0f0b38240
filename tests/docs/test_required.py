"""The document check itself: each rule finds its planted fault and passes the sound case."""

import json

import pytest

from tests.docs import required


@pytest.fixture
def repository(tmp_path):
    """Return a small repository that satisfies every rule."""
    for name in required.REQUIRED:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"# {name}\n\n" + "words " * 100, encoding="utf-8")
    (tmp_path / "README.md").write_text(
        "# desk\n\nmake demo\nmake test\n" + "words " * 100, encoding="utf-8"
    )
    pages = [name for name in required.REQUIRED if name.startswith("runbook/")]
    index = "\n".join(f"[page]({name.removeprefix('runbook/')})" for name in pages)
    (tmp_path / "runbook/index.md").write_text(f"# Index\n\n{index}\n" + "words " * 100)
    return tmp_path


def names_in(root):
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


def test_sound_repository_has_no_findings(repository, monkeypatch):
    monkeypatch.setattr(required, "tracked", names_in)

    assert required.findings(repository) == []


def test_missing_and_hollow_documents_are_named(repository):
    (repository / "LICENSE").unlink()
    (repository / "runbook/halt.md").write_text("# Halt\n", encoding="utf-8")

    assert required.missing_documents(repository) == [
        "LICENSE: required, and missing",
        "runbook/halt.md: required, and says next to nothing",
    ]


def test_readme_must_open_with_both_commands(repository):
    (repository / "README.md").write_text("# desk\n\nmake demo\n" + "\n" * 20 + "make test\n")

    assert required.readme_opening(repository) == [
        "README.md: `make test` is not among the first 15 lines"
    ]


def test_dead_link_is_found_and_addresses_are_left_alone(repository):
    (repository / "README.md").write_text(
        "[a](runbook/halt.md#resume) [b](gone.md) [c](https://example.org/x) [d](#here)"
    )

    assert required.dead_links(["README.md"], repository) == [
        "README.md: the link gone.md leads nowhere"
    ]


def test_page_outside_the_index_is_found(repository):
    (repository / "runbook/lost.md").write_text("# Lost\n")

    assert required.unlisted_pages(["runbook/lost.md", "runbook/halt.md"], repository) == [
        "runbook/lost.md: not reachable from runbook/index.md"
    ]


@pytest.mark.parametrize("folder", ["fixtures/wire", "tests/steps/golden"])
def test_recorded_file_needs_an_origin(repository, folder):
    sample = repository / folder / "order.json"
    sample.parent.mkdir(parents=True)
    sample.write_text("{}")
    name = f"{folder}/order.json"

    assert required.unexplained_files([name], repository) == [
        f"{name}: no PROVENANCE.toml in its folder or above"
    ]

    record = sample.parent / "PROVENANCE.toml"
    record.write_text('[[file]]\npath = "fill*.json"\nsource = "x"\nmade_by = "x"\n')
    assert required.unexplained_files([name], repository) == [
        f"{name}: {folder}/PROVENANCE.toml does not tell where it came from"
    ]
    assert required.faulty_records(names_in(repository), repository) == [
        f"{folder}/PROVENANCE.toml: fill*.json has no licence",
        f"{folder}/PROVENANCE.toml: fill*.json fits no file",
    ]

    record.write_text('[[file]]\npath = "*.json"\nsource = "x"\nmade_by = "x"\nlicence = "MIT"\n')
    assert required.unexplained_files([name], repository) == []
    assert required.faulty_records(names_in(repository), repository) == []


@pytest.fixture
def golden(repository):
    """Return the path of a golden artifact whose envelope says everything."""
    path = repository / "tests/acceptance/golden/day/scan.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(ENVELOPE))
    return path


ENVELOPE = {
    "schema": {"name": "scan", "version": 1},
    "code": {"version": "0.0.0", "digest": "0" * 64},
    "config_sha256": "1" * 64,
    "inputs": [{"name": "bars", "sha256": "2" * 64}],
    "session": "2024-11-27",
    "cycle": "083000",
    "as_of": "2024-11-27T13:30:00Z",
    "mode": "local",
}


def test_golden_artifact_with_a_whole_envelope_passes(repository, golden):
    assert required.unstamped_artifacts(names_in(repository), repository) == []


def without(value, path):
    """Return a copy of an envelope that lacks a field, in each item of a list on the way."""
    if isinstance(value, list):
        return [without(item, path) for item in value]
    rest = {key: part for key, part in value.items() if key != path[0]}
    return rest if len(path) == 1 else {**rest, path[0]: without(value[path[0]], path[1:])}


def emptied(value, path):
    """Return a copy of an envelope in which a field says nothing."""
    if isinstance(value, list):
        return [emptied(item, path) for item in value]
    return {**value, path[0]: "" if len(path) == 1 else emptied(value[path[0]], path[1:])}


@pytest.mark.parametrize("field", required.ENVELOPE_FIELDS)
@pytest.mark.parametrize("spoiled", [without, emptied])
def test_golden_artifact_without_a_field_of_its_envelope_is_named(
    repository, golden, field, spoiled
):
    golden.write_text(json.dumps(spoiled(ENVELOPE, field.split("/"))))

    assert required.unstamped_artifacts(names_in(repository), repository) == [
        f"tests/acceptance/golden/day/scan.json: the envelope's {field} is missing or says nothing"
    ]


@pytest.mark.parametrize("part", sorted(ENVELOPE))
def test_golden_artifact_without_a_whole_part_is_named(repository, golden, part):
    for hollow in ({}, {part: None}, {part: []}, {part: {}}):
        rest = {key: value for key, value in ENVELOPE.items() if key != part}
        golden.write_text(json.dumps({**rest, **hollow}))

        lines = required.unstamped_artifacts(names_in(repository), repository)
        fields = [each for each in required.ENVELOPE_FIELDS if each.split("/")[0] == part]
        assert [line.split()[3] for line in lines] == fields


def test_snapshots_with_a_schema_are_artifacts_and_others_are_left_alone(repository):
    folder = repository / "tests/steps/__snapshots__/test_day"
    folder.mkdir(parents=True)
    (folder / "list.json").write_text("[1]")
    (folder / "scan.json").write_text(json.dumps({**ENVELOPE, "mode": ""}))

    name = "tests/steps/__snapshots__/test_day/scan.json"
    line = f"{name}: the envelope's mode is missing or says nothing"
    assert required.unstamped_artifacts(names_in(repository), repository) == [line]


def test_golden_artifact_that_is_none_is_named(repository, golden):
    for text in ("", "[]", '{"schema":'):
        golden.write_text(text)
        assert required.unstamped_artifacts(names_in(repository), repository) == [
            "tests/acceptance/golden/day/scan.json: is not a JSON object"
        ]
