"""The boundary to plugins: every failure of one becomes a `ConnectorError`, and the host goes on.

Only a real cancellation and `KeyboardInterrupt` pass. A coroutine that may ignore its cancellation
runs as a task of its own, so that the host can leave it behind.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from perplexity_connector import contract
from perplexity_connector.contract import (
    ActionResult,
    ConnectionOutcome,
    ConnectionStatus,
    ConnectorError,
    Effect,
    ErrorCode,
    FieldError,
    RunWarning,
)
from perplexity_connector.contract.errors import unchained
from perplexity_connector.contract.json import Document
from perplexity_connector.contract.readers import as_text
from perplexity_connector.host.validation.to_json import to_json

if TYPE_CHECKING:
    from perplexity_connector.contract import CostEstimate, Hint, OptionsPage

T = TypeVar("T")
# Makes the error of a broken plugin from the reason, which never holds the exception's text: that
# may have a key or an input value in it.
Fail: TypeAlias = Callable[[str], ConnectorError]
# Returns a plain copy of a value, so that no code of a plugin runs when the host reads it later.
# Raises anything for another value.
_Reader: TypeAlias = Callable[[Any], Any]

# So long may a plugin take to end after it was cancelled.
PATIENCE_S = 5.0
# No run costs more.
_MOST_USD = 1e9


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


async def supervise(
    start: Callable[[], Awaitable[T]], fail: Fail, limit: float | None = None
) -> T:
    """Run a plugin's coroutine to its end.

    Raises as `call` does, and `TimeoutError` after `limit` seconds.
    """
    task = begin(start, fail)
    # Not `wait_for`: in Python 3.11 it may lose a cancellation of the caller.
    async with asyncio.timeout(limit):
        await settle(task)
    return outcome(task, fail)


def begin(start: Callable[[], Awaitable[T]], fail: Fail) -> "asyncio.Task[T]":
    """Run a plugin's coroutine as a task. `settle` waits for it, `outcome` reads it."""
    return asyncio.create_task(_guard(start, fail))


async def settle(task: "asyncio.Task[T]") -> None:
    """Wait for the end of a task.

    A cancellation is passed on to the task, and raised when it has ended. A task that has not ended
    `PATIENCE_S` after its cancellation is left behind: it is not done then.
    """
    # Not `asyncio.wait`, which takes three times as long for one task: each run waits here once.
    ended = asyncio.get_running_loop().create_future()

    def wake(_: object) -> None:
        if not ended.cancelled():
            ended.set_result(None)

    task.add_done_callback(wake)
    try:
        await ended
    except asyncio.CancelledError:
        await _end(task)
        raise


def outcome(task: "asyncio.Task[T]", fail: Fail) -> T:
    """Return the result of a task for which `settle` has returned. Raises as `call` does."""
    if task.cancelled():
        # `settle` raises if the caller cancelled it. So the plugin did, or a future of the plugin.
        raise fail(asyncio.CancelledError.__name__)
    return task.result()


def has_succeeded(task: "asyncio.Task[T]") -> bool:
    """Return whether a task has ended with a result."""
    return task.done() and not task.cancelled() and task.exception() is None


def as_result(given: object) -> tuple[ActionResult, str | None]:
    """Return a plain copy of a handler's result, and why it cannot be used; None if it can.

    The output is not copied. A part that cannot be used is left out.
    """
    if not issubclass(type(given), ActionResult):
        return ActionResult(output={}), f"it returned a {type(given).__name__}"
    parts, wrong = _read_parts(given, _RESULT_PARTS)
    result = ActionResult(**{"output": {}, **parts})
    return result, f"its result has a wrong {', '.join(wrong)}" if wrong else None


def plain_object(given: object) -> Document | None:
    """Return a plain copy of a plugin's object; None if it is not one, or cannot be read."""
    copied: Document | None = _attempt(_object, given, None)
    return copied


def field_errors(given: Iterable[object]) -> list[FieldError]:
    """Return plain copies of a plugin's field errors. Raises `TypeError` for anything else."""
    names = ("pointer", "code", "message")
    return [FieldError(**_texts(error, FieldError, names)) for error in given]


def as_hints(given: Iterable[object]) -> "list[Hint]":
    """Return plain copies of a plugin's hints. Raises `TypeError` for anything else."""
    # By way of `contract`, as in `as_page`.
    kind = contract.Hint
    return [kind(**_texts(hint, kind, ("pointer", "message"))) for hint in given]


def as_status(given: object) -> ConnectionStatus:
    """Return a plain copy of a connection's status. Raises `TypeError` for anything else."""
    return ConnectionStatus(**_all_parts(given, ConnectionStatus, _STATUS_PARTS))


def as_estimate(given: object) -> "CostEstimate":
    """Return a plain copy of an estimate in USD. Raises `TypeError` for anything else."""
    # Not by way of `contract`, which looks through all its parts: each run under a budget is here.
    from perplexity_connector.contract.estimating import (  # noqa: PLC0415 - most runs need none of this
        CostEstimate,
    )

    return CostEstimate(**_all_parts(given, CostEstimate, _ESTIMATE_PARTS))


def as_page(given: object) -> "OptionsPage":
    """Return a plain copy of a page of options. Raises `TypeError` for anything else."""
    # By way of `contract`: most runs need none of these classes.
    readers: Mapping[str, _Reader] = {
        "options": _list_of(contract.Option, "value", "label", "description"),
        "next_cursor": _or_none(_text),
        "origin": _exactly(contract.OptionsOrigin),
        "note": _text,
    }
    page = contract.OptionsPage
    return page(**_all_parts(given, page, readers))


