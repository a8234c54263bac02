import asyncio
import threading
import time
from contextlib import aclosing
from typing import Any

import pytest

from perplexity_connector.contract import (
    ActionContext,
    ActionResult,
    ConnectorError,
    Effect,
    ErrorCode,
    JsonObject,
)
from perplexity_connector.host import Host, SyncHost
from perplexity_connector.host.runs import run as run_module
from tests.host.stage import CONNECTION, GREET, in_host, toy_host
from tests.toy.toy import MANIFEST, ToyPlugin

RUN_ID = "run_0123456789abcdef0123456789abcdef"


class Writing:
    """A handler that tells and salvages a first word, and then writes on until it is stopped."""

    def __init__(self) -> None:
        """Not running yet."""
        self.begun = threading.Event()
        self.running = asyncio.Event()
        self.may_end = asyncio.Event()
        self.may_end.set()
        self.stopped = 0

    async def __call__(self, _: JsonObject, ctx: ActionContext) -> ActionResult:
        """Write on."""
        ctx.emit({"type": "text.delta", "text": "Hello"})
        self.begun.set()
        self.running.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.stopped += 1
            await self.may_end.wait()
            ctx.salvage({"text": "Hello"})
            raise
        raise AssertionError


async def stopped(host: Host) -> list[Any]:
    """All items of a stream that is stopped at its first event."""
    items: list[Any] = []
    async with aclosing(
        host.stream(*GREET, connection=CONNECTION, run_id=RUN_ID)
    ) as stream:
        async for item in stream:
            items.append(item)
            if "type" in item:
                assert host.cancel(RUN_ID)
    return items


def test_a_run_that_is_stopped_ends_with_an_envelope_and_keeps_what_it_received() -> (
    None
):
    """Its status is cancelled; the handler was cancelled once, and could ask the provider to stop."""
    handler = Writing()
    _, envelope = in_host(toy_host(ToyPlugin(greet=handler)), stopped)
    assert (envelope["run_id"], envelope["status"], envelope["output"]) == (
        RUN_ID,
        "cancelled",
        None,
    )
    assert (envelope["error"]["code"], envelope["error"]["retryable"]) == (
        ErrorCode.CANCELLED,
        False,
    )
    assert envelope["error"]["effect"] == "unknown"
    assert envelope["partial"] == envelope["error"]["partial"] == {"text": "Hello"}
    assert handler.stopped == 1


def test_only_the_run_of_that_id_is_stopped() -> None:
    """Others go on, and a run that is over cannot be stopped."""
    handler = Writing()

    async def work(host: Host) -> tuple[Any, Any]:
        run = asyncio.create_task(
            host.run(*GREET, connection=CONNECTION, run_id=RUN_ID)
        )
        await handler.running.wait()
        other = await host.run("toy", "count", {"text": "abc"}, connection=CONNECTION)
        assert not host.cancel(str(other["run_id"]))
        assert not host.cancel("run_unknown")
        assert host.cancel(RUN_ID)
        return other, await run

    other, run = in_host(toy_host(ToyPlugin(greet=handler)), work)
    assert (other["status"], run["status"]) == ("succeeded", "cancelled")


def test_stopping_a_run_twice_does_no_harm() -> None:
    """While it ends, it is still being stopped."""
    handler = Writing()

    async def work(host: Host) -> Any:
        run = asyncio.create_task(
            host.run(*GREET, connection=CONNECTION, run_id=RUN_ID)
        )
        await handler.running.wait()
        handler.may_end.clear()
        assert host.cancel(RUN_ID)
        while not handler.stopped:  # noqa: ASYNC110 - what is waited for is the loop's own turn
            await asyncio.sleep(0)
        assert host.cancel(RUN_ID)
        handler.may_end.set()
        return await run

    assert in_host(toy_host(ToyPlugin(greet=handler)), work)["status"] == "cancelled"
    assert handler.stopped == 1


