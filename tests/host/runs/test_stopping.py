import asyncio
import threading
from contextlib import aclosing, suppress
from typing import Any, Self

import pytest

from perplexity_connector.contract import (
    ActionContext,
    ActionResult,
    ConnectorError,
    Effect,
    ErrorCode,
)
from perplexity_connector.host import Host, SyncHost
from perplexity_connector.host.runs import run as run_module
from tests.host.plugins.test_loading import Plugin
from tests.host.stage import CONNECTION, GREET, in_host, opened, toy_host
from tests.toy.toy import MANIFEST, Toy, ToyPlugin

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

    async def __call__(self, _: Any, ctx: ActionContext) -> ActionResult:
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
            if item["type"] != "run.finished":
                assert host.cancel(RUN_ID)
    return opened(items)


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
        await host.options("toy", "tones")  # opens the connector, which takes longer
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
    state: Any, way: str, kind: type[Any] = Toy
) -> tuple[Toy, Any, int]:
    """A run that is ended while it waits for its second attempt: its toy, its envelope, the calls of its action."""
    failed = asyncio.Event()
    calls = 0

    async def handler(_: Any, ctx: ActionContext) -> ActionResult:
        nonlocal calls
        calls += 1
        if state is not None:
            await ctx.checkpoint(state)
        failed.set()
        raise ConnectorError(
            ErrorCode.UNAVAILABLE, "It is down.", effect=Effect.NONE, retry_after=60
        )

    toy = kind(settings={}, handlers={"greet": handler})

    async def work(host: Host) -> Any:
        run = asyncio.create_task(
            host.run(*GREET, connection=CONNECTION, run_id=RUN_ID, timeout=300)
        )
        await failed.wait()
        for _ in range(5):
            await asyncio.sleep(0)
        if way == "cancel":
            run.cancel()
            return (await asyncio.gather(run, return_exceptions=True)) and None
        if way == "stop":
            assert host.cancel(RUN_ID)
            return await run
        return run

    ended = in_host(toy_host(Plugin(toy)), work)
    return toy, ended.result() if way == "close" else ended, calls


class Plain:
    """A toy without its optional methods."""

    def __init__(self, **parts: Any) -> None:
        """Like the toy."""
        self._toy = Toy(**parts)
        self.check, self.action = self._toy.check, self._toy.action

    async def __aenter__(self) -> Self:
        """Open nothing."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close nothing."""


@pytest.mark.parametrize("way", ["stop", "cancel", "close"])
@pytest.mark.parametrize(
    ("state", "log", "warnings"),
    [
        ({"id": "r1"}, ["stopped r1"], []),
        ({"name": "r1"}, ["stopped None"], ["stop_unconfirmed"]),
        (None, [], []),
    ],
)
def test_a_run_that_is_ended_between_two_attempts_is_stopped_at_the_provider(
    state: Any, log: list[str], warnings: list[str], way: str
) -> None:
    """Through the connector, once, and never by calling the action again."""
    toy, envelope, calls = between_attempts(state, way)
    assert toy.log == ["opened", *log, "closed"]
    assert calls == 1
    if envelope is not None:
        assert (envelope["status"], envelope["attempts"]) == ("cancelled", 1)
        assert [each["code"] for each in envelope["warnings"]] == warnings
    assert (envelope is None) == (way == "cancel")


class Deaf(Toy):
    """A toy that never answers to the request to stop."""

    async def cancel_run(self, *_: object) -> bool:
        """Wait for ever."""
        return await asyncio.Event().wait()


class Rude(Toy):
    """A toy that breaks when it is asked to stop a run."""

    async def cancel_run(self, *_: object) -> bool:
        """Fail, in a way of its own."""
        raise SystemExit


class Slow(Toy):
    """A toy that is asked to stop a run, and takes its time."""

    async def cancel_run(self, *_: object) -> bool:
        """Answer when the loop has turned a few times."""
        self.log.append("asked")
        for _turn in range(20):
            await asyncio.sleep(0)
        return True


@pytest.mark.parametrize("way", ["cancel", "leave"])
def test_a_run_whose_caller_left_is_not_stopped_again(way: str) -> None:
    """It ends by itself, and the host closes its connectors."""
    failed = asyncio.Event()

    async def handler(_: Any, ctx: ActionContext) -> ActionResult:
        await ctx.checkpoint({"id": "r1"})
        failed.set()
        raise ConnectorError(ErrorCode.UNAVAILABLE, "Down.", retry_after=60)

    toy = Slow(settings={}, handlers={"greet": handler})

    async def work(host: Host) -> asyncio.Task[Any]:
        run = asyncio.create_task(
            host.run(*GREET, connection=CONNECTION, run_id=RUN_ID, timeout=300)
        )
        await failed.wait()
        for _ in range(5):
            await asyncio.sleep(0)
        run.cancel()
        while "asked" not in toy.log:  # noqa: ASYNC110 - what is waited for is the loop's own turn
            await asyncio.sleep(0)
        assert way == "leave" or not host.cancel(RUN_ID)
        return run

    assert in_host(toy_host(Plugin(toy)), work).cancelled()
    assert toy.log == ["opened", "asked", "closed"]


