"""The operator's settings: from the host's argument, then the environment, then the manifest's default."""

from collections.abc import Mapping, Sequence

from perplexity_connector.contract import ConnectorError, ErrorCode, FieldError, Setting
from perplexity_connector.contract.json import child_pointer


def resolve_settings(
    declared: Sequence[Setting], given: Mapping[str, str], environ: Mapping[str, str]
) -> dict[str, str]:
    """What a connector is loaded with. A setting that nobody sets is left out; an empty variable sets nothing.

    Raises `ConnectorError` (`invalid_input`, pointing at `/settings/NAME`) for one that is not declared or is no text.
    """
    if fields := _misfits(declared, given):
        names = ", ".join(field.pointer for field in fields)
        raise ConnectorError(
            ErrorCode.INVALID_INPUT, f"Settings cannot be used: {names}.", fields=fields
        )
    sources = {setting.name: _value(setting, given, environ) for setting in declared}
    return {name: value for name, value in sources.items() if value is not None}


def _value(
    setting: Setting, given: Mapping[str, str], environ: Mapping[str, str]
) -> str | None:
    if setting.name in given:
        return given[setting.name]
    return (environ.get(setting.env) if setting.env else None) or setting.default


def _misfits(declared: Sequence[Setting], given: Mapping[str, str]) -> list[FieldError]:
    known = [setting.name for setting in declared]
    unknown = f"There is no such setting. There is: {', '.join(known) or 'none'}."
    fields = []
    for name, value in given.items():
        if name not in known:
            fields.append(
                FieldError(
                    pointer=child_pointer("/settings", name),
                    code="unknown_field",
                    message=unknown,
                )
            )
        elif not isinstance(value, str):
            fields.append(
                FieldError(
                    pointer=child_pointer("/settings", name),
                    code="type",
                    message="Must be text.",
                )
            )
    return fields
