"""Answers of the provider's form with their expected results: plain, streamed, in bytes, listened to or not."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from perplexity_connector.contract import ActionResult, ConnectorError
from perplexity_connector.host.runs.retry import RetryPolicy
from perplexity_connector.perplexity.actions.create_chat_completion import (
    create_chat_completion,
)
from perplexity_connector.perplexity.actions.execute_search import execute_search
from tests.paths import ROOT
from tests.perplexity.actions.wire import Listener, Pieces, Provider, plain

PLACE = ROOT / "tests" / "perplexity" / "actions" / "stream_cases.json"
CASES = json.loads(PLACE.read_text(encoding="utf-8"))["cases"]
ACTIONS: dict[str, Any] = {
    "create_chat_completion": create_chat_completion,
    "execute_search": execute_search,
}


def frame(event: dict[str, Any]) -> bytes:
    """One event as it is on the wire."""
    return f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode()


def item_events(index: int, item: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The events around one output item, without a message's text."""
    place = {"output_index": index}
    if item["type"] == "message":
        added = {**item, "content": None, "status": "in_progress"}
        yield {"type": "response.output_item.added", "item": added, **place}
        return
    call = {"type": "function_call", "id": f"fc_{index}", "status": "in_progress"}
    yield {"type": "response.output_item.added", "item": call, **place}
    sources: Any = {
        name: item[name] for name in ("results", "contents") if name in item
    }
    yield {"type": f"response.reasoning.{item['type']}", **sources}


def text_events(
    index: int, part: dict[str, Any], pieces: list[str]
) -> Iterator[dict[str, Any]]:
    """The deltas of a content part, and its text as a whole."""
    kind = "refusal" if part["type"] == "refusal" else "output_text"
    name = "refusal" if part["type"] == "refusal" else "text"
    place = {"output_index": index, "content_index": 0, "item_id": f"msg_{index}"}
    for piece in pieces:
        yield {"type": f"response.{kind}.delta", "delta": piece, **place}
    yield {"type": f"response.{kind}.done", name: part[name], **place}


def streamed(answer: dict[str, Any]) -> bytes:
    """The answer as a stream in the recorded order, with the oddities that the case asks for."""
    if "frames" in answer:
        return "".join(answer["frames"]).encode()
    if "events" in answer:
        return b"".join(map(frame, answer["events"]))
    final = answer.get("response") or answer["body"]
    if "response" not in answer:
        return frame({"type": "error", **final})
    begun = final | {"status": "in_progress", "output": [], "usage": None}
    events = [{"type": "response.created", "response": begun}]
    for index, item in enumerate(answer.get("items_done") or final["output"]):
        events += item_events(index, item)
        if item["type"] == "message" and not answer.get("no_deltas"):
            for part in item["content"]:
                text = part.get("text") or part.get("refusal") or ""
                cut = [text[at : at + 3] for at in range(0, len(text), 3)]
                events += text_events(index, part, cut)
        done = {"type": "response.output_item.done", "item": item}
        events.append(done | {"output_index": index})
    for delta in answer.get("deltas", []):
        place = {"output_index": 1, "content_index": 0}
        events.append({"type": "response.output_text.delta", "delta": delta, **place})
    first_delta = next(
        (n for n, event in enumerate(events) if event["type"].endswith("delta")), 0
    )
    start = first_delta if "sequence" in answer else 0
    frames = [
        frame(event | {"sequence_number": number - start * (number >= start)})
        for number, event in enumerate(events)
    ]
    raw = 'event: response.output_text.delta\ndata: {{"type": "response.output_text.delta", "delta": {}}}\n\n'
    frames += [raw.format(delta).encode() for delta in answer.get("deltas_raw", [])]
    end = {"type": f"response.{final['status']}", "response": final}
    frames.append(frame(end | {"sequence_number": 1000}))
    middle = "".join(answer.get("in_the_middle", [])).encode()
    frames.insert(len(frames) // 2, middle)
    return "".join(answer.get("before_first_event", [])).encode() + b"".join(frames)


def responses(case: dict[str, Any]) -> Iterator[tuple[str, httpx.Response]]:
    """The case's answer in every form in which the provider or a gateway may send it."""
    answer = case["answer"]
    if not case.get("stream_only"):
        yield "plain", plain(answer.get("response") or answer["body"])
    if case["action"] == "create_chat_completion":
        headers = {"content-type": "text/event-stream"}
        stream = streamed(answer)
        bits = [stream[at : at + 1] for at in range(len(stream))]
        yield "whole", httpx.Response(200, headers=headers, stream=Pieces([stream]))
        yield "bytes", httpx.Response(200, headers=headers, stream=Pieces(bits))


def outcome(
    case: dict[str, Any], response: httpx.Response, *, listen: bool
) -> tuple[ActionResult | ConnectorError, Listener]:
    """What the action returns or raises for this answer."""
    listener = Listener()

    async def main() -> ActionResult | ConnectorError:
        async with Provider(response).client() as client:
            action = ACTIONS[case["action"]]
            try:
                return await action(
                    client, case["input"], listener.context(listen=listen)
                )
            except ConnectorError as error:
                return error

    return asyncio.run(main()), listener


WAYS = [
    pytest.param(case, response, listen, id=f"{case['name']}-{way}-{listen}")
    for case in CASES
    for way, response in responses(case)
    for listen in (True, False)
]


@pytest.mark.parametrize(("case", "response", "listen"), WAYS)
def test_each_case_gives_the_expected_result(
    case: dict[str, Any], response: httpx.Response, listen: bool
) -> None:
    """In every form, and whether something listens or not."""
    found, listener = outcome(case, response, listen=listen)
    expect = case["expect"]
    if "error" in expect:
        assert isinstance(found, ConnectorError)
        assert_failure(found, expect)
        return
    assert isinstance(found, ActionResult)
    assert_success(found, expect)
    if listen and "content" in found.output:
        assert listener.text() == found.output["content"]


def assert_failure(found: ConnectorError, expect: dict[str, Any]) -> None:
    """Compare an error with the expected one."""
    assert found.code == expect["error"]
    assert found.effect == expect.get("effect", found.effect)
    if "fields" in expect:
        assert [field.pointer for field in found.fields] == expect["fields"]
    if expect.get("attempts") == 1:
        policy = RetryPolicy()
        wait = policy.wait(
            found,
            idempotent=False,
            resumable=False,
            attempt=1,
            deadline=float("inf"),
        )
        assert wait is None
    if "usage_total_tokens" in expect:
        assert found.usage is not None
        assert found.usage["total_tokens"] == expect["usage_total_tokens"]


def assert_success(found: ActionResult, expect: dict[str, Any]) -> None:
    """Compare a result with the expected one."""
    codes = [warning.code for warning in found.warnings]
    for name in ("content", "citations", "parsed", "results"):
        if name in expect:
            assert found.output[name] == expect[name]
    if "finish_reason" in expect:
        choices: Any = found.output["choices"]
        assert choices[0]["finish_reason"] == expect["finish_reason"]
    assert set(expect.get("warnings_include", [])) <= set(codes)
    if "warnings" in expect:
        assert codes == expect["warnings"]
