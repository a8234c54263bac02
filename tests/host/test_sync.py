import asyncio
import threading
from concurrent.futures import CancelledError, Future
from typing import Any

import pytest

from perplexity_connector.contract import ActionContext, ActionResult, JsonObject
from perplexity_connector.host import SyncHost
from tests.host.runs.test_run import GOOD, Script
from tests.host.runs.test_streaming import Endless, telling
from tests.host.stage import CONNECTION, COUNT, GREET
from tests.toy.toy import MANIFEST, ToyPlugin


def sync_host(plugin: object | None = None) -> SyncHost:
    """A blocking host with the toy registered."""
    host = SyncHost(environ={})
    host.register(plugin or ToyPlugin(), MANIFEST)
    return host


def test_the_palette_needs_no_thread() -> None:
    """What reads files only works at any time, as on the other host."""
    before = threading.active_count()
    host = sync_host()
    assert [
        entry["action"] for entry in host.actions() if entry["connector"] == "toy"
    ] == ["greet", "count"]
    (toy,) = [each for each in host.connectors() if each["id"] == "toy"]
    assert toy["connection"]["env"] == {"token": "TOY_TOKEN"}
    assert host.describe("toy", "greet", 1)["action"]["version"] == 1
    assert isinstance(host.problems(), list)
    assert [
        error.pointer for error in host.validate("toy", "greet", {}, version=1)
    ] == ["/name"]
    assert threading.active_count() == before


def test_runs_block_and_give_the_envelope() -> None:
    """On one background thread, which ends with the host; the connector is opened and closed once."""
    plugin = ToyPlugin()
    before = threading.active_count()
    with sync_host(plugin) as host:
        assert host.run(*GREET, connection=CONNECTION)["output"] == {
            "text": "Hello, Ada!"
        }
        assert host.run(*COUNT, connection=CONNECTION)["output"] == {"letters": 3}
        assert threading.active_count() == before + 1
    assert threading.active_count() == before
    assert plugin.loaded[0].log == ["opened", "closed"]


def test_a_host_can_be_opened_again() -> None:
    """With its connectors loaded anew."""
    host = sync_host()
    for _ in range(2):
        with host:
            assert host.run(*GREET, connection=CONNECTION)["status"] == "succeeded"


def test_streams_are_plain_generators() -> None:
    """Events, then the envelope."""
    with sync_host(ToyPlugin(greet=Script(telling("a", "b")))) as host:
        *events, envelope = host.stream(*GREET, connection=CONNECTION)
    assert [event["text"] for event in events] == ["a", "b"]
    assert envelope["status"] == "succeeded"


def test_leaving_a_stream_early_cancels_the_run_and_waits_for_it() -> None:
    """As soon as the generator is closed."""
    handler = Endless()
    with sync_host(ToyPlugin(greet=handler)) as host:
        items = host.stream(*GREET, connection=CONNECTION)
        assert next(items)["text"] == "a"
        items.close()
        assert handler.stopped


def test_an_interrupt_of_the_waiting_thread_cancels_the_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Ctrl-C reaches the thread that waits; the run is gone when it goes on."""
    handler = Endless()
    running = threading.Event()
    original = handler.__call__

    async def announce(input: JsonObject, ctx: ActionContext) -> ActionResult:
        running.set()
        return await original(input, ctx)

    def interrupted(_: Future[Any]) -> Any:
        monkeypatch.undo()
        running.wait()
        raise KeyboardInterrupt

    with sync_host(ToyPlugin(greet=announce)) as host:
        monkeypatch.setattr(Future, "result", interrupted)
        with pytest.raises(KeyboardInterrupt):
            host.run(*GREET, connection=CONNECTION)
        assert handler.stopped


def test_closing_the_host_cancels_the_runs_of_other_threads() -> None:
    """They end before the connector that they use is closed."""
    plugin = ToyPlugin(greet=Endless())
    host = sync_host(plugin)
    ended: Future[Any] = Future()
    streaming = threading.Event()

    def work() -> None:
        try:
            for _ in host.stream(*GREET, connection=CONNECTION):
                streaming.set()
        except CancelledError as error:
            ended.set_exception(error)

    thread = threading.Thread(target=work)
    with host:
        thread.start()
        streaming.wait()
    thread.join()
    assert isinstance(ended.exception(), CancelledError)
    assert plugin.loaded[0].log == ["opened", "closed"]


def test_programming_errors_come_through() -> None:
    """From a run, and from a stream."""
    with sync_host() as host:
        with pytest.raises(TypeError):
            host.run(*GREET, time_out=5)
        with pytest.raises(TypeError):
            next(host.stream(*GREET, time_out=5))


def test_a_host_that_is_not_open_says_so() -> None:
    """Running and streaming need `with`."""
    host = sync_host()
    for work in (
        lambda: host.run(*GREET),
        lambda: next(host.stream(*GREET)),
        lambda: host.__exit__(None, None, None),
    ):
        with pytest.raises(RuntimeError):
            work()


def test_it_works_inside_a_running_loop() -> None:
    """As in a notebook: its loop is another thread's."""

    async def cell() -> Any:
        with sync_host(ToyPlugin(greet=Script(GOOD))) as host:
            return host.run(*GREET, connection=CONNECTION)

    assert asyncio.run(cell())["status"] == "succeeded"
