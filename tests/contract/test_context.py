"""What a host hands to an action."""

import asyncio
import re
import time
from typing import Any

from perplexity_connector.contract import ActionContext, ActionResult


def test_a_plain_host_can_build_a_context_from_nothing() -> None:
    """Every part has a default that does nothing."""
    ctx = ActionContext()
    assert re.fullmatch("run_[0-9a-f]{32}", ctx.run_id)
    assert (ctx.attempt, ctx.last_attempt, ctx.connection) == (1, True, {})
    assert (ctx.deadline, ctx.resume_from, ctx.wants_events) == (None, None, False)
    assert (ctx.waited(), ctx.seconds_left()) == (0, None)
    assert ctx.log.name == "automation_host"


def test_the_seconds_left_grow_by_what_does_not_count() -> None:
    """The host's own limit may hold a run back."""
    now = time.monotonic()
    left = ActionContext(deadline=now + 5, waited=lambda: 3.0).seconds_left()
    assert left is not None
    assert 7 < left <= 8


def test_every_run_has_an_id_of_its_own() -> None:
    """Two contexts do not share a run, nor a connection."""
    one, other = ActionContext(), ActionContext()
    assert one.run_id != other.run_id
    assert one.connection is not other.connection


def test_the_defaults_do_nothing() -> None:
    """A handler can use all parts of a default context."""

    async def use(ctx: ActionContext) -> list[Any]:
        async with ctx.permit() as permit:
            return [
                permit,
                await ctx.checkpoint({"response_id": "resp_1"}),
                ctx.emit({"type": "status", "message": "x"}),
                ctx.salvage({"content": "x"}),
                ctx.save_partial({"content": "x"}),
                ctx.observe_limit(50, 49, 1790000000.0),
                ctx.observe_usage({"search_queries": 1}),
            ]

    assert asyncio.run(use(ActionContext())) == [None] * 7


def test_permits_can_be_held_at_the_same_time() -> None:
    """The default permit limits nothing, not even one context's own requests."""

    async def use(ctx: ActionContext) -> bool:
        async with asyncio.timeout(1), ctx.permit(), ctx.permit():
            return True

    assert asyncio.run(use(ActionContext()))


def test_a_partial_output_reaches_the_host_under_both_names() -> None:
    """A host sets `salvage`; a connector may call it or `save_partial`."""
    saved: list[Any] = []
    ctx = ActionContext(salvage=saved.append)
    ctx.salvage({"content": "a"})
    ctx.save_partial({"content": "ab"})
    assert saved == [{"content": "a"}, {"content": "ab"}]


def test_a_result_needs_no_more_than_an_output() -> None:
    """What an action does not tell is empty, and not shared between results."""
    one, other = ActionResult(output={}), ActionResult(output={})
    assert (one.summary, one.usage, one.warnings, one.meta) == ("", {}, (), {})
    assert one.usage is not other.usage
