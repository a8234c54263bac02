"""A value of a plugin is read once, where its code can do no harm."""

import json
import math
from collections import UserList
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from perplexity_connector.contract import (
    ActionContext,
    ActionResult,
    ConnectionOutcome,
    ConnectionStatus,
    ConnectorError,
    Effect,
    ErrorCode,
    FieldError,
    Option,
    OptionsPage,
    RunWarning,
)
from perplexity_connector.host import Host
from tests.host.runs.test_run import GOOD, Script
from tests.host.stage import CONNECTION, in_host, run, stream, toy_host
from tests.toy.toy import Toy

HUGE = 10**5000
WARNING = RunWarning(code="polite", message="It was polite.")


class Trap(Mapping[str, Any]):
    """A mapping that cannot be read."""

    def __init__(self, failure: type[BaseException]) -> None:
        """Raise this."""
        self.failure = failure

    def __getitem__(self, name: str) -> Any:
        """Raise."""
        raise self.failure

    def __iter__(self) -> Iterator[str]:
        """Raise."""
        raise self.failure

    def __len__(self) -> int:
        """Raise."""
        raise self.failure


class Trick(str):
    """A text whose methods fail."""

    __slots__ = ()

    def split(self, *_: Any) -> Any:
        """Raise."""
        raise SystemExit

    def __deepcopy__(self, _: Any) -> Any:
        """Raise."""
        raise SystemExit


class UnreadableError(ConnectorError):
    """An error of which one part cannot be read."""

    failure: type[BaseException] = SystemExit

    @property
    def retryable(self) -> bool:
        """Raise."""
        raise self.failure


class CircularError(UnreadableError):
    """An error that raises such an error when it is read."""

    @property
    def retryable(self) -> bool:
        """Raise."""
        raise CircularError(ErrorCode.UNAVAILABLE, "It is down.")


class Group(BaseExceptionGroup[BaseException]):
    """A group whose parts cannot be read."""

    @property
    def exceptions(self) -> Any:
        """Raise."""
        raise SystemExit


def writable(envelope: Any) -> Any:
    """The envelope, which every JSON reader can read."""
    assert json.loads(json.dumps(envelope, allow_nan=False).encode()) == envelope
    return envelope


FAILURES = [SystemExit, RuntimeError]


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("part", ["output", "usage", "meta"])
def test_a_result_that_cannot_be_read_is_internal(
    part: str, failure: type[BaseException]
) -> None:
    """An output that can be read is kept."""
    parts: Any = {"output": {"text": "Hello"}, part: Trap(failure)}
    envelope = writable(run(Script(ActionResult(**parts))))
    assert envelope["error"]["code"] == ErrorCode.INTERNAL
    assert part == "output" or envelope["partial"] == {"text": "Hello"}


@pytest.mark.parametrize("failure", FAILURES)
def test_an_output_beside_a_wrong_part_is_read_as_carefully(
    failure: type[BaseException],
) -> None:
    """It cannot end the host either."""
    odd: Any = 5
    result = ActionResult(output=Trap(failure), summary=odd)
    envelope = writable(run(Script(result)))
    assert envelope["error"]["code"] == ErrorCode.INTERNAL
    assert envelope["partial"] is None


