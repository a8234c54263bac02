"""Create Chat Completion against a scripted provider."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from perplexity_connector.contract import ActionResult, ConnectorError
from perplexity_connector.perplexity.actions import provider_run
from perplexity_connector.perplexity.actions.create_chat_completion import (
    create_chat_completion,
)
from perplexity_connector.perplexity.wire import agent_events, rate_headers
from perplexity_connector.perplexity.wire import client as api_client
from perplexity_connector.perplexity.wire.sse import EventDecoder, Received
from tests.own_clock import OwnClock
from tests.perplexity.actions.wire import (
    RUN_ID,
    SHOWN,
    Listener,
    Pieces,
    Provider,
    cancel_once,
    client_over,
    events,
    final,
    framed,
    plain,
    refusal,
    stream,
)

QUESTION: dict[str, Any] = {
    "model": "sonar-pro",
    "messages": [{"role": "user", "content": "How far away is the Moon?"}],
}
RUN_PATH = f"/v1/agent/{RUN_ID}"


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look again at once: how long a wait is does not matter here."""
    monkeypatch.setattr(provider_run, "_LONGEST_WAIT", 0.0)


def run(
    provider: Provider,
    listener: Listener,
    input: Any = QUESTION,
    *,
    listen: bool = True,
    **more: Any,
) -> ActionResult:
    """The action's result."""

    async def main() -> ActionResult:
        async with provider.client() as client:
            return await create_chat_completion(
                client, input, listener.context(listen=listen, **more)
            )

    return asyncio.run(main())


def failure(
    provider: Provider,
    listener: Listener,
    input: object = QUESTION,
    *,
    listen: bool = True,
    **more: Any,
) -> ConnectorError:
    """The error that the action raises."""
    with pytest.raises(ConnectorError) as caught:
        run(provider, listener, input, listen=listen, **more)
    return caught.value


def codes(result: ActionResult) -> list[str]:
    """The codes of a result's warnings."""
    return [warning.code for warning in result.warnings]


def test_an_answer_comes_back_in_the_chat_shape_with_its_sources_in_order() -> None:
    """The marks are rewritten, and each one's source stands at its number."""
    result: Any = run(Provider(stream(events())), Listener())
    assert (
        result.output["content"]
        == SHOWN
        == result.output["choices"][0]["message"]["content"]
    )
    assert result.output["citations"] == [
        "https://atlas.example",
        "https://moon.example/distance",
    ]
    assert result.output["served_model"] == "openai/gpt-6-luna"
    assert result.usage["cost"]["total_cost"] == 0.001
    assert result.meta["request_id"] == "11111111-2222-4333-8444-555555555555"
    assert codes(result) == []


def test_bad_input_is_refused_before_anything_is_sent() -> None:
    """Every field at fault is named, and no request was made."""
    provider = Provider(stream(events()))
    error = failure(
        provider, Listener(), {"messages": [{"role": "bot", "content": ""}]}
    )
    assert error.code == "invalid_input"
    assert {field.pointer for field in error.fields} == {
        "/model",
        "/messages/0/role",
        "/messages/0/content",
    }
    assert provider.asked == []


@pytest.mark.parametrize("listen", [True, False])
def test_listening_or_not_gives_the_same_output(listen: bool) -> None:
    """Only who listens is told; the output is the same."""
    listener = Listener()
    result = run(Provider(stream(events())), listener, listen=listen)
    assert result.output["content"] == SHOWN
    assert listener.text() == (SHOWN if listen else "")


def test_the_first_event_is_checkpointed_before_anything_else() -> None:
    """The run's id is kept before a word of the answer is shown."""
    listener = Listener()
    seen: list[int] = []

    async def checkpoint(state: dict[str, Any]) -> None:
        seen.append(len(listener.events))
        listener.states.append(state)

    listener.checkpoint = checkpoint
    run(Provider(stream(events())), listener)
    assert listener.states == [{"response_id": RUN_ID, "shown": 0}]
    assert seen == [0]


@pytest.mark.parametrize("listen", [True, False])
@pytest.mark.parametrize("cut", range(1, len(events())))
@pytest.mark.parametrize("error", [None, httpx.ReadError("reset")])
def test_a_stream_cut_after_any_event_is_recovered_from_the_same_run(
    cut: int, error: Exception | None, listen: bool
) -> None:
    """One POST, then GETs; the whole answer, told once, with a warning."""
    provider = Provider(stream(events()[:cut], error), plain(final()))
    listener = Listener()
    result = run(provider, listener, listen=listen)
    assert provider.asked == [("POST", "/v1/agent"), ("GET", RUN_PATH)]
    assert result.output["content"] == SHOWN
    assert listener.text() == (SHOWN if listen else "")
    assert codes(result) == ["recovered"]


def test_a_stream_that_breaks_before_its_first_event_is_an_error_of_unknown_effect() -> (
    None
):
    """There is no id to come back to, so nothing is asked again."""
    provider = Provider(stream([], httpx.ReadError("reset")))
    error = failure(provider, Listener())
    assert (error.code, error.effect) == ("unavailable", "unknown")
    assert len(provider.asked) == 1


