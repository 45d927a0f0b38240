"""Check the documents a desk must have and the origin of every recorded file.

`python -m tests.docs.required` prints one line for each thing that is wrong and exits 1 if there
is any. It asks four things: the required documents exist and say something, links between
documents lead somewhere, every golden or fixture file says where it came from, and every golden
artifact says in its envelope what made it.
"""

import json
import re
import subprocess
import sys
import tomllib
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

REQUIRED = (
    "README.md",
    "ROADMAP.md",
    "CHANGELOG.md",
    "LICENSE",
    "runbook/index.md",
    "runbook/halt.md",
    "runbook/paused.md",
    "runbook/uncovered-share.md",
    "runbook/unknown-order.md",
    "runbook/damaged-artifact.md",
    "runbook/sealing.md",
    "runbook/restore.md",
    "runbook/bug.md",
    "runbook/configuration.md",
    "runbook/not-now.md",
    "runbook/broker.md",
    "runbook/first-day.md",
    "runbook/schedule.md",
    "runbook/data.md",
    "runbook/data-fetch.md",
    "runbook/replay.md",
    "runbook/exchange.md",
    "runbook/paper.md",
    "runbook/dry-run.md",
    "runbook/enforcement.md",
    "runbook/prove.md",
    "runbook/audit.md",
    "runbook/investigate.md",
    "runbook/exit-codes.md",
    "runbook/reason-codes.md",
    "runbook/reference/cli.md",
    "runbook/reference/gates.md",
)
#: Characters below which a document is a placeholder.
LEAST_CHARACTERS = 300
#: README's two commands stand before the reader has to scroll.
OPENING_LINES = 15

#: Golden artifacts: whole files of the chain, each with its envelope.
GOLDEN_ARTIFACT = re.compile(r"^tests/(.*/)?(golden|goldens)/.*\.json$")
#: Snapshots of a test may be any JSON; those with a schema are artifacts as well.
SNAPSHOT = re.compile(r"^tests/(.*/)?__snapshots__/.*\.json$")
#: What the envelope must say, and never emptily; a path leads into an object or through a list.
ENVELOPE_FIELDS = (
    "schema/name", "schema/version", "code/version", "code/digest", "config_sha256",
    "inputs/name", "inputs/sha256", "session", "cycle", "as_of", "mode",
)  # fmt: skip

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
RECORD = "PROVENANCE.toml"
RECORD_FIELDS = ("source", "made_by", "licence")
#: Folders whose files were recorded or drawn up once and are compared with for ever.
RECORDED = re.compile(r"(^fixtures/|^tests/(.*/)?(golden|goldens|recorded)/)")


def tracked(root: Path = ROOT) -> list[str]:
    """Return the paths of the files that git knows, below `root`."""
    listing = subprocess.run(
        ["git", "ls-files", "-z"], cwd=root, check=True, capture_output=True, text=True
    )
    return sorted(name for name in listing.stdout.split("\0") if (root / name).is_file())


def missing_documents(root: Path = ROOT) -> list[str]:
    """Return a line for each required document that is absent or nearly empty."""
    found = []
    for name in REQUIRED:
        path = root / name
        if not path.is_file():
            found.append(f"{name}: required, and missing")
        elif len(path.read_text(encoding="utf-8")) < LEAST_CHARACTERS:
            found.append(f"{name}: required, and says next to nothing")
    return found


def readme_opening(root: Path = ROOT) -> list[str]:
    """Return a line for each of the two first commands that README does not open with."""
    head = (root / "README.md").read_text(encoding="utf-8").splitlines()[:OPENING_LINES]
    return [
        f"README.md: `{command}` is not among the first {OPENING_LINES} lines"
        for command in ("make demo", "make test")
        if not any(line.strip().startswith(command) for line in head)
    ]


def dead_links(names: list[str], root: Path = ROOT) -> list[str]:
    """Return a line for each relative link of a document that leads nowhere."""
    found = []
    for name in names:
        for link in LINK.findall((root / name).read_text(encoding="utf-8")):
            target = link.split("#")[0]
            if (
                target
                and "://" not in target
                and not (root / name).parent.joinpath(target).exists()
            ):
                found.append(f"{name}: the link {link} leads nowhere")
    return found


