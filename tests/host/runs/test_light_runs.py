"""What a run costs the host, as counts: an attempt that succeeds needs little of what a failed one does."""

import asyncio
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from perplexity_connector.contract import ActionContext
from perplexity_connector.host import Host
from perplexity_connector.host.catalogue.catalogue import Catalogue
from perplexity_connector.host.plugins import boundary
from perplexity_connector.host.runs.events import Inbox
from tests.host.runs.test_run import GOOD, Script
from tests.host.stage import CONNECTION, GREET, in_host, opened, stream, toy_host
from tests.toy.toy import ToyPlugin


def counted(
    monkeypatch: pytest.MonkeyPatch, owner: object, name: str, counts: Counter[str]
) -> None:
    """Count the calls of a function in this thread: another one of the tests may call it too."""
    function: Callable[..., Any] = getattr(owner, name)
    thread = threading.get_ident()

    def count(*arguments: Any, **more: Any) -> Any:
        counts.update([name] if threading.get_ident() == thread else [])
        return function(*arguments, **more)

    monkeypatch.setattr(owner, name, count)


def second_run(
    monkeypatch: pytest.MonkeyPatch, counting: Callable[[Counter[str]], None]
) -> Counter[str]:
    """The calls of a run whose connector is open already, and whose request has a permit."""
    counts: Counter[str] = Counter()

    async def ask(ctx: ActionContext) -> Any:
        async with ctx.permit():
            return GOOD

    async def work(host: Host) -> None:
        await host.run(*GREET, connection=CONNECTION)
        counting(counts)
        envelope = await host.run(*GREET, connection=CONNECTION)
        assert envelope["status"] == "succeeded"
        monkeypatch.undo()

    in_host(toy_host(ToyPlugin(greet=Script(ask, ask))), work)
    return counts


def test_a_run_needs_one_task_one_timer_and_one_future(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The task is the handler's, the timer ends the run, and the future wakes it.

    `asyncio.wait` makes a set, a closure and two coroutines, which thousands of streams would hold.
    """

    def counting(counts: Counter[str]) -> None:
        loop = asyncio.get_running_loop()
        for name in ("create_task", "call_later", "create_future"):
            counted(monkeypatch, loop, name, counts)
        counted(monkeypatch, asyncio, "wait", counts)

    assert second_run(monkeypatch, counting) == {
        "create_task": 1,
        "call_later": 1,
        "create_future": 1,
    }


def test_a_known_connector_is_found_without_all_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """To join and to sort them takes longer, the more there are."""

    def counting(counts: Counter[str]) -> None:
        counted(monkeypatch, Catalogue, "_connectors", counts)

    assert second_run(monkeypatch, counting) == {}


def test_an_event_is_copied_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The listener gets the copy that was made of the plugin's event."""
    copies: list[Any] = []
    plain_object = boundary.plain_object

    def copied(given: object) -> Any:
        copies.append(plain_object(given))
        return copies[-1]

    async def tell(ctx: ActionContext) -> Any:
        ctx.emit({"type": "text.delta", "text": "a", "step": 3})
        return GOOD

    monkeypatch.setattr(boundary, "plain_object", copied)
    event, _ = stream(Script(tell))
    assert event is copies[0]
    assert event == {"type": "text.delta", "text": "a", "seq": 1}


def test_events_that_come_together_wake_the_reader_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It takes all of them in one step. A queue takes a step for each."""
    counts: Counter[str] = Counter()

    async def tell(ctx: ActionContext) -> Any:
        for _ in range(100):
            ctx.emit({"type": "text.delta", "text": "a"})
        return GOOD

    async def collect(host: Host) -> list[Any]:
        counted(monkeypatch, Inbox, "take", counts)
        return [item async for item in host.stream(*GREET, connection=CONNECTION)]

    host = toy_host(ToyPlugin(greet=Script(tell)))
    *events, _ = opened(in_host(host, collect))
    assert len(events) == 100
    assert counts == {"take": 2}
