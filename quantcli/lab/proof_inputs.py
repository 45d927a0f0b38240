"""Whether the files that an artifact was made from are still the files that it names."""

from __future__ import annotations

import re
from pathlib import Path

from pydantic import ValidationError

from quantcli.contracts.canonical import parse_canonical, sha256_hex
from quantcli.contracts.config import DeskConfig
from quantcli.contracts.envelope import Artifact, InputRef
from quantcli.contracts.errors import ArtifactCorrupt
from quantcli.contracts.stored_config import CONFIG_FOLDER, check_config, config_name, config_path
from quantcli.steps.desk import ABSENT

#: Inputs below artifacts/: a session's files and stored configs. Bars are pinned by the market.
_FILE = re.compile(r"(\d{4}-\d\d-\d\d|config)/.+")


class InputFiles:
    """Digests of the files below artifacts/, each read once."""

    def __init__(self, root: Path) -> None:
        """Name the artifacts folder."""
        self._root = root
        self._digests: dict[str, str] = {}

    def changed(self, artifact: Artifact) -> list[tuple[str, str, str]]:
        """Return name, recorded digest and digest of today of every input that changed.

        A stored config is held against its name: a report may have found it damaged, and goes on
        proving when the right one was brought back.
        """
        named = [(ref.name, _wanted(ref)) for ref in artifact.inputs if _FILE.fullmatch(ref.name)]
        now = ((name, recorded, self._digest(name)) for name, recorded in named)
        return [(name, recorded, found) for name, recorded, found in now if recorded != found]

    def _digest(self, name: str) -> str:
        if name not in self._digests:
            try:
                self._digests[name] = sha256_hex((self._root / name).read_bytes())
            except OSError:
                self._digests[name] = ABSENT
        return self._digests[name]


def config_of(root: Path, sha256: str) -> DeskConfig:
    """Return a stored decision config.

    Raises:
        ArtifactError: it is gone, has another digest, or is none of this program.
    """
    name = config_path(sha256)
    data = (root / name).read_bytes() if (root / name).is_file() else None
    check_config(sha256, None if data is None else sha256_hex(data))
    value = parse_canonical(data or b"", what=name)
    try:
        return DeskConfig.model_validate(value)
    except ValidationError as error:
        raise ArtifactCorrupt(f"{name} is no configuration of this program") from error


def _wanted(ref: InputRef) -> str:
    return config_name(ref.name) if ref.name.startswith(f"{CONFIG_FOLDER}/") else ref.sha256