def test_an_empty_stream_is_no_answer() -> None:
    """A body without any event is not taken for an empty answer."""
    error = failure(Provider(stream([])), Listener())
    assert (error.code, error.effect) == ("invalid_response", "unknown")


@pytest.mark.parametrize("listen", [True, False])
def test_a_stream_of_skipped_frames_is_not_an_answer(listen: bool) -> None:
    """Garbage alone leaves nothing to come back to; before a stream it does no harm."""
    garbage = b"data: {garbage\n\n"
    response = httpx.Response(200, stream=Pieces([garbage]))
    error = failure(Provider(response), Listener(), listen=listen)
    assert (error.code, error.effect) == ("invalid_response", "unknown")
    response = httpx.Response(200, stream=Pieces([garbage, *framed(events())]))
    result = run(Provider(response), Listener(), listen=listen)
    assert result.output["content"] == SHOWN


def test_the_context_of_polls_is_made_for_a_poll_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Most runs are listened to until their end, and a context draws an id of its own."""
    monkeypatch.setattr(provider_run, "ActionContext", None)
    assert codes(run(Provider(stream(events())), Listener())) == []


def test_a_run_still_under_way_is_looked_at_until_it_ends() -> None:
    """In progress is no end."""
    under_way = plain(final("in_progress", output=[]))
    provider = Provider(
        stream(events()[:4]), under_way, refusal(503), under_way, plain(final())
    )
    assert run(provider, Listener()).output["content"] == SHOWN
    assert len(provider.asked) == 5


@pytest.mark.parametrize(
    ("status", "kind"), [(404, "not_found"), (400, "invalid_request")]
)
def test_a_run_that_is_gone_is_an_unknown_outcome_with_what_was_received(
    status: int, kind: str
) -> None:
    """Never posted again; the text and the sources so far are kept."""
    provider = Provider(stream(events()[:10]), refusal(status, kind))
    error: Any = failure(provider, Listener())
    assert (error.code, error.effect, error.retryable) == (
        "upstream_failed",
        "unknown",
        False,
    )
    assert SHOWN.startswith(error.partial["content"])
    assert len(error.partial["citations"]) == 2
    assert [method for method, _ in provider.asked] == ["POST", "GET"]


def test_a_key_revoked_during_a_run_is_said_as_such() -> None:
    """Looking for the run fails with its own code, and the run's effect stays unknown."""
    error = failure(
        Provider(stream(events()[:4]), refusal(401, "invalid_api_key")), Listener()
    )
    assert (error.code, error.effect) == ("invalid_credentials", "unknown")


def test_an_error_in_a_poll_with_http_200_means_what_its_type_says() -> None:
    """As with its own HTTP status; an error of an unknown type is only a failed poll."""
    revoked = plain({"error": {"type": "invalid_api_key", "code": 401}})
    gone = plain({"error": {"type": "not_found", "code": 404}})
    odd = plain({"error": {"type": "odd"}, "status": "error"})
    limited = {"type": "error", "error": {"type": "request_rate_limit_exceeded"}}
    for rows, poll, code in (
        (events()[:4], revoked, "invalid_credentials"),
        (events()[:4], gone, "upstream_failed"),
        (events(limited), gone, "rate_limited"),
    ):
        provider = Provider(stream(rows), poll)
        error = failure(provider, Listener())
        assert (error.code, error.effect) == (code, "unknown")
        assert len(provider.asked) == 2
    provider = Provider(stream(events()[:4]), odd, plain(final()))
    assert run(provider, Listener()).output["content"] == SHOWN


@pytest.mark.parametrize("listen", [True, False])
@pytest.mark.parametrize("more", [{"status": "error"}, {"type": "invalid_api_key"}])
def test_an_error_as_the_whole_answer_is_a_refusal(
    more: dict[str, Any], listen: bool
) -> None:
    """Whatever is beside it, nothing was begun."""
    body = {"error": {"type": "invalid_api_key", "code": 401}} | more
    error = failure(Provider(plain(body)), Listener(), listen=listen)
    assert (error.code, error.effect) == ("invalid_credentials", "none")


def test_a_run_that_cannot_be_looked_at_leaves_the_way_back_to_it() -> None:
    """After some looks the error is retryable, and the checkpoint says how much was shown."""
    listener = Listener()
    error = failure(Provider(stream(events()[:8]), refusal(503)), listener)
    assert (error.code, error.retryable, error.effect) == (
        "unavailable",
        True,
        "unknown",
    )
    assert listener.states[-1] == {"response_id": RUN_ID, "shown": len(listener.text())}
    assert listener.text()


