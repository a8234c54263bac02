"""A provider that answers from a script, over httpx's own mock transport: for what does not depend on real sockets."""

import asyncio
import json
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Coroutine,
    Iterable,
    Sequence,
)
from typing import Any

import httpx

from perplexity_connector.contract import ActionContext, Secret
from perplexity_connector.perplexity.wire.client import Client
from perplexity_connector.perplexity.wire.endpoint import Endpoint

RUN_ID = "resp_00000000-0000-4000-8000-000000000001"
ANSWER = "The Moon is 384,400 km away.[web:2]"
SHOWN = "The Moon is 384,400 km away.[2]"
RESULTS = [
    {
        "id": 2,
        "title": "Moon",
        "url": "https://moon.example/distance",
        "snippet": "384,400 km",
        "source": "web",
    },
    {
        "id": 1,
        "title": "Atlas",
        "url": "https://atlas.example",
        "snippet": "",
        "date": "2026-01-02",
    },
]

Script = Callable[[httpx.Request], httpx.Response]


def final(
    status: str = "completed", *, text: str = ANSWER, **more: Any
) -> dict[str, Any]:
    """The provider's object of a run that has ended."""
    content = [{"type": "output_text", "text": text, "annotations": []}]
    output = [
        {"type": "search_results", "queries": ["moon"], "results": RESULTS},
        {
            "type": "message",
            "id": "msg_1",
            "role": "assistant",
            "status": "completed",
            "content": content,
        },
    ]
    usage = {
        "input_tokens": 10,
        "output_tokens": 5,
        "total_tokens": 15,
        "cost": {"currency": "USD", "total_cost": 0.001},
    }
    body = {
        "id": RUN_ID,
        "object": "response",
        "status": status,
        "created_at": 1790000000,
        "model": "openai/gpt-6-luna",
    }
    return {
        **body,
        "output": output,
        "usage": usage,
        "error": None,
        "incomplete_details": None,
        **more,
    }


def events(
    end: dict[str, Any] | None = None, text: str = ANSWER
) -> list[dict[str, Any]]:
    """The events of a run, in the recorded order, with holes in their numbers; `end` replaces the terminal one."""
    begun: Any = {
        "id": RUN_ID,
        "object": "response",
        "status": "in_progress",
        "model": "low",
        "output": [],
        "usage": None,
    }
    pieces = [text[at : at + 3] for at in range(0, len(text), 3)]
    rows: list[dict[str, Any]] = [
        {"type": "response.created", "response": begun},
        {"type": "response.in_progress", "response": begun},
        {"type": "response.reasoning.search_queries", "queries": ["moon"]},
        {"type": "response.reasoning.search_results", "results": RESULTS},
        {
            "type": "response.output_item.done",
            "output_index": 0,
            "item": {"type": "search_results", "results": RESULTS},
        },
        *(
            {
                "type": "response.output_text.delta",
                "delta": piece,
                "output_index": 1,
                "content_index": 0,
            }
            for piece in pieces
        ),
        {
            "type": "response.output_text.done",
            "text": text,
            "output_index": 1,
            "content_index": 0,
        },
        end or {"type": "response.completed", "response": final(text=text)},
    ]
    return [row | {"sequence_number": number * 2} for number, row in enumerate(rows)]


def framed(rows: Iterable[dict[str, Any]]) -> list[bytes]:
    """Events as they stand on the wire, one piece each."""
    return [
        f"event: {row['type']}\ndata: {json.dumps(row)}\n\n".encode() for row in rows
    ]


class Pieces(httpx.AsyncByteStream):
    """A body that arrives in pieces, and then ends, or breaks with an error."""

    def __init__(self, pieces: Iterable[bytes], error: Exception | None = None) -> None:
        """Send the pieces; raise the error after them, if there is one."""
        self._pieces = list(pieces)
        self._error = error

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """The pieces, one by one."""
        for piece in self._pieces:
            yield piece
        if self._error is not None:
            raise self._error


def stream(
    rows: Iterable[dict[str, Any]], error: Exception | None = None
) -> httpx.Response:
    """A streamed answer."""
    headers = {
        "content-type": "text/event-stream",
        "x-request-id": "11111111-2222-4333-8444-555555555555",
    }
    return httpx.Response(200, headers=headers, stream=Pieces(framed(rows), error))


def plain(document: object, status: int = 200) -> httpx.Response:
    """A JSON answer whose body has still to be read, as on a real network."""
    headers = {"content-type": "application/json"}
    return httpx.Response(
        status, headers=headers, stream=Pieces([json.dumps(document).encode()])
    )


def refusal(status: int, kind: str = "internal_error") -> httpx.Response:
    """An error answer as the provider words it."""
    return plain({"error": {"message": "…", "type": kind, "code": status}}, status)


class Provider:
    """Answers each request with the next of its answers, the last one for ever, and remembers what was asked."""

    def __init__(self, *answers: httpx.Response | Script) -> None:
        """Answer in this order."""
        self._answers: Sequence[httpx.Response | Script] = answers
        self.asked: list[tuple[str, str]] = []
        self.bodies: list[dict[str, Any]] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """The next answer."""
        self.asked.append((request.method, request.url.path))
        self.bodies.append(json.loads(request.content or b"{}"))
        answer = self._answers[min(len(self.asked), len(self._answers)) - 1]
        if not isinstance(answer, httpx.Response):
            answer = answer(request)
        return httpx.Response(
            answer.status_code, headers=answer.headers, stream=answer.stream
        )

    def client(self, **endpoint: float) -> Client:
        """A client whose network this is."""
        return Client(
            Endpoint(base_url="http://localhost", **endpoint), httpx.MockTransport(self)
        )


def client_over(
    network: Callable[[httpx.Request], Awaitable[httpx.Response]],
) -> Client:
    """A client whose network is an async function."""
    return Client(Endpoint(base_url="http://localhost"), httpx.MockTransport(network))  # type: ignore[arg-type]


async def cancel_once(
    action: Coroutine[object, object, object], begun: asyncio.Event
) -> None:
    """Cancel an action as soon as that has happened, and see that it ends as cancelled."""
    task = asyncio.create_task(action)
    await begun.wait()
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()


class Listener:
    """Keeps what an action tells its host."""

    def __init__(self) -> None:
        """Nothing yet."""
        self.events: list[Any] = []
        self.states: list[Any] = []
        self.salvaged: list[Any] = []

    async def checkpoint(self, state: Any) -> None:
        """Remember a state."""
        self.states.append(state)

    def text(self) -> str:
        """All text that was streamed."""
        return "".join(
            str(event["text"]) for event in self.events if event["type"] == "text.delta"
        )

    def context(self, *, listen: bool = True, **more: Any) -> ActionContext:
        """A context that reports here."""
        key = {"api_key": Secret("pplx-test-good")}
        return ActionContext(
            connection=key,
            emit=self.events.append,
            checkpoint=self.checkpoint,
            salvage=self.salvaged.append,
            wants_events=listen,
            **more,
        )
