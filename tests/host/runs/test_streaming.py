import asyncio
import gc
import json
from contextlib import aclosing
from types import AsyncGeneratorType
from typing import Any

import pytest

from perplexity_connector.contract import (
    ActionContext,
    ActionResult,
    ConnectorError,
    EventType,
)
from perplexity_connector.host import Host
from perplexity_connector.host.runs.events import Inbox
from tests.host.runs.test_run import GOOD, Script, unavailable
from tests.host.stage import CONNECTION, GREET, in_host, opened, stream, toy_host
from tests.toy.toy import ToyPlugin

PARTS: dict[str, Any] = {
    "text": "a",
    "message": "a",
    "queries": ["moon"],
    "results": [{"url": "https://moon.example"}],
}


def telling(*texts: str, outcome: Any = GOOD) -> Any:
    """An attempt that tells these before its outcome."""

    async def attempt(ctx: ActionContext) -> Any:
        for text in texts:
            ctx.emit({"type": "text.delta", "text": text})
        return outcome

    return attempt


def test_events_come_as_they_are_told_and_the_envelope_last() -> None:
    """Each event has its number; the last item has none, and the envelope that `run` gives."""

    async def collect(host: Host) -> list[Any]:
        return [item async for item in host.stream(*GREET, connection=CONNECTION)]

    *events, envelope = opened(in_host(toy_host(), collect))
    assert [event["seq"] for event in events] == [1, 2, 3, 4]
    assert "".join(event["text"] for event in events) == envelope["output"]["text"]
    assert envelope["status"] == "succeeded"
    json.dumps([events, envelope])


def test_the_numbers_rise_over_all_attempts() -> None:
    """Strictly."""
    *events, envelope = stream(
        Script(telling("a", "b", outcome=unavailable()), telling("c"))
    )
    assert [(event["seq"], event.get("text")) for event in events] == [
        (1, "a"),
        (2, "b"),
        (3, None),  # the host's own, about the wait
        (4, "c"),
    ]
    assert envelope["attempts"] == 2


def test_events_of_no_known_type_are_dropped() -> None:
    """They take no number either."""

    async def babble(ctx: ActionContext) -> ActionResult:
        for kind in (None, "rumour", "run.finished", 5, ["status"], *EventType):
            ctx.emit({"type": kind, "seq": 77, **PARTS})
        ctx.emit({})
        return GOOD

    *events, _ = stream(Script(babble))
    assert [event["type"] for event in events] == [kind.value for kind in EventType]
    assert [event["seq"] for event in events] == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("kind", "part", "wrong"),
    [
        ("text.delta", "text", 5),
        ("status", "message", None),
        ("search.queries", "queries", "moon"),
        ("search.queries", "queries", ["moon", 5]),
        ("search.results", "results", {}),
        ("search.results", "results", [{}, "https://moon.example"]),
    ],
)
def test_an_event_whose_part_is_missing_or_of_a_wrong_type_is_dropped(
    kind: str, part: str, wrong: Any
) -> None:
    """A reader of the stream may rely on the types; parts that the contract does not name stay."""

    async def babble(ctx: ActionContext) -> ActionResult:
        ctx.emit({"type": kind})
        ctx.emit({"type": kind, part: wrong})
        ctx.emit({"type": kind, part: PARTS[part], "more": 1, "step": 5})
        return GOOD

    *events, _ = stream(Script(babble))
    assert events == [{"type": kind, part: PARTS[part], "more": 1, "seq": 1}]


def test_what_is_told_after_the_end_is_ignored() -> None:
    """After a raise, after a return, and by an attempt that is over while the next one runs."""
    contexts: list[ActionContext] = []

    async def first(ctx: ActionContext) -> ConnectorError:
        contexts.append(ctx)
        return unavailable()

    async def second(ctx: ActionContext) -> ActionResult:
        contexts[0].emit({"type": "text.delta", "text": "late"})
        ctx.emit({"type": "text.delta", "text": "good"})
        asyncio.get_running_loop().call_soon(
            ctx.emit, {"type": "text.delta", "text": "late"}
        )
        return GOOD

    *events, _ = stream(Script(first, second))
    texts = [event["text"] for event in events if event["type"] != "status"]
    assert texts == ["good"]


def test_a_listener_is_announced() -> None:
    """So that an action need not decode events for nobody."""
    script = Script(GOOD)
    stream(script)
    assert script.contexts[0].wants_events


def test_an_action_that_tells_without_a_listener_is_not_heard() -> None:
    """And not broken."""
    envelope = in_host(
        toy_host(ToyPlugin(greet=Script(telling("a")))),
        lambda host: host.run(*GREET, connection=CONNECTION),
    )
    assert envelope["status"] == "succeeded"


