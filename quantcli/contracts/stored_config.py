"""The stored decision config: a file below artifacts/ that is named by its own digest."""

from __future__ import annotations

from quantcli.contracts.errors import ArtifactMissing, ArtifactTampered

CONFIG_FOLDER = "config"


def config_path(sha256: str) -> str:
    """Return the path of a stored decision config, relative to artifacts/."""
    return f"{CONFIG_FOLDER}/{sha256}.json"


def config_name(path: str) -> str:
    """Return the digest that the path of a stored decision config names."""
    return path.removeprefix(f"{CONFIG_FOLDER}/").removesuffix(".json")


def check_config(sha256: str, found: str | None) -> None:
    """Hold a stored config against its name.

    Args:
        sha256: The digest that it is named by.
        found: The digest of its bytes; None: there is no such file.

    Raises:
        ArtifactMissing: it is gone.
        ArtifactTampered: other bytes stand there, of the digest that the error carries.
    """
    hint = "bring it back from your copy; see runbook/damaged-artifact.md"
    if found is None:
        raise ArtifactMissing(f"{config_path(sha256)} was stored and is gone", hint=hint)
    if found != sha256:
        error = ArtifactTampered(
            f"{config_path(sha256)} holds other bytes, of digest {found}", hint=hint
        )
        error.found_sha256 = found
        raise error
