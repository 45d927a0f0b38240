"""Tapes: what was heard is written before it is acted on, and played back it is the same."""

import errno
import hashlib
import stat

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantcli.contracts.envelope import CodeId, Stamp
from quantcli.contracts.errors import ArtifactCorrupt, StorageError
from quantcli.ports.broker import Request, Response, TransportFailure
from quantcli.ports.halts import HaltReading
from quantcli.ports.journal import Head
from quantcli.shell.tape import (
    TapeDiffers,
    TapeEnded,
    TapePlayer,
    TapeRecorder,
    tape_paths,
    tape_refs,
)
from tests.shell.faults import Died, Trouble

PREFIX = "2024-08-01/083000/execute"
HEAD = Head(7, "a" * 64)
STAMP = Stamp(
    session="2024-08-01",
    cycle="083000",
    as_of="2024-08-01T12:30:00Z",
    mode="local",
    code=CodeId(version="0", digest="c" * 64),
    config_sha256="d" * 64,
)
STAMPED = (
    '"stamp":{"as_of":"2024-08-01T12:30:00Z","code":{"digest":"' + "c" * 64 + '","version":"0"},'
    '"config_sha256":"' + "d" * 64 + '","cycle":"083000","mode":"local","session":"2024-08-01"}'
)
CLEAR = HaltReading(entries=False, all=False, reason="")
GET = Request("GET", "/account", "", b"")
POST = Request("POST", "/orders", "", b'{"qty":"1","symbol":"AAPL"}')


class Script:
    """A transport and a halt record that say what a list holds, in turn."""

    def __init__(self, *said):
        self.said = list(said)
        self.asked = []

    def send(self, request):
        self.asked.append(request)
        return self._next()

    def read(self):
        return self._next()

    def _next(self):
        found = self.said.pop(0)
        if isinstance(found, TransportFailure):
            raise found
        return found


def answer(body=b"{}", status=200):
    return Response(status, (("X-Request-ID", "secret"), ("Server", "broker.example")), body)


def recorder(root, *said, head=HEAD):
    script = Script(*said)
    return TapeRecorder(root, STAMP, "execute", head, script, script)


def lines(path):
    return [orjson.loads(line) for line in path.read_bytes().splitlines()]


def tape(root, number=1):
    return root / f"{PREFIX}.tape-{number}.jsonl"


# ------------------------------------------------------------------------------ recording


def test_a_tape_by_hand(tmp_path):
    halted = HaltReading(entries=True, all=False, reason="odd")
    made = recorder(
        tmp_path,
        answer(b'{"id":"1"}'),
        TransportFailure("read-timeout", was_sent=True),
        CLEAR,
        halted,
        answer(b"\xff\x00", 502),
    )
    made.send(GET)
    with pytest.raises(TransportFailure):
        made.send(POST)
    assert made.read() == CLEAR
    assert made.read() == halted
    assert made.send(Request("GET", "/orders", "limit=5&status=open", b"")).status == 502
    made.close()

    assert tape(tmp_path).read_text().splitlines() == [
        f'{{"kind":"head","seen":[],"seq":7,"sha256":"{"a" * 64}",{STAMPED}}}',
        (
            '{"answer":"{\\"id\\":\\"1\\"}","body":"","kind":"exchange","method":"GET",'
            '"path":"/account","query":"","status":200}'
        ),
        (
            '{"body":"{\\"qty\\":\\"1\\",\\"symbol\\":\\"AAPL\\"}","kind":"failure","method":"POST",'
            '"path":"/orders","query":"","sent":true,"why":"read-timeout"}'
        ),
        '{"all":false,"entries":false,"kind":"halt","reason":""}',
        '{"all":false,"entries":true,"kind":"halt","reason":"odd"}',
        (
            '{"answer":{"base64":"/wA="},"body":"","kind":"exchange","method":"GET",'
            '"path":"/orders","query":"limit=5&status=open","status":502}'
        ),
    ]
    assert stat.S_IMODE(tape(tmp_path).stat().st_mode) == 0o600


def test_no_host_and_no_header_is_written(tmp_path):
    made = recorder(tmp_path, answer())
    made.send(GET)
    made.close()
    data = tape(tmp_path).read_bytes()

    assert b"broker.example" not in data
    assert b"secret" not in data


def test_every_line_is_on_disk_before_it_is_acted_on(tmp_path):
    made = recorder(tmp_path, answer(), CLEAR)
    assert len(lines(tape(tmp_path))) == 1
    made.send(GET)
    assert len(lines(tape(tmp_path))) == 2
    made.read()
    assert len(lines(tape(tmp_path))) == 3
    made.close()


