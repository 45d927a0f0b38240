"""Keys come from two places, show in none."""

import pickle

import pytest

from quantcli.contracts.errors import CredentialMissing
from quantcli.shell.secrets import Keys, broker_keys, polygon_key

KEY, SECRET = "PKCANARY", "canary-of-a-secret"


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "keys.json"
    path.write_text(f'{{"key_id":"{KEY}","secret":"{SECRET}"}}')
    path.chmod(0o600)
    return path


def hidden(error):
    """Return whether neither key nor secret is in anything that an error shows."""
    shown = f"{error.line()}{error.as_object()}{error!r}{error.__cause__!r}"
    return KEY not in shown and SECRET not in shown


@pytest.mark.parametrize(
    ("key_name", "secret_name"),
    [
        ("APCA_API_KEY_ID", "APCA_API_SECRET_KEY"),
        ("ALPACA_API_KEY", "ALPACA_SECRET_KEY"),
        ("ALPACA_API_KEY", "ALPACA_API_SECRET"),
        ("ALPACA_API_KEY_ID", "ALPACA_API_SECRET_KEY"),
    ],
)
def test_from_the_environment(key_name, secret_name, monkeypatch):
    environ = {key_name: KEY, secret_name: SECRET}

    assert broker_keys("", environ) == (KEY, SECRET)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    assert broker_keys("") == (KEY, SECRET)


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"APCA_API_KEY_ID": KEY},
        {"APCA_API_SECRET_KEY": SECRET},
        {"APCA_API_KEY_ID": KEY, "APCA_API_SECRET_KEY": ""},
        {"APCA_API_KEY_ID": KEY, "ALPACA_SECRET_KEY": SECRET},
    ],
)
def test_half_a_pair_is_none(environ):
    with pytest.raises(CredentialMissing, match="no broker keys") as caught:
        broker_keys("", environ)
    assert caught.value.exit_code == 3
    assert hidden(caught.value)


def test_a_file_goes_before_the_environment(file):
    assert broker_keys(str(file), {"APCA_API_KEY_ID": "a", "APCA_API_SECRET_KEY": "b"}) == (
        KEY,
        SECRET,
    )


def test_a_file_below_home(file, monkeypatch):
    monkeypatch.setenv("HOME", str(file.parent))

    assert broker_keys("~/keys.json") == (KEY, SECRET)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o700 | 0o010])
def test_a_file_that_others_may_read_is_refused(file, mode):
    file.chmod(mode)

    with pytest.raises(CredentialMissing, match="readable by others") as caught:
        broker_keys(str(file))
    assert "chmod 600" in caught.value.hint
    assert hidden(caught.value)


def test_a_named_file_that_is_not_there_does_not_fall_back(tmp_path):
    environ = {"APCA_API_KEY_ID": KEY, "APCA_API_SECRET_KEY": SECRET}

    with pytest.raises(CredentialMissing, match="cannot be read: No such file"):
        broker_keys(str(tmp_path / "nowhere"), environ)


@pytest.mark.parametrize(
    "text",
    [
        "",
        KEY,
        f'["{KEY}", "{SECRET}"]',
        f'{{"key_id":"{KEY}"}}',
        f'{{"key_id":"{KEY}","secret":""}}',
        f'{{"key_id":"{KEY}","secret":7}}',
        f'{{"key_id":"{KEY}","secret":"{SECRET}"',
        "null",
    ],
)
def test_a_file_of_another_form(file, text):
    file.write_text(text)

    with pytest.raises(CredentialMissing, match="the key file is not") as caught:
        broker_keys(str(file))
    assert hidden(caught.value)


def test_keys_do_not_show():
    keys = Keys(KEY, SECRET)

    for shown in (repr(keys), str(keys), f"{keys}", f"{keys!r}", "%s" % (keys,)):  # noqa: UP031
        assert KEY not in shown
        assert SECRET not in shown
    assert pickle.loads(pickle.dumps(keys)) == keys


def test_polygons_key_from_the_environment_or_the_file(file, monkeypatch):
    assert polygon_key("", {"POLYGON_API_KEY": SECRET}) == SECRET
    monkeypatch.setenv("POLYGON_API_KEY", SECRET)
    assert polygon_key("") == SECRET
    with pytest.raises(CredentialMissing, match="no key of Polygon"):
        polygon_key("", {})
    with pytest.raises(CredentialMissing, match="polygon_key") as caught:
        polygon_key(str(file))
    assert hidden(caught.value)
    file.write_text(f'{{"key_id":"{KEY}","secret":"x","polygon_key":"{SECRET}"}}')
    assert polygon_key(str(file)) == SECRET
    assert broker_keys(str(file)) == (KEY, "x")
    file.chmod(0o644)
    with pytest.raises(CredentialMissing, match="readable by others"):
        polygon_key(str(file))