@pytest.mark.parametrize("found", [{}, final(id="resp_other"), {"status": 7}])
def test_a_poll_that_brings_no_run_or_another_one_is_a_failed_poll(
    found: dict[str, Any],
) -> None:
    """One strange answer does not lose the run, and another run's answer is never taken."""
    provider = Provider(stream(events()[:4]), plain(found), plain(final()))
    assert run(provider, Listener()).output["content"] == SHOWN
    provider = Provider(stream(events()[:4]), plain(found))
    assert failure(provider, Listener()).code == "invalid_response"
    assert len(provider.asked) == 1 + 6


def test_a_poll_without_an_id_is_the_run_that_was_asked_for() -> None:
    """Only the id of another run is a contradiction."""
    provider = Provider(stream(events()[:4]), plain(final(id=None)))
    result = run(provider, Listener())
    assert (result.output["content"], result.output["id"]) == (SHOWN, RUN_ID)


@pytest.mark.parametrize("listen", [True, False])
def test_an_end_on_the_own_stream_counts_whatever_its_id(listen: bool) -> None:
    """Gateways rewrite ids; the first one stays."""
    end = {"type": "response.completed", "response": final(id="resp_other")}
    provider = Provider(stream(events(end)))
    result = run(provider, Listener(), listen=listen)
    assert (result.output["content"], result.output["id"]) == (SHOWN, RUN_ID)
    assert len(provider.asked) == 1


ERROR: dict[str, Any] = {"type": "error", "error": {"type": "overloaded", "code": 503}}


@pytest.mark.parametrize("listen", [True, False])
@pytest.mark.parametrize("under_way", [0, 2])
def test_a_run_is_fetched_before_an_error_event_counts(
    listen: bool, under_way: int
) -> None:
    """The run may go on, or have ended well."""
    going = [plain(final("in_progress", output=[]))] * under_way
    provider = Provider(stream(events(ERROR)), *going, plain(final()))
    listener = Listener()
    result = run(provider, listener, listen=listen)
    assert result.output["content"] == SHOWN
    assert listener.text() == (SHOWN if listen else "")
    assert codes(result) == ["recovered"]
    assert [method for method, _ in provider.asked] == ["POST", *["GET"] * (1 + under_way)]  # fmt: skip


@pytest.mark.parametrize(
    "error", [ERROR, {"type": "error", "code": "overloaded", "message": "…"}]
)
def test_a_failed_run_behind_an_error_event_has_its_partial_answer_and_usage(
    error: dict[str, Any],
) -> None:
    """The run's own description of its failure is missing here, so the event's counts."""
    provider = Provider(stream(events(error)), plain(final("failed", output=[])))
    found: Any = failure(provider, Listener())
    assert (found.code, found.effect) == ("upstream_failed", "unknown")
    assert found.partial["content"] == SHOWN
    assert found.usage["total_tokens"] == 15
    if "error" in error:
        assert found.provider_code == "overloaded"


def test_an_error_event_of_a_run_that_is_gone_is_the_error() -> None:
    """Its type says more than that the run cannot be fetched; the run may have cost money."""
    error = {"type": "error", "error": {"type": "request_rate_limit_exceeded"}}
    provider = Provider(stream(events(error)), refusal(404, "not_found"))
    found: Any = failure(provider, Listener())
    assert (found.code, found.effect) == ("rate_limited", "unknown")
    assert found.partial["content"] == SHOWN


CONTRADICTION: dict[str, Any] = {
    "type": "response.completed",
    "response": final("in_progress", output=[]),
}
UNDER_WAY = plain(final("in_progress", output=[]))


@pytest.mark.parametrize("listen", [True, False])
@pytest.mark.parametrize(
    ("polls", "asked"),
    [
        ([plain(final())], 1),
        ([UNDER_WAY, plain(final())], 2),
        ([refusal(503), UNDER_WAY, plain(final())], 3),
    ],
)
def test_a_contradictory_end_is_settled_by_fetching_the_run(
    polls: list[httpx.Response], asked: int, listen: bool
) -> None:
    """`completed` around `in_progress`: the run itself says which is true."""
    provider = Provider(stream(events(CONTRADICTION)), *polls)
    result = run(provider, Listener(), listen=listen)
    assert result.output["content"] == SHOWN
    assert codes(result) == []
    assert len(provider.asked) == 1 + asked


@pytest.mark.parametrize("listen", [True, False])
@pytest.mark.parametrize("poll", [UNDER_WAY, refusal(404, "not_found"), plain({})])
def test_an_end_that_stays_contradictory_is_the_streamed_answer(
    poll: httpx.Response, listen: bool
) -> None:
    """After three polls, with a warning; it is never cancelled."""
    provider = Provider(stream(events(CONTRADICTION)), poll)
    result = run(provider, Listener(), listen=listen)
    assert result.output["content"] == SHOWN
    assert codes(result) == ["status_unclear"]
    assert [method for method, _ in provider.asked] == ["POST", *["GET"] * 3]


