"""Flows that go on without a page, on an event loop: no server, no clock."""

import asyncio
import json
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any

import pytest

from perplexity_connector.contract import ConnectorError, ErrorCode
from perplexity_connector.workbench.failures import RefusedError
from perplexity_connector.workbench.streams import (
    BrokenStreamError,
    ItemLines,
    Streams,
)
from tests.host.stage import TOKEN

FLOW = f"flow_{'0' * 32}"


class Stage:
    """A host that notes what it is asked to cancel, and streams over it; a flow of two steps that notes what begins."""

    def __init__(self, *known: str, kept_seconds: float = 600) -> None:
        """Know the ids that can be cancelled."""
        self.known = known
        self.asked: list[str] = []
        self.begun: list[str] = []
        self.streams = Streams(self, kept_seconds)  # type: ignore[arg-type] # only its cancel is used

    def cancel(self, id: str) -> bool:
        """As the host's."""
        self.asked.append(id)
        return id in self.known

    async def flow(self) -> AsyncGenerator[Any, None]:
        """The items of the flow."""
        try:
            for step in ("one", "two"):
                yield {"type": "step.started", "step": step, "run_id": f"run_{step}"}
                self.begun.append(step)
                yield {"type": "step.finished", "step": step}
            yield {"type": "flow.finished", "status": "succeeded"}
        finally:
            self.begun.append("closed")

    async def start(self, name: str = "") -> ItemLines:
        """Run it."""
        return await self.streams.start(FLOW, name, self.flow())


def staged(
    work: Callable[[Stage], Awaitable[None]], *known: str, **kept: float
) -> None:
    """Run that on a stage."""

    async def run() -> None:
        await work(Stage(*known, **kept))

    asyncio.run(run())


async def settled() -> None:
    """All that can go on without anyone has done so."""
    for _ in range(20):
        await asyncio.sleep(0)


def follow(answer: ItemLines) -> AsyncGenerator[str, None]:
    """The lines that a page gets."""
    return answer._lines


def types(lines: str) -> list[str]:
    """The types of the items in these lines."""
    return [json.loads(line)["type"] for line in lines.splitlines()]


ALL = [*["step.started", "step.finished"] * 2, "flow.finished"]


def test_a_flow_begins_no_step_while_no_page_follows() -> None:
    """Not the first one either; a page that comes gets all items, and the flow goes on."""

    async def work(stage: Stage) -> None:
        answer = await stage.start()
        await settled()
        assert stage.begun == []
        lines = "".join([text async for text in follow(answer)])
        assert types(lines) == ALL
        assert stage.begun == ["one", "two", "closed"]

    staged(work)


def test_a_page_that_comes_later_knows_when_a_step_began() -> None:
    """Each start has its time; other items are as the host has made them."""

    async def work(stage: Stage) -> None:
        before = time.time_ns() // 1_000_000
        answer = await stage.start()
        text = "".join([text async for text in follow(answer)])
        items = [json.loads(line) for line in text.splitlines()]
        timed = [item for item in items if "at" in item]
        assert [item["type"] for item in timed] == ["step.started"] * 2
        assert timed[0]["at"] >= before

    staged(work)


def test_a_page_that_goes_away_leaves_its_step_running() -> None:
    """The next one waits for a page that comes back, which gets all items from the first."""

    async def work(stage: Stage) -> None:
        going = asyncio.Event()

        async def flow() -> AsyncGenerator[Any, None]:
            async for item in stage.flow():
                yield item
                if item["type"] == "step.started":
                    await going.wait()

        page = follow(await stage.streams.start(FLOW, "", flow()))
        await anext(page)
        await settled()
        await page.aclose()
        going.set()
        await settled()
        assert stage.begun == ["one"]
        back = follow(stage.streams.follow(FLOW))
        assert types(await anext(back)) == ALL[:3]
        assert types("".join([text async for text in back])) == ALL[3:]
        assert stage.begun == ["one", "two", "closed"]

    staged(work)


def test_two_pages_get_the_same_items() -> None:
    """Each of them all."""

    async def work(stage: Stage) -> None:
        pages = [await stage.start(), stage.streams.follow(FLOW)]
        texts = [[text async for text in follow(page)] for page in pages]
        assert types("".join(texts[0])) == types("".join(texts[1])) == ALL

    staged(work)


@pytest.mark.parametrize(
    ("id", "asked"), [(FLOW, [FLOW]), ("run_one", ["run_one", FLOW])]
)
def test_a_flow_that_waits_is_cancelled_by_its_id_or_that_of_its_run(
    id: str, asked: list[str]
) -> None:
    """It goes on to its end without a page."""

    async def work(stage: Stage) -> None:
        await stage.start()
        assert not stage.streams.cancel("run_none")
        stage.asked.clear()
        assert stage.streams.cancel(id)
        assert stage.asked == asked
        await stage.streams.end()
        assert stage.begun[-1] == "closed"

    staged(work, FLOW)