def test_a_run_whose_time_is_over_is_not_stopped_any_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It ends as a time-out."""
    monkeypatch.setattr(run_module, "GRACE_S", 0)
    handler = Writing()
    handler.may_end.clear()

    async def work(host: Host) -> Any:
        run = asyncio.create_task(
            host.run(*GREET, connection=CONNECTION, run_id=RUN_ID, timeout=0.001)
        )
        while not handler.stopped:  # noqa: ASYNC110 - likewise
            await asyncio.sleep(0)
        assert not host.cancel(RUN_ID)
        handler.may_end.set()
        return await run

    assert (
        in_host(toy_host(ToyPlugin(greet=handler)), work)["error"]["code"]
        == ErrorCode.TIMEOUT
    )


def between_attempts(
    state: JsonObject | None, second: Any
) -> tuple[Any, list[ActionContext]]:
    """The envelope of a run that is stopped while it waits for its second attempt, and what each call was handed."""
    contexts: list[ActionContext] = []
    failed = asyncio.Event()

    async def handler(_: JsonObject, ctx: ActionContext) -> ActionResult:
        contexts.append(ctx)
        if len(contexts) > 1:
            return await second(ctx)
        if state is not None:
            await ctx.checkpoint(state)
        failed.set()
        raise ConnectorError(
            ErrorCode.UNAVAILABLE, "It is down.", effect=Effect.NONE, retry_after=60
        )

    async def work(host: Host) -> Any:
        run = asyncio.create_task(
            host.run(*GREET, connection=CONNECTION, run_id=RUN_ID, timeout=300)
        )
        await failed.wait()
        await asyncio.sleep(0)
        assert host.cancel(RUN_ID)
        return await run

    return in_host(toy_host(ToyPlugin(greet=handler)), work), contexts


def test_a_run_that_is_stopped_between_two_attempts_comes_back_once_to_let_go() -> None:
    """To what it has begun, past its deadline: so the action asks the provider to stop. It is no attempt of its own."""

    async def late(ctx: ActionContext) -> ActionResult:
        assert ctx.deadline is not None
        assert ctx.deadline <= time.monotonic()
        ctx.emit({"type": "text.delta", "text": "unheard"})
        raise ConnectorError(ErrorCode.TIMEOUT, "Too late.")

    envelope, contexts = between_attempts({"response_id": "resp_1"}, late)
    assert (envelope["status"], envelope["attempts"]) == ("cancelled", 1)
    assert [ctx.resume_from for ctx in contexts] == [None, {"response_id": "resp_1"}]


def test_letting_go_takes_no_longer_than_the_grace(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An action that does not end by itself is ended."""

    async def stuck(_: ActionContext) -> ActionResult:
        await asyncio.Event().wait()
        raise AssertionError

    with monkeypatch.context() as patched:
        patched.setattr(run_module, "GRACE_S", 0.05)
        envelope, contexts = between_attempts({"response_id": "resp_1"}, stuck)
    assert (envelope["status"], len(contexts)) == ("cancelled", 2)


def test_a_run_with_nothing_begun_is_stopped_between_two_attempts_at_once() -> None:
    """There is nothing to let go of."""

    async def never(_: ActionContext) -> ActionResult:
        raise AssertionError

    envelope, contexts = between_attempts(None, never)
    assert (envelope["status"], len(contexts)) == ("cancelled", 1)


def test_a_run_that_was_refused_cannot_be_stopped() -> None:
    """It never was under way."""

    async def work(host: Host) -> bool:
        await host.run("toy", "greet", {}, connection=CONNECTION, run_id=RUN_ID)
        return host.cancel(RUN_ID)

    assert in_host(toy_host(), work) is False


def test_a_run_that_is_cancelled_from_outside_raises_as_before() -> None:
    """A caller that is gone wants no envelope."""
    handler = Writing()

    async def work(host: Host) -> bool:
        run = asyncio.create_task(
            host.run(*GREET, connection=CONNECTION, run_id=RUN_ID)
        )
        await handler.running.wait()
        run.cancel()
        await asyncio.gather(run, return_exceptions=True)
        return run.cancelled()

    assert in_host(toy_host(ToyPlugin(greet=handler)), work)
    assert handler.stopped == 1


def test_the_blocking_host_stops_a_run_from_another_thread() -> None:
    """The thread that waits for it gets the envelope."""
    handler = Writing()
    host = SyncHost(environ={})
    host.register(ToyPlugin(greet=handler), MANIFEST)
    found: list[Any] = []
    with host:
        thread = threading.Thread(
            target=lambda: found.append(
                host.run(*GREET, connection=CONNECTION, run_id=RUN_ID)
            ),
        )
        thread.start()
        handler.begun.wait()
        assert host.cancel(RUN_ID)
        thread.join()
        assert not host.cancel(RUN_ID)
    assert found[0]["status"] == "cancelled"
