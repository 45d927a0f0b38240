"""Tapes: what the broker, the halt record and the clock said, in order, before we acted on it.

One tape per attempt of a step: `<session>/<cycle>/<step>.tape-<n>.jsonl`. The first line is the
journal's head and the step's stamp: an attempt that died may be all there is of its step. No
host and no headers. `TapePlayer` gives the same answers back when a day is proven, and contacts
nobody.
"""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson
from pydantic import ValidationError

from quantcli.contracts.canonical import canonical_line, sha256_hex
from quantcli.contracts.envelope import InputRef, Stamp
from quantcli.contracts.errors import ArtifactCorrupt
from quantcli.ports.broker import Request, Response, Transport, TransportFailure
from quantcli.ports.halts import HaltReading, Halts
from quantcli.ports.journal import Head
from quantcli.shell.files import make_directory, storage, sync_directory, sync_file, sync_path

#: How a tape's name ends after its step's.
TAPE_NAME = re.compile(r"\.tape-([1-9][0-9]*)\.jsonl$")
_ASKED = ("method", "path", "query", "body")
_FIELDS: dict[str, tuple[str, ...]] = {
    "head": ("seq", "sha256", "stamp"),
    "exchange": (*_ASKED, "status", "answer"),
    "failure": (*_ASKED, "why", "sent"),
    "halt": ("entries", "all", "reason"),
}


#: Fields that older programs did not write.
_OPTIONAL: dict[str, frozenset[str]] = {"head": frozenset({"seen"})}


class TapeEnded(Exception):
    """The recorded attempt asked nothing more: it died here."""


class TapeDiffers(Exception):
    """The step asked something else than the recorded attempt did."""


class TapeRecorder:
    """Records one attempt; wraps the transport and the halt record."""

    def __init__(
        self,
        root: Path,
        stamp: Stamp,
        step: str,
        head: Head,
        transport: Transport,
        halts: Halts,
        seen: Sequence[str] = (),
    ) -> None:
        """Start the next tape of a step.

        Args:
            root: The artifacts folder.
            stamp: Where and when the step runs.
            step: Its name.
            head: The journal's newest row.
            transport: Carries the requests.
            halts: The halt record.
            seen: Names of the files that were there to be read: if the attempt dies, nothing
                else tells what it saw.
        """
        prefix = f"{stamp.session.isoformat()}/{stamp.cycle}/{step}"
        self._root, self._prefix = root, prefix
        self._transport, self._halts = transport, halts
        taken = tape_paths(root, prefix)
        attempt = _attempt(taken[-1]) + 1 if taken else 1
        self._path = root / f"{prefix}.tape-{attempt}.jsonl"
        make_directory(self._path.parent)
        for earlier in taken:
            # The artifact will refer to it as well, and its own attempt may have died unflushed.
            if not earlier.is_symlink():
                sync_path(earlier)
        with storage(self._path):
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
            self._descriptor = os.open(self._path, flags | os.O_NOFOLLOW, 0o600)
            sync_directory(self._path.parent)
        self._is_dirty = False
        self._line(
            {
                "kind": "head",
                "seq": head.seq,
                "sha256": head.sha256,
                "stamp": stamp.as_json(),
                "seen": sorted(seen),
            }
        )

    def send(self, request: Request) -> Response:
        """Carry one request and record the answer, or that none came."""
        asked = {
            "method": request.method,
            "path": request.path,
            "query": request.query,
            "body": _text(request.body),
        }
        try:
            response = self._transport.send(request)
        except TransportFailure as failure:
            self._line({"kind": "failure", **asked, "why": failure.why, "sent": failure.was_sent})
            raise
        answer = {"status": response.status, "answer": _text(response.body)}
        self._line({"kind": "exchange", **asked, **answer})
        return response

    def read(self) -> HaltReading:
        """Read the halt record and record what it said."""
        reading = self._halts.read()
        self._line({"kind": "halt", **reading._asdict()})
        return reading

    def flush(self) -> None:
        """Make all lines durable: called before the journal is written and at the end."""
        if self._is_dirty:
            with storage(self._path):
                sync_file(self._descriptor)
            self._is_dirty = False

    def refs(self) -> Sequence[InputRef]:
        """Return the digests of this step's tapes, all attempts."""
        self.flush()
        return tape_refs(self._root, self._prefix)

    def close(self) -> None:
        """Flush and close the tape."""
        self.flush()
        os.close(self._descriptor)

    def _line(self, value: dict[str, Any]) -> None:
        view = memoryview(canonical_line(value))
        with storage(self._path):
            while view:
                view = view[os.write(self._descriptor, view) :]
        self._is_dirty = True