def test_flushing_syncs_once_for_what_is_new(tmp_path, monkeypatch):
    made = recorder(tmp_path, answer(), answer())
    with monkeypatch.context() as patch:
        trouble = Trouble(patch)
        made.send(GET)
        made.send(GET)
        made.flush()
        made.flush()
    made.close()

    assert trouble.names == ["write", "write", "fsync"]


def test_an_answer_that_cannot_be_recorded_is_not_acted_on(tmp_path, monkeypatch):
    made = recorder(tmp_path, answer())
    with monkeypatch.context() as patch:
        Trouble(patch, 1, errno.ENOSPC)
        with pytest.raises(StorageError, match="No space left"):
            made.send(GET)
    made.close()


# ------------------------------------------------------------------------------ attempts


def test_each_attempt_has_a_tape_of_its_own(tmp_path):
    for number in range(1, 12):
        made = recorder(tmp_path, head=Head(number, "b" * 64))
        made.close()

    assert [path.name for path in tape_paths(tmp_path, PREFIX)] == [
        f"execute.tape-{number}.jsonl" for number in range(1, 12)
    ]


def test_a_tape_that_was_taken_away_does_not_stop_the_next(tmp_path):
    """Exits must go on, whatever became of older files."""
    for _ in range(3):
        recorder(tmp_path).close()
    tape(tmp_path, 1).unlink()
    recorder(tmp_path).close()

    assert [path.name[-7] for path in tape_paths(tmp_path, PREFIX)] == ["2", "3", "4"]


@pytest.mark.parametrize(
    "name",
    ["execute.tape-x.jsonl", "execute.tape-0.jsonl", "execute.tape-01.jsonl", "exits.tape-1.jsonl"],
)
def test_a_stray_file_is_no_tape(tmp_path, name):
    (tmp_path / PREFIX).parent.mkdir(parents=True)
    (tmp_path / PREFIX).with_name(name).write_bytes(b"")

    assert tape_paths(tmp_path, PREFIX) == []
    recorder(tmp_path).close()
    assert tape(tmp_path).exists()


def test_a_planted_tape_is_neither_followed_nor_overwritten(tmp_path):
    tape(tmp_path).parent.mkdir(parents=True)
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    tape(tmp_path).symlink_to(victim)
    recorder(tmp_path).close()

    assert victim.read_bytes() == b"precious"
    assert tape(tmp_path, 2).exists()


def test_refs_are_the_digests_of_all_attempts(tmp_path):
    recorder(tmp_path).close()
    made = recorder(tmp_path, answer())
    made.send(GET)
    refs = made.refs()
    made.close()

    assert [ref.name for ref in refs] == [f"{PREFIX}.tape-1.jsonl", f"{PREFIX}.tape-2.jsonl"]
    for ref in refs:
        assert ref.sha256 == hashlib.sha256((tmp_path / ref.name).read_bytes()).hexdigest()
    assert tape_refs(tmp_path, PREFIX) == list(refs)
    assert tape_refs(tmp_path, "2024-08-01/083000/exits") == []


# ------------------------------------------------------------------------------ playing

BODIES = st.binary(max_size=30) | st.text(st.characters(exclude_categories=("Cs",))).map(str.encode)
REQUESTS = st.builds(
    Request,
    st.sampled_from(["GET", "POST", "DELETE", "PATCH"]),
    st.sampled_from(["/account", "/orders", "/orders/x"]),
    st.sampled_from(["", "a=b&c=%20d"]),
    BODIES,
)
ANSWERS = st.builds(Response, st.integers(100, 599), st.just(()), BODIES) | st.builds(
    lambda why, sent: TransportFailure(why, was_sent=sent), st.text(max_size=5), st.booleans()
)
HALTS = st.builds(HaltReading, st.booleans(), st.booleans(), st.text(max_size=5))


def heard(source, request):
    """Return what a source says to a request, or to reading the halt record if there is none."""
    try:
        return source.send(request) if request else source.read()
    except TransportFailure as failure:
        return failure.why, failure.was_sent


