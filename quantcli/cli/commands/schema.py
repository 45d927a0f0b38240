"""`quantcli schema`."""

from __future__ import annotations

from typing import Annotated

import typer

from quantcli.cli.console import emit
from quantcli.cli.options import JsonOption, QuietOption
from quantcli.contracts.registry import SCHEMA_NAMES, schema_model


def command(
    name: Annotated[str, typer.Argument(help="Which schema; none: list them.")] = "",
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> int:
    """Print the JSON Schema of an artifact."""
    if not name:
        emit({"schemas": list(SCHEMA_NAMES)}, "\n".join(SCHEMA_NAMES), as_json, quiet)
        return 0
    import orjson

    schema = schema_model(name).model_json_schema()
    text = orjson.dumps(schema, option=orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2).decode()
    emit(schema, text, as_json, quiet)
    return 0
