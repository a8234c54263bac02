import asyncio
import copy
import json
import logging
import math
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
import stamina

from perplexity_connector.contract import (
    ActionContext,
    ActionResult,
    ConnectorError,
    Effect,
    ErrorCode,
    FieldError,
    Secret,
)
from tests.host.stage import CONNECTION, COUNT, GREET, TOKEN, in_host, run, toy_host
from tests.toy.toy import Toy, ToyPlugin

GOOD = ActionResult(output={"text": "Hello, Ada!"})
COUNTED = ActionResult(output={"letters": 3})


def unavailable(effect: Effect = Effect.NONE, **parts: Any) -> ConnectorError:
    """A failure whose cause may pass at once."""
    return ConnectorError(
        ErrorCode.UNAVAILABLE, "It is down.", effect=effect, retry_after=0, **parts
    )


class Script:
    """A handler that goes through its outcomes, one for each attempt, and keeps what it was handed."""

    def __init__(self, *outcomes: Any) -> None:
        """Give a result, raise an error, or call what can be called with the context."""
        self.outcomes = list(outcomes)
        self.contexts: list[ActionContext] = []
        self.inputs: list[Any] = []

    async def __call__(self, input: Any, ctx: ActionContext) -> Any:
        """The next outcome."""
        self.inputs.append(input)
        self.contexts.append(ctx)
        outcome = self.outcomes.pop(0)
        if callable(outcome):
            outcome = await outcome(ctx)
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome


def test_a_run_that_succeeds_is_an_envelope_of_plain_json() -> None:
    """Every key is there, and says what it should."""
    envelope: Any = in_host(
        toy_host(), lambda host: host.run(*GREET, connection=CONNECTION)
    )
    assert json.loads(json.dumps(envelope)) == envelope
    started = datetime.fromisoformat(envelope.pop("started_at"))
    assert started.utcoffset() == timedelta(0)
    assert envelope.pop("run_id").startswith("run_")
    assert envelope.pop("duration_ms") >= 0
    assert envelope == {
        "connector": "toy",
        "action": "greet",
        "version": 2,
        "status": "succeeded",
        "output": {"text": "Hello, Ada!"},
        "error": None,
        "partial": None,
        "summary": "Greeted one",
        "usage": {"words": 2},
        "warnings": [{"code": "polite", "message": "It was polite."}],
        "attempts": 1,
        "meta": {"id": 7},
    }


def test_a_handler_is_handed_everything_it_needs() -> None:
    """Ids, attempt, sealed connection, deadline on the monotonic clock, a logger; nobody listens to `run`."""
    script = Script(COUNTED)
    envelope = run(script, step=COUNT)
    (ctx,) = script.contexts
    assert ctx.run_id == envelope["run_id"]
    assert (ctx.attempt, ctx.last_attempt, ctx.wants_events, ctx.resume_from) == (
        1,
        False,
        False,
        None,
    )
    assert isinstance(ctx.connection["token"], Secret)
    assert ctx.deadline is not None
    assert 0 < ctx.deadline - time.monotonic() <= 10
    assert ctx.log.name == "automation_host.toy"


def test_the_input_stays_the_callers() -> None:
    """The handler gets a copy."""
    given = {"name": "Ada", "also": ["Grace"]}
    before = copy.deepcopy(given)

    async def spoil(_: ActionContext) -> ActionResult:
        script.inputs[0]["also"].append("more")
        return GOOD

    script = Script(spoil)
    run(script, step=("toy", "greet", given))
    assert given == before


def test_a_version_can_be_pinned() -> None:
    """As saved steps do."""
    assert run(Script(GOOD), version=1)["version"] == 1


@pytest.mark.parametrize(
    ("step", "version", "told"),
    [
        (("tyo", "greet", {}), None, 0),
        (("toy", "great", {}), None, 0),
        (("toy", "greet", {}), 9, 9),
    ],
)
def test_what_is_not_there_is_a_failed_envelope(
    step: Any, version: int | None, told: int
) -> None:
    """With the version that was asked for."""
    envelope = run(Script(), step=step, version=version)
    assert (envelope["status"], envelope["error"]["code"]) == (
        "failed",
        ErrorCode.NOT_FOUND,
    )
    assert (envelope["version"], envelope["attempts"]) == (told, 0)


def test_a_bad_input_is_refused_with_all_its_fields_and_nothing_is_sent() -> None:
    """The summary tells the first few of them in one line."""
    script = Script()
    envelope = run(script, step=("toy", "greet", {"a": 1, "b": 2, "c": 3}))
    assert envelope["error"]["code"] == ErrorCode.INVALID_INPUT
    assert {field["pointer"] for field in envelope["error"]["fields"]} == {
        "/name",
        "/a",
        "/b",
        "/c",
    }
    assert (envelope["attempts"], script.contexts) == (0, [])
    assert "\n" not in envelope["summary"]
    assert run(script, step=("toy", "greet", 5))["error"]["fields"][0]["pointer"] == ""


