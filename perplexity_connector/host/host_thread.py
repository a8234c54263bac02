"""A thread with an event loop, on which a host is open for the threads that call it."""

import asyncio
import atexit
import os
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, wait
from contextlib import suppress
from typing import Generic, TypeAlias, TypeVar

from perplexity_connector.host.host import Host

T = TypeVar("T")
Start: TypeAlias = Callable[[], Coroutine[object, None, T]]
# After the host was closed, a call that is not a run has so long to end.
_LAST_S = 1.0


class HostThread:
    """A thread with an event loop, on which the host is open.

    * `loop`: the event loop.
    * `_process`: the process that it runs in. It does not run in a forked child.
    * `_ready`: gets the loop once the host is open.
    * `_stopping`: set to close the host and end the thread.
    * `_is_over`: set when no call is accepted any more.
    * `_lock`: held while a call is accepted, and while that ends.
    """

    def __init__(self, host: Host) -> None:
        """Open a host on a new thread."""
        self._host = host
        self._process = os.getpid()
        self._ready: Future[asyncio.AbstractEventLoop] = Future()
        self._is_over = False
        self._lock = threading.Lock()
        self._thread = threading.Thread(
            target=self._run,
            name="automation-host",
            daemon=True,
        )
        self._thread.start()
        self.loop = self._ready.result()
        # Later, the interpreter stops the thread in the middle of its runs.
        atexit.register(self.stop)

    def is_parents(self) -> bool:
        """Return whether this is a forked child of the process that the thread runs in."""
        return self._process != os.getpid()

    def is_current(self) -> bool:
        """Return whether the caller runs on this thread, as a callback of the host does."""
        return threading.current_thread() is self._thread and not self.is_parents()

    def require_usable(self) -> None:
        """Raise `RuntimeError` where a call would wait for ever."""
        if self.is_parents():
            message = (
                "this host was opened before the process was forked, and runs in the parent only: "
                "open a host after the fork"
            )
            raise RuntimeError(message)
        if self.is_current():
            message = (
                "a callback of the host cannot wait for the host, which waits for the callback: "
                "call it from another thread"
            )
            raise RuntimeError(message)

    def submit(self, work: Coroutine[object, None, T]) -> Future[T]:
        """Run a coroutine on the thread. Raises `RuntimeError` if the host was closed meanwhile."""
        with self._lock:
            if not self._is_over:
                return asyncio.run_coroutine_threadsafe(work, self.loop)
        work.close()
        message = "the host was closed: use `with SyncHost() as host`"
        raise RuntimeError(message)

    def stop(self) -> None:
        """Stop the runs, close the host and end the thread."""
        atexit.unregister(self.stop)
        if not self.is_parents():
            with suppress(RuntimeError):  # the loop is closed already
                self.loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join()

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:
            if self._ready.done():
                raise
            # The thread that opens the host waits for this.
            self._ready.set_exception(error)

    async def _serve(self) -> None:
        self._stopping = asyncio.Event()
        try:
            async with self._host:
                self._ready.set_result(asyncio.get_running_loop())
                await self._stopping.wait()
        finally:
            with self._lock:
                self._is_over = True
        await asyncio.sleep(0)  # for the calls that were accepted just before
        # The runs have ended. Their callers get the envelopes now.
        if calls := asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.wait(calls, timeout=_LAST_S)


class Call(Generic[T]):
    """A coroutine that runs on the background thread for the calling thread.

    * `future`: gets its result; the calling thread waits for it.
    * `_task`: the coroutine's task, to cancel it.
    """

    def __init__(self, thread: HostThread, start: Start[T]) -> None:
        """Start the coroutine."""
        self._thread = thread
        self._start = start
        self.future = thread.submit(self._main())

    def abort(self) -> None:
        """Cancel the coroutine, unless it has ended, and wait for its end where that can be."""
        if self.future.done() or self._thread.is_parents():
            return
        if self._thread.is_current():
            # The garbage collector closes a generator on any thread.
            self._task.cancel()
            return
        with suppress(RuntimeError):  # the loop is closed, and the future done
            self._thread.loop.call_soon_threadsafe(self._cancel)
        wait([self.future])

    async def _main(self) -> T:
        self._task = asyncio.ensure_future(self._start())
        return await self._task

    def _cancel(self) -> None:
        # Scheduled after `_main`, so `_task` is set.
        self._task.cancel()
