"""What an engine brings to a host: a limiter, a store, observers, and attempts of its own."""

import asyncio
import json
import logging
import math
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, closing
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest
import stamina

from perplexity_connector.contract import (
    ActionContext,
    ActionResult,
    ConnectorError,
    Effect,
    ErrorCode,
    Observation,
    RequestSent,
    RunFinished,
    RunStarted,
)
from perplexity_connector.host import RateLimiters, StoredConnection
from perplexity_connector.host.runs import observers as observers_room
from tests.host.runs.test_run import COUNTED, GOOD, Script, unavailable
from tests.host.stage import (
    CONNECTION,
    COUNT,
    GREET,
    TOKEN,
    in_host,
    run,
    stream,
    toy_host,
)
from tests.own_clock import OwnClock
from tests.toy.toy import ToyPlugin

CONTENT = "SENTINEL-content"


class OneAtATime:
    """A limiter of an engine: one request at a time, over all its hosts; it keeps all that it is given."""

    def __init__(self, *problems: str) -> None:
        """Fail in the named places."""
        self.problems = problems
        self.asked: list[tuple[str, str]] = []
        self.observed: list[dict[str, float | None]] = []
        self.in_flight = self.most_in_flight = 0
        self._turn = asyncio.Lock()

    def acquire(self, key_id: str, action: str) -> Any:
        """The next turn."""
        self.asked.append((key_id, action))
        if "acquire" in self.problems:
            raise OSError(TOKEN)
        return self._hold()

    @asynccontextmanager
    async def _hold(self) -> AsyncIterator[None]:
        if "enter" in self.problems:
            raise OSError(TOKEN)
        if "refuse" in self.problems:
            raise ConnectorError(ErrorCode.RATE_LIMITED, "Not now.", retry_after=500)
        if "never" in self.problems:
            await asyncio.Event().wait()
        async with self._turn:
            self.in_flight += 1
            self.most_in_flight = max(self.most_in_flight, self.in_flight)
            yield
            self.in_flight -= 1
        if "leave" in self.problems:
            raise OSError(TOKEN)

    def observe(self, key_id: str, action: str, **facts: float | None) -> None:
        """Keep what a response says."""
        assert (key_id, action) == self.asked[-1]
        self.observed.append(facts)
        if "observe" in self.problems:
            raise OSError(TOKEN)


class Memory:
    """A store of an engine, in memory."""

    def __init__(self) -> None:
        """Nothing is stored yet."""
        self.kept: Sequence[StoredConnection] = ()

    def read(self) -> Sequence[StoredConnection]:
        """All of them."""
        return self.kept

    def change(
        self, edit: Callable[[Sequence[StoredConnection]], Sequence[StoredConnection]]
    ) -> None:
        """Replace them."""
        self.kept = tuple(edit(self.kept))


class Table:
    """An observer that writes a table: a row for each run that ended."""

    def __init__(self, file: Path) -> None:
        """Make the table."""
        self._file = file
        self._execute("create table runs (action, status, ms)")

    def observe(self, observation: Observation) -> None:
        """Write a row. Each host calls on a thread of its own, and SQLite wants one thread."""
        if isinstance(observation, RunFinished):
            facts = observation.envelope
            row = (observation.action, facts["status"], facts["duration_ms"])
            self._execute("insert into runs values (?, ?, ?)", row)

    def rows(self) -> list[Any]:
        """Every row."""
        return self._execute("select action, status from runs")

    def _execute(self, statement: str, row: Sequence[Any] = ()) -> list[Any]:
        with closing(sqlite3.connect(self._file, timeout=30)) as table, table:
            return table.execute(statement, row).fetchall()


class Kept(list[Observation]):
    """An observer that keeps everything."""

    def observe(self, observation: Observation) -> None:
        """Keep it."""
        self.append(observation)

    def kinds(self) -> list[str]:
        """The kinds, in order."""
        return [type(each).__name__ for each in self]


async def asks(_: Any, ctx: ActionContext) -> ActionResult:
    """A handler with one request, which is refused."""
    async with ctx.permit():
        await asyncio.sleep(0)
        ctx.observe_limit(50, 0, 1_900_000_000.0)
        ctx.observe_refusal(None)
    ctx.observe_request("GET", f"/things/1?q={CONTENT}", 200, 1.5)
    return GOOD


