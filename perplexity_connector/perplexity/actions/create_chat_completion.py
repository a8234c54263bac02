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
from perplexity_connector.perplexity.actions.inputs import read_input
from perplexity_connector.perplexity.actions.provider_run import ProviderRun
from perplexity_connector.perplexity.forms.create_chat_completion import ChatInput
from perplexity_connector.perplexity.wire import provider_errors
from perplexity_connector.perplexity.wire.chat_result import chat_result
from perplexity_connector.perplexity.wire.client import Client

_FAILED_ENDS = frozenset({"failed", "cancelled", "error"})


async def create_chat_completion(
    client: Client, input: JsonObject, ctx: ActionContext
) -> ActionResult:
    """Return a grounded answer with numbered sources.

    Raises `ConnectorError`; its `partial` has the part of the answer that was received.
    """
    form = read_input(ChatInput, input)
    run = ProviderRun(client, form, ctx)
    await run.follow()
    response = run.response or run.transcript.response
    _raise_if_failed(run, response)
    result = chat_result(form, response, run.transcript)
    output = result.output
    served = output["served_model"]
    return ActionResult(
        output=output,
        summary=f"Answered by {served or 'Perplexity'}; sources: {len(as_list(output['citations']))}.",
        usage=as_object(output["usage"]),
        warnings=[*result.warnings, *_run_warnings(run, as_text(output["content"]))],
        meta={
            "request_id": run.request_id,
            "response_id": output["id"],
            "served_model": served,
        },
    )


def _raise_if_failed(run: ProviderRun, response: JsonObject) -> None:
    terminal = run.transcript.terminal or {}
    end = as_text(terminal.get("type")).removeprefix("response.")
    # A failed run can have HTTP 200, and even the event `completed`: the object's status decides.
    if (as_text(response.get("status")) or end) in {"completed", "incomplete"}:
        return
    raise provider_errors.provider_error(
        ErrorCode.UPSTREAM_FAILED,
        effect=Effect.UNKNOWN,
        detail=f"the run ended {end}" if end in _FAILED_ENDS else "",
        provider_code=_provider_code(terminal, response),
        request_id=run.request_id,
        partial=run.partial(),
    )


def _provider_code(terminal: JsonObject, response: JsonObject) -> str | None:
    error = as_object(response.get("error")) or as_object(terminal.get("error"))
    names = [as_text((error or terminal).get(key)) for key in ("code", "type")]
    codes = [provider_errors.provider_code(name) for name in names]
    return codes[0] or codes[1]


def _run_warnings(run: ProviderRun, content: str) -> Iterator[RunWarning]:
    if run.recovered:
        message = "The connection broke; the same run's answer was fetched afterwards."
        yield RunWarning(code="recovered", message=message)
    if run.translator is not None and not run.translator.finish(content):
        message = "The streamed text differs from the final answer; the final answer is the output."
        yield RunWarning(code="stream_diverged", message=message)
