"""Shows why a flow cannot run. Nothing of it was sent."""

import re
from typing import TYPE_CHECKING

from perplexity_connector.cli.flow_arguments import NO_LAST, FlowArgs, steps_of
from perplexity_connector.cli.output import print_json, say
from perplexity_connector.contract import ConnectorError, FieldError, JsonObject
from perplexity_connector.contract.readers import as_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from perplexity_connector.contract import FlowErrorDocument

_IN_STEP = re.compile("/steps/([0-9]+)(?:/input)?(/.*)?", re.DOTALL)


def show_errors(args: FlowArgs, errors: "Sequence[FlowErrorDocument]") -> None:
    """Show the errors of `Host.validate_flow`."""
    _show(args, "The flow is not valid.", errors, "the flow")


def show_refusal(args: FlowArgs, flow: JsonObject, error: ConnectorError) -> None:
    """Show the errors of `Host.stream_flow`, and how to get an output that is not kept."""
    errors = [_flow_error(flow, field) for field in error.fields]
    _show(args, error.user_message, errors, "")
    is_unknown = any(field.code == "no_output" for field in error.fields)
    if is_unknown and args.outputs is None:
        say(NO_LAST)


def _show(
    args: FlowArgs, message: str, errors: "Sequence[FlowErrorDocument]", whole: str
) -> None:
    """`whole` names the place of an error that is in no step."""
    if args.as_json:
        print_json({"errors": errors}, on_one_line=args.stream)
    say(f"error: {message} Nothing was sent. (invalid_input)")
    for error in errors:
        where = whole if error["step"] is None else f"step {error['step']}"
        places = filter(None, (where, error["pointer"]))
        say(f"{', '.join(places)}: {error['message']}")


def _flow_error(flow: JsonObject, field: FieldError) -> "FlowErrorDocument":
    """Return an error whose pointer leads into the flow as one of its step, if it is in a step."""
    step, pointer = None, field.pointer
    steps = steps_of(flow)
    found = _IN_STEP.fullmatch(pointer)
    if found and int(found[1]) < len(steps):
        step, pointer = as_text(steps[int(found[1])].get("id")), found[2] or ""
    return {
        "step": step,
        "pointer": pointer,
        "code": field.code,
        "message": field.message,
    }
