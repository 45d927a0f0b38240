"""Reading desk.toml: one clear line for every way it can be wrong."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from quantcli.contracts.config import DeskConfig
from quantcli.contracts.errors import ConfigError

_VALUE_CHARACTERS = 80


def load_config(root: Path) -> DeskConfig:
    """Return the configuration of a desk.

    Raises:
        ConfigError: not readable, not TOML, an unknown key, a missing limit, a bad value.
    """
    import tomllib

    path = root / "desk.toml"
    try:
        values = tomllib.loads(path.read_text("utf-8"), parse_float=Decimal)
    except (OSError, ValueError, ArithmeticError, RecursionError) as error:
        # The library lets through what it cannot hold: endless nesting, a number beyond all size.
        raise ConfigError(f"desk.toml cannot be read: {error}", value=path) from error
    return parse_config(values)


def parse_config(values: dict[str, Any]) -> DeskConfig:
    """Return the configuration that TOML values spell."""
    try:
        return DeskConfig.model_validate(values)
    except ValidationError as error:
        raise _config_error(_nearest(error.errors(include_url=False))) from error


def _nearest(found: list[Any]) -> Any:
    """Return the error to report: an unknown key, which may be a misspelled limit, before all.

    Of a value that could be one thing or another, the complaint that goes deepest.
    """
    unknown = [each for each in found if each["type"] == "extra_forbidden"]
    if unknown:
        return unknown[0]
    field = found[0]["loc"][:2]
    return max((each for each in found if each["loc"][:2] == field), key=lambda e: len(e["loc"]))


def _config_error(first: Any) -> ConfigError:
    path = [str(part) for part in first["loc"] if not _is_branch(part)]
    where = ".".join(path)
    if first["type"] == "extra_forbidden":
        from difflib import get_close_matches

        known = _keys_at(path[:-1])
        near = get_close_matches(path[-1], known, n=1)
        hint = f"did you mean {near[0]}?" if near else f"known keys: {', '.join(sorted(known))}"
        # Not the value: it may be a secret that somebody put into the wrong file.
        return ConfigError(f"unknown key {where} in desk.toml", hint=hint)
    if first["type"] == "missing":
        return ConfigError(
            f"desk.toml lacks {where}", hint="limits have no defaults: write the one you mean"
        )
    message = str(first["msg"]).removeprefix("Value error, ")
    is_address = path[:1] == ["broker"] or where.startswith("data.fetch_")
    hides = is_address or isinstance(first["input"], dict)
    value = None if hides else _shown(first["input"])
    place = f"{where} in desk.toml" if where else "desk.toml"
    return ConfigError(f"{place}: {message}", value=value)


def _is_branch(part: str | int) -> bool:
    """Return whether a part of a path names an alternative of a type, not a key."""
    return isinstance(part, str) and "[" in part


def _shown(value: Any) -> str:
    text = str(value)
    return text if len(text) <= _VALUE_CHARACTERS else text[:_VALUE_CHARACTERS] + "..."


def _keys_at(path: list[str]) -> list[str]:
    model: Any = DeskConfig
    for part in path:
        field = model.model_fields.get(part)
        if field is None or not _is_model(field.annotation):
            return []
        model = field.annotation
    return list(model.model_fields)


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)