def unlisted_pages(names: list[str], root: Path = ROOT) -> list[str]:
    """Return a line for each runbook page that the index does not lead to."""
    index = (root / "runbook/index.md").read_text(encoding="utf-8")
    linked = {link.split("#")[0] for link in LINK.findall(index)}
    pages = [name.removeprefix("runbook/") for name in names if name.startswith("runbook/")]
    return [
        f"runbook/{page}: not reachable from runbook/index.md"
        for page in pages
        if page != "index.md" and page not in linked
    ]


def unexplained_files(names: list[str], root: Path = ROOT) -> list[str]:
    """Return a line for each recorded file whose origin no PROVENANCE.toml above it tells."""
    found = []
    for name in names:
        path = root / name
        if not RECORDED.search(name) or path.name == RECORD or path.suffix == ".py":
            continue
        record = nearest_record(path, root)
        if record is None:
            found.append(f"{name}: no {RECORD} in its folder or above")
        elif not any(fits(path, entry, record) for entry in entries(record)):
            found.append(f"{name}: {record.relative_to(root)} does not tell where it came from")
    return found


def faulty_records(names: list[str], root: Path = ROOT) -> list[str]:
    """Return a line for each record entry that is incomplete or that fits no file."""
    found = []
    for record in (root / name for name in names if Path(name).name == RECORD):
        below = [root / name for name in names if (root / name).is_relative_to(record.parent)]
        for entry in entries(record):
            label = f"{record.relative_to(root)}: {entry.get('path', 'an entry')}"
            found += [f"{label} has no {field}" for field in RECORD_FIELDS if not entry.get(field)]
            if not any(fits(path, entry, record) for path in below):
                found.append(f"{label} fits no file")
    return found


def unstamped_artifacts(names: list[str], root: Path = ROOT) -> list[str]:
    """Return a line for each golden artifact whose envelope lacks a field, or holds nothing."""
    found = []
    for name in names:
        value = recorded_json(root / name) if name.endswith(".json") else None
        is_artifact = isinstance(value, dict) and "schema" in value
        if not GOLDEN_ARTIFACT.search(name) and not (SNAPSHOT.search(name) and is_artifact):
            continue
        if not isinstance(value, dict):
            found.append(f"{name}: is not a JSON object")
            continue
        found += [
            f"{name}: the envelope's {field} is missing or says nothing"
            for field in ENVELOPE_FIELDS
            if not says_something(value, field.split("/"))
        ]
    return found


def recorded_json(path: Path) -> object:
    """Return a file's JSON value; None if it holds none."""
    try:
        value: object = json.loads(path.read_bytes())
    except ValueError:
        return None
    return value


def says_something(value: object, path: list[str]) -> bool:
    """Tell whether what a path leads to is filled in, in each item of a list on the way."""
    if isinstance(value, list):
        return bool(value) and all(says_something(item, path) for item in value)
    if not path:
        return not isinstance(value, dict) and value not in (None, "")
    return isinstance(value, dict) and says_something(value.get(path[0]), path[1:])


def nearest_record(path: Path, root: Path) -> Path | None:
    """Return the record that speaks for a file: the closest one above it."""
    for folder in path.parents:
        if (folder / RECORD).is_file():
            return folder / RECORD
        if folder == root:
            break
    return None


def entries(record: Path) -> list[dict[str, str]]:
    """Return the entries of a record."""
    listed: list[dict[str, str]] = tomllib.loads(record.read_text(encoding="utf-8")).get("file", [])
    return listed


def fits(path: Path, entry: dict[str, str], record: Path) -> bool:
    """Tell whether an entry's pattern, relative to its record, covers a file."""
    return fnmatch(path.relative_to(record.parent).as_posix(), entry.get("path", ""))


def findings(root: Path = ROOT) -> list[str]:
    """Return everything that is wrong, one line each."""
    names = tracked(root)
    documents = [name for name in names if name.endswith(".md")]
    found = missing_documents(root)
    if found:
        return found
    return [
        *readme_opening(root),
        *dead_links(documents, root),
        *unlisted_pages(documents, root),
        *unexplained_files(names, root),
        *faulty_records(names, root),
        *unstamped_artifacts(names, root),
    ]


def main() -> int:
    """Print the findings; 1 if there is one."""
    found = findings()
    for line in found:
        print(line, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