def test_an_engine_uses_all_seams_at_once(tmp_path: Path) -> None:
    """Two hosts with one limiter and one store; an observer writes a table of the runs of both."""

    async def main() -> Any:
        limiter, table = OneAtATime(), Table(tmp_path / "runs.db")
        store = Memory()
        brought: Any = {"limiter": limiter, "observers": [table], "store": store}
        one, other = (toy_host(ToyPlugin(greet=asks), **brought) for _ in range(2))
        shown = one.connections.add("toy", CONNECTION)
        assert other.connections.list() == [shown]
        async with one, other:
            runs = [host.run(*GREET, connection="Mine") for host in (one, other) * 3]
            ends = [envelope["status"] for envelope in await asyncio.gather(*runs)]
        return ends, limiter, shown, table.rows()

    ends, limiter, shown, rows = asyncio.run(main())
    assert ends == ["succeeded"] * 6
    assert rows == [("greet", "succeeded")] * 6
    assert limiter.most_in_flight == 1
    ((key_id, action),) = set(limiter.asked)
    assert (key_id[:8], action) == (shown["fingerprint"], "greet")
    assert limiter.observed[:2] == [
        {"limit": 50, "remaining": 0, "resets_at": 1_900_000_000.0}
        | {"retry_after": None},
        {"limit": None, "remaining": None, "resets_at": None}
        | {"retry_after": pytest.approx(1, rel=1)},
    ]


@pytest.mark.parametrize("problem", ["acquire", "enter"])
def test_a_limiter_that_fails_sends_nothing_and_the_attempt_is_repeated(
    problem: str,
) -> None:
    """It may be reached again soon. Its own text, which may hold a password, is not shown."""
    limiter = OneAtATime(problem)
    envelope = run(asks, host={"limiter": limiter, "retries": 1})
    assert (envelope["error"]["code"], envelope["error"]["effect"]) == (
        ErrorCode.UNAVAILABLE,
        "none",
    )
    assert len(limiter.asked) == envelope["attempts"] == 2
    assert TOKEN not in json.dumps(envelope)