async def _guard(start: Callable[[], Awaitable[T]], fail: Fail) -> T:
    """Await a plugin's coroutine in a task of its own. Raises as `call` does."""
    with unchained():
        try:
            result = await start()
        except (KeyboardInterrupt, asyncio.CancelledError):
            raise
        except BaseException as error:  # noqa: BLE001 - as in `call`
            raise _as_connector_error(error, fail) from None
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        # A cancellation that has not arrived yet would replace the result.
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(0)
    return result


def _as_connector_error(error: BaseException, fail: Fail) -> ConnectorError:
    """Return a plain copy of a plugin's `ConnectorError`, else one that names the type of `error`.

    Raises `KeyboardInterrupt` if a group of exceptions holds one.
    """
    kind = type(error)
    if issubclass(kind, BaseExceptionGroup) and _attempt(_has_interrupt, error, False):
        raise KeyboardInterrupt from None
    if not issubclass(kind, ConnectorError):
        return fail(kind.__name__)
    parts, wrong = _read_parts(error, _ERROR_PARTS)
    if wrong:
        return fail(f"its error has a wrong {', '.join(wrong)}")
    return ConnectorError(**parts)


def _has_interrupt(group: BaseException) -> bool:
    parts: tuple[BaseException, ...] = getattr(group, "exceptions", ())
    return any(
        isinstance(part, KeyboardInterrupt) or _has_interrupt(part) for part in parts
    )


def _read_parts(
    whole: object, readers: Mapping[str, _Reader]
) -> tuple[dict[str, Any], list[str]]:
    """Return a plain copy of each part, and the names of the parts that cannot be used."""
    parts: dict[str, Any] = {}
    for name, reader in readers.items():
        try:
            parts[name] = reader(getattr(whole, name))
        except KeyboardInterrupt:
            raise
        except BaseException:  # noqa: BLE001, S110 - as in `call`
            pass
    return parts, [name for name in readers if name not in parts]


def _all_parts(
    whole: object, kind: type, readers: Mapping[str, _Reader]
) -> dict[str, Any]:
    """Return a plain copy of each part. Raises `TypeError` if one cannot be used."""
    if not isinstance(whole, kind):
        raise TypeError
    parts, wrong = _read_parts(whole, readers)
    if wrong:
        raise TypeError
    return parts


def _attempt(read: Callable[[T], Any], given: T, otherwise: Any) -> Any:
    """Return what `read` makes of a value; `otherwise` if the plugin's code in it raises."""
    try:
        return read(given)
    except KeyboardInterrupt:
        raise
    except BaseException:  # noqa: BLE001 - as in `call`
        return otherwise


def _exactly(kind: type[T]) -> Callable[[object], T]:
    def read(given: object) -> T:
        if not isinstance(given, kind):
            raise TypeError
        return given

    return read


def _or_none(reader: _Reader) -> _Reader:
    return lambda given: None if given is None else reader(given)


def _text(given: Any) -> str:
    # The plain text of a subclass: its own methods may do anything.
    return as_text(str.__str__(given))


def _number(given: object) -> float:
    number = to_json(given).value
    if isinstance(number, bool) or not isinstance(number, int | float):
        raise TypeError
    return number


def _amount(given: object) -> float:
    if not 0 <= (amount := _number(given)) <= _MOST_USD:
        raise TypeError
    return amount


def _one_of(*texts: str) -> _Reader:
    def read(given: object) -> str:
        if (text := _text(given)) not in texts:
            raise TypeError
        return text

    return read


def _whole_number(given: object) -> int:
    return _exactly(int)(_number(given))


def _object(given: object) -> Document:
    copied = to_json(given).value
    if not isinstance(copied, dict):
        raise TypeError
    return copied


def _list_of(kind: type, *names: str) -> _Reader:
    """Return the reader of a list whose items have one type, and only parts that are text."""

    def read(given: object) -> list[Any]:
        if not isinstance(given, Sequence):
            raise TypeError
        return [kind(**_texts(each, kind, names)) for each in given]

    return read


def _texts(whole: object, kind: type, names: Iterable[str]) -> dict[str, str]:
    if not isinstance(whole, kind):
        raise TypeError
    return {name: _text(getattr(whole, name)) for name in names}


_ERROR_PARTS: Mapping[str, _Reader] = {
    "code": _exactly(ErrorCode),
    "message": _text,
    "user_message": _text,
    "effect": _exactly(Effect),
    "retryable": _exactly(bool),
    "retry_after": _or_none(_number),
    "resets_at": _or_none(_number),
    "fields": field_errors,
    "partial": _or_none(_object),
    "usage": _or_none(_object),
    "http_status": _or_none(_whole_number),
    "provider_code": _or_none(_text),
    "request_id": _or_none(_text),
    "docs_url": _or_none(_text),
    "cause": _or_none(_text),
}
_ESTIMATE_PARTS: Mapping[str, _Reader] = {
    "likely": _amount,
    "worst": _amount,
    "currency": _one_of("USD"),
    "basis": _one_of("list_price", "estimate"),
    "group": _text,
}
_STATUS_PARTS: Mapping[str, _Reader] = {
    "outcome": _exactly(ConnectionOutcome),
    "message": _text,
    "next_step": _text,
    "credit_checked": _exactly(bool),
    "retry_after": _or_none(_number),
    "http_status": _or_none(_whole_number),
    "request_id": _or_none(_text),
    "docs_url": _or_none(_text),
}
_RESULT_PARTS: Mapping[str, _Reader] = {
    "output": _exactly(Mapping),
    "summary": _text,
    "usage": _object,
    "warnings": _list_of(RunWarning, "code", "message"),
    "meta": _object,
}


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
    coroutine: Any = task.get_coro()
    with suppress(ConnectorError, RuntimeError):
        coroutine.close()
    task.cancel()
