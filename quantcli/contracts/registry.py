"""All schemas by name; old bytes load here or fail with a named error."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import ValidationError

from quantcli.contracts.canonical import dump, parse_canonical
from quantcli.contracts.envelope import Artifact, Frozen
from quantcli.contracts.errors import ArtifactCorrupt, SchemaUnknown

if TYPE_CHECKING:
    from quantcli.contracts.manifest import Manifest

ArtifactT = TypeVar("ArtifactT", bound=Artifact)
ModelT = TypeVar("ModelT", bound=Frozen)

#: Schema name -> (module, class). Imported when asked for: a command pays for its own only.
_PLACES: dict[str, tuple[str, str]] = {
    "scan": ("scan", "Scan"),
    "decide": ("decide", "Decide"),
    "enforce": ("enforce", "Enforce"),
    "execute": ("execution", "Execute"),
    "exits": ("execution", "Exits"),
    "reconcile": ("reconciliation", "Reconcile"),
    "snapshot": ("snapshot", "Snapshot"),
    "report": ("report", "Report"),
    "manifest": ("manifest", "Manifest"),
}
SCHEMA_NAMES: tuple[str, ...] = tuple(_PLACES)


def schema_model(name: str) -> type[Frozen]:
    """Return the model class of a schema.

    Raises:
        SchemaUnknown: no schema has that name.
    """
    from importlib import import_module

    if name not in _PLACES:
        raise SchemaUnknown(
            "no such schema", value=name, hint=f"known: {', '.join(sorted(_PLACES))}"
        )
    module, attribute = _PLACES[name]
    model: type[Frozen] = getattr(import_module(f"quantcli.contracts.{module}"), attribute)
    return model


def all_schemas() -> dict[str, type[Frozen]]:
    """Return every schema's model, for the reference pages."""
    return {name: schema_model(name) for name in _PLACES}


def parse_artifact(data: bytes, model: type[ArtifactT], *, what: str) -> ArtifactT:
    """Return the artifact that `data` holds.

    Args:
        data: The file's bytes.
        model: The class expected.
        what: The file's name, for the error line.

    Raises:
        ArtifactCorrupt: not canonical, or fields that the schema does not allow.
        SchemaUnknown: another schema, or a version this program does not know.
    """
    return _parsed(data, model, (model.SCHEMA, model.VERSION), what)


def parse_manifest(data: bytes, *, what: str) -> Manifest:
    """Return the manifest that `data` holds; errors as for `parse_artifact`."""
    from quantcli.contracts.manifest import Manifest

    return _parsed(data, Manifest, (Manifest.SCHEMA, Manifest.VERSION), what)


def _parsed(data: bytes, model: type[ModelT], schema: tuple[str, int], what: str) -> ModelT:
    value = parse_canonical(data, what=what)
    _check_schema(value, *schema, what)
    try:
        found = model.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = "/".join(str(part) for part in first["loc"])
        raise ArtifactCorrupt(
            f"{what}: {first['msg']} at /{where}", hint="restore it from a backup"
        ) from error
    if dump(found.as_json()) != data:
        raise ArtifactCorrupt(f"{what} spells a value in a way this program does not")
    return found


def _check_schema(value: Any, name: str, version: int, what: str) -> None:
    schema = value.get("schema") if isinstance(value, dict) else None
    if not isinstance(schema, dict):
        raise ArtifactCorrupt(f"{what} has no schema", hint="it is not an artifact")
    if schema.get("name") != name or schema.get("version") != version:
        raise SchemaUnknown(
            f"{what} has schema {schema.get('name')} version {schema.get('version')}, "
            f"this program reads {name} version {version}",
            hint="read it with the program version that wrote it",
        )
