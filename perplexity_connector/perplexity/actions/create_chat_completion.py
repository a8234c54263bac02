"""*Create Chat Completion*: the published contract of the old chat API, served by the Agent API."""

from collections.abc import Iterator

from perplexity_connector.contract import (
    ActionContext,
    ActionResult,
    Effect,
    ErrorCode,
    JsonObject,
    RunWarning,
)
from perplexity_connector.contract.json import as_list, as_object, as_text
from perplexity_connector.perplexity.actions.inputs import read
from perplexity_connector.perplexity.actions.provider_run import ProviderRun
from perplexity_connector.perplexity.forms.create_chat_completion import ChatInput
from perplexity_connector.perplexity.wire import provider_errors
from perplexity_connector.perplexity.wire.chat_result import chat_result
from perplexity_connector.perplexity.wire.client import Client

_ENDS = frozenset({"failed", "cancelled", "error"})


async def create_chat_completion(
    client: Client, input: JsonObject, ctx: ActionContext
) -> ActionResult:
    """A grounded answer with numbered sources. Raises `ConnectorError`, with what was received in `partial`."""
    form = read(ChatInput, input)
    run = ProviderRun(client, form, ctx)
    await run.follow()
    response = run.response or run.transcript.response
    _refuse_failed(run, response)
    found = chat_result(form, response, run.transcript)
    served = found.output["served_model"]
    return ActionResult(
        output=found.output,
        summary=f"Answered by {served or 'Perplexity'}; sources: {len(as_list(found.output['citations']))}.",
        usage=as_object(found.output["usage"]),
        warnings=[
            *found.warnings,
            *_way_warnings(run, as_text(found.output["content"])),
        ],
        meta={
            "request_id": run.request_id,
            "response_id": found.output["id"],
            "served_model": served,
        },
    )


def _refuse_failed(run: ProviderRun, response: JsonObject) -> None:
    terminal = run.transcript.terminal or {}
    kind = as_text(terminal.get("type")).removeprefix("response.")
    # A failed run can come with HTTP 200 and even as `completed`: the object's own word wins.
    if (as_text(response.get("status")) or kind) in {"completed", "incomplete"}:
        return
    told = (
        as_object(response.get("error")) or as_object(terminal.get("error")) or terminal
    )
    kinds = (
        provider_errors.provider_code(as_text(told.get(name)))
        for name in ("code", "type")
    )
    raise provider_errors.provider_error(
        ErrorCode.UPSTREAM_FAILED,
        effect=Effect.UNKNOWN,
        detail=f"the run ended {kind}" if kind in _ENDS else "",
        provider_code=next(filter(None, kinds), None),
        request_id=run.request_id,
        partial=run.partial(),
    )


def _way_warnings(run: ProviderRun, content: str) -> Iterator[RunWarning]:
    if run.recovered:
        yield RunWarning(
            code="recovered",
            message="The connection broke; the same run's answer was fetched afterwards.",
        )
    if run.relay is not None and not run.relay.finish(content):
        message = "What was streamed differs from the final answer; the final answer is the output."
        yield RunWarning(code="stream_diverged", message=message)