def test_connectors_are_closed_whatever_a_run_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Even if it cannot be stopped."""

    def broken(_: object) -> bool:
        raise NotImplementedError

    handler, toys = Writing(), ToyPlugin()
    toys.handlers = {"greet": handler}
    monkeypatch.setattr(run_module.Run, "stop", broken)
    runs: list[asyncio.Task[Any]] = []

    async def work(host: Host) -> None:
        runs.append(asyncio.create_task(host.run(*GREET, connection=CONNECTION)))
        await handler.running.wait()

    with pytest.raises(NotImplementedError):
        in_host(toy_host(toys), work)
    assert toys.loaded[0].log == ["opened", "closed"]


@pytest.mark.parametrize("turns", range(3))
def test_a_run_that_is_stopped_while_its_connector_opens_sends_nothing(
    turns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first import of an HTTP library takes long enough for a Ctrl-C. The loop learns of it later."""

    def stop(turns: int) -> None:
        if turns:
            asyncio.get_running_loop().call_soon(stop, turns - 1)
        else:
            assert host.cancel(RUN_ID)

    async def opened(toy: Toy) -> Toy:
        stop(turns)
        return toy

    async def handler(*_: object) -> ActionResult:
        raise AssertionError

    monkeypatch.setattr(Toy, "__aenter__", opened)
    host = toy_host(ToyPlugin(greet=handler))
    envelope: Any = in_host(
        host, lambda host: host.run(*GREET, connection=CONNECTION, run_id=RUN_ID)
    )
    assert (envelope["status"], envelope["attempts"]) == ("cancelled", 0)
    assert envelope["error"]["effect"] == Effect.NONE


class Vague(Toy):
    """A toy whose answer is not yes or no."""

    async def cancel_run(self, *_: object) -> Any:
        """Answer with a word."""
        return "perhaps"


@pytest.mark.parametrize("kind", [Deaf, Rude, Vague])
def test_a_stop_that_the_provider_does_not_confirm_is_a_warning(
    kind: type[Toy], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run ends all the same, in the grace."""
    monkeypatch.setattr(run_module, "GRACE_S", 0.05)
    _, envelope, _ = between_attempts({"id": "r1"}, "stop", kind)
    assert envelope["status"] == "cancelled"
    assert [each["code"] for each in envelope["warnings"]] == ["stop_unconfirmed"]


def test_a_connector_that_cannot_stop_a_run_confirms_nothing() -> None:
    """It is still a connector."""
    _, envelope, _ = between_attempts({"id": "r1"}, "stop", Plain)
    assert [each["code"] for each in envelope["warnings"]] == ["stop_unconfirmed"]


@pytest.mark.parametrize("state", [None, {"id": "r1"}])
@pytest.mark.parametrize("accepted", [None, False, True])
@pytest.mark.parametrize("code", [ErrorCode.TIMEOUT, ErrorCode.CANCELLED, "stopped"])
def test_an_action_says_whether_the_provider_accepted_the_stop(
    state: Any, accepted: bool | None, code: str
) -> None:
    """Without that, a run with a checkpoint may go on at the provider, and its envelope says so."""

    async def handler(_: Any, ctx: ActionContext) -> ActionResult:
        if state is not None:
            await ctx.checkpoint(state)
        if accepted is not None:
            ctx.observe_stop(accepted)
        if code == "stopped":
            assert host.cancel(ctx.run_id)
            await asyncio.Event().wait()
        raise ConnectorError(ErrorCode(code), "It ended.")

    host = toy_host(ToyPlugin(greet=handler), retries=0)
    envelope = in_host(host, lambda host: host.run(*GREET, connection=CONNECTION))
    warned = [each["code"] for each in envelope["warnings"]] == ["stop_unconfirmed"]
    assert warned == (state is not None and accepted is not True)


def test_every_run_of_an_id_is_stopped() -> None:
    """A caller may give one id twice."""
    handler = Writing()

    async def work(host: Host) -> list[Any]:
        runs = [
            asyncio.create_task(host.run(*GREET, connection=CONNECTION, run_id=RUN_ID))
            for _ in range(3)
        ]
        await handler.running.wait()
        assert host.cancel(RUN_ID)
        return await asyncio.gather(*runs)

    envelopes = in_host(toy_host(ToyPlugin(greet=handler)), work)
    assert [each["status"] for each in envelopes] == ["cancelled"] * 3


def test_an_action_that_has_its_result_when_it_is_stopped_keeps_it() -> None:
    """It is paid for."""

    async def handler(_: Any, ctx: ActionContext) -> ActionResult:
        host.cancel(ctx.run_id)
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        return ActionResult(output={"text": "Hello"})

    host = toy_host(ToyPlugin(greet=handler))
    envelope = in_host(host, lambda host: host.run(*GREET, connection=CONNECTION))
    assert (envelope["status"], envelope["output"]) == ("succeeded", {"text": "Hello"})


def test_an_action_that_fails_when_it_is_stopped_was_stopped() -> None:
    """What its error has received is kept."""

    async def handler(_: Any, ctx: ActionContext) -> ActionResult:
        host.cancel(ctx.run_id)
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            raise ConnectorError(
                ErrorCode.UNAVAILABLE, "Gone.", partial={"text": "He"}, usage={"n": 1}
            ) from None
        raise AssertionError

    host = toy_host(ToyPlugin(greet=handler))
    envelope = in_host(host, lambda host: host.run(*GREET, connection=CONNECTION))
    assert (envelope["status"], envelope["attempts"]) == ("cancelled", 1)
    assert (envelope["partial"], envelope["usage"]) == ({"text": "He"}, {"n": 1})


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
