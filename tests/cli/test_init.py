"""`init`: a desk that trades as it stands, private, and under git with two files only."""

import json
import os
import stat
import subprocess
import tomllib

import pytest

from quantcli.cli.desk_file import load_config
from quantcli.cli.init_desk import make_desk
from quantcli.shell.halt_file import HaltFile
from quantcli.shell.journal import SqliteJournal
from tests.cli.typing import say


def git(root, *words):
    done = subprocess.run(
        ["git", "-C", str(root), *words], check=True, capture_output=True, text=True
    )
    return done.stdout.split("\n")[:-1]


def files(root):
    return sorted(
        str(path.relative_to(root))
        for path in root.rglob("*")
        if path.is_file() and ".git/" not in str(path.relative_to(root))
    )


def test_a_new_desk(tmp_path):
    root = tmp_path / "My Desk!"
    said = say("init", root)

    assert (said.code, said.err) == (0, "")
    assert "quantcli data import" in said.out
    assert files(root) == [
        ".gitignore", "desk.toml", "exchange/keys.json", "state/desk.sqlite3", "state/halt.json",
    ]  # fmt: skip
    config = load_config(root)
    assert (config.desk.name, config.desk.mode) == ("my-desk", "local")
    assert config.enforce.enabled
    assert not HaltFile(root / "state" / "halt.json").read().entries
    journal = SqliteJournal.open(root / "state" / "desk.sqlite3")
    assert journal.head().seq == 0
    journal.close()


def test_only_the_configuration_is_tracked(tmp_path):
    root = tmp_path / "desk"
    say("init", root, "--quiet")
    for name in (
        "artifacts/x/y.json",
        "data/z",
        "views/v",
        "checks/c",
        "dry-run/d",
        "a.key",
        "k.json",
        "sub/keys.json",
    ):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("")

    assert git(root, "ls-files") == [".gitignore", "desk.toml"]
    assert git(root, "status", "--porcelain", "--ignored=no") == []
    assert len(git(root, "log", "--oneline")) == 1


def test_git_elsewhere_is_left_alone(tmp_path, monkeypatch):
    """Typed within a git hook, or where hooks and signing are set for everything."""
    other = tmp_path / "other"
    other.mkdir()
    subprocess.run(["git", "init", "--quiet", str(other)], check=True)
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other))
    monkeypatch.setenv("GIT_INDEX_FILE", str(other / ".git" / "index"))
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    (hooks / "pre-commit").write_text("#!/bin/sh\nexit 1\n")
    (hooks / "pre-commit").chmod(0o700)
    config = tmp_path / "gitconfig"
    config.write_text(f"[core]\nhooksPath = {hooks}\n[commit]\ngpgsign = true\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".gitconfig").write_text(config.read_text())
    say("init", tmp_path / "desk", "--quiet")
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
        monkeypatch.delenv(name)

    assert len(git(tmp_path / "desk", "log", "--oneline")) == 1
    assert not (other / ".git" / "index").exists()


def test_without_git(tmp_path, monkeypatch):
    assert say("init", tmp_path / "one", "--no-git", "--quiet").code == 0
    monkeypatch.setenv("PATH", str(tmp_path))
    assert say("init", tmp_path / "two", "--quiet").code == 0

    assert not (tmp_path / "one" / ".git").exists()
    assert not (tmp_path / "two" / ".git").exists()


def test_an_existing_desk_is_not_touched(tmp_path):
    root = tmp_path / "desk"
    say("init", root, "--no-git", "--quiet")
    before = {name: (root / name).read_bytes() for name in files(root)}
    said = say("init", root)

    assert said.code == 2
    assert said.err.startswith("usage: a desk is there already")
    assert {name: (root / name).read_bytes() for name in files(root)} == before


def test_state_without_a_configuration_is_not_touched_either(tmp_path):
    root = tmp_path / "desk"
    say("init", root, "--no-git", "--quiet")
    (root / "desk.toml").unlink()

    assert say("init", root).code == 2
    assert not (root / "desk.toml").exists()


def test_a_folder_that_cannot_be(tmp_path):
    (tmp_path / "file").write_text("")
    said = say("init", tmp_path / "file" / "desk")

    assert said.code == 10
    assert len(said.err.splitlines()) == 1


def test_nobody_else_reads_it_whatever_the_umask(tmp_path):
    before = os.umask(0)
    try:
        make_desk(tmp_path / "desk", name="x", git=False)
    finally:
        os.umask(before)
    for path in (tmp_path / "desk").rglob("*"):
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode == (0o700 if path.is_dir() else 0o600), path


def test_each_desk_has_keys_of_its_own(tmp_path):
    keys = []
    for name in ("one", "two"):
        say("init", tmp_path / name, "--no-git", "--quiet")
        keys.append(json.loads((tmp_path / name / "exchange" / "keys.json").read_text()))

    assert keys[0].keys() == {"key_id", "secret"}
    assert keys[0] != keys[1]
    assert len(keys[0]["secret"]) >= 32


@pytest.mark.parametrize(
    ("folder", "name"),
    [("UPPER", "upper"), ("a b_c", "a-b-c"), ("___", "desk"), ("9lives", "9lives"),
     ("x" * 60, "x" * 31), ("---a---", "a"), ('"; mode = "live', "mode-live"), ("Börse", "b-rse")],
)  # fmt: skip
def test_names_come_from_folders(tmp_path, folder, name):
    assert say("init", tmp_path / folder, "--no-git", "--quiet").code == 0

    values = tomllib.loads((tmp_path / folder / "desk.toml").read_text())
    assert (values["desk"]["name"], values["desk"]["mode"]) == (name, "local")


def test_json(tmp_path):
    assert say("init", tmp_path / "desk", "--json").value == {"desk": str(tmp_path / "desk")}