def test_an_output_that_breaks_its_schema_fails_the_run_and_is_kept() -> None:
    """What it cost is told all the same."""
    result = ActionResult(output={"text": 5}, usage={"words": 2}, meta={"id": 7})
    envelope = run(Script(result))
    assert (envelope["status"], envelope["error"]["code"]) == (
        "failed",
        ErrorCode.INTERNAL,
    )
    assert (envelope["error"]["effect"], envelope["attempts"]) == ("unknown", 1)
    assert (envelope["output"], envelope["partial"]) == (None, {"text": 5})
    assert (envelope["usage"], envelope["meta"]) == ({"words": 2}, {"id": 7})


@pytest.mark.parametrize(
    ("code", "status"),
    [(ErrorCode.UPSTREAM_FAILED, "failed"), (ErrorCode.CANCELLED, "cancelled")],
)
def test_the_usage_of_a_run_that_did_not_succeed_is_in_its_envelope(
    code: ErrorCode, status: str
) -> None:
    """It was paid for; the error itself has no such key."""
    error = ConnectorError(code, "It failed.", usage={"words": 2})
    envelope = run(Script(error))
    assert (envelope["status"], envelope["usage"]) == (status, {"words": 2})
    assert "usage" not in envelope["error"]


def test_an_attempt_without_usage_does_not_undo_an_earlier_one_s() -> None:
    """The last known usage is shown; a success shows its own."""
    used = unavailable(usage={"words": 2})
    envelope = run(Script(used, ConnectorError(ErrorCode.UPSTREAM_FAILED, "No.")))
    assert envelope["usage"] == {"words": 2}
    assert run(Script(unavailable(usage={"words": 2}), GOOD))["usage"] == {}


@pytest.mark.parametrize(
    "output",
    [{"text": "x", "more": math.nan}, {"text": "x", "more": object()}, None, ["x"]],
)
def test_an_output_that_is_no_json_object_fails_the_run(output: Any) -> None:
    """The envelope is plain JSON even so."""
    envelope = run(Script(ActionResult(output=output)))
    assert envelope["error"]["code"] == ErrorCode.INTERNAL
    json.dumps(envelope, allow_nan=False)


def test_something_else_than_a_result_fails_the_run() -> None:
    """It may have cost something."""
    error = run(Script({"text": "x"}))["error"]
    assert (error["code"], error["effect"]) == (ErrorCode.INTERNAL, "unknown")