class TapePlayer:
    """Plays one attempt back: transport and halt record in one."""

    def __init__(self, data: bytes, name: str) -> None:
        """Read a tape's lines; a last one without its end was never acted on and is left out.

        Raises:
            ArtifactCorrupt: a line is none of a tape, or the first is not the journal's head.
        """
        lines = [_line_of(line, name) for line in _whole_lines(data)]
        if not lines or lines[0]["kind"] != "head":
            raise ArtifactCorrupt(f"{name} does not begin with the journal's head")
        self.head = Head(lines[0]["seq"], lines[0]["sha256"])
        self.stamp = _stamp_of(lines[0], name)
        #: None on a tape of a program that did not say.
        self.seen: frozenset[str] | None = _seen_of(lines[0], name)
        self._name, self._lines, self._next = name, lines, 1

    def send(self, request: Request) -> Response:
        """Return the recorded answer to the same request."""
        line = self._take(("exchange", "failure"))
        asked = (line["method"], line["path"], line["query"], _bytes(line["body"]))
        if asked != tuple(request):
            raise TapeDiffers(f"{self._name}:{self._next}: asked {request.method} {request.path}")
        if line["kind"] == "failure":
            raise TransportFailure(line["why"], was_sent=line["sent"])
        return Response(line["status"], (), _bytes(line["answer"]))

    def read(self) -> HaltReading:
        """Return the recorded halt reading."""
        line = self._take(("halt",))
        return HaltReading(line["entries"], line["all"], line["reason"])

    @property
    def is_at_end(self) -> bool:
        """True if every line was played."""
        return self._next == len(self._lines)

    def _take(self, kinds: tuple[str, ...]) -> Any:
        if self.is_at_end:
            raise TapeEnded(self._name)
        line = self._lines[self._next]
        self._next += 1
        if line["kind"] not in kinds:
            raise TapeDiffers(f"{self._name}:{self._next}: {line['kind']}, not {kinds[0]}")
        return line


def head_of_tape(path: Path) -> Head | None:
    """Return the journal's head that a tape begins with; None: it died before its first line.

    Raises:
        ArtifactCorrupt: the first line is not the journal's head.
    """
    with path.open("rb") as file:
        first = file.readline()
    if not first.endswith(b"\n"):
        return None
    line = _line_of(first, path.name)
    if line["kind"] != "head":
        raise ArtifactCorrupt(f"{path.name} does not begin with the journal's head")
    return Head(line["seq"], line["sha256"])


def _stamp_of(line: dict[str, Any], name: str) -> Stamp:
    try:
        return Stamp.model_validate(line["stamp"])
    except ValidationError as error:
        raise ArtifactCorrupt(f"{name} does not say where and when its step ran") from error


def _seen_of(line: dict[str, Any], name: str) -> frozenset[str] | None:
    seen = line.get("seen")
    if seen is None:
        return None
    if not isinstance(seen, list) or not all(isinstance(each, str) for each in seen):
        raise ArtifactCorrupt(f"{name} does not say what was there to be read")
    return frozenset(seen)


def tape_paths(root: Path, prefix: str) -> list[Path]:
    """Return the tapes of a step, oldest attempt first."""
    folder, step = (root / prefix).parent, prefix.rsplit("/", 1)[1]
    found = [path for path in folder.glob(f"{step}.tape-*.jsonl") if _attempt(path)]
    return sorted(found, key=_attempt)


def _attempt(path: Path) -> int:
    """Return the number of the attempt a tape is of; 0 for a file that is no tape."""
    match = TAPE_NAME.search(path.name)
    return int(match[1]) if match else 0


def begun_tapes(root: Path, prefix: str) -> list[Path]:
    """Return the tapes whose first line is whole: an attempt that died sooner did nothing."""
    return [path for path in tape_paths(root, prefix) if b"\n" in path.read_bytes()]


def tape_refs(root: Path, prefix: str) -> list[InputRef]:
    """Return the digests of the tapes of a step."""
    return [
        InputRef(name=path.relative_to(root).as_posix(), sha256=sha256_hex(path.read_bytes()))
        for path in tape_paths(root, prefix)
    ]


def _text(body: bytes) -> str | dict[str, str]:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(body).decode("ascii")}


def _bytes(text: str | dict[str, str]) -> bytes:
    return (
        text.encode() if isinstance(text, str) else base64.b64decode(text["base64"], validate=True)
    )


def _whole_lines(data: bytes) -> list[bytes]:
    *whole, _ = data.split(b"\n")
    return whole


def _line_of(data: bytes, name: str) -> dict[str, Any]:
    try:
        line = orjson.loads(data)
        fields = _FIELDS[line["kind"]]
        for body in line.keys() & {"body", "answer"}:
            _bytes(line[body])
    except (ValueError, KeyError, TypeError) as error:
        raise ArtifactCorrupt(f"{name} is not a tape: {error}") from error
    if line.keys() - _OPTIONAL.get(line["kind"], frozenset()) != {"kind", *fields}:
        raise ArtifactCorrupt(f"{name} is not a tape: a {line['kind']} with other fields")
    return dict(line)
