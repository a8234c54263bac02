"""*Create Chat Completion*: the published contract of the old chat API, served by the Agent API."""

from collections.abc import Iterator, Sequence

from perplexity_connector.contract import (
    ActionContext,
    ActionResult,
    Effect,
    ErrorCode,
    JsonObject,
    RunWarning,
)
from perplexity_connector.contract.readers import as_list, as_object, as_text
from perplexity_connector.perplexity.actions.inputs import read_input
from perplexity_connector.perplexity.actions.provider_run import ProviderRun
from perplexity_connector.perplexity.forms.create_chat_completion import ChatInput
from perplexity_connector.perplexity.wire import provider_errors
from perplexity_connector.perplexity.wire.chat_result import (
    chat_result,
    max_tokens_error,
    usage_of,
)
from perplexity_connector.perplexity.wire.client import Client
from perplexity_connector.perplexity.wire.run_status import ENDED, end_of


async def create_chat_completion(
    client: Client, input: JsonObject, ctx: ActionContext
) -> ActionResult:
    """Return a grounded answer with numbered sources.

    Raises `ConnectorError`; its `partial` has the part of the answer that was received.
    """
    form = read_input(ChatInput, input)
    run = ProviderRun(client, form, ctx)
    await run.follow()
    response = run.latest_response
    _raise_if_failed(form, run, response)
    result = chat_result(form, response, run.transcript)
    output = result.output
    served = output["served_model"]
    diverged = not run.finish_text(as_text(output["content"]))
    return ActionResult(
        output=output,
        summary=f"Answered by {served or 'Perplexity'}; sources: {len(as_list(output['citations']))}.",
        usage=as_object(output["usage"]),
        warnings=[*result.warnings, *_run_warnings(run, diverged=diverged)],
        meta={
            "request_id": run.request_id,
            "response_id": output["id"],
            "served_model": served,
        },
    )


def _raise_if_failed(form: ChatInput, run: ProviderRun, response: JsonObject) -> None:
    # A failed run can have HTTP 200, and even the event `completed`.
    end = end_of(run.transcript.terminal, response)
    if end in {"completed", "incomplete"}:
        return
    errors = _provider_errors(run, response)
    codes = [
        provider_errors.provider_code(as_text(error.get(name)))
        for error in errors
        for name in ("code", "type")
    ]
    # With this cause, repeating the run fails again (docs/provider.md, "Agent request").
    is_by_tokens = any("reasoning_only" in str(error) for error in errors)
    raise provider_errors.provider_error(
        ErrorCode.UPSTREAM_FAILED,
        effect=Effect.UNKNOWN,
        detail=f"the run ended {end}" if end in ENDED else "",
        provider_code=next(filter(None, codes), None),
        request_id=run.request_id,
        fields=max_tokens_error(form) if is_by_tokens else (),
        partial=run.partial(),
        usage=usage_of(response),
    )


def _provider_errors(run: ProviderRun, response: JsonObject) -> Sequence[JsonObject]:
    """Return the provider's descriptions of a failure, the most exact one first."""
    terminal, event = run.transcript.terminal or {}, run.transcript.error or {}
    described = [response.get("error"), terminal.get("error"), event.get("error")]
    return [error for error in map(as_object, described) if error]


def _run_warnings(run: ProviderRun, *, diverged: bool) -> Iterator[RunWarning]:
    if run.recovered:
        message = "The connection broke; the same run's answer was fetched afterwards."
        yield RunWarning(code="recovered", message=message)
    if run.is_unclear:
        message = "Perplexity never said clearly that the run had ended; the answer is the streamed text."
        yield RunWarning(code="status_unclear", message=message)
    if diverged:
        message = "The streamed text differs from the final answer; the final answer is the output."
        yield RunWarning(code="stream_diverged", message=message)
