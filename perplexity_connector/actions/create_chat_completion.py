"""*Create Chat Completion*: the published contract of the old chat API, served by the Agent API."""

from collections.abc import Iterator

from perplexity_connector.actions.inputs import read
from perplexity_connector.actions.provider_run import ProviderRun
from perplexity_connector.api import failures
from perplexity_connector.api.agent_answer import answer
from perplexity_connector.api.client import Client
from perplexity_connector.api.reading import items, mapping, text
from perplexity_connector.contract import (
    ActionContext,
    ActionResult,
    Effect,
    ErrorCode,
    JsonObject,
    RunWarning,
)
from perplexity_connector.models.create_chat_completion import ChatInput

_ENDS = frozenset({"failed", "cancelled", "error"})


async def create_chat_completion(client: Client, input: JsonObject, ctx: ActionContext) -> ActionResult:
    """A grounded answer with numbered sources. Raises `ConnectorError`, with what was received in `partial`."""
    form = read(ChatInput, input)
    run = ProviderRun(client, form, ctx)
    await run.follow()
    response = run.response or run.transcript.response
    _refuse_failed(run, response)
    found = answer(form, response, run.transcript)
    served = found.output["served_model"]
    return ActionResult(
        output=found.output,
        summary=f"Answered by {served or 'Perplexity'}; sources: {len(items(found.output['citations']))}.",
        usage=mapping(found.output["usage"]),
        warnings=[*found.warnings, *_way_warnings(run, text(found.output["content"]))],
        meta={"request_id": run.request_id, "response_id": found.output["id"], "served_model": served},
    )


def _refuse_failed(run: ProviderRun, response: JsonObject) -> None:
    terminal = run.transcript.terminal or {}
    kind = text(terminal.get("type")).removeprefix("response.")
    # A failed run can come with HTTP 200 and even as `completed`: the object's own word wins.
    if (text(response.get("status")) or kind) in {"completed", "incomplete"}:
        return
    told = mapping(response.get("error")) or mapping(terminal.get("error")) or terminal
    kinds = (failures.provider_code(text(told.get(name))) for name in ("code", "type"))
    raise failures.failure(
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
            code="recovered", message="The connection broke; the same run's answer was fetched afterwards."
        )
    if run.relay is not None and not run.relay.finish(content):
        message = "What was streamed differs from the final answer; the final answer is the output."
        yield RunWarning(code="stream_diverged", message=message)