def test_a_contradictory_end_without_an_id_cannot_be_settled() -> None:
    """There is nothing to fetch; the streamed answer is the answer."""
    rows = [row for row in events(CONTRADICTION) if "response" not in row]
    rows.append({"type": "response.completed", "response": {"status": "queued"}})
    result = run(provider := Provider(stream(rows)), Listener())
    assert result.output["content"] == SHOWN
    assert codes(result) == ["status_unclear"]
    assert len(provider.asked) == 1


def test_a_contradictory_end_without_any_answer_can_be_continued() -> None:
    """An empty success would hide the answer that may still arrive."""
    listener = Listener()
    rows = [events()[0], CONTRADICTION]
    error = failure(Provider(stream(rows), UNDER_WAY), listener)
    assert (error.code, error.retryable, error.effect) == ("timeout", True, "unknown")
    assert listener.states[-1]["response_id"] == RUN_ID


@pytest.mark.parametrize(
    ("rows", "is_answer"),
    [(events(CONTRADICTION), True), ([events()[0], CONTRADICTION], False)],
)
def test_the_deadline_may_come_before_an_unclear_end_is_settled(
    rows: list[dict[str, Any]], is_answer: bool
) -> None:
    """Then the streamed text is the answer; without one, the run can be continued."""

    async def network(request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            return stream(rows)
        return await asyncio.Future()

    async def main() -> str:
        async with client_over(network) as client:
            ctx = Listener().context(deadline=time.monotonic() + 0.1)
            try:
                result = await create_chat_completion(client, QUESTION, ctx)
            except ConnectorError as error:
                return error.code.value
            return ", ".join(codes(result))

    assert asyncio.run(main()) == ("status_unclear" if is_answer else "timeout")


def test_a_run_that_asks_for_an_action_fails_at_once() -> None:
    """Nobody could answer it; the received part is kept."""
    asks = plain(final("requires_action", output=[]))
    provider = Provider(stream(events()[:9]), asks)
    error: Any = failure(provider, Listener())
    assert (error.code, error.effect) == ("upstream_failed", "unknown")
    assert error.partial["citations"]
    assert [method for method, _ in provider.asked] == ["POST", "GET"]


def test_an_unknown_status_is_polled_again_and_never_cancelled() -> None:
    """At the deadline the run can be continued."""
    unknown = plain(final("cancelling", output=[]))
    provider = Provider(stream(events()[:9]), unknown, unknown, plain(final()))
    assert run(provider, Listener()).output["content"] == SHOWN
    provider, listener = Provider(stream(events()[:9]), unknown), Listener()
    error = failure(provider, listener, deadline=time.monotonic() + 0.05)
    assert (error.code, error.retryable, error.effect) == ("timeout", True, "unknown")
    assert listener.states[-1]["response_id"] == RUN_ID
    assert [path for method, path in provider.asked if method == "POST"] == [
        "/v1/agent"
    ]


@pytest.mark.parametrize("listen", [True, False])
@pytest.mark.parametrize("kind", ["in_progress", "queued", "cancelling"])
@pytest.mark.parametrize("by_caller", [True, False])
def test_an_unknown_status_in_the_stream_is_never_cancelled(
    by_caller: bool, kind: str, listen: bool
) -> None:
    """Neither at the deadline nor by the caller, and the run can be continued."""
    changed = {"type": f"response.{kind}", "response": final("cancelling", output=[])}
    listener = Listener()
    asked: list[str] = []
    silent = asyncio.Event()

    class Silent(httpx.AsyncByteStream):
        """A stream that ends in silence."""

        async def __aiter__(self) -> AsyncIterator[bytes]:
            for piece in framed([*events()[:4], changed]):
                yield piece
            silent.set()
            await asyncio.Future()

    async def network(request: httpx.Request) -> httpx.Response:
        asked.append(f"{request.method} {request.url.path}")
        headers = {"content-type": "text/event-stream"}
        return httpx.Response(200, headers=headers, stream=Silent())

    async def main() -> None:
        async with client_over(network) as client:
            deadline = None if by_caller else time.monotonic() + 0.05
            ctx = listener.context(listen=listen, deadline=deadline)
            action = create_chat_completion(client, QUESTION, ctx)
            if by_caller:
                await cancel_once(action, silent)
                return
            with pytest.raises(ConnectorError) as caught:
                await action
            assert (caught.value.code, caught.value.retryable) == ("timeout", True)

    asyncio.run(main())
    assert asked == ["POST /v1/agent"]
    assert listener.states[-1]["response_id"] == RUN_ID


def test_a_status_that_was_unknown_in_a_poll_stays_so_after_a_failed_one() -> None:
    """A caller who stops the run then does not cancel it either."""
    answers = [
        stream(events()[:9]),
        plain(final("cancelling", output=[])),
        refusal(503),
    ]
    asked: list[str] = []
    polled = asyncio.Event()

    async def network(request: httpx.Request) -> httpx.Response:
        asked.append(request.method)
        if len(asked) <= len(answers):
            return answers[len(asked) - 1]
        polled.set()
        return await asyncio.Future()

    async def main() -> None:
        async with client_over(network) as client:
            action = create_chat_completion(client, QUESTION, Listener().context())
            await cancel_once(action, polled)

    asyncio.run(main())
    assert asked == ["POST", "GET", "GET", "GET"]


def test_a_told_wait_past_the_deadline_is_not_slept_through() -> None:
    """One more poll is made shortly before the deadline, and it may find the answer."""
    limited = refusal(429, "request_rate_limit_exceeded")
    limited.headers["retry-after"] = "3600"
    provider = Provider(stream(events()[:9]), limited, plain(final()))

    async def main() -> tuple[str, float]:
        began = asyncio.get_running_loop().time()
        async with provider.client() as client:
            ctx = Listener().context(deadline=began + 100)
            result = await create_chat_completion(client, QUESTION, ctx)
        seconds = asyncio.get_running_loop().time() - began
        return str(result.output["content"]), seconds

    content, seconds = OwnClock(rate_headers).run(main())
    assert content == SHOWN
    assert 98 < seconds < 100


def test_a_run_that_may_have_ended_is_not_cancelled_at_the_deadline(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The last poll failed: the error is the poll's, and the run can be continued."""
    monkeypatch.setattr(provider_run, "_LAST_POLL_S", 30.0)
    limited = refusal(429, "request_rate_limit_exceeded")
    limited.headers["retry-after"] = "3600"
    provider, listener = Provider(stream(events()[:9]), limited), Listener()
    error = failure(provider, listener, deadline=time.monotonic() + 30.05)
    assert (error.code, error.retryable, error.effect) == (
        "rate_limited",
        True,
        "unknown",
    )
    assert error.retry_after == 3600
    assert listener.states[-1]["response_id"] == RUN_ID
    assert [method for method, _ in provider.asked] == ["POST", "GET", "GET"]


def test_a_run_that_is_under_way_is_cancelled_when_there_is_no_time_for_a_poll(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The last poll, shortly before the deadline, says that it goes on."""
    monkeypatch.setattr(provider_run, "_LAST_POLL_S", 30.0)
    monkeypatch.setattr(provider_run, "_LONGEST_WAIT", 60.0)
    monkeypatch.setattr(provider_run, "_pauses", lambda: iter([60.0, 60.0]))
    provider, listener = Provider(stream(events()[:9]), UNDER_WAY), Listener()
    error = failure(provider, listener, deadline=time.monotonic() + 30.05)
    assert (error.code, error.effect) == ("timeout", "unknown")
    assert listener.states[-1]["response_id"] == RUN_ID
    assert provider.asked[-1] == ("POST", f"{RUN_PATH}/cancel")


def test_a_run_that_is_attached_to_after_its_deadline_is_looked_at_first() -> None:
    """Only one that is under way is cancelled."""
    provider, listener = Provider(UNDER_WAY), Listener()
    resume = {"response_id": RUN_ID}
    error = failure(
        provider, listener, resume_from=resume, deadline=time.monotonic() - 1
    )
    assert error.code == "timeout"
    assert provider.asked[0] == ("GET", RUN_PATH)


def test_a_deadline_during_the_first_poll_keeps_the_run() -> None:
    """It may have ended, so it is not cancelled."""
    polls: list[str] = []

    async def network(request: httpx.Request) -> httpx.Response:
        polls.append(f"{request.method} {request.url.path}")
        if request.method == "POST":
            return stream(events()[:9])
        return await asyncio.Future()

    listener = Listener()

    async def main() -> None:
        async with client_over(network) as client:
            ctx = listener.context(deadline=time.monotonic() + 0.1)
            with pytest.raises(ConnectorError) as caught:
                await create_chat_completion(client, QUESTION, ctx)
            assert (caught.value.code, caught.value.retryable) == ("timeout", True)

    asyncio.run(main())
    assert polls == ["POST /v1/agent", f"GET {RUN_PATH}"]
    assert listener.states[-1]["response_id"] == RUN_ID


@pytest.mark.parametrize("listen", [True, False])
def test_a_stream_with_too_much_text_is_fetched_instead(
    monkeypatch: pytest.MonkeyPatch, listen: bool
) -> None:
    """Reading stops, and nothing of the answer is lost."""
    monkeypatch.setattr(agent_events, "MOST_BYTES", 3000)
    rows = [*events()[:5], *events(text="x" * 6000)[5:]]
    whole = plain(final(text="x" * 6000))
    result = run(Provider(stream(rows), whole), Listener(), listen=listen)
    assert result.output["content"] == "x" * 6000
    assert codes(result) == ["recovered"]


@pytest.mark.parametrize(
    ("error", "more", "pointers"),
    [
        ({"type": "model_error", "message": "stopped (reasoning_only)"}, {"max_tokens": 2048}, ["/max_tokens"]),
        ({"type": "model_error", "message": "stopped (reasoning_only)"}, {}, []),
        ({"type": "model_error", "message": "stopped"}, {"max_tokens": 2048}, []),
    ],
)  # fmt: skip
def test_a_run_that_only_reasoned_points_at_the_limit(
    error: dict[str, Any], more: dict[str, Any], pointers: list[str]
) -> None:
    """If the author set one; repeating the run would fail again."""
    end = {"type": "response.failed", "error": error}
    found = failure(Provider(stream(events(end))), Listener(), QUESTION | more)
    assert [field.pointer for field in found.fields] == pointers
    assert found.provider_code == "model_error"
    assert not found.retryable


def test_five_failed_polls_in_a_row_are_forgiven() -> None:
    """The sixth one is the error; a poll that succeeds begins the count again."""
    failed, under_way = refusal(503), plain(final("in_progress", output=[]))
    provider = Provider(
        stream(events()[:4]), *[failed] * 5, under_way, *[failed] * 5, plain(final())
    )
    assert run(provider, Listener()).output["content"] == SHOWN
    provider = Provider(stream(events()[:4]), failed)
    assert failure(provider, Listener()).code == "unavailable"
    assert len(provider.asked) == 1 + 6
    provider = Provider(stream(events()[:4]), failed, under_way, failed)
    assert failure(provider, Listener()).code == "unavailable"
    assert len(provider.asked) == 1 + 2 + 6


def test_a_run_that_never_ends_is_a_time_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Even without a deadline there is an end to looking."""
    monkeypatch.setattr(provider_run, "_POLLS", 3)
    provider = Provider(stream(events()[:4]), plain(final("in_progress")))
    assert failure(provider, Listener()).code == "timeout"
    assert len(provider.asked) == 4


def test_a_new_attempt_goes_on_where_the_text_stopped() -> None:
    """No POST, and only the missing suffix is told."""
    listener = Listener()
    provider = Provider(plain(final()))
    result = run(provider, listener, resume_from={"response_id": RUN_ID, "shown": 8})
    assert provider.asked == [("GET", RUN_PATH)]
    assert listener.text() == SHOWN[8:]
    assert result.output["content"] == SHOWN


def test_a_run_that_failed_meanwhile_is_told_as_failed() -> None:
    """Coming back to a failed run is no success."""
    error = failure(
        Provider(plain(final("failed"))),
        Listener(),
        resume_from={"response_id": RUN_ID},
    )
    assert (error.code, error.effect) == ("upstream_failed", "unknown")


@pytest.mark.parametrize(
    "state", [{}, {"response_id": "../models"}, {"response_id": 7}]
)
def test_a_state_that_names_no_run_is_refused(state: dict[str, Any]) -> None:
    """It becomes part of an address, so it is looked at first, and never means a fresh POST."""
    provider = Provider(stream(events()))
    error = failure(provider, Listener(), resume_from=state)
    assert (error.code, error.effect) == ("invalid_input", "none")
    assert provider.asked == []


@pytest.mark.parametrize(
    ("end", "code"),
    [
        (
            {
                "type": "response.failed",
                "error": {"type": "internal_error", "message": "…"},
            },
            "internal_error",
        ),
        (
            {
                "type": "response.failed",
                "response": final("failed", error={"code": "server_error"}),
            },
            "server_error",
        ),
        ({"type": "response.completed", "response": final("failed")}, None),
        ({"type": "response.cancelled"}, None),
        ({"type": "response.cancelled", "response": final("cancelled")}, None),
        ({"type": "response.requires_action"}, None),
        ({"type": "response.completed", "response": final("requires_action")}, None),
    ],
)
@pytest.mark.parametrize("listen", [True, False])
def test_a_run_that_ends_badly_is_an_error_with_what_was_received(
    end: dict[str, Any], code: str | None, listen: bool
) -> None:
    """With and without a `response` inside, listened to or not: the same error, the same partial answer."""
    error: Any = failure(Provider(stream(events(end))), Listener(), listen=listen)
    assert (error.code, error.effect, error.retryable) == (
        "upstream_failed",
        "unknown",
        False,
    )
    assert error.provider_code == code
    assert error.partial["content"] == SHOWN


@pytest.mark.parametrize("listen", [True, False])
@pytest.mark.parametrize(
    "end",
    [
        {
            "type": "response.incomplete",
            "response": final(
                "incomplete",
                output=[],
                incomplete_details={"reason": "max_output_tokens"},
            ),
        },
        {"type": "response.incomplete"},
    ],
)
def test_a_cut_answer_has_finish_reason_length_and_the_text_so_far(
    end: dict[str, Any], listen: bool
) -> None:
    """An incomplete run is a success with a word about it, though its final object may be empty."""
    result: Any = run(Provider(stream(events(end))), Listener(), listen=listen)
    assert result.output["choices"][0]["finish_reason"] == "length"
    assert result.output["content"] == SHOWN
    assert codes(result) == ["incomplete"]


def test_a_plain_body_is_understood_where_a_stream_was_asked_for() -> None:
    """A gateway that buffers gives the final object alone."""
    result = run(Provider(plain(final())), Listener())
    assert result.output["content"] == SHOWN


def test_what_was_streamed_and_what_is_final_may_differ_with_a_warning() -> None:
    """The final text is the output."""
    rows = events(
        {"type": "response.completed", "response": final(text="Another answer.")}
    )
    result = run(Provider(stream(rows)), Listener())
    assert result.output["content"] == "Another answer."
    assert codes(result) == ["stream_diverged"]


def test_the_deadline_gives_what_was_received_and_asks_the_provider_to_stop(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The run is cancelled once, and the partial answer is kept; polls are not counted before."""
    monkeypatch.setattr(provider_run, "_POLLS", 1)
    under_way = plain(final("in_progress", output=[]))

    def looked_at(request: httpx.Request) -> httpx.Response:
        return plain({}) if request.method == "POST" else under_way

    provider = Provider(stream(events()[:9]), looked_at)
    listener = Listener()
    error: Any = failure(provider, listener, deadline=time.monotonic() + 0.05)
    assert listener.states[-1]["response_id"] == RUN_ID
    assert (error.code, error.effect) == ("timeout", "unknown")
    assert error.partial["content"]
    assert [path for method, path in provider.asked if method == "POST"] == [
        "/v1/agent",
        f"{RUN_PATH}/cancel",
    ]


@asynccontextmanager
async def never() -> AsyncIterator[None]:
    """A host's limit that gives no turn."""
    await asyncio.Event().wait()
    yield


def test_a_run_that_never_had_its_turn_had_no_effect() -> None:
    """The deadline ends it while its request still waits in the host."""
    provider = Provider()
    error = failure(
        provider, Listener(), deadline=time.monotonic() + 0.05, permit=never
    )
    assert (error.code, error.effect, provider.asked) == ("timeout", "none", [])


def test_looking_at_a_begun_run_does_not_wait_for_a_turn_nor_count_as_one() -> None:
    """The host's limit is for requests that begin something; the provider counts the others apart."""
    heard: list[Any] = []
    parts: Any = {"observe_limit": heard.append, "observe_refusal": heard.append}
    provider = Provider(refusal(429), plain(final()))
    state: Any = {"response_id": RUN_ID, "shown": 0}
    result = run(provider, Listener(), resume_from=state, permit=never, **parts)
    assert result.output["content"] == SHOWN
    assert provider.asked == [("GET", RUN_PATH)] * 2
    assert heard == []


def test_a_wait_between_polls_that_the_provider_asks_for_gets_jitter_on_top(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is never cut."""
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    # Its own copy: a server of another test may sleep in this process.
    own = SimpleNamespace(**{**vars(asyncio), "sleep": sleep})
    monkeypatch.setattr(provider_run, "asyncio", own)
    limited = refusal(429)
    limited.headers["retry-after"] = "7"
    state = {"response_id": RUN_ID, "shown": 0}
    run(Provider(limited, limited, plain(final())), Listener(), resume_from=state)
    assert len(set(slept)) == 2
    assert all(7 <= seconds <= 7.7 for seconds in slept)


def test_a_deadline_after_the_last_event_takes_no_answer_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A server that leaves the connection open is waited for a little; the answer is whole by then."""
    monkeypatch.setattr(api_client, "_DRAIN_SECONDS", 60)

    class Open(Pieces):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            async for piece in super().__aiter__():
                yield piece
            await asyncio.Event().wait()

    answer = httpx.Response(
        200,
        headers={"content-type": "text/event-stream"},
        stream=Open(framed(events())),
    )
    result = run(Provider(answer), Listener(), deadline=time.monotonic() + 1)
    assert result.output["content"] == SHOWN


@pytest.mark.parametrize("listen", [True, False])
@pytest.mark.parametrize(("told", "received"), [(9, True), (5, True), (1, False)])
def test_what_a_cancelled_run_received_is_salvaged_once_the_provider_was_asked_to_stop(
    told: int, received: bool, listen: bool
) -> None:
    """The text and the sources so far; nothing where there was nothing."""
    looking = asyncio.Event()
    happened: list[str] = []
    listener = Listener()

    async def network(request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            happened.append(request.url.path)
            return (
                plain({})
                if request.url.path.endswith("/cancel")
                else stream(events()[:told])
            )
        looking.set()
        return await asyncio.Future()

    def salvage(partial: Any) -> None:
        happened.append("salvaged")
        listener.salvaged.append(partial)

    async def main() -> None:
        async with client_over(network) as client:
            ctx = replace(listener.context(listen=listen), salvage=salvage)
            await cancel_once(create_chat_completion(client, QUESTION, ctx), looking)

    asyncio.run(main())
    assert happened == [
        "/v1/agent",
        f"{RUN_PATH}/cancel",
        *(["salvaged"] if received else []),
    ]
    assert all(
        partial["id"] == RUN_ID and len(partial["citations"]) == 2
        for partial in listener.salvaged
    )
    assert all(SHOWN.startswith(partial["content"]) for partial in listener.salvaged)
    assert bool(listener.salvaged and listener.salvaged[0]["content"]) == (told > 5)


def test_a_run_cancelled_while_its_failure_is_being_kept_is_salvaged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Between the failure and its checkpoint nothing is lost either."""
    monkeypatch.setattr(provider_run, "_FORGIVEN_FAILURES", 0)
    listener = Listener()
    kept = asyncio.Event()

    async def checkpoint(state: dict[str, Any]) -> None:
        if listener.states:
            kept.set()
            await asyncio.Future()
        listener.states.append(state)

    listener.checkpoint = checkpoint

    async def main() -> None:
        async with Provider(stream(events()[:9]), refusal(503)).client() as client:
            await cancel_once(
                create_chat_completion(client, QUESTION, listener.context()), kept
            )

    asyncio.run(main())
    assert [SHOWN.startswith(partial["content"]) for partial in listener.salvaged] == [
        True
    ]


@pytest.mark.parametrize(
    ("answer", "accepted"),
    [(plain({"status": "cancelling"}), True), (refusal(500), False)],
)
def test_cancelling_asks_the_provider_to_stop_and_stays_a_cancellation(
    answer: httpx.Response, accepted: bool
) -> None:
    """What the provider says to it never masks the cancellation; the host learns of it."""
    looking = asyncio.Event()
    said: list[bool] = []

    async def under_way(request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            return (
                answer if request.url.path.endswith("/cancel") else stream(events()[:4])
            )
        looking.set()
        await asyncio.Event().wait()
        return refusal(500)

    asked: list[str] = []

    async def network(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        return await under_way(request)

    async def main() -> None:
        ctx = Listener().context(observe_stop=said.append)
        async with client_over(network) as client:
            await cancel_once(create_chat_completion(client, QUESTION, ctx), looking)

    asyncio.run(main())
    assert asked.count(f"{RUN_PATH}/cancel") == 1
    assert said == [accepted]


def test_a_second_cancellation_does_not_end_the_request_to_stop() -> None:
    """The deadline and a caller that leaves can come together: the run at the provider is stopped all the same."""
    looking, stopping, goes_on = asyncio.Event(), asyncio.Event(), asyncio.Event()
    stopped: list[str] = []

    async def network(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/cancel"):
            stopping.set()
            await goes_on.wait()
            stopped.append(request.url.path)
            return plain({})
        if request.method == "POST":
            return stream(events()[:4])
        looking.set()
        return await asyncio.Future()

    async def main() -> None:
        async with client_over(network) as client:
            task = asyncio.create_task(
                create_chat_completion(client, QUESTION, Listener().context())
            )
            await looking.wait()
            task.cancel()
            await stopping.wait()
            task.cancel()
            await asyncio.wait([task], timeout=0)
            goes_on.set()
            await asyncio.wait([task])
            assert task.cancelled()

    asyncio.run(main())
    assert stopped == [f"{RUN_PATH}/cancel"]


def test_cancelling_before_the_run_has_an_id_cannot_ask_for_anything() -> None:
    """There is nothing to name yet."""
    sent = asyncio.Event()
    asked: list[str] = []

    async def network(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        sent.set()
        await asyncio.Event().wait()
        return refusal(500)

    async def main() -> None:
        async with client_over(network) as client:
            await cancel_once(
                create_chat_completion(client, QUESTION, Listener().context()), sent
            )

    asyncio.run(main())
    assert asked == ["/v1/agent"]


def test_a_structured_answer_is_parsed_and_its_text_left_alone() -> None:
    """`parsed` holds the value; an array such as [1] in it is no mark."""
    schema = {
        "type": "object",
        "properties": {"km": {"type": "array"}},
        "required": ["km"],
    }
    wanted = {
        "response_format": {"type": "json_schema", "json_schema": {"schema": schema}}
    }
    text = '{"km": [1], "note": "[web:9]"}'
    result = run(
        Provider(stream(events(text=text))), listener := Listener(), QUESTION | wanted
    )
    assert result.output["parsed"] == {"km": [1], "note": "[web:9]"}
    assert result.output["content"] == listener.text() == text
    assert codes(result) == []


class ReadOnce(list[Received]):
    """Events of which no part can be copied: that would cost the square of their number."""

    def __getitem__(self, place: Any) -> Any:
        """Raise."""
        raise AssertionError(place)


@pytest.mark.parametrize("listen", [True, False])
def test_a_group_of_many_events_is_read_once(
    listen: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A gateway may send thousands of small events in one piece."""
    feed = EventDecoder.feed
    monkeypatch.setattr(
        EventDecoder, "feed", lambda self, piece: ReadOnce(feed(self, piece))
    )
    frames = b"".join(framed(events())).replace(b"\n\n", b"\n\ndata: 1\n\n")
    answer = httpx.Response(200, stream=Pieces([frames]))
    result = run(Provider(answer), Listener(), listen=listen)
    assert result.output["content"] == SHOWN