def test_a_flow_that_waits_at_the_end_of_the_server_is_left() -> None:
    """Its next step does not begin, and it has no last item: it can be resumed."""

    async def work(stage: Stage) -> None:
        answer = await stage.start()
        stage.streams.stop()
        await stage.streams.end()
        assert (stage.asked, stage.begun) == (["run_one"], ["closed"])
        lines = "".join([text async for text in follow(answer)])
        assert types(lines) == ["step.started"]

    staged(work)


def test_a_table_is_cancelled_by_its_job_and_needs_no_page() -> None:
    """Its plan names the job."""

    async def table() -> AsyncGenerator[Any, None]:
        yield {"type": "table.planned", "job_id": "job_1"}
        await settled()
        yield {"type": "table.finished"}

    async def work(stage: Stage) -> None:
        await stage.streams.start("table", "", table())
        assert stage.streams.cancel("job_1")
        stage.streams.stop()
        await stage.streams.end()
        assert stage.asked == ["job_1"] * 2
        assert stage.streams.flows() == []

    staged(work, "job_1")


def test_a_flow_is_listed_until_a_page_has_all_its_items() -> None:
    """With its name, and when it began and ended."""

    async def work(stage: Stage) -> None:
        page = follow(await stage.start("Mine"))
        (running,) = stage.streams.flows()
        assert (running["flow_id"], running["name"]) == (FLOW, "Mine")
        assert running["ended_at"] is None
        await anext(page)
        await settled()
        await page.aclose()
        (ended,) = stage.streams.flows()
        assert ended["ended_at"]
        assert ended["ended_at"] >= ended["started_at"] == running["started_at"]
        assert types("".join([one async for one in follow(stage.streams.follow(FLOW))]))
        assert stage.streams.flows() == []
        with pytest.raises(ConnectorError) as caught:
            stage.streams.follow(FLOW)
        assert caught.value.code == ErrorCode.NOT_FOUND

    staged(work)


def test_an_ended_flow_that_no_page_comes_back_to_is_dropped() -> None:
    """After a time: the ledger has it."""

    async def work(stage: Stage) -> None:
        await stage.start()
        stage.streams.cancel(FLOW)
        await stage.streams.end()
        await settled()
        assert stage.streams.flows() == []

    staged(work, FLOW, kept_seconds=0)


def test_an_id_is_used_again_only_after_the_end() -> None:
    """As a flow that is resumed does; what was kept of it before is not dropped with it."""

    async def work(stage: Stage) -> None:
        first = await stage.start()
        with pytest.raises(RefusedError) as caught:
            await stage.start()
        assert caught.value.status == 409
        stage.streams.cancel(FLOW)
        await stage.streams.end()
        await stage.start("again")
        assert [text async for text in follow(first)]
        assert [flow["name"] for flow in stage.streams.flows()] == ["again"]

    staged(work, FLOW)


def test_a_flow_that_cannot_begin_raises_its_error() -> None:
    """And nothing of it is kept."""

    async def wrong() -> AsyncGenerator[Any, None]:
        raise ConnectorError(ErrorCode.INVALID_INPUT, "wrong")
        yield

    async def work(stage: Stage) -> None:
        with pytest.raises(ConnectorError):
            await stage.streams.start(FLOW, "", wrong())
        assert stage.streams.flows() == []

    staged(work)


def test_a_flow_that_breaks_is_logged_without_words(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Also when no page follows; one that follows later gets a break too."""

    async def breaking() -> AsyncGenerator[Any, None]:
        yield {"type": "flow.started"}
        raise ValueError(TOKEN)

    async def work(stage: Stage) -> None:
        answer = await stage.streams.start(FLOW, "", breaking())
        await stage.streams.end()
        assert "ValueError" in caplog.text
        assert TOKEN not in caplog.text
        with pytest.raises(BrokenStreamError):
            assert [text async for text in follow(answer)]

    staged(work)


def test_a_client_that_had_stopped_reading_does_not_follow_any_more() -> None:
    """When it leaves, while a line is being sent."""

    async def work(stage: Stage) -> None:
        messages = ["http.request", "http.disconnect"]

        async def send(_: object) -> None:
            await asyncio.Event().wait()

        async def receive() -> Any:
            await settled()
            return {"type": messages.pop(0)}

        answer = await stage.start()
        await answer({"type": "http"}, receive, send)
        with pytest.raises(StopAsyncIteration):
            await anext(follow(answer))

    staged(work)
