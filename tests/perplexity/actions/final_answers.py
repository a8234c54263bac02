"""A final object as the provider may send it: as a plain body, as a stream, and as a stream in single bytes."""

import asyncio
from collections.abc import Iterator
from typing import Any

import httpx

from perplexity_connector.contract import ActionResult
from perplexity_connector.perplexity.actions.create_chat_completion import (
    create_chat_completion,
)
from tests.perplexity.actions.wire import Listener, Pieces, Provider, framed, plain

WAYS = ["plain", "stream", "bytes"]


def item_events(index: int, item: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The events of one output item, in the recorded order."""
    place = {"output_index": index}
    sources: Any = {
        name: item[name] for name in ("results", "contents") if name in item
    }
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


def run(
    input: dict[str, Any], response: httpx.Response, listener: Listener, *, listen: bool
) -> ActionResult:
    """The result of the action for this answer."""

    async def main() -> ActionResult:
        async with Provider(response).client() as client:
            context = listener.context(listen=listen)
            return await create_chat_completion(client, input, context)

    return asyncio.run(main())