def test_a_run_that_is_refused_streams_its_envelope_alone() -> None:
    """As it would be run."""

    async def collect(host: Host) -> list[Any]:
        return [
            item
            async for item in host.stream("toy", "greet", {}, connection=CONNECTION)
        ]

    (envelope,) = opened(in_host(toy_host(), collect))
    assert envelope["error"]["code"] == "invalid_input"


class Endless:
    """A handler that tells one thing and then waits for ever; it remembers that it was stopped."""

    stopped = False

    async def __call__(self, _: Any, ctx: ActionContext) -> ActionResult:
        """Never return."""
        ctx.emit({"type": "text.delta", "text": "a"})
        try:
            await asyncio.Event().wait()
        finally:
            self.stopped = True
        return GOOD


def test_leaving_a_stream_early_cancels_the_run_and_waits_for_it() -> None:
    """Nothing goes on being paid for behind the reader's back."""
    handler = Endless()

    async def leave(host: Host) -> bool:
        async with aclosing(host.stream(*GREET, connection=CONNECTION)) as items:
            first: Any = await anext(items)
            assert first["text"] == "a"
        return handler.stopped

    assert in_host(toy_host(ToyPlugin(greet=handler)), leave)


def test_cancelling_the_reader_cancels_the_run() -> None:
    """The same, when the task that reads is cancelled."""
    handler = Endless()

    async def cancel(host: Host) -> bool:
        seen = asyncio.Event()

        async def read() -> None:
            async for _ in host.stream(*GREET, connection=CONNECTION):
                seen.set()

        reader = asyncio.create_task(read())
        await seen.wait()
        reader.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reader
        return handler.stopped

    assert in_host(toy_host(ToyPlugin(greet=handler)), cancel)


def test_a_stream_that_waits_holds_no_event() -> None:
    """Its reader has it, and may have dropped it."""

    async def wait(host: Host) -> list[object]:
        async with aclosing(host.stream(*GREET, connection=CONNECTION)) as items:
            first = await anext(items)
            following = asyncio.ensure_future(anext(items))
            await asyncio.sleep(0)
            kept = [*gc.get_referrers(first)]
            following.cancel()
            await asyncio.wait({following})
            return [one for one in kept if isinstance(one, AsyncGeneratorType | list)]

    assert in_host(toy_host(ToyPlugin(greet=Endless())), wait) == []


def test_events_that_come_together_are_taken_together() -> None:
    """The reader is woken once for all of them, and the end wakes it too."""

    async def read() -> None:
        inbox = Inbox()
        reader = asyncio.ensure_future(inbox.take())
        await asyncio.sleep(0)
        for number in range(3):
            inbox.put({"type": "status", "message": "a", "seq": number})
        assert [event["seq"] for event in await reader] == [0, 1, 2]
        ended = asyncio.ensure_future(inbox.take())
        await asyncio.sleep(0)
        inbox.close(None)
        assert [*await ended, *await inbox.take()] == []

    asyncio.run(read())


def test_an_event_for_a_reader_that_has_left_is_ignored() -> None:
    """Its wait was cancelled."""

    async def leave() -> None:
        inbox = Inbox()
        reader = asyncio.ensure_future(inbox.take())
        await asyncio.sleep(0)
        reader.cancel()
        await asyncio.wait({reader})
        inbox.put({"type": "status", "message": "a", "seq": 1})
        assert len(await inbox.take()) == 1

    asyncio.run(leave())


def test_a_slow_reader_gets_every_event_after_the_run_has_ended() -> None:
    """Then it waits for nothing more."""

    async def tell(ctx: ActionContext) -> Any:
        for text in "ab":
            ctx.emit({"type": "text.delta", "text": text})
        return GOOD

    async def collect(host: Host) -> list[Any]:
        items = []
        async for item in host.stream(*GREET, connection=CONNECTION):
            items.append(item)
            for _ in range(20):
                await asyncio.sleep(0)
        return items

    host = toy_host(ToyPlugin(greet=Script(tell)))
    *events, envelope = opened(in_host(host, collect))
    assert [event["text"] for event in events] == ["a", "b"]
    assert envelope["status"] == "succeeded"


def test_many_runs_and_streams_go_on_side_by_side() -> None:
    """Each with its own events."""

    async def crowd(host: Host) -> list[Any]:
        async def one(name: str) -> str:
            items = host.stream("toy", "greet", {"name": name}, connection=CONNECTION)
            return "".join([str(item.get("text", "")) async for item in items])

        return await asyncio.gather(*(one(f"n{number}") for number in range(20)))

    assert in_host(toy_host(), crowd) == [f"Hello, n{number}!" for number in range(20)]
