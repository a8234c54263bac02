"""Reads the arguments of `run-flow`: which flow or part of it runs, its inputs, and the kept outputs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from perplexity_connector.cli.exits import UsageError
from perplexity_connector.cli.fields import apply_assignments, parse_object, read_text
from perplexity_connector.cli.output import say
from perplexity_connector.cli.records import LAST, Records
from perplexity_connector.contract import ConnectorError, JsonObject, JsonValue
from perplexity_connector.contract.json import is_flow_id
from perplexity_connector.contract.readers import as_object, as_objects, as_text
from perplexity_connector.host import FlowOptions

if TYPE_CHECKING:
    from perplexity_connector.host.ledger.flow_entries import KnownFlow

_FLOW = '{"flow_version": 2, "steps": []}'
_OUTPUTS = '{"STEP": {"FIELD": "VALUE"}}'


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowArgs:
    """The arguments of `run-flow`, as typed. `values` are the NAME=VALUE, `outputs` that of --with."""

    file: str = ""
    values: Sequence[str] = ()
    only: str | None = None
    from_step: str | None = None
    outputs: str | None = None
    resume: str | None = None
    retry: str | None = None
    connection: str | None = None
    sandbox: bool = False
    timeout: float | None = None
    stream: bool = False
    as_json: bool = False

    @property
    def is_part(self) -> bool:
        """Whether only a part of the flow runs."""
        return self.only is not None or self.from_step is not None


def check_arguments(args: FlowArgs) -> None:
    """Raise `UsageError` for arguments that do not go together."""
    if args.resume is not None:
        is_more = args.file or args.is_part or args.outputs is not None
        message = "--resume goes on with a recorded flow. Remove the file, its inputs, --only, --from and --with."
    elif args.only is not None and args.from_step is not None:
        is_more, message = True, "Give --only or --from, not both."
    elif not args.is_part:
        is_more = args.outputs is not None
        message = "--with gives outputs of earlier steps to --only or --from. Add one of them."
    else:
        return
    if is_more:
        raise UsageError(message)


def retry_of(args: FlowArgs) -> Literal["unsure"] | None:
    """Return which steps to pay again. Raises `UsageError` for another word, or without --resume."""
    match args.retry:
        case None:
            return None
        case "unsure" if args.resume is not None:
            return "unsure"
    message = "--retry takes the word unsure, and goes with --resume."
    raise UsageError(message)


def read_flow(args: FlowArgs) -> JsonObject:
    """Return the flow of the file. Raises `UsageError` without one, or if it cannot be read."""
    if not args.file:
        message = "Give FILE, a saved flow, or --resume FLOW_ID."
        raise UsageError(message)
    return read_flow_file(saved_flow(args.file))


def saved_flow(name: str) -> str:
    """Return the file of a flow: the name itself, or the file that the workbench has saved under it.

    Raises `UsageError` for a name that is neither.
    """
    if name == "-" or Path(name).exists() or Path(name).name != name:
        return name
    from perplexity_connector.workbench.saved_flows import SavedFlows  # noqa: PLC0415 - heavy, and most flows are files

    try:
        return SavedFlows().source(name.removesuffix(".json"))
    except ConnectorError as error:
        message = f"No file has this path. {error.user_message}"
    raise UsageError(message)


def read_flow_file(file: str) -> JsonObject:
    """Return the flow of a file; `-` is stdin. Raises `UsageError` if it cannot be read."""
    return parse_object(read_text(file, "The flow"), "The flow", _FLOW)


def source_of(args: FlowArgs) -> str | None:
    """Return the real path of the file, by which its last run is found; None for stdin."""
    return None if args.file == "-" else str(Path(saved_flow(args.file)).resolve())


def values_of(args: FlowArgs, flow: JsonObject) -> JsonObject | None:
    """Return the values of the flow's inputs; None without any.

    Raises `UsageError` as `apply_assignments` does.
    """
    schema = as_object(flow.get("inputs"))
    return apply_assignments({}, args.values, schema, after="the flow") or None


def steps_of(flow: JsonObject) -> Sequence[JsonObject]:
    """Return the steps of a flow that may be broken."""
    return as_objects(flow.get("steps"))


def steps_to_run(args: FlowArgs, flow: JsonObject) -> Sequence[JsonObject]:
    """Return the steps that run; none where --only or --from names a step that is not there."""
    steps = steps_of(flow)
    first = args.from_step if args.only is None else args.only
    if first is None:
        return steps
    ids = [step.get("id") for step in steps]
    begin = ids.index(first) if first in ids else len(ids)
    return steps[begin:] if args.only is None else steps[begin : begin + 1]


def flow_to_resume(args: FlowArgs, records: Records) -> "KnownFlow":
    """Return the flow to go on with. Raises `UsageError` for one that cannot be resumed here.

    Raises `ConnectorError` as `Records.answer`.
    """
    known = records.get_flow(args.resume or LAST)
    message = None
    if known.status == "succeeded":
        message = (
            "This flow has succeeded. To see it: perplexity-connector runs show FLOW_ID"
        )
    elif known.row_id is not None:
        message = (
            "This flow runs for a row of a table. Start the table's command again."
        )
    elif known.document is None:
        message = "The content of this flow is erased, so it cannot be resumed."
    elif known.is_sandbox and not args.sandbox:
        message = "This flow ran on a sandbox. Use: perplexity-connector run-flow --resume FLOW_ID --sandbox"
    elif args.sandbox and not known.is_sandbox:
        message = "This flow did not run on a sandbox. Remove --sandbox."
    if message:
        raise UsageError(message)
    return known


def kept_values(args: FlowArgs, records: Records) -> FlowOptions:
    """Return the outputs for the steps that do not run, and the inputs of the run that they are of.

    Without --with it is the last run of the file, if there is one. Raises `UsageError` for a run or
    a file that is not there, `ConnectorError` as `Records.answer`.
    """
    given = args.outputs
    if given is not None and given != LAST and not is_flow_id(given):
        document = parse_object(read_text(given, "--with"), "--with", _OUTPUTS)
        return FlowOptions(outputs=_outputs_in(document))
    flow = _kept_flow(args, records)
    if flow is None:
        return FlowOptions(outputs=None)
    if flow.is_sandbox and not args.sandbox:
        say("warning: The kept outputs are those of a sandbox.")
    if flow.inputs and not args.values:
        say(f"The inputs are those of {flow.flow_id}.")
    return FlowOptions(outputs=flow.flow_id, inputs=flow.inputs)


def _kept_flow(args: FlowArgs, records: Records) -> "KnownFlow | None":
    if args.outputs is not None and args.outputs != LAST:
        return records.get_flow(args.outputs)
    known = records.last_flow(source_of(args))
    if known is None and args.outputs == LAST:
        message = "No run of this file is recorded. Run the whole flow first, or give --with FLOW_ID or --with FILE."
        raise UsageError(message)
    # The run that was not asked for may have no content any more.
    is_erased = known is not None and known.document is None
    return None if is_erased and args.outputs is None else known


def _outputs_in(document: JsonObject) -> Mapping[str, JsonValue]:
    """Return the outputs by step, from a document of `run-flow --json` or one that is that already."""
    if "flow_version" not in document:
        return document
    envelopes = {
        as_text(step.get("id")): as_object(step.get("envelope"))
        for step in as_objects(document.get("steps"))
    }
    return {
        step: envelope["output"]
        for step, envelope in envelopes.items()
        if envelope.get("output") is not None
    }
