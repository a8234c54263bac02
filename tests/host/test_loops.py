"""A host belongs to the event loop on which it was opened."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from perplexity_connector.contract import ActionContext, ActionResult
from perplexity_connector.host import Host, RateLimiters, shared_host
from perplexity_connector.host import shared as shared_module
from perplexity_connector.host.runs import opened
from tests.host.runs.test_stopping import Writing
from tests.host.stage import CONNECTION, GREET, in_host, toy_host
from tests.toy.toy import MANIFEST, ToyPlugin

RUN_ID = "run_1"


async def drain(host: Host) -> None:
    """Read a stream to its end."""
    async for _ in host.stream(*GREET, connection=CONNECTION):
        pass


USES: dict[str, Callable[[Host], Any]] = {
    "run": lambda host: host.run(*GREET, connection=CONNECTION),
    "stream": drain,
    "options": lambda host: host.options("toy", "tones"),
    "test": lambda host: host.connections.test(CONNECTION, "toy"),
    "open": lambda host: host.__aenter__(),
    "close": lambda host: host.__aexit__(None, None, None),
}


@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_another_loop_is_refused_in_words_before_anything_is_sent(
    use: Callable[[Host], Any],
) -> None:
    """The host goes on working on its own."""
    calls: list[Any] = []

    async def handler(input: Any, _: ActionContext) -> ActionResult:
        calls.append(input)
        return ActionResult(output={"text": "Hello"})

    async def used(host: Host) -> None:
        await use(host)

    async def work(host: Host) -> Any:
        with pytest.raises(RuntimeError, match="loop"):
            await asyncio.to_thread(lambda: asyncio.run(used(host)))
        assert calls == []
        return await host.run(*GREET, connection=CONNECTION)

    envelope = in_host(toy_host(ToyPlugin(greet=handler)), work)
    assert (envelope["status"], len(calls)) == ("succeeded", 1)


def test_stopping_a_run_from_another_thread_is_refused_in_words() -> None:
    """A run of another id is not there, on any thread."""
    handler = Writing()

    async def work(host: Host) -> Any:
        run = asyncio.create_task(
            host.run(*GREET, connection=CONNECTION, run_id=RUN_ID)
        )
        await handler.running.wait()
        with pytest.raises(RuntimeError, match="loop"):
            await asyncio.to_thread(host.cancel, RUN_ID)
        assert not await asyncio.to_thread(host.cancel, "run_2")
        assert host.cancel(RUN_ID)
        return await run

    host = toy_host(ToyPlugin(greet=handler))
    assert in_host(host, work)["status"] == "cancelled"
    assert not host.cancel(RUN_ID)


def test_a_host_that_is_opened_again_waits_for_turns_on_its_new_loop() -> None:
    """Also when runs had to wait on the first loop: locks and limiters are of the new one."""

    async def handler(_: Any, ctx: ActionContext) -> ActionResult:
        async with ctx.permit():
            await asyncio.sleep(0)
        return ActionResult(output={"text": "Hello"})

    async def crowd(host: Host) -> list[Any]:
        runs = (host.run(*GREET, connection=CONNECTION) for _ in range(8))
        return await asyncio.gather(*runs)

    host = toy_host(ToyPlugin(greet=handler), concurrency=1)
    for _ in range(3):
        statuses = {envelope["status"] for envelope in in_host(host, crowd)}
        assert statuses == {"succeeded"}


def test_given_rate_limiters_go_to_the_next_loop_and_never_to_two() -> None:
    """Their locks are of one loop: on another one, each run that has to wait would fail."""
    limiter = RateLimiters(1)

    async def handler(_: Any, ctx: ActionContext) -> ActionResult:
        async with ctx.permit():
            await asyncio.sleep(0)
        return ActionResult(output={"text": "Hello"})

    async def work(host: Host) -> set[str]:
        with pytest.raises(RuntimeError, match="loop"):
            await asyncio.to_thread(in_host, toy_host(limiter=limiter), drain)
        async with limiter.acquire("key", "action"):
            runs = (host.run(*GREET, connection=CONNECTION) for _ in range(8))
            return {envelope["status"] for envelope in await asyncio.gather(*runs)}

    for _ in range(2):
        host = toy_host(ToyPlugin(greet=handler), limiter=limiter)
        assert in_host(host, work) == {"succeeded"}


def test_a_host_whose_loop_has_ended_without_closing_it_can_be_opened_again() -> None:
    """With connectors of its own."""
    plugin = ToyPlugin()
    host = toy_host(plugin)

    async def leave() -> None:
        await host.__aenter__()
        await host.run(*GREET, connection=CONNECTION)

    asyncio.run(leave())
    envelope = in_host(host, USES["run"])
    assert envelope["status"] == "succeeded"
    assert [toy.log for toy in plugin.loaded] == [["opened"], ["opened", "closed"]]


def test_overlapping_openings_on_one_loop_are_counted() -> None:
    """The last one closes the host, whichever it is."""
    plugin = ToyPlugin()
    host = toy_host(plugin)

    async def both() -> Any:
        first, second = asyncio.Event(), asyncio.Event()

        async def open_until(event: asyncio.Event) -> Any:
            async with host:
                await event.wait()
                return await host.run(*GREET, connection=CONNECTION)

        tasks = [asyncio.create_task(open_until(each)) for each in (first, second)]
        await asyncio.sleep(0)
        first.set()
        await tasks[0]
        assert plugin.loaded[0].log == ["opened"]
        second.set()
        return await tasks[1]

    assert asyncio.run(both())["status"] == "succeeded"
    assert [toy.log for toy in plugin.loaded] == [["opened", "closed"]]
    with pytest.raises(RuntimeError):
        asyncio.run(host.run(*GREET))


@pytest.mark.parametrize("streams", [False, True])
def test_leaving_the_host_stops_its_runs_and_their_callers_get_envelopes(
    streams: bool,
) -> None:
    """With the received part and the checkpoint; the connector is closed after them."""
    handler = Writing()
    plugin = ToyPlugin(greet=handler)
    kept: list[Any] = []

    async def checkpointing(input: Any, ctx: ActionContext) -> ActionResult:
        await ctx.checkpoint({"id": "r1"})
        return await handler(input, ctx)

    plugin.handlers["greet"] = checkpointing
    options: Any = {"connection": CONNECTION, "on_checkpoint": kept.append}

    async def last_item(host: Host) -> Any:
        if not streams:
            return await host.run(*GREET, **options)
        items: list[Any] = [item async for item in host.stream(*GREET, **options)]
        return items[-1]["envelope"]

    async def work(host: Host) -> Any:
        runs = [asyncio.create_task(last_item(host)) for _ in range(3)]
        await handler.running.wait()
        return runs

    async def main() -> list[Any]:
        host = toy_host(plugin)
        async with host:
            runs = await work(host)
        return await asyncio.gather(*runs)

    envelopes = asyncio.run(main())
    assert [each["status"] for each in envelopes] == ["cancelled"] * 3
    assert [each["partial"] for each in envelopes] == [{"text": "Hello"}] * 3
    assert kept == [{"id": "r1"}] * 3
    assert handler.stopped == 3
    assert plugin.loaded[0].log == ["opened", "closed"]


def test_a_run_that_closes_its_own_host_does_not_wait_for_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """For ever, that is."""
    monkeypatch.setattr(opened, "_STOP_S", 0.05)
    host = toy_host()

    async def close(_: Any) -> None:
        await host.__aexit__(None, None, None)

    async def handler(_: Any, ctx: ActionContext) -> ActionResult:
        with suppress(asyncio.CancelledError):
            await ctx.checkpoint({"id": "r1"})
        return ActionResult(output={"text": "Hello"})

    host.register(ToyPlugin(greet=handler), MANIFEST)

    async def main() -> Any:
        await host.__aenter__()
        return await host.run(*GREET, connection=CONNECTION, on_checkpoint=close)

    assert asyncio.run(main())["run_id"]


def test_callers_on_one_loop_share_a_host_that_is_closed_with_the_loop() -> None:
    """Another loop has another, also in another thread; what has ended is forgotten."""

    async def twice() -> tuple[Host, Host]:
        return await shared_host(), await shared_host()

    async def nested() -> tuple[Host, Host]:
        inner, _ = await asyncio.to_thread(lambda: asyncio.run(twice()))
        return await shared_host(), inner

    first, again = asyncio.run(twice())
    assert first is again
    other, inner = asyncio.run(nested())
    assert len({first, other, inner}) == 3
    for host in (first, other, inner):
        with pytest.raises(RuntimeError):
            asyncio.run(host.run("perplexity", "execute_search", {}))
    assert shared_module._HOSTS == {}


def test_a_loop_that_was_closed_in_the_middle_keeps_no_shared_host() -> None:
    """Its generators were never closed."""
    loop = asyncio.new_event_loop()
    lost = loop.run_until_complete(shared_host())
    loop.close()

    async def once() -> Host:
        host = await shared_host()
        assert list(shared_module._HOSTS) == [asyncio.get_running_loop()]
        return host

    assert asyncio.run(once()) is not lost