@pytest.mark.parametrize("problem", ["leave", "observe"])
def test_a_limiter_that_fails_after_the_request_loses_no_answer(
    problem: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The log says so, without the text."""
    assert run(asks, host={"limiter": OneAtATime(problem)})["status"] == "succeeded"
    warnings = [each.getMessage() for each in caplog.records if each.levelno > 20]
    assert warnings
    assert TOKEN not in str(warnings)


def test_a_limiter_may_refuse_a_request_itself() -> None:
    """With its own wait; here it is too long to sleep through."""
    error = run(asks, host={"limiter": OneAtATime("refuse")})["error"]
    assert (error["code"], error["retry_after"]) == (ErrorCode.RATE_LIMITED, 500)
    assert error["repeatable"]


def test_a_turn_that_does_not_come_ends_at_the_deadline() -> None:
    """As with the host's own limit: nothing was sent."""

    async def main() -> Any:
        host = toy_host(ToyPlugin(greet=asks), limiter=OneAtATime("never"), retries=0)
        async with host:
            return await host.run(*GREET, connection=CONNECTION, timeout=30)

    envelope = OwnClock().run(main())
    assert (envelope["error"]["code"], envelope["error"]["effect"]) == (
        ErrorCode.RATE_LIMITED,
        "none",
    )


def test_hosts_may_share_the_default_limiter() -> None:
    """Its state is one: a refusal in one host stops the requests of the other."""

    async def main() -> list[Any]:
        limiter = RateLimiters(1)
        hosts = [toy_host(ToyPlugin(greet=asks), limiter=limiter) for _ in range(2)]
        async with hosts[0], hosts[1]:
            await hosts[0].run(*GREET, connection=CONNECTION)
            late: Any = await hosts[1].run(*GREET, connection=CONNECTION, timeout=0.2)
            (key_id, action), _ = limiter._limiters.popitem()
            async with limiter.acquire(key_id, action):
                nothing = {"limit": None, "remaining": None, "resets_at": None}
                limiter.observe(key_id, action, **nothing, retry_after=None)
                limiter.observe(key_id, action, **nothing, retry_after=90.0)
            refused = limiter.of(key_id, action)._stopped_until > 0
        return [late["error"]["code"], refused]

    assert asyncio.run(main()) == [ErrorCode.RATE_LIMITED, True]


def test_an_engine_counts_its_own_attempts() -> None:
    """The action sees the engine's number, and that another attempt may follow."""
    script = Script(unavailable(), COUNTED)
    run(script, step=COUNT, attempt=3, last_attempt=False, host={"retries": 1})
    assert [(ctx.attempt, ctx.last_attempt) for ctx in script.contexts] == [
        (3, False),
        (4, False),
    ]
    script = Script(COUNTED)
    run(script, step=COUNT, attempt=2, host={"retries": 0})
    assert [(ctx.attempt, ctx.last_attempt) for ctx in script.contexts] == [(2, True)]


@pytest.mark.parametrize(
    "odd", [{"attempt": 0}, {"attempt": "1"}, {"attempt": True}, {"last_attempt": 1}]
)
def test_an_odd_attempt_is_refused(odd: dict[str, Any]) -> None:
    """In the envelope, and nothing is sent."""
    envelope = run(Script(), **odd)
    assert envelope["error"]["code"] == ErrorCode.INVALID_INPUT
    assert envelope["attempts"] == 0


@pytest.mark.parametrize(
    ("error", "more", "repeatable"),
    [
        (unavailable(), {}, True),
        (unavailable(Effect.UNKNOWN), {}, False),
        (unavailable(Effect.UNKNOWN), {"resume_from": {"id": "r1"}}, True),
        (unavailable(retryable=False), {}, False),
        (unavailable(Effect.UNKNOWN), {"step": COUNT}, True),
        (ConnectorError(ErrorCode.UPSTREAM_FAILED, "x", retryable=True), {}, True),
        (ConnectorError(ErrorCode.UPSTREAM_FAILED, "x"), {"step": COUNT}, False),
    ],
)
def test_the_envelope_says_whether_a_repeat_is_harmless(
    error: ConnectorError, more: dict[str, Any], repeatable: bool
) -> None:
    """By the effect, the annotation and the checkpoint; only if the cause may pass."""
    envelope = run(Script(error), host={"retries": 0}, **more)
    assert envelope["error"]["repeatable"] is repeatable


def test_a_connector_may_overrule_its_code() -> None:
    """And the host repeats, or does not."""
    passing = ConnectorError(ErrorCode.NOT_FOUND, "Not there yet.", retryable=True)
    assert run(Script(passing, GOOD))["attempts"] == 2
    assert run(Script(unavailable(retryable=False)))["attempts"] == 1
    odd: Any = {"retryable": "yes"}
    error = run(Script(ConnectorError(ErrorCode.NOT_FOUND, "x", **odd)))["error"]
    assert error["code"] == ErrorCode.INTERNAL


def test_a_listener_learns_of_the_wait_before_a_retry() -> None:
    """The reason, the seconds rounded up, and which attempt comes next; nothing after the last one."""
    limited = ConnectorError(ErrorCode.RATE_LIMITED, "x", retry_after=0.2)
    odd = ConnectorError(ErrorCode.NOT_FOUND, "x", retry_after=0.2, retryable=True)
    *events, envelope = stream(
        Script(limited, odd, ConnectorError(ErrorCode.INTERNAL, "x"))
    )
    assert envelope["attempts"] == 3
    assert [event["type"] for event in events] == ["status"] * 2
    messages = [event["message"] for event in events]
    assert messages == [
        "Too many requests; trying again in 1 s (2 of 4)",
        "The attempt failed; trying again in 1 s (3 of 4)",
    ]
    assert [(event["attempt"], event["attempts"]) for event in events] == [
        (2, 4),
        (3, 4),
    ]
    assert all(0.2 <= event["wait"] <= 1 for event in events)
    assert [event["reason"] for event in events] == [
        "Too many requests",
        "The attempt failed",
    ]


def test_observers_see_a_run_from_its_start_to_its_end() -> None:
    """Each attempt that failed with its wait, each request, and the end, in order."""
    kept, other = Kept(), Kept()
    script = Script(unavailable(http_status=503), lambda ctx: asks({}, ctx))
    envelope = run(script, host={"observers": [kept, other]}, attempt=2)
    assert kept == other
    assert kept.kinds() == ["RunStarted", "AttemptFailed", "RequestSent", "RunFinished"]
    started, failed, sent, finished = [
        {name: getattr(each, name) for name in each.__slots__} for each in kept
    ]
    ids = {"run_id": envelope["run_id"], "connector": "toy", "action": "greet"}
    assert all(
        ids.items() <= each.items() for each in (started, failed, sent, finished)
    )
    assert (started["version"], started["attempt"]) == (2, 2)
    assert len(started["key_id"]) == 64
    assert (failed["attempt"], failed["code"], failed["http_status"]) == (
        2,
        ErrorCode.UNAVAILABLE,
        503,
    )
    assert failed["wait"] > 0
    assert (sent["method"], sent["path"], sent["status"], sent["milliseconds"]) == (
        *("GET", "/things/1", 200),
        1.5,
    )
    assert finished["envelope"]["attempts"] == 2
    json.dumps(finished["envelope"])


def test_nothing_observed_or_logged_has_a_key_or_content(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Whatever the connector and the caller put anywhere that is theirs."""
    caplog.set_level(logging.DEBUG)
    parts: Any = {"user_message": CONTENT, "partial": {"text": CONTENT}}
    failure = ConnectorError(ErrorCode.UNAVAILABLE, CONTENT, retry_after=0, **parts)
    full = ActionResult(output={"text": CONTENT}, summary=CONTENT)
    kept = Kept()

    async def talks(ctx: ActionContext) -> ActionResult:
        ctx.emit({"type": "text.delta", "text": CONTENT})
        ctx.observe_request("GET", f"/x?{CONTENT}", None, 2)
        return full

    async def main() -> list[Any]:
        plugin = ToyPlugin(greet=Script(failure, talks, failure))
        host = toy_host(plugin, observers=[kept], retries=1)
        step = ("toy", "greet", {"name": CONTENT})
        connection = {**CONNECTION, "connection_name": CONTENT}
        async with host:
            return [
                await host.run(*step, connection=connection),
                await host.run(*step, connection=connection, timeout=0.0001),
                await host.run("toy", "greet", {CONTENT: 1}, connection=connection),
                await host.run("toy", TOKEN, {}, connection=connection),
                await host.run(TOKEN, CONTENT, {}, connection=TOKEN),
            ]

    ends = asyncio.run(main())
    assert [end["status"] for end in ends] == ["succeeded"] + ["failed"] * 4
    assert kept.kinds().count("RunFinished") == 5
    texts = [repr(each) for each in kept]
    texts += [str(vars(record)) for record in caplog.records]
    assert [each for each in texts if TOKEN in each or CONTENT in each] == []


def test_an_observer_that_raises_or_hangs_changes_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """For the run, for its end, or for another observer; the log has one line for each problem."""
    monkeypatch.setattr(observers_room, "_LAST_S", 0.05)
    monkeypatch.setattr(observers_room, "_MOST_WAITING", 3)
    released = threading.Event()

    class Broken:
        def observe(self, observation: Observation) -> None:
            raise SystemExit(CONTENT + repr(observation))

    class Hanging:
        def observe(self, _: Observation) -> None:
            released.wait()

    class Prompt:
        def observe(self, observation: Observation) -> None:
            arrived.put(observation)

    arrived: SimpleQueue[Observation] = SimpleQueue()
    brought: Any = {"observers": [Broken(), Hanging(), Prompt()]}
    host = toy_host(ToyPlugin(greet=Script(*[GOOD] * 3)), **brought)

    async def main(_: Any) -> list[Any]:
        ends = []
        for _ in range(3):
            ends.append(await host.run(*GREET, connection=CONNECTION))
            for _ in range(2):
                await asyncio.to_thread(arrived.get, timeout=30)
        return ends

    threads = set(threading.enumerate())
    try:
        assert [end["status"] for end in in_host(host, main)] == ["succeeded"] * 3
        started = set(threading.enumerate()) - threads
        lost = [each for each in started if each.name == "automation-host-observer"]
        assert len(lost) == 1
    finally:
        released.set()
    for thread in lost:  # it comes late: the loop is closed by now
        thread.join()
    lines = [each.getMessage() for each in caplog.records if each.levelno > 20]
    assert len(set(lines)) == 3
    assert CONTENT not in str(lines)


@pytest.mark.parametrize(
    "odd",
    [
        (1, "/", 200, 1.0),
        ("GET", b"/", 200, 1),
        ("GET", "/", "200", 1),
        ("GET", "/", 200, "1"),
    ],
)
def test_a_request_that_a_connector_misdescribes_is_not_observed(odd: Any) -> None:
    """Its own mistake is not an observer's problem."""
    kept = Kept()

    async def misdescribes(ctx: ActionContext) -> ActionResult:
        ctx.observe_request(*odd)
        return GOOD

    assert (
        run(Script(misdescribes), host={"observers": [kept]})["status"] == "succeeded"
    )
    assert not [each for each in kept if isinstance(each, RequestSent)]


def test_a_run_whose_caller_goes_away_is_finished_for_its_observers() -> None:
    """As cancelled; the caller itself gets no envelope."""
    kept = Kept()

    async def main(host: Any) -> None:
        begun = asyncio.Event()

        async def waits(_: ActionContext) -> ActionResult:
            begun.set()
            await asyncio.Event().wait()
            return GOOD

        script.outcomes.append(waits)
        task = asyncio.create_task(host.run(*GREET, connection=CONNECTION))
        await begun.wait()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    script = Script()
    in_host(toy_host(ToyPlugin(greet=script), observers=[kept]), main)
    assert kept.kinds() == ["RunStarted", "RunFinished"]
    assert isinstance(kept[0], RunStarted)
    assert isinstance(kept[1], RunFinished)
    assert kept[1].envelope["status"] == "cancelled"


def test_each_finished_run_is_one_line_of_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """At INFO, as JSON in the message and as data in the record; without that level it costs nothing."""
    caplog.set_level(logging.INFO)
    envelope = run(Script(unavailable(), GOOD))
    (line,) = [each for each in caplog.records if hasattr(each, "run")]
    facts = json.loads(
        line.getMessage().partition("{")[1] + line.getMessage().partition("{")[2]
    )
    assert facts == line.run
    assert (line.levelno, facts["run_id"]) == (logging.INFO, envelope["run_id"])
    assert (facts["status"], facts["attempts"]) == ("succeeded", 2)
    caplog.clear()
    caplog.set_level(logging.WARNING)
    run(Script(GOOD))
    assert caplog.records == []


def test_stamina_is_silent_about_the_host_and_not_about_the_embedder(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Its warnings would be on the stderr of a program that has not set up logging."""
    assert run(Script(unavailable(), GOOD))["attempts"] == 2
    assert [each for each in caplog.records if each.name == "stamina"] == []
    for attempt in stamina.retry_context(
        on=ValueError, attempts=2, wait_initial=0, wait_jitter=0
    ):
        with attempt:
            if attempt.num == 1:
                raise ValueError
    assert [each.name for each in caplog.records] == ["stamina"]


@pytest.mark.parametrize(
    "odd",
    [{"limiter": object()}, {"store": object()}, {"observers": [object()]}],
    ids="-".join,
)
def test_a_seam_without_its_methods_is_refused(odd: dict[str, Any]) -> None:
    """Before anything runs."""
    with pytest.raises(ConnectorError) as caught:
        toy_host(**odd)
    assert caught.value.code == ErrorCode.INVALID_INPUT


class Failing(Memory):
    """A store whose database is away."""

    def read(self) -> Sequence[StoredConnection]:
        """Fail, with a password in the text."""
        raise OSError(TOKEN)

    def change(self, edit: object) -> None:
        """Fail likewise."""
        raise OSError(TOKEN, edit)


def test_a_store_that_fails_is_unavailable_and_says_no_more() -> None:
    """In the envelope of a run, and as the error of any other method."""
    host = toy_host(store=Failing())
    envelope: Any = in_host(host, lambda host: host.run(*GREET, connection="Mine"))
    assert envelope["error"]["code"] == ErrorCode.UNAVAILABLE
    assert TOKEN not in json.dumps(envelope)
    with pytest.raises(ConnectorError) as caught:
        host.connections.add("toy", CONNECTION)
    assert caught.value.code == ErrorCode.UNAVAILABLE
    assert caught.value.__context__ is None


class Odd(Memory):
    """A store that fails with parts that are not JSON."""

    def read(self) -> Sequence[StoredConnection]:
        """Fail."""
        odd: Any = {"set": {1}, "number": math.nan}
        raise ConnectorError(ErrorCode.UNAVAILABLE, "", partial=odd, usage=odd)


def test_the_error_of_a_store_is_plain_json_in_the_envelope() -> None:
    """Its own error passes, without what no JSON reader can read."""
    host = toy_host(store=Odd())
    envelope: Any = in_host(host, lambda host: host.run(*GREET, connection="Mine"))
    assert json.loads(json.dumps(envelope, allow_nan=False)) == envelope
    assert envelope["error"]["code"] == ErrorCode.UNAVAILABLE


def test_a_store_that_returns_something_else_is_unavailable_too() -> None:
    """A mapping has no name to look for."""
    store = Memory()
    odd: Any = [{"name": "Mine"}]
    store.kept = odd
    with pytest.raises(ConnectorError) as caught:
        toy_host(store=store).connections.list()
    assert caught.value.code == ErrorCode.UNAVAILABLE


def test_the_error_of_an_edit_passes_through_any_store() -> None:
    """A name that is taken is the caller's mistake."""
    host = toy_host(store=Memory())
    host.connections.add("toy", CONNECTION)
    with pytest.raises(ConnectorError) as caught:
        host.connections.add("toy", CONNECTION)
    assert caught.value.code == ErrorCode.INVALID_INPUT
