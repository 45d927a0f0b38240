"""`quantcli config show`."""

from __future__ import annotations

from quantcli.cli.console import emit
from quantcli.cli.desk_file import load_config
from quantcli.cli.options import DeskOption, JsonOption, QuietOption
from quantcli.cli.wiring import find_desk
from quantcli.steps.desk import config_ref


def command(
    desk: DeskOption = None, as_json: JsonOption = False, quiet: QuietOption = False
) -> int:
    """Print the resolved configuration, defaults included, and the digest of its decision part."""
    root = find_desk(desk)
    config = load_config(root)
    value = {
        "desk": config.desk.model_dump(mode="json"),
        "broker": config.broker.model_dump(mode="json"),
        "exchange": config.exchange.model_dump(mode="json"),
        "decision": config.decision_view(),
        "config_sha256": config_ref(config).sha256,
    }
    emit(value, "\n".join(_lines(value, "")), as_json, quiet)
    return 0


def _lines(value: object, path: str) -> list[str]:
    if isinstance(value, dict):
        return [
            line
            for key in sorted(value)
            for line in _lines(value[key], f"{path}.{key}" if path else str(key))
        ]
    shown = ", ".join(map(str, value)) if isinstance(value, list) else value
    return [f"{path} = {shown}"]
