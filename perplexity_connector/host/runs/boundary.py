"""The boundary to plugins: every failure of one becomes a `ConnectorError`, and the host goes on.

Only a real cancellation and `KeyboardInterrupt` pass. A coroutine that may ignore its cancellation
runs as a task of its own, so that the host can leave it behind.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import suppress
from types import NoneType
from typing import Any, TypeAlias, TypeVar, cast

from perplexity_connector.contract import (
    ActionResult,
    ConnectorError,
    Effect,
    ErrorCode,
    FieldError,
    RunWarning,
)
from perplexity_connector.contract.errors import unchained

T = TypeVar("T")
# Makes the error of a broken plugin from the reason, which never holds the exception's text: that
# may have a key or an input value in it.
Fail: TypeAlias = Callable[[str], ConnectorError]
# The types that each part may have.
_Kinds: TypeAlias = Mapping[str, type | tuple[type, ...]]

# So long may a plugin take to end after it was cancelled.
PATIENCE_S = 5.0

_NUMBER = (int, float, NoneType)
_TEXT = (str, NoneType)
_OBJECT = (Mapping, NoneType)
_ERROR_PARTS: _Kinds = {
    "code": ErrorCode,
    "effect": Effect,
    "message": str,
    "user_message": str,
    "retryable": bool,
    "retry_after": _NUMBER,
    "resets_at": _NUMBER,
    "partial": _OBJECT,
    "usage": _OBJECT,
    "http_status": (int, NoneType),
    "provider_code": _TEXT,
    "request_id": _TEXT,
    "docs_url": _TEXT,
}
_RESULT_PARTS: _Kinds = {
    "output": Mapping,
    "summary": str,
    "usage": Mapping,
    "warnings": (list, tuple),
    "meta": Mapping,
}


def call(function: Callable[[], T], fail: Fail) -> T:
    """Call a plugin's function.

    Raises `ConnectorError`: the plugin's own, else `fail` with the type of its exception.
    """
    with unchained():
        try:
            return function()
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 - the host's boundary: it outlives a broken plugin
            raise _as_connector_error(error, fail) from None


async def guard(start: Callable[[], Awaitable[T]], fail: Fail) -> T:
    """Await a plugin's coroutine in this task. Raises as `call` does."""
    task = cast("asyncio.Task[object]", asyncio.current_task())
    before = task.cancelling()
    with unchained():
        try:
            return await start()
        except KeyboardInterrupt:
            raise
        except asyncio.CancelledError as error:
            if task.cancelling() > before:
                raise
            # A future of the plugin was cancelled, and not this task.
            raise _as_connector_error(error, fail) from None
        except BaseException as error:  # noqa: BLE001 - as in `call`
            raise _as_connector_error(error, fail) from None


async def supervise(
    start: Callable[[], Awaitable[T]], fail: Fail, limit: float | None = None
) -> T:
    """Run a plugin's coroutine to its end.

    Raises as `call` does, and `TimeoutError` after `limit` seconds.
    """
    task = begin(start, fail)
    await settle(task, limit)
    return task.result()


def begin(start: Callable[[], Awaitable[T]], fail: Fail) -> "asyncio.Task[T]":
    """Run a plugin's coroutine as a task, which raises as `call` does. `settle` waits for it."""
    return asyncio.create_task(guard(start, fail))


async def settle(task: "asyncio.Task[T]", limit: float | None = None) -> None:
    """Wait for the end of a task, for `limit` seconds at most.

    A cancellation is passed on to the task, and raised when it has ended. After `limit` seconds the
    task is cancelled, and `TimeoutError` raised. A task that has not ended `PATIENCE_S` after its
    cancellation is left behind: it is not done then.
    """
    try:
        await asyncio.wait({task}, timeout=limit)
    except asyncio.CancelledError:
        await _end(task)
        raise
    if not task.done():
        await _end(task)
        raise TimeoutError


def result_problem(result: object) -> str | None:
    """Return the reason why a handler's result cannot be used; None if it can."""
    if not isinstance(result, ActionResult):
        return f"it returned a {type(result).__name__}"
    wrong = _wrong_parts(result, _RESULT_PARTS)
    if not wrong and not all(map(_is_warning, result.warnings)):
        wrong = ["warnings"]
    return f"its result has a wrong type in {', '.join(wrong)}" if wrong else None


def is_field_error(error: object) -> bool:
    """Return whether that is a `FieldError` whose parts are text."""
    return isinstance(error, FieldError) and all(
        isinstance(part, str) for part in (error.pointer, error.code, error.message)
    )


def _as_connector_error(error: BaseException, fail: Fail) -> ConnectorError:
    """Return a plugin's own `ConnectorError`, else one that names the type of `error`.

    Raises `KeyboardInterrupt` if a group of exceptions holds one.
    """
    if isinstance(error, BaseExceptionGroup) and error.subgroup(KeyboardInterrupt):
        raise KeyboardInterrupt from None
    if not isinstance(error, ConnectorError):
        return fail(type(error).__name__)
    wrong = _wrong_parts(error, _ERROR_PARTS)
    if not wrong and not all(map(is_field_error, error.fields)):
        wrong = ["fields"]
    if wrong:
        return fail(f"its error has a wrong type in {', '.join(wrong)}")
    return error


def _wrong_parts(whole: object, parts: _Kinds) -> list[str]:
    return [
        name
        for name, kind in parts.items()
        if not isinstance(getattr(whole, name), kind)
    ]


def _is_warning(warning: object) -> bool:
    return isinstance(warning, RunWarning) and all(
        isinstance(part, str) for part in (warning.code, warning.message)
    )


async def _end(task: "asyncio.Task[T]") -> None:
    loop = asyncio.get_running_loop()
    until = loop.time() + PATIENCE_S
    task.cancel()
    while not task.done() and (left := until - loop.time()) > 0:
        try:
            await asyncio.wait({task}, timeout=left)
        except asyncio.CancelledError:
            # Once is enough for the caller. The plugin learns of each.
            task.cancel()
    if not task.done():
        _leave_behind(task)
    elif not task.cancelled():
        task.exception()  # so that the event loop does not report it


def _leave_behind(task: "asyncio.Task[T]") -> None:
    # At its end, an event loop waits for every task, and this one ignores its cancellation. So its
    # coroutine is closed; the task's next step then fails.
    task.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
    with suppress(ConnectorError, RuntimeError):
        cast("Coroutine[Any, Any, T]", task.get_coro()).close()
    task.cancel()
