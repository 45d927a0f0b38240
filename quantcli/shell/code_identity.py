"""Which program this is: its version, and a digest of its installed source."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path

from quantcli.contracts.envelope import CodeId


@lru_cache(maxsize=1)
def code_identity() -> CodeId:
    """Return version and digest. The digest covers every source file's name and bytes."""
    import quantcli

    root = Path(quantcli.__file__).parent
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*.py"), key=lambda item: item.relative_to(root).as_posix()):
        data = path.read_bytes()
        name = path.relative_to(root).as_posix()
        digest.update(f"{name}\0{len(data)}\0".encode())
        digest.update(data)
    return CodeId(version=quantcli.__version__, digest=digest.hexdigest())