def test_an_interrupt_passes_where_a_value_is_read() -> None:
    """Ctrl-C ends the program."""
    result = ActionResult(output={"text": "Hello"}, usage=Trap(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        run(Script(result))


def test_an_output_with_such_a_part_is_internal() -> None:
    """However deep it is."""
    output: Any = {"text": "Hello", "more": [{"deep": Trap(SystemExit)}]}
    envelope = writable(run(Script(ActionResult(output=output))))
    assert envelope["error"]["code"] == ErrorCode.INTERNAL


@pytest.mark.parametrize(
    "error",
    [
        UnreadableError(ErrorCode.UNAVAILABLE, "It is down."),
        type("Own", (UnreadableError,), {"failure": RuntimeError})(
            ErrorCode.UNAVAILABLE, "It is down."
        ),
        CircularError(ErrorCode.UNAVAILABLE, "It is down."),
        Group("", [OSError()]),
        ConnectorError(ErrorCode.RATE_LIMITED, "", retry_after=math.nan),
        ConnectorError(ErrorCode.RATE_LIMITED, "", retry_after=math.inf),
        ConnectorError(ErrorCode.RATE_LIMITED, "", retry_after=True),
        ConnectorError(ErrorCode.RATE_LIMITED, "", resets_at=10**400),
        ConnectorError(ErrorCode.UPSTREAM_FAILED, "", http_status=HUGE),
        ConnectorError(ErrorCode.UPSTREAM_FAILED, "", partial=Trap(SystemExit)),
        ConnectorError(ErrorCode.UPSTREAM_FAILED, "", usage=Trap(RuntimeError)),
    ],
)
def test_an_error_that_cannot_be_read_is_internal(error: BaseException) -> None:
    """It is not retried."""
    envelope = writable(run(Script(error)))
    assert envelope["error"]["code"] == ErrorCode.INTERNAL
    assert envelope["attempts"] == 1


def test_a_good_error_stays_what_it_is() -> None:
    """Every part of it arrives, in whole text and whole numbers."""
    parts: dict[str, Any] = {
        "user_message": "Later.",
        "effect": Effect.UNKNOWN,
        "retry_after": 5,
        "resets_at": 1.5e9,
        "fields": (FieldError(pointer="/name", code="type", message="No."),),
        "partial": {"text": "He"},
        "http_status": 503,
        "provider_code": "busy",
        "request_id": "r1",
        "docs_url": "https://docs.example",
        "retryable": False,
    }
    error = ConnectorError(ErrorCode.UNAVAILABLE, "It is down.", **parts)
    envelope = writable(run(Script(error)))
    assert envelope["error"] == {**error.to_dict(), "repeatable": False}
    broken = ConnectorError(ErrorCode.NOT_FOUND, "Not \ud800 here.")
    writable(run(Script(broken)))["error"]["message"].encode()


def test_what_an_action_reports_beside_its_answer_costs_nobody_the_answer() -> None:
    """What cannot be used is dropped."""

    async def odd(ctx: ActionContext) -> ActionResult:
        for value in ("text", HUGE, math.nan, Trap(SystemExit), Trap(RuntimeError)):
            told: Any = value
            ctx.observe_usage(told)
            ctx.save_partial(told)
            ctx.emit(told)
            ctx.observe_limit(told, told, told)
            ctx.observe_refusal(told)
            await ctx.checkpoint(told)
        return ActionResult(
            output={"text": "Hello"},
            summary=Trick("It went well."),
            usage={"cost": HUGE, "model": Trick("m"), Trick("n"): 1.5},
            warnings=[RunWarning(code="a", message="\ud800")],
        )

    (envelope,) = stream(Script(odd))
    assert writable(envelope)["status"] == "succeeded"
    assert envelope["summary"] == "It went well."
    assert envelope["usage"] == {"cost": None, "model": "m", "n": 1.5}
    assert {type(name) for name in envelope["usage"]} == {str}
    assert type(envelope["usage"]["model"]) is str


def test_an_event_is_plain_json() -> None:
    """A part that is not becomes null."""

    async def odd(ctx: ActionContext) -> ActionResult:
        told: Any = {"type": "text.delta", "text": "Hello", "odd": {math.inf}}
        ctx.emit(told)
        return GOOD

    event, _ = stream(Script(odd))
    assert writable(event) == {
        "type": "text.delta",
        "text": "Hello",
        "odd": None,
        "seq": 1,
    }


def test_usage_of_a_wrong_type_does_not_undo_the_last() -> None:
    """It is not lost when the run fails."""

    async def odd(ctx: ActionContext) -> ActionResult:
        ctx.observe_usage({"words": 2})
        wrong: Any = "text"
        ctx.observe_usage(wrong)
        raise RuntimeError

    assert writable(run(Script(odd)))["usage"] == {"words": 2}


ODD_OPTIONS: list[Any] = [object(), {1}, math.nan, 5, None]


@pytest.mark.parametrize("odd", ODD_OPTIONS)
@pytest.mark.parametrize(
    "page",
    [
        lambda odd: OptionsPage(options=[Option(value=odd, label="")]),
        lambda odd: OptionsPage(options=[], note=odd),
    ],
)
def test_a_page_that_is_not_plain_json_is_internal(
    odd: Any, page: Callable[[Any], OptionsPage], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its reader is a user interface."""

    async def listed(*_: object) -> OptionsPage:
        return page(odd)

    monkeypatch.setattr(Toy, "list_options", listed)
    assert code_of(lambda host: host.options("toy", "tones")) == ErrorCode.INTERNAL


@pytest.mark.parametrize(
    "odd",
    [
        {"outcome": "ok"},
        {"message": 5},
        {"credit_checked": None},
        {"retry_after": "1"},
        {"http_status": 20.5},
    ],
    ids=str,
)
def test_a_status_with_a_part_of_a_wrong_type_is_internal(
    odd: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its reader relies on the types."""
    parts: dict[str, Any] = {"outcome": ConnectionOutcome.OK, "message": "", **odd}

    async def tested(*_: object) -> ConnectionStatus:
        return ConnectionStatus(**parts)

    monkeypatch.setattr(Toy, "test_connection", tested)
    code = code_of(lambda host: host.connections.test(CONNECTION, "toy"))
    assert code == ErrorCode.INTERNAL


def test_half_of_a_character_in_a_page_is_replaced(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As in every text of a plugin: the other options can still be picked."""

    async def listed(*_: object) -> OptionsPage:
        return OptionsPage(options=[Option(value="a", label="\ud800")])

    monkeypatch.setattr(Toy, "list_options", listed)
    page = in_host(toy_host(), lambda host: host.options("toy", "tones"))
    assert page["options"] == [{"value": "a", "label": "?", "description": ""}]


def test_the_options_of_a_page_may_be_any_sequence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As the contract says."""

    async def listed(*_: object) -> OptionsPage:
        return OptionsPage(options=UserList([Option(value="a", label="A")]))

    monkeypatch.setattr(Toy, "list_options", listed)
    page = in_host(toy_host(), lambda host: host.options("toy", "tones"))
    assert [option["value"] for option in page["options"]] == ["a"]


def test_a_page_with_something_else_than_options_is_internal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A list of them, and nothing in it but options."""
    odd: Any
    for odd in ({}, ["a"], None):
        page: Any = OptionsPage(options=odd)

        async def listed(*_: object, page: Any = page) -> OptionsPage:
            return page

        monkeypatch.setattr(Toy, "list_options", listed)
        code = code_of(lambda host: host.options("toy", "tones"))
        assert code == ErrorCode.INTERNAL


def test_a_page_or_a_status_of_another_type_is_internal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A mapping too, which looks the same as JSON."""

    async def answered(*_: object) -> Any:
        return {"options": []}

    monkeypatch.setattr(Toy, "list_options", answered)
    assert code_of(lambda host: host.options("toy", "tones")) == ErrorCode.INTERNAL


def test_a_status_that_is_not_plain_json_is_internal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As a page."""

    async def tested(*_: object) -> ConnectionStatus:
        return ConnectionStatus(
            outcome=ConnectionOutcome.OK, message="", retry_after=math.nan
        )

    monkeypatch.setattr(Toy, "test_connection", tested)
    code = code_of(lambda host: host.connections.test(CONNECTION, "toy"))
    assert code == ErrorCode.INTERNAL


def code_of(ask: Callable[[Host], Any]) -> ErrorCode:
    """The code of the error that a question ends with."""
    with pytest.raises(ConnectorError) as caught:
        in_host(toy_host(), ask)
    return caught.value.code