def test_an_unexpected_exception_is_told_by_its_type_alone(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Its text may hold a key: it stands neither in the envelope nor in the log."""
    with caplog.at_level(logging.DEBUG):
        envelope = run(Script(ValueError(TOKEN)))
    assert (envelope["error"]["code"], envelope["error"]["effect"]) == (
        ErrorCode.INTERNAL,
        "unknown",
    )
    assert "ValueError" in envelope["error"]["message"]
    assert "ValueError" in caplog.text
    assert TOKEN not in caplog.text + str(envelope)


def test_a_connectors_error_is_the_envelopes() -> None:
    """With its partial, its fields and one line of summary."""
    fields = [FieldError(pointer="/name", code="taken", message="Take another.")]
    failure = ConnectorError(
        ErrorCode.QUOTA_EXHAUSTED,
        "Empty.",
        user_message="Add\ncredits.",
        partial={"text": "He"},
        fields=fields,
    )
    envelope = run(Script(failure))
    assert envelope["error"]["code"] == ErrorCode.QUOTA_EXHAUSTED
    assert envelope["error"]["fields"] == [
        {"pointer": "/name", "code": "taken", "message": "Take another."}
    ]
    assert (envelope["status"], envelope["partial"]) == ("failed", {"text": "He"})
    assert (envelope["summary"], envelope["attempts"]) == ("Add credits.", 1)


def test_a_run_that_the_connector_cancels_is_cancelled() -> None:
    """It has not failed."""
    assert (
        run(Script(ConnectorError(ErrorCode.CANCELLED, "Stopped.")))["status"]
        == "cancelled"
    )


@pytest.mark.parametrize(
    "interrupt",
    [KeyboardInterrupt(), BaseExceptionGroup("Two.", [KeyboardInterrupt(), OSError()])],
)
def test_an_interrupt_leaves_the_run_at_once(interrupt: BaseException) -> None:
    """It is nobody's failed attempt, also in a group of exceptions."""
    script = Script(interrupt, GOOD)
    with pytest.raises(KeyboardInterrupt):
        run(script)
    assert len(script.contexts) == 1


def test_a_run_that_is_cancelled_from_outside_cancels_its_handler() -> None:
    """And the cancellation comes back."""
    gone: Any = []

    async def wait(ctx: ActionContext) -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            gone.append(ctx.run_id)

    async def cancel(host: Any) -> None:
        task = asyncio.create_task(host.run(*GREET, connection=CONNECTION))
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    started = asyncio.Event()
    in_host(toy_host(ToyPlugin(greet=Script(wait))), cancel)
    assert len(gone) == 1


def test_a_failure_that_may_pass_is_repeated_up_to_four_attempts() -> None:
    """The handler learns which attempt it is and whether it is the last."""
    script = Script(*[unavailable() for _ in range(4)])
    envelope = run(script)
    assert (envelope["attempts"], envelope["error"]["code"]) == (
        4,
        ErrorCode.UNAVAILABLE,
    )
    assert [(ctx.attempt, ctx.last_attempt) for ctx in script.contexts] == [
        (1, False),
        (2, False),
        (3, False),
        (4, True),
    ]
    assert len({ctx.run_id for ctx in script.contexts}) == 1


def test_an_attempt_that_succeeds_ends_the_run() -> None:
    """And all attempts count."""
    envelope = run(Script(unavailable(), GOOD))
    assert (envelope["status"], envelope["attempts"]) == ("succeeded", 2)


def test_the_operator_says_how_often() -> None:
    """None at all, if so."""
    script = Script(unavailable())
    assert run(script, host={"retries": 0})["attempts"] == 1
    assert script.contexts[0].last_attempt


def test_what_may_have_cost_money_is_not_repeated_unless_that_is_harmless() -> None:
    """Chat-like actions stop, idempotent ones go on, and so does an operator who wants it."""
    unsure = unavailable(Effect.UNKNOWN)
    assert run(Script(unsure))["attempts"] == 1
    assert run(Script(unsure, COUNTED), step=COUNT)["attempts"] == 2
    assert run(Script(unsure, GOOD), host={"repeat_unknown": True})["attempts"] == 2


def test_a_run_stopped_early_keeps_the_last_partial() -> None:
    """What was received is the envelope's, though this was not the last attempt."""
    script = Script(
        unavailable(partial={"text": "H"}),
        unavailable(Effect.UNKNOWN, partial={"text": "He"}),
    )
    envelope = run(script)
    assert not script.contexts[-1].last_attempt
    assert (envelope["attempts"], envelope["partial"]) == (2, {"text": "He"})


def test_a_wait_past_the_deadline_ends_the_run_now() -> None:
    """Nobody waits for nothing."""
    late = ConnectorError(ErrorCode.RATE_LIMITED, "Later.", retry_after=31)
    assert run(Script(late))["attempts"] == 1


def test_one_deadline_holds_for_the_whole_run() -> None:
    """Attempts share it; the caller's takes the place of the manifest's."""
    script = Script(unavailable(), GOOD)
    run(script, timeout=5)
    first, second = (ctx.deadline for ctx in script.contexts)
    assert first is not None
    assert first == second
    assert first - time.monotonic() <= 5


@pytest.mark.parametrize("timeout", [0, -1, math.nan, math.inf, "5"])
def test_a_timeout_that_is_none_is_refused(timeout: Any) -> None:
    """As invalid input, with nothing sent."""
    envelope = run(Script(), timeout=timeout)
    assert (envelope["error"]["code"], envelope["attempts"]) == (
        ErrorCode.INVALID_INPUT,
        0,
    )


class Backstop:
    """Stands in for the run's `asyncio.timeout`, which begins without a time: it strikes when a test says so."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Take its place."""
        self.timeout = asyncio.Timeout(None)
        others = asyncio.timeout
        monkeypatch.setattr(
            asyncio,
            "timeout",
            lambda seconds: self.timeout if seconds is None else others(seconds),
        )

    async def strike(self, *_: object) -> None:
        """The time is over, and yet whoever calls this never returns."""
        self.timeout.reschedule(asyncio.get_running_loop().time())
        await asyncio.Event().wait()


def test_a_handler_that_outlasts_its_grace_is_stopped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The host is the backstop, a little after the deadline; the last partial it knows of is kept."""
    backstop = Backstop(monkeypatch)
    envelope = run(
        Script(unavailable(partial={"text": "He"}), backstop.strike), timeout=20
    )
    assert (envelope["error"]["code"], envelope["error"]["effect"]) == (
        ErrorCode.TIMEOUT,
        "unknown",
    )
    assert (envelope["attempts"], envelope["partial"]) == (2, {"text": "He"})


def test_a_handlers_own_time_out_is_no_deadline() -> None:
    """An exception like any other."""
    assert run(Script(TimeoutError()))["error"]["code"] == ErrorCode.INTERNAL


def test_a_connector_that_never_opens_is_stopped_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nothing was sent."""
    monkeypatch.setattr(Toy, "__aenter__", Backstop(monkeypatch).strike)
    envelope = run(Script())
    assert (envelope["error"]["code"], envelope["error"]["effect"]) == (
        ErrorCode.TIMEOUT,
        "none",
    )
    assert envelope["attempts"] == 0


def test_retries_that_the_process_has_switched_off_stay_off() -> None:
    """Then the first attempt is the last, and the handler knows."""
    script = Script(unavailable())
    stamina.set_active(False)
    try:
        assert run(script)["attempts"] == 1
    finally:
        stamina.set_active(True)
    assert script.contexts[0].last_attempt


def checkpointing(state: Any, outcome: Any) -> Callable[[ActionContext], Any]:
    """An attempt that keeps a checkpoint before its outcome."""

    async def attempt(ctx: ActionContext) -> Any:
        await ctx.checkpoint(state)
        return outcome

    return attempt


def test_a_checkpoint_makes_a_repeat_harmless_and_reaches_the_next_attempt() -> None:
    """The repeat goes on where the last one stopped, instead of paying twice."""
    script = Script(checkpointing({"id": "r1"}, unavailable(Effect.UNKNOWN)), GOOD)
    assert run(script)["attempts"] == 2
    assert [ctx.resume_from for ctx in script.contexts] == [None, {"id": "r1"}]


def test_a_run_resumes_from_what_it_is_given() -> None:
    """Which is a checkpoint held, too."""
    script = Script(unavailable(Effect.UNKNOWN), GOOD)
    assert run(script, resume_from={"id": "r1"})["attempts"] == 2
    assert [ctx.resume_from for ctx in script.contexts] == [{"id": "r1"}, {"id": "r1"}]


@pytest.mark.parametrize("state", ["r1", [], {"id": object()}])
def test_what_is_no_checkpoint_is_refused(state: Any) -> None:
    """Nothing is sent."""
    envelope = run(Script(), resume_from=state)
    assert (envelope["error"]["code"], envelope["attempts"]) == (
        ErrorCode.INVALID_INPUT,
        0,
    )


def test_an_empty_checkpoint_takes_the_way_back_away() -> None:
    """What has an effect is not repeated then, and whoever keeps checkpoints is told."""
    kept: list[Any] = []
    script = Script(checkpointing({}, unavailable(Effect.UNKNOWN)), GOOD)
    envelope = run(script, on_checkpoint=kept.append, resume_from={"id": "r1"})
    assert (envelope["status"], envelope["attempts"], kept) == ("failed", 1, [{}])


def test_every_checkpoint_is_handed_to_whoever_keeps_it() -> None:
    """A plain function or one that is awaited, before the handler goes on."""
    plain: list[Any] = []
    awaited: list[Any] = []

    async def keep(state: Any) -> None:
        awaited.append(state)

    run(Script(checkpointing({"n": 1}, GOOD)), on_checkpoint=plain.append)
    run(Script(checkpointing({"n": 2}, GOOD)), on_checkpoint=keep)
    assert (plain, awaited) == ([{"n": 1}], [{"n": 2}])


def test_a_checkpoint_that_cannot_be_kept_is_a_warning() -> None:
    """A paid answer is worth more than the chance to resume it; the text of the failure stays out."""

    def full(_: Any) -> None:
        raise OSError(TOKEN)

    async def twice(ctx: ActionContext) -> ActionResult:
        await ctx.checkpoint({"n": 1})
        await ctx.checkpoint({"n": 2})
        return GOOD

    envelope = run(Script(twice), on_checkpoint=full)
    assert envelope["status"] == "succeeded"
    assert [warning["code"] for warning in envelope["warnings"]] == ["checkpoint_lost"]
    assert TOKEN not in str(envelope)


def test_an_option_that_is_none_is_a_type_error() -> None:
    """A misspelt keyword is not swallowed."""
    with pytest.raises(TypeError):
        run(Script(), time_out=5)


def test_a_blank_is_dropped_only_where_the_schema_refuses_it() -> None:
    """This connector's empty farewell means something. The caller's own input stays as it is."""
    given: Any = {"name": "Ada", "tone": None, "times": "", "also": [], "farewell": ""}
    script = Script(GOOD)
    envelope = run(script, step=("toy", "greet", given))
    assert envelope["status"] == "succeeded"
    assert script.inputs == [{"name": "Ada", "farewell": ""}]
    assert len(given) == 5
    assert toy_host().validate("toy", "greet", given) == []
    wrong = given | {"name": "", "tone": "cool", "times": 3}
    assert [error.pointer for error in toy_host().validate("toy", "greet", wrong)] == [
        "/name",
        "/tone",
        "/times",
    ]
