import asyncio
import os
import subprocess
import sys
import threading
from concurrent.futures import CancelledError, Future
from typing import Any

import pytest

from perplexity_connector.contract import ActionContext, ActionResult
from perplexity_connector.host import Host, SyncHost, host_thread
from tests.host.runs.test_run import GOOD, Script, checkpointing
from tests.host.runs.test_streaming import Endless, telling
from tests.host.stage import CONNECTION, COUNT, GREET, opened
from tests.toy.toy import MANIFEST, Toy, ToyPlugin


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
        *events, envelope = opened(list(host.stream(*GREET, connection=CONNECTION)))
    assert [event["text"] for event in events] == ["a", "b"]
    assert envelope["status"] == "succeeded"


def test_leaving_a_stream_early_cancels_the_run_and_waits_for_it() -> None:
    """As soon as the generator is closed."""
    handler = Endless()
    with sync_host(ToyPlugin(greet=handler)) as host:
        items = host.stream(*GREET, connection=CONNECTION)
        first: Any = next(items)
        assert first["text"] == "a"
        items.close()
        assert handler.stopped


def test_an_interrupt_of_the_waiting_thread_cancels_the_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Ctrl-C reaches the thread that waits; the run is gone when it goes on."""
    handler = Endless()
    running = threading.Event()
    original = handler.__call__

    async def announce(input: Any, ctx: ActionContext) -> ActionResult:
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


def test_closing_the_host_stops_the_runs_of_other_threads() -> None:
    """They end before the connector that they use is closed, and their threads get the envelopes."""
    plugin = ToyPlugin(greet=Endless())
    host = sync_host(plugin)
    items: list[Any] = []
    streaming = threading.Event()

    def work() -> None:
        for item in host.stream(*GREET, connection=CONNECTION):
            items.append(item)
            streaming.set()

    thread = threading.Thread(target=work)
    with host:
        thread.start()
        streaming.wait()
    thread.join()
    assert opened(items)[-1]["status"] == "cancelled"
    assert plugin.loaded[0].log == ["opened", "closed"]


def test_closing_the_host_ends_the_other_calls_of_other_threads(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A list of options that does not arrive is waited for no longer."""
    monkeypatch.setattr(host_thread, "_LAST_S", 0.01)
    asked = threading.Event()

    async def slow(*_: object) -> Any:
        asked.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(Toy, "list_options", slow)
    host = sync_host()
    ended: Future[Any] = Future()

    def work() -> None:
        try:
            host.options("toy", "tones")
        except CancelledError as error:
            ended.set_exception(error)

    thread = threading.Thread(target=work)
    with host:
        thread.start()
        asked.wait()
    thread.join()
    assert isinstance(ended.exception(), CancelledError)


def test_two_blocks_share_the_thread_and_the_last_one_ends_it() -> None:
    """As on the other host."""
    plugin = ToyPlugin()
    host = sync_host(plugin)
    before = threading.active_count()
    with host:
        with host:
            assert threading.active_count() == before + 1
        assert host.run(*GREET, connection=CONNECTION)["status"] == "succeeded"
    assert threading.active_count() == before
    assert plugin.loaded[0].log == ["opened", "closed"]


