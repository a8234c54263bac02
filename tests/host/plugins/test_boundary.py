"""A connector of another author cannot end the host, however it fails."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, NoReturn, Self

import pytest

from perplexity_connector.contract import (
    ActionContext,
    ActionResult,
    ConnectionStatus,
    ConnectorError,
    Effect,
    ErrorCode,
    FieldError,
    RunWarning,
    hookimpl,
)
from perplexity_connector.host import Host
from perplexity_connector.host.plugins import boundary, loading
from perplexity_connector.host.runs import run as run_module
from tests.host.plugins.test_loading import Plugin, error_of
from tests.host.runs.test_run import GOOD, Script
from tests.host.stage import CONNECTION, GREET, TOKEN, in_host, opened, run, toy_host
from tests.toy.toy import Toy, ToyPlugin

# What no plugin should raise, each made when it is needed.
FAILURES: dict[str, Callable[[], BaseException]] = {
    "SystemExit": lambda: SystemExit(TOKEN),
    "GeneratorExit": GeneratorExit,
    "CancelledError": asyncio.CancelledError,
    "a group": lambda: BaseExceptionGroup(TOKEN, [SystemExit(), OSError()]),
    "a cancelled group": lambda: BaseExceptionGroup("", [asyncio.CancelledError()]),
    "a class of its own": lambda: type("Own", (BaseException,), {})(TOKEN),
    "StopIteration": StopIteration,
    "StopAsyncIteration": StopAsyncIteration,
}

# Enough where the same boundary is used at several places.
SOME = [SystemExit, asyncio.CancelledError, FAILURES["a group"]]


def broken(**parts: Any) -> ConnectorError:
    """A connector's error with parts of a wrong type."""
    error = ConnectorError(ErrorCode.UNAVAILABLE, "It is down.", effect=Effect.NONE)
    for name, value in parts.items():
        setattr(error, name, value)
    return error


WRONG_ERRORS: Any = [
    {"code": "unavailable"},
    {"effect": "none"},
    {"message": None},
    {"user_message": 5},
    {"retry_after": "soon"},
    {"resets_at": []},
    {"partial": ["He"]},
    {"usage": 7},
    {"http_status": "503"},
    {"request_id": 5},
    {"fields": ("/name",)},
    {"fields": (FieldError(pointer=5, code="type", message=""),)},  # type: ignore[arg-type]
]
WRONG_RESULTS: Any = [
    {"output": {"text": "Hello"}, "summary": None},
    {"output": {"text": "Hello"}, "usage": 5},
    {"output": {"text": "Hello"}, "warnings": None},
    {"output": {"text": "Hello"}, "warnings": ["polite"]},
    {"output": {"text": "Hello"}, "warnings": [RunWarning(code=1, message="")]},  # type: ignore[arg-type]
    {"output": {"text": "Hello"}, "meta": []},
]


async def cancelled_future(_: ActionContext) -> ActionResult:
    """Wait for a future of the plugin that the plugin cancels."""
    future: asyncio.Future[ActionResult] = asyncio.get_running_loop().create_future()
    future.cancel()
    return await future


def envelopes(*outcomes: Any) -> list[Any]:
    """The envelopes of runs, each with one outcome of its action."""

    async def work(host: Host) -> list[Any]:
        return [await host.run(*GREET, connection=CONNECTION) for _ in outcomes]

    return in_host(toy_host(ToyPlugin(greet=Script(*outcomes))), work)


def test_an_action_that_raises_what_it_should_not_fails_its_run_alone() -> None:
    """As internal, without the exception's text, and the host goes on."""
    outcomes = [make() for make in FAILURES.values()]
    *ends, last = envelopes(*outcomes, cancelled_future, GOOD)
    for outcome, envelope in zip([*outcomes, None], ends, strict=True):
        assert envelope["error"]["code"] == ErrorCode.INTERNAL, outcome
        assert envelope["error"]["effect"] == "unknown"
        assert TOKEN not in str(envelope)
    assert last["status"] == "succeeded"


