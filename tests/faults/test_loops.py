"""Event loops, over real sockets: a host that is closed, stopped, or used on another loop while its runs go on."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
import stamina.instrumentation

from perplexity_connector.contract import repeating
from perplexity_connector.host import Host
from perplexity_connector.perplexity.actions import cancelling, provider_run
from tests.faults.faults import Cut, answer, broken, cut
from tests.faults.proxy import Rule
from tests.faults.row import CHAT, SEARCH, SOME_TEXT, Row, Want, chat, post, search
from tests.faults.stage import CONNECTION, Stage, step_input

RUN_ID = "run_1"
# Not the sandbox's own answer: a run whose stream is cut may have ended there by then.
ACCEPTED = (Rule("POST /v1/agent/", answer(200, b'{"status": "cancelling"}'), 1, 9),)
REFUSED = (Rule("POST /v1/agent/", answer(400), 1, 9),)
DEAF = (Rule("POST /v1/agent/", broken(Cut.STALL), 1, 9),)


def host_of(stage: Stage) -> Host:
    """A host whose requests go through the proxy."""
    settings = {"perplexity": {"base_url": stage.proxy.url}}
    return Host(settings=settings, environ={})


def step(row: Row) -> Any:
    """A row's step."""
    return ("perplexity", row.action, step_input(row))


@pytest.mark.parametrize(
    ("stop", "warnings"),
    [(ACCEPTED, []), (REFUSED, ["stop_unconfirmed"]), (DEAF, ["stop_unconfirmed"])],
    ids=["accepted", "refused", "deaf"],
)
def test_a_host_that_is_closed_in_the_middle_of_a_chat_stops_it_and_keeps_what_it_has(
    stage: Stage,
    stop: Sequence[Rule],
    warnings: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The provider is asked once. The caller gets text, sources, and a checkpoint to come back by."""
    monkeypatch.setattr(cancelling, "_CANCEL_SECONDS", 0.5)
    row = chat("closed", Want(), *stop, post(cut(Cut.STALL, events=SOME_TEXT)))
    scene = stage.proxy.play(*row.rules)
    states: list[Mapping[str, Any]] = []

    async def main() -> Any:
        begun = asyncio.Event()

        async def read(host: Host) -> Any:
            item: Any
            items = host.stream(
                *step(row), connection=CONNECTION, on_checkpoint=states.append
            )
            async for item in items:
                if item["type"] == "text.delta":
                    begun.set()
            return item["envelope"]

        async with host_of(stage) as host:
            reader = asyncio.create_task(read(host))
            await begun.wait()
        return await reader

    envelope = asyncio.run(main())
    assert (envelope["status"], envelope["error"]["effect"]) == ("cancelled", "unknown")
    assert envelope["partial"]["content"]
    assert envelope["partial"]["citations"]
    assert [each["code"] for each in envelope["warnings"]] == warnings
    assert [asked.path.rpartition("/")[2] for asked in scene.asked] == [
        "agent",
        "cancel",
    ]
    assert len(states) == 1
    assert states[0]["response_id"]


@pytest.mark.parametrize("action", [CHAT, SEARCH])
def test_a_run_that_is_stopped_between_two_attempts_sends_no_more_than_that(
    stage: Stage, action: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A chat one request to stop, a search nothing at all; neither is begun again."""
    monkeypatch.setattr(repeating, "back_off", lambda _: 20.0)
    monkeypatch.setattr(provider_run, "_LONGEST_WAIT", 0.0)
    now = {"retry-after": "0"}
    looks = Rule("GET /v1/agent/", answer(503, b"", now), 1, 99)
    rows = {
        CHAT: chat(
            "stop", Want(), *ACCEPTED, post(cut(Cut.CLOSE, events=SOME_TEXT)), looks
        ),
        SEARCH: search(
            "stop", Want(), Rule("POST /search", answer(503, b"", now), 1, 99)
        ),
    }
    scene = stage.proxy.play(*rows[action].rules)

    async def main() -> tuple[int, Any]:
        waiting = asyncio.Event()
        stamina.instrumentation.set_on_retry_hooks([lambda _: waiting.set()])
        async with host_of(stage) as host:
            run = asyncio.create_task(
                host.run(*step(rows[action]), connection=CONNECTION, run_id=RUN_ID)
            )
            await waiting.wait()
            before = len(scene.asked)
            assert host.cancel(RUN_ID)
            return before, await run

    before, envelope = asyncio.run(main())
    assert (envelope["status"], envelope["attempts"]) == ("cancelled", 1)
    assert envelope["warnings"] == []
    later = [asked.path.rpartition("/")[2] for asked in scene.asked[before:]]
    assert later == (["cancel"] if action == CHAT else [])


@pytest.mark.parametrize("action", [CHAT, SEARCH])
def test_a_run_on_another_loop_sends_nothing(stage: Stage, action: str) -> None:
    """It would go over the first loop's connection, be billed, and lose its answer."""
    row = Row(cause="another loop", action=action, want=Want())
    scene = stage.proxy.play()

    async def main() -> tuple[int, Any]:
        async with host_of(stage) as host:
            await host.run(*step(row), connection=CONNECTION)
            before = len(scene.asked)

            async def other() -> None:
                await host.run(*step(row), connection=CONNECTION)

            with pytest.raises(RuntimeError, match="loop"):
                await asyncio.to_thread(lambda: asyncio.run(other()))
            return len(scene.asked) - before, await host.run(
                *step(row), connection=CONNECTION
            )

    sent, envelope = asyncio.run(main())
    assert (sent, envelope["status"]) == (0, "succeeded")
