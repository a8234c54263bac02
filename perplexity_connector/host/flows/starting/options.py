"""Check the options of a flow: a caller without types may give anything."""

from collections.abc import Mapping
from typing import Any, cast

from perplexity_connector.contract import ConnectorError, ErrorCode, JsonObject
from perplexity_connector.contract.json import is_flow_id
from perplexity_connector.host.flows.params import FlowOptions, ResumeOptions
from perplexity_connector.host.flows.running.work import StepSettings
from perplexity_connector.host.validation.arguments import (
    as_seconds,
    require_connections,
    require_function,
    require_mapping,
    require_name,
    require_text,
)
from perplexity_connector.host.validation.schema_validator import invalid_input_error
from perplexity_connector.host.validation.to_json import to_json


def check_options(options: FlowOptions) -> None:
    """Raise `ConnectorError` (`invalid_input`) for an option of a wrong type, `TypeError` for another one."""
    _check_shared(options, FlowOptions.__annotations__.keys())
    for name in ("only", "from_step"):
        if (step := options.get(name)) is not None:
            require_name(name, step)
    if (source := options.get("source")) is not None:
        require_text("source", source)
    flow_id: object = options.get("flow_id")
    if flow_id is not None and not (isinstance(flow_id, str) and is_flow_id(flow_id)):
        message = "flow_id must be flow_ and 32 hexadecimal digits."
        raise ConnectorError(ErrorCode.INVALID_INPUT, message)
    outputs = options.get("outputs")
    if outputs is not None and not isinstance(outputs, str):
        require_mapping("outputs", outputs)
    if (inputs := options.get("inputs")) is not None:
        require_mapping("inputs", inputs)


def check_resume_options(options: ResumeOptions) -> None:
    """Raise as `check_options` does."""
    _check_shared(options, ResumeOptions.__annotations__.keys())
    if options.get("retry") not in {None, "unsure"}:
        message = 'retry must be "unsure", or left out.'
        raise ConnectorError(ErrorCode.INVALID_INPUT, message)


def settings_of(options: FlowOptions | ResumeOptions) -> StepSettings:
    """Return how each step runs."""
    given: Any = options
    return StepSettings(
        connections=given.get("connections") or {},
        timeout=given.get("timeout"),
        on_checkpoint=given.get("on_checkpoint"),
        retry=given.get("retry"),
    )


def plain_outputs(outputs: Mapping[str, object]) -> JsonObject:
    """Return a plain copy of given outputs. Raises `ConnectorError` (`invalid_input`)."""
    plain = to_json(outputs)
    if plain.errors:
        raise invalid_input_error(plain.errors, "The given outputs")
    return cast("JsonObject", plain.value)


def _check_shared(options: Any, known: "set[str] | Any") -> None:
    if unknown := options.keys() - known:
        message = f"a flow has no option {', '.join(unknown)}"
        raise TypeError(message)
    require_connections(options.get("connections"))
    if (timeout := options.get("timeout")) is not None:
        as_seconds("timeout", timeout)
    if (keep := options.get("on_checkpoint")) is not None:
        require_function("on_checkpoint", keep)
