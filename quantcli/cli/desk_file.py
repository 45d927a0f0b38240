"""Reading desk.toml: one clear line for every way it can be wrong."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from quantcli.contracts.config import DeskConfig
from quantcli.contracts.errors import ConfigError


def load_config(root: Path) -> DeskConfig:
    """Return the configuration of a desk.

    Raises:
        ConfigError: not readable, not TOML, an unknown key, a missing limit, a bad value.
    """
    import tomllib

    path = root / "desk.toml"
    try:
        values = tomllib.loads(path.read_text("utf-8"), parse_float=Decimal)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"desk.toml cannot be read: {error}", value=path) from error
    return parse_config(values)


def parse_config(values: dict[str, Any]) -> DeskConfig:
    """Return the configuration that TOML values spell."""
    try:
        return DeskConfig.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise _config_error(first) from error


def _config_error(first: Any) -> ConfigError:
    path = [str(part) for part in first["loc"]]
    where = ".".join(path)
    if first["type"] == "extra_forbidden":
        from difflib import get_close_matches

        known = _keys_at(path[:-1])
        near = get_close_matches(path[-1], known, n=1)
        hint = f"did you mean {near[0]}?" if near else f"known keys: {', '.join(sorted(known))}"
        return ConfigError(f"unknown key {where} in desk.toml", value=first["input"], hint=hint)
    if first["type"] == "missing":
        return ConfigError(
            f"desk.toml lacks {where}", hint="limits have no defaults: write the one you mean"
        )
    message = str(first["msg"]).removeprefix("Value error, ")
    return ConfigError(f"{where} in desk.toml: {message}", value=first["input"])


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
