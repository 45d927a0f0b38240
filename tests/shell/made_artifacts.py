"""Artifacts made of nothing but their envelope, and a desk's folders to keep them in."""

import datetime as dt

from quantcli.contracts.envelope import CodeId, InputRef, Stamp
from quantcli.contracts.execution import Execute, Exits
from quantcli.contracts.scalars import instant
from quantcli.shell.artifact_store import FileStore
from quantcli.shell.run_records import RunRecords

DAY = dt.date(2024, 8, 1)
MODELS = {"execute": Execute, "exits": Exits}
EMPTY = {
    "execute": {"orders": (), "fills": (), "withheld": (), "codes": ()},
    "exits": {
        "reviews": (), "orders": (), "fills": (), "certificate": (), "withheld": (), "codes": (),
    },
}  # fmt: skip


def stamp(cycle="083000", session=DAY, mode="local"):
    return Stamp(
        session=session,
        cycle=cycle,
        as_of=instant(f"{session}T12:30:00Z"),
        mode=mode,
        code=CodeId(version="0", digest="c" * 64),
        config_sha256="d" * 64,
    )


def made(step="execute", cycle="083000", session=DAY, exit_code=0, inputs=(), **fields):
    """Return an artifact of `execute` or `exits` in which nothing happened."""
    model = MODELS[step]
    refs = tuple(InputRef(name=name, sha256=digest) for name, digest in inputs)
    header = model.header(stamp(cycle, session), refs, exit_code)
    return model(**header, **{**EMPTY[step], **fields})


def store(tmp_path):
    return FileStore(tmp_path / "artifacts", RunRecords(tmp_path / "runs"))


def publish(kept, artifact):
    """Publish an artifact and record it, as a run does."""
    ref = kept.publish(artifact)
    kept.records.append(artifact.session, {"published": {ref.name: ref.sha256}})
    return ref
