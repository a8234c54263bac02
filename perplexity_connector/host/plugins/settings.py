"""The operator's settings: from the host's argument, the environment, or the manifest's default."""

from collections.abc import Mapping, Sequence

from perplexity_connector.contract import ConnectorError, ErrorCode, FieldError, Setting
from perplexity_connector.contract.json import child_pointer
from perplexity_connector.contract.near_matches import unknown_name


def resolve_settings(
    declared: Sequence[Setting],
    given: Mapping[str, str],
    environ: Mapping[str, str],
) -> dict[str, str]:
    """Return the settings that a connector is loaded with; those without a value are left out.

    An empty environment variable counts as not set. Raises `ConnectorError` (`invalid_input`,
    pointing at `/settings/NAME`) for a setting that is not declared or not text.
    """
    if errors := _setting_errors(declared, given):
        names = ", ".join(error.pointer for error in errors)
        message = f"Settings cannot be used: {names}."
        raise ConnectorError(ErrorCode.INVALID_INPUT, message, fields=errors)
    values = {setting.name: _value(setting, given, environ) for setting in declared}
    return {name: value for name, value in values.items() if value is not None}


def _value(
    setting: Setting,
    given: Mapping[str, str],
    environ: Mapping[str, str],
) -> str | None:
    if setting.name in given:
        return given[setting.name]
    return (environ.get(setting.env) if setting.env else None) or setting.default


def _setting_errors(
    declared: Sequence[Setting],
    given: Mapping[str, str],
) -> list[FieldError]:
    known = [setting.name for setting in declared]
    errors = []
    for name, value in given.items():
        if name not in known:
            code = "unknown_field"
            message = unknown_name("setting", name, known)
        elif not isinstance(value, str):
            code, message = "type", "Must be text."
        else:
            continue
        pointer = child_pointer("/settings", name)
        errors.append(FieldError(pointer=pointer, code=code, message=message))
    return errors