@given(st.lists(st.tuples(REQUESTS, ANSWERS) | st.tuples(st.none(), HALTS), max_size=8))
def test_played_back_it_is_what_was_heard(tmp_path_factory, script):
    root = tmp_path_factory.mktemp("tape")
    made = recorder(root, *[said for _, said in script])
    first = [heard(made, request) for request, _ in script]
    made.close()
    player = TapePlayer(tape(root).read_bytes(), "tape")

    assert player.head == HEAD
    assert [heard(player, request) for request, _ in script] == first
    assert player.is_at_end


@pytest.fixture
def player(tmp_path):
    made = recorder(tmp_path, answer(b"1"), CLEAR)
    made.send(POST)
    made.read()
    made.close()
    return TapePlayer(tape(tmp_path).read_bytes(), "tape")


@pytest.mark.parametrize(
    "other",
    [
        POST._replace(method="PUT"),
        POST._replace(path="/orders/1"),
        POST._replace(query="x=1"),
        POST._replace(body=POST.body + b" "),
    ],
)
def test_another_request_is_a_difference(player, other):
    with pytest.raises(TapeDiffers, match=other.path):
        player.send(other)


def test_another_kind_of_reading_is_a_difference(player):
    with pytest.raises(TapeDiffers, match="exchange, not halt"):
        player.read()
    with pytest.raises(TapeDiffers, match="halt, not exchange"):
        player.send(POST)


def test_a_tape_that_ends_ends_the_attempt(player):
    player.send(POST)
    assert not player.is_at_end
    player.read()
    assert player.is_at_end
    with pytest.raises(TapeEnded):
        player.send(GET)
    with pytest.raises(TapeEnded):
        player.read()


@pytest.mark.parametrize("cut", range(1, 90, 11))
def test_a_last_line_without_its_end_was_never_acted_on(tmp_path, player, cut):
    whole = tape(tmp_path).read_bytes()
    torn = TapePlayer(whole + whole.splitlines(keepends=True)[1][:-1][:cut], "tape")
    torn.send(POST)
    torn.read()

    assert torn.is_at_end


WHOLE = f'{{"kind":"head","seq":7,"sha256":"",{STAMPED}}}\n'.encode()
NOT_TAPES = [
    b"",
    b"\n",
    b"{}\n",
    b"[]\n",
    b"1\n",
    b"nonsense\n",
    b'{"kind":"halt","entries":false,"all":false,"reason":""}\n',
    b'{"kind":"head","seq":7}\n',
    b'{"kind":["head"],"seq":7,"sha256":""}\n',
    b'{"kind":"head","seq":7,"sha256":"","host":"x"}\n',
    b'{"kind":"head","seq":7,"sha256":""}\n',
    b'{"kind":"head","seq":7,"sha256":"","stamp":{}}\n',
    b'{"kind":"head","seq":7,"sha256":"","stamp":7}\n',
    WHOLE + b'{"kind":"gossip"}\n',
    WHOLE + b'{"kind":"halt"}\n',
    WHOLE + b"\n",
    (
        WHOLE + b'{"answer":{"base64":"%"},"body":"","kind":"exchange",'
        b'"method":"GET","path":"/x","query":"","status":200}\n'
    ),
    (
        WHOLE + b'{"answer":7,"body":"","kind":"exchange",'
        b'"method":"GET","path":"/x","query":"","status":200}\n'
    ),
]


@pytest.mark.parametrize("data", NOT_TAPES)
def test_what_is_no_tape(data):
    with pytest.raises(ArtifactCorrupt) as caught:
        TapePlayer(data, "x.tape-1.jsonl")
    assert caught.value.message.startswith("x.tape-1.jsonl ")


@pytest.mark.parametrize("kind", ["before", "after", "torn"])
def test_wherever_it_dies_a_tape_plays_to_where_it_died(tmp_path, monkeypatch, kind):
    def act(root):
        made = recorder(root, answer(b"one"), answer(b"two"))
        made.send(GET)
        made.flush()
        made.send(POST)
        made.close()

    with monkeypatch.context() as patch:
        trouble = Trouble(patch)
        act(tmp_path / "dry")
    for at in range(1, len(trouble.log) + 1):
        root = tmp_path / str(at)
        with monkeypatch.context() as patch:
            Trouble(patch, at, kind)
            with pytest.raises(Died):
                act(root)
        for path in tape_paths(root, PREFIX):
            if b"\n" not in path.read_bytes():
                continue
            player = TapePlayer(path.read_bytes(), path.name)
            heard_again = 0
            for request in (GET, POST):
                try:
                    player.send(request)
                except TapeEnded:
                    break
                heard_again += 1
            assert player.is_at_end
            assert heard_again <= 2
        recorder(root).close()
