"""Answers with sources of every kind: as a plain body, as a stream, and as a stream in single bytes."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from perplexity_connector.contract import ActionResult
from perplexity_connector.perplexity.actions.create_chat_completion import (
    create_chat_completion,
)
from tests.paths import ROOT
from tests.perplexity.actions.wire import Listener, Pieces, Provider, framed, plain

PLACE = ROOT / "tests" / "perplexity" / "actions" / "source_cases.json"
CASES = json.loads(PLACE.read_text(encoding="utf-8"))["cases"]
INPUT = {
    "model": "sonar-pro",
    "messages": [{"role": "user", "content": "How far away is the Moon?"}],
}


def item_events(index: int, item: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The events of one output item, in the recorded order."""
    place = {"output_index": index}
    sources = {name: item[name] for name in ("results", "contents") if name in item}
    yield {"type": "response.output_item.added", "item": {"type": "x"}, **place}
    if item["type"] == "message":
        yield from text_events(index, item["content"][0]["text"])
    else:
        yield {"type": f"response.reasoning.{item['type']}", **sources}
    yield {"type": "response.output_item.done", "item": item, **place}


def text_events(index: int, text: str) -> Iterator[dict[str, Any]]:
    """A text in small pieces, so that marks and fences are split, and then as a whole."""
    place = {"output_index": index, "content_index": 0}
    for at in range(0, len(text), 2):
        delta = text[at : at + 2]
        yield {"type": "response.output_text.delta", "delta": delta, **place}
    yield {"type": "response.output_text.done", "text": text, **place}


def stream_of(final: dict[str, Any]) -> bytes:
    """The stream of a run that ends with this object."""
    begun = final | {"status": "in_progress", "output": [], "usage": None}
    rows = [{"type": "response.created", "response": begun}]
    for index, item in enumerate(final["output"]):
        rows += item_events(index, item)
    rows.append({"type": "response.completed", "response": final})
    return b"".join(
        framed(row | {"sequence_number": at} for at, row in enumerate(rows))
    )


def response_of(final: dict[str, Any], way: str) -> httpx.Response:
    """The provider's answer, in one of the ways in which it may arrive."""
    if way == "plain":
        return plain(final)
    stream = stream_of(final)
    size = 1 if way == "bytes" else len(stream)
    pieces = [stream[at : at + size] for at in range(0, len(stream), size)]
    headers = {"content-type": "text/event-stream"}
    return httpx.Response(200, headers=headers, stream=Pieces(pieces))


def run(response: httpx.Response, listener: Listener, *, listen: bool) -> ActionResult:
    """The result of the action for this answer."""

    async def main() -> ActionResult:
        async with Provider(response).client() as client:
            context = listener.context(listen=listen)
            return await create_chat_completion(client, INPUT, context)

    return asyncio.run(main())


@pytest.mark.parametrize("listen", [True, False], ids=["heard", "unheard"])
@pytest.mark.parametrize("way", ["plain", "stream", "bytes"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_an_answer_has_its_sources(
    case: dict[str, Any], way: str, listen: bool
) -> None:
    """The same text, citations and warnings in every way; the streamed text is the final one."""
    listener, expect = Listener(), case["expect"]
    result = run(response_of(case["answer"]["response"], way), listener, listen=listen)
    output = result.output
    codes = [warning.code for warning in result.warnings]
    assert {
        name: output[name] for name in ("content", "citations") if name in expect
    } == {name: expect[name] for name in ("content", "citations") if name in expect}
    assert set(expect.get("warnings_include", [])) <= set(codes)
    assert codes == expect.get("warnings", codes)
    assert output["grounded"] is any(output["citations"])
    assert not listen or listener.text() == output["content"]