async def cancels_itself(*_: object) -> Any:
    """Cancel the task that it runs in."""
    task = asyncio.current_task()
    assert task is not None
    task.cancel()
    await asyncio.sleep(0)


async def cancels_itself_at_last(*_: object) -> ActionResult:
    """Have the result, and then cancel the task."""
    task = asyncio.current_task()
    assert task is not None
    task.cancel()
    return GOOD


def test_an_action_that_cancels_itself_fails_its_run_alone() -> None:
    """A result that it has already is kept."""
    first, second, third = envelopes(cancels_itself, cancels_itself_at_last, GOOD)
    assert first["error"]["code"] == ErrorCode.INTERNAL
    assert second["status"] == third["status"] == "succeeded"


@pytest.mark.parametrize("name", ["test_connection", "list_options", "__aenter__"])
def test_a_connector_that_cancels_itself_is_internal(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the caller of the host can cancel the host's call."""
    monkeypatch.setattr(Toy, name, cancels_itself)

    async def work(host: Host) -> None:
        await host.connections.test(CONNECTION, "toy")
        await host.options("toy", "tones")

    with pytest.raises(ConnectorError) as caught:
        in_host(toy_host(), work)
    assert caught.value.code is ErrorCode.INTERNAL


def test_a_connector_that_cancels_itself_when_it_is_closed_takes_no_answer_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is logged and ignored."""
    monkeypatch.setattr(Toy, "__aexit__", cancels_itself)
    envelope = in_host(toy_host(), lambda host: host.run(*GREET, connection=CONNECTION))
    assert envelope["status"] == "succeeded"


@pytest.mark.parametrize("depth", [1, 2])
def test_an_interrupt_inside_groups_passes(depth: int) -> None:
    """A task group of the plugin wraps it."""
    error: BaseException = KeyboardInterrupt()
    for _ in range(depth):
        error = BaseExceptionGroup("", [OSError(), error])
    with pytest.raises(KeyboardInterrupt):
        run(Script(error))


def test_an_error_with_parts_of_a_wrong_type_is_internal() -> None:
    """It is not retried either."""
    ends = envelopes(*[broken(**parts) for parts in WRONG_ERRORS])
    for parts, envelope in zip(WRONG_ERRORS, ends, strict=True):
        assert envelope["error"]["code"] == ErrorCode.INTERNAL, parts
        assert envelope["attempts"] == 1


def test_a_result_with_parts_of_a_wrong_type_is_internal_and_its_output_kept() -> None:
    """It was paid for."""
    ends = envelopes(*[ActionResult(**parts) for parts in WRONG_RESULTS])
    for parts, envelope in zip(WRONG_RESULTS, ends, strict=True):
        assert envelope["error"]["code"] == ErrorCode.INTERNAL, parts
        assert envelope["partial"] == {"text": "Hello"}


@pytest.mark.parametrize("result", [None, {"text": "Hello"}, ActionResult(output=[1])])  # type: ignore[arg-type]
def test_a_result_without_an_output_is_internal(result: Any) -> None:
    """There is nothing to keep."""
    envelope = run(Script(result))
    assert envelope["error"]["code"] == ErrorCode.INTERNAL
    assert envelope["partial"] is None


@pytest.mark.parametrize("handler", [None, 5, lambda *_: None, lambda: GOOD])
def test_an_action_that_is_not_an_async_function_is_internal(handler: Any) -> None:
    """It cannot be called, or cannot be awaited."""
    assert run(handler)["error"]["code"] == ErrorCode.INTERNAL


def test_what_an_action_says_in_a_wrong_type_costs_nobody_the_answer() -> None:
    """Events and partial outputs are dropped; a checkpoint is lost, with a warning."""

    async def odd(ctx: ActionContext) -> ActionResult:
        value: Any
        for value in (None, 5, "text", ["text.delta"]):
            ctx.emit(value)
            ctx.save_partial(value)
            await ctx.checkpoint(value)
        return GOOD

    async def collect(host: Host) -> list[Any]:
        return [item async for item in host.stream(*GREET, connection=CONNECTION)]

    (envelope,) = opened(in_host(toy_host(ToyPlugin(greet=Script(odd))), collect))
    assert (envelope["status"], envelope["partial"]) == ("succeeded", None)
    assert [each["code"] for each in envelope["warnings"]] == ["checkpoint_lost"]


class Hostile(Toy):
    """A toy that raises one thing at one place."""

    place = ""
    failure: Callable[[], BaseException] = OSError

    def check(self, *args: Any) -> Any:
        """Raise, or be a toy."""
        return self._raise("check") or super().check(*args)

    def action(self, *args: Any) -> Any:
        """Raise, or be a toy."""
        return self._raise("action") or super().action(*args)

    async def test_connection(self, *args: Any) -> Any:
        """Raise, or be a toy."""
        return self._raise("test") or await super().test_connection(*args)

    async def list_options(self, *args: Any) -> Any:
        """Raise, or be a toy."""
        return self._raise("options") or await super().list_options(*args)

    async def __aenter__(self) -> Self:
        """Raise, or be a toy."""
        self._raise("enter")
        return self

    async def __aexit__(self, *args: object) -> None:
        """Raise, or be a toy."""
        self._raise("exit")

    def _raise(self, place: str) -> None:
        if self.place == place:
            raise type(self).failure()


def hostile(place: str, failure: Callable[[], BaseException]) -> Host:
    """A host with a toy that raises there."""
    parts = {"place": place, "failure": staticmethod(failure)}
    kind = type("Hostile", (Hostile,), parts)
    return toy_host(Plugin(kind(settings={"greeting": "Hello"})))


@pytest.mark.parametrize("failure", SOME)
@pytest.mark.parametrize("place", ["check", "action", "enter"])
def test_a_connector_that_raises_before_a_run_fails_the_run(
    place: str, failure: Callable[[], BaseException]
) -> None:
    """Nothing was sent."""
    error = error_of(hostile(place, failure))
    assert (error["code"], error["effect"]) == (ErrorCode.INTERNAL, "none")
    assert TOKEN not in str(error)


@pytest.mark.parametrize("failure", SOME)
@pytest.mark.parametrize("place", ["test", "options"])
def test_a_connector_that_raises_in_a_question_is_internal(
    place: str, failure: Callable[[], BaseException]
) -> None:
    """Of a connection, or of a field's options."""
    questions = {
        "test": lambda host: host.connections.test(CONNECTION, "toy"),
        "options": lambda host: host.options("toy", "tones"),
    }
    with pytest.raises(ConnectorError) as caught:
        in_host(hostile(place, failure), questions[place])
    assert caught.value.code is ErrorCode.INTERNAL


@pytest.mark.parametrize("failure", SOME)
def test_a_connector_that_raises_when_it_is_closed_takes_no_answer_away(
    failure: Callable[[], BaseException],
) -> None:
    """It is logged and ignored."""
    host = hostile("exit", failure)
    envelope = in_host(host, lambda host: host.run(*GREET, connection=CONNECTION))
    assert envelope["status"] == "succeeded"


@pytest.mark.parametrize("failure", SOME)
def test_a_plugin_that_raises_when_it_is_loaded_fails_the_run(
    failure: Callable[[], BaseException],
) -> None:
    """Nothing was sent."""

    class Broken:
        @hookimpl
        def load_connector(self) -> None:
            raise failure()

    error = error_of(toy_host(Broken()))
    assert (error["code"], error["effect"]) == (ErrorCode.INTERNAL, "none")


@pytest.mark.parametrize(
    "found",
    [5, ["/name"], [FieldError(pointer=1, code="", message="")]],  # type: ignore[arg-type]
)
def test_a_check_that_returns_something_else_is_internal(
    found: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing was sent."""
    monkeypatch.setattr(Toy, "check", lambda *_: found)
    error = error_of(toy_host())
    assert (error["code"], error["effect"]) == (ErrorCode.INTERNAL, "none")


def test_a_status_or_a_page_with_parts_of_a_wrong_type_is_internal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As any other answer of a wrong type."""

    async def test(*_: object) -> ConnectionStatus:
        return ConnectionStatus(outcome="fine", message="", next_step="")  # type: ignore[arg-type]

    monkeypatch.setattr(Toy, "test_connection", test)
    with pytest.raises(ConnectorError) as caught:
        in_host(toy_host(), lambda host: host.connections.test(CONNECTION, "toy"))
    assert caught.value.code is ErrorCode.INTERNAL


@pytest.mark.parametrize("place", ["run", "check", "enter", "exit", "test"])
def test_an_interrupt_passes_wherever_a_plugin_is_called(place: str) -> None:
    """Ctrl-C ends the program."""
    if place == "run":
        host = toy_host(ToyPlugin(greet=Script(KeyboardInterrupt())))
    else:
        host = hostile(place, KeyboardInterrupt)

    async def work(host: Host) -> None:
        await host.connections.test(CONNECTION, "toy")
        await host.run(*GREET, connection=CONNECTION)

    with pytest.raises(KeyboardInterrupt):
        in_host(host, work)


async def never_ends(*_: object) -> Any:
    """Ignore every cancellation."""
    while True:
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()


async def never_closes(*_: object) -> Any:
    """Ignore even the end of the coroutine, once."""
    try:
        await never_ends()
    finally:
        await asyncio.sleep(0)


@pytest.fixture
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A plugin has little time to end. Returns nothing."""
    assert boundary.PATIENCE_S == loading._CLOSE_S == 5
    monkeypatch.setattr(boundary, "PATIENCE_S", 0.05)
    monkeypatch.setattr(loading, "_CLOSE_S", 0.05)


@pytest.mark.usefixtures("_impatient")
@pytest.mark.parametrize("deaf", [never_ends, never_closes])
@pytest.mark.parametrize("way", ["stop", "close", "cancel"])
def test_an_action_that_ignores_its_end_is_left_behind(
    deaf: Callable[..., Awaitable[Any]], way: str
) -> None:
    """Its run is internal, with what it received; a caller that was cancelled stays so. The loop ends."""
    begun = asyncio.Event()

    async def handler(_: Any, ctx: ActionContext) -> ActionResult:
        ctx.save_partial({"text": "He"})
        begun.set()
        return await deaf()

    async def work(host: Host) -> Any:
        run = asyncio.create_task(
            host.run(*GREET, connection=CONNECTION, run_id="run_1")
        )
        await begun.wait()
        if way == "stop":
            assert host.cancel("run_1")
            await run
        if way == "cancel":
            run.cancel()
            await asyncio.wait({run})
        return run

    run = in_host(toy_host(ToyPlugin(greet=handler)), work)
    assert run.cancelled() == (way == "cancel")
    if way != "cancel":
        envelope = run.result()
        assert envelope["error"]["code"] == ErrorCode.INTERNAL
        assert envelope["partial"] == {"text": "He"}


@pytest.mark.usefixtures("_impatient")
@pytest.mark.parametrize("deaf", [never_ends, asyncio.Event().wait])
def test_a_connector_that_does_not_close_is_left_behind(
    deaf: Callable[..., Awaitable[Any]],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The answer is there, and the host closes; the log says which connector it was."""
    monkeypatch.setattr(Toy, "__aexit__", lambda *_: deaf())
    before = time.monotonic()
    with caplog.at_level(logging.WARNING, "automation_host"):
        envelope = in_host(
            toy_host(), lambda host: host.run(*GREET, connection=CONNECTION)
        )
    assert envelope["status"] == "succeeded"
    assert time.monotonic() - before < 4
    assert "'toy'" in caplog.text


@pytest.mark.usefixtures("_impatient")
def test_a_connector_that_does_not_open_is_left_behind(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its run ends at its deadline, with nothing sent, and the next run may open it."""
    monkeypatch.setattr(run_module, "GRACE_S", 0)
    ways: list[Any] = [never_ends, Toy.__aenter__]

    def opened(toy: Toy) -> Any:
        return ways.pop(0)(toy)

    monkeypatch.setattr(Toy, "__aenter__", opened)

    async def work(host: Host) -> list[Any]:
        first = await host.run(*GREET, connection=CONNECTION, timeout=0.05)
        return [first, await host.run(*GREET, connection=CONNECTION)]

    first, second = in_host(toy_host(), work)
    error = first["error"]
    assert (error["code"], error["effect"]) == (ErrorCode.TIMEOUT, Effect.NONE)
    assert second["status"] == "succeeded"


def test_a_connector_that_opens_although_its_run_was_cancelled_is_closed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It may hold connections."""
    begun = asyncio.Event()

    async def opened(toy: Toy) -> Toy:
        begun.set()
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        return toy

    monkeypatch.setattr(Toy, "__aenter__", opened)
    plugin = ToyPlugin()

    async def work(host: Host) -> None:
        run = asyncio.create_task(host.run(*GREET, connection=CONNECTION))
        await begun.wait()
        run.cancel()
        await asyncio.wait({run})
        assert run.cancelled()

    in_host(toy_host(plugin), work)
    assert plugin.loaded[0].log == ["closed"]


@pytest.mark.usefixtures("_impatient")
def test_a_test_that_ignores_its_end_has_an_unknown_outcome(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It took too long."""
    monkeypatch.setattr(loading, "_TEST_S", 0.01)
    monkeypatch.setattr(Toy, "test_connection", never_ends)
    status = in_host(toy_host(), lambda host: host.connections.test(CONNECTION, "toy"))
    assert status["outcome"] == "unknown"


@pytest.mark.parametrize("turns", range(8))
def test_a_caller_that_is_cancelled_as_a_question_ends_is_cancelled(turns: int) -> None:
    """However many turns of the loop later: else its own time limit would not hold."""

    async def work() -> bool:
        end = asyncio.Event()
        asking = asyncio.create_task(boundary.supervise(end.wait, _fail, 5))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        end.set()
        for _ in range(turns):
            await asyncio.sleep(0)
        is_in_time = asking.cancel()
        await asyncio.wait({asking})
        return asking.cancelled() is is_in_time

    assert asyncio.run(work())


def _fail(reason: str) -> ConnectorError:
    return ConnectorError(ErrorCode.INTERNAL, reason)


@pytest.mark.usefixtures("_impatient")
def test_a_second_cancellation_reaches_an_action_that_is_ending() -> None:
    """And is still one cancellation for the caller."""
    seen: list[str] = []
    begun, ending = asyncio.Event(), asyncio.Event()

    async def handler(*_: object) -> ActionResult:
        begun.set()
        for name in ("first", "second"):
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                seen.append(name)
                ending.set()
        raise asyncio.CancelledError

    async def work(host: Host) -> bool:
        run = asyncio.create_task(host.run(*GREET, connection=CONNECTION))
        await begun.wait()
        run.cancel()
        await ending.wait()
        run.cancel()
        await asyncio.wait({run})
        return run.cancelled()

    assert in_host(toy_host(ToyPlugin(greet=handler)), work)
    assert seen == ["first", "second"]


def test_an_interrupt_while_a_value_is_copied_is_passed_on() -> None:
    """Any other exception of a plugin's own value makes it unusable."""

    class Interrupting(dict[str, int]):
        def items(self) -> NoReturn:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        boundary.plain_object(Interrupting(one=1))