def test_a_host_that_cannot_be_opened_raises_on_the_callers_thread(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """And is not open then."""

    async def broken(_: Host) -> None:
        raise NotImplementedError

    host = sync_host()
    with monkeypatch.context() as patched:
        patched.setattr(Host, "__aenter__", broken)
        with pytest.raises(NotImplementedError):
            host.__enter__()
    with host:
        assert host.run(*GREET, connection=CONNECTION)["status"] == "succeeded"


def test_a_callback_of_the_host_cannot_wait_for_it() -> None:
    """It raises in words, instead of waiting for itself; stopping needs no waiting."""
    handler = Script(checkpointing({"n": 1}, GOOD), GOOD)
    said: list[str] = []

    def callback(_: Any) -> None:
        for work in (
            lambda: host.run(*COUNT, connection=CONNECTION),
            lambda: next(host.stream(*COUNT, connection=CONNECTION)),
            lambda: next(items),
            lambda: host.options("toy", "tones"),
            lambda: host.connections.test(CONNECTION, "toy"),
            lambda: host.__exit__(None, None, None),
        ):
            with pytest.raises(RuntimeError, match="callback"):
                work()
            said.append("refused")
        assert not host.cancel("run_unknown")

    with sync_host(ToyPlugin(greet=handler, count=Endless())) as host:
        items = host.stream(*COUNT, connection=CONNECTION)
        next(items)
        envelope = host.run(*GREET, connection=CONNECTION, on_checkpoint=callback)
    assert (envelope["status"], envelope["warnings"]) == ("succeeded", [])
    assert len(said) == 6


def test_a_stream_that_a_callback_leaves_is_cancelled_without_waiting() -> None:
    """The garbage collector may close a generator on the host's own thread."""
    endless = Endless()
    handler = Script(checkpointing({"n": 1}, GOOD))

    with sync_host(ToyPlugin(greet=handler, count=endless)) as host:
        items = host.stream(*COUNT, connection=CONNECTION)
        next(items)
        host.run(*GREET, connection=CONNECTION, on_checkpoint=lambda _: items.close())
    assert endless.stopped


def test_a_call_that_comes_while_the_host_closes_is_refused() -> None:
    """It would wait for ever."""
    host = sync_host()
    with host:
        thread = host._thread
        assert thread is not None
        thread.stop()

        async def work() -> None:
            raise AssertionError

        def start() -> Any:
            raise AssertionError  # a coroutine that nobody awaits

        with pytest.raises(RuntimeError):
            thread.submit(work())
        with pytest.raises(RuntimeError):
            host_thread.Call(thread, start)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_an_interrupt_on_the_hosts_own_thread_ends_it() -> None:
    """Nothing waits for ever: not the run, not a later call, not the end of the block."""
    with sync_host(ToyPlugin(greet=Script(KeyboardInterrupt()))) as host:
        with pytest.raises(CancelledError):
            host.run(*GREET, connection=CONNECTION)
        with pytest.raises(RuntimeError):
            host.run(*GREET, connection=CONNECTION)


def test_another_process_is_refused_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """A forked child has the host's object, and not its thread."""
    handler = Endless()
    with sync_host(ToyPlugin(greet=handler)) as host:
        items = host.stream(*GREET, connection=CONNECTION)
        next(items)
        with monkeypatch.context() as child:
            child.setattr(os, "getpid", lambda: 0)
            for work in (
                lambda: host.run(*GREET, connection=CONNECTION),
                lambda: host.cancel("run_1"),
                lambda: next(items),
            ):
                with pytest.raises(RuntimeError, match="fork"):
                    work()
            host.__exit__(None, None, None)
            assert host._thread is not None
            host._thread.stop()
        assert not handler.stopped
    assert handler.stopped


IN_A_FORK = """
import os
from tests.host.stage import CONNECTION, COUNT, GREET, opened
from tests.host.test_sync import sync_host
from tests.host.runs.test_streaming import Endless
from tests.toy.toy import ToyPlugin

class Telling(Endless):
    async def __call__(self, *args):
        try:
            return await super().__call__(*args)
        finally:
            print("stopped", flush=True)

host = sync_host(ToyPlugin(count=Telling()))
host.__enter__()
items = host.stream(*COUNT, connection=CONNECTION)
next(items)
child = os.fork()
if child == 0:
    for work in (
        lambda: host.run(*GREET, connection=CONNECTION),
        lambda: host.cancel("run_1"),
        lambda: next(items),
    ):
        try:
            work()
        except RuntimeError as error:
            print("forked" in str(error), flush=True)
    host.__exit__(None, None, None)
    with host:
        print(host.run(*GREET, connection=CONNECTION)["status"], flush=True)
else:
    os.waitpid(child, 0)
    print(host.run(*GREET, connection=CONNECTION)["status"], flush=True)
"""


def test_a_forked_child_is_refused_and_an_unfinished_stream_does_not_hold_the_exit() -> (
    None
):
    """The child may open the host for itself. The parent's run is stopped as the interpreter ends."""
    done = subprocess.run(
        [sys.executable, "-c", IN_A_FORK],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    child = ["True", "True", "True", "succeeded"]
    assert done.stdout.split() == [*child, "succeeded", "stopped"]


def test_programming_errors_come_through() -> None:
    """From a run, and from a stream."""
    with sync_host() as host:
        with pytest.raises(TypeError):
            host.run(*GREET, time_out=5)  # type: ignore[call-arg]
        with pytest.raises(TypeError):
            next(host.stream(*GREET, time_out=5))  # type: ignore[call-arg]


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
