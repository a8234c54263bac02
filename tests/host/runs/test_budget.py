"""A host with a budget in memory: what it reserves, releases, keeps and refuses."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from perplexity_connector.contract import (
    ActionContext,
    ActionHandler,
    ActionResult,
    ConnectorError,
    CostEstimate,
    Effect,
    ErrorCode,
    JsonObject,
    hookimpl,
)
from perplexity_connector.host import Host, SyncHost
from tests.host.runs.ledgers import NotedLedger
from tests.host.stage import CONNECTION, COUNT, GREET, in_host, toy_host
from tests.toy.toy import MANIFEST, Toy

Step = Callable[[ActionContext], Any]
NO_ENVIRONMENT: dict[str, str] = {}


class Priced(Toy):
    """A toy whose runs have a price: the listed one of a greeting is 1 USD, and counting is open-ended."""

    def estimate(
        self, action_id: str, version: int, input: JsonObject
    ) -> CostEstimate | None:
        """The price of an action."""
        del version, input
        if action_id == "greet":
            return CostEstimate(likely=1, worst=1, basis="list_price", group="g")
        return CostEstimate(likely=0.5, worst=0.5, group="c")


class Plugin:
    """Loads the priced toy with one handler, which goes through a script of steps for each request."""

    def __init__(self, *script: Any, kind: type[Toy] = Priced) -> None:
        """Take what each request leads to: a cost, an error, or a function of the context."""
        self.script = list(script)
        self.kind = kind
        self.sent = 0
        self.loaded: list[Toy] = []

    @hookimpl
    def load_connector(self, settings: Mapping[str, str]) -> Toy:
        """Load one."""
        handlers: dict[str, ActionHandler] = {
            "greet": self.handle,
            "count": self.handle,
        }
        self.loaded.append(self.kind(settings=settings, handlers=handlers))
        return self.loaded[-1]

    async def handle(self, input: Any, ctx: ActionContext) -> ActionResult:
        """Send one request, and end as the script says."""
        async with ctx.permit():
            self.sent += 1
        step = self.script.pop(0)
        if callable(step):
            step = await step(ctx)
        if isinstance(step, BaseException):
            raise step
        usage = {} if step is None else {"cost": {"total_cost": step}}
        output = {"text": "Hello"} if "name" in input else {"letters": 3}
        return ActionResult(output=output, usage=usage)


def down(effect: Effect = Effect.NONE, **parts: Any) -> ConnectorError:
    """A failure that may pass at once."""
    parts = {"retry_after": 0, **parts}
    return ConnectorError(ErrorCode.UNAVAILABLE, "Down.", effect=effect, **parts)


def host(plugin: Plugin, budget: Any, **options: Any) -> Host:
    """A host with a budget, and without an environment."""
    return toy_host(plugin, budget=budget, **options)


def runs(
    plugin: Plugin, budget: Any, *, count: int, step: Any = GREET, **options: Any
) -> list[Any]:
    """The envelopes of some runs, one after the other."""

    async def work(opened: Host) -> list[Any]:
        return [await opened.run(*step, connection=CONNECTION) for _ in range(count)]

    return in_host(host(plugin, budget, **options), work)


def codes(envelopes: list[Any]) -> list[str | None]:
    """The error codes; None for a success."""
    return [each["error"] and each["error"]["code"] for each in envelopes]


def test_a_budget_stops_the_run_that_may_exceed_it() -> None:
    """Nothing of it is sent, and the error names its cause in its own words."""
    plugin = Plugin(0.75, 0.75, 0.75)
    envelopes = runs(plugin, 2, count=3)
    assert codes(envelopes) == [None, None, "quota_exhausted"]
    assert plugin.sent == 2
    error = envelopes[-1]["error"]
    assert (error["cause"], error["effect"], error["retryable"]) == (
        "budget",
        "none",
        False,
    )
    assert "1.50 USD" in error["user_message"]


def test_a_price_above_the_whole_budget_is_refused_at_once() -> None:
    """It is not a matter of waiting."""
    plugin = Plugin(1)
    (envelope,) = runs(plugin, "0.99", count=1)
    assert (envelope["error"]["cause"], plugin.sent) == ("budget", 0)


def test_a_failure_without_an_effect_gives_its_reservation_back() -> None:
    """A refused request costs nothing, however often it is repeated."""
    plugin = Plugin(down(), down(), 1, 1)
    assert codes(runs(plugin, 2, count=2)) == [None, None]


def test_a_failure_in_doubt_keeps_its_reservation() -> None:
    """The provider may bill it."""
    plugin = Plugin(down(Effect.UNKNOWN), 1)
    assert codes(runs(plugin, 1, count=2)) == ["unavailable", "quota_exhausted"]


def test_a_failure_in_doubt_whose_cost_is_known_costs_that() -> None:
    """A provider that says the cost of a broken run is believed."""
    usage = {"cost": {"total_cost": 0.25}}
    plugin = Plugin(down(Effect.UNKNOWN, usage=usage), 0.5)
    assert codes(runs(plugin, "1.25", count=2)) == ["unavailable", None]


def test_a_success_without_a_cost_keeps_its_reservation() -> None:
    """An unknown cost is not zero."""
    plugin = Plugin(None, 1)
    assert codes(runs(plugin, "1.5", count=2)) == [None, "quota_exhausted"]


def test_a_repeat_after_an_attempt_in_doubt_is_reserved_again() -> None:
    """Counting is idempotent, so it is repeated; both attempts may be billed."""
    plugin = Plugin(down(Effect.UNKNOWN), 0.5, 0.5)
    first, second = runs(plugin, "1.25", count=2, step=COUNT)
    assert (first["error"], first["attempts"]) == (None, 2)
    assert second["error"]["cause"] == "budget"
    plugin = Plugin(down(Effect.UNKNOWN), 0.5)
    (only,) = runs(plugin, "0.75", count=1, step=COUNT)
    assert (only["error"]["cause"], only["error"]["effect"], plugin.sent) == (
        "budget",
        "unknown",
        1,
    )


def test_a_run_waits_for_room_and_its_deadline_waits_with_it() -> None:
    """Both want the whole budget. The second is sent when the first turned out cheaper."""
    plugin = Plugin(0.1, 0.1)

    async def work(opened: Host) -> list[Any]:
        pair = [opened.run(*GREET, connection=CONNECTION) for _ in range(2)]
        return await asyncio.gather(*pair)

    assert codes(in_host(host(plugin, "1.1"), work)) == [None, None]


def test_a_run_that_is_stopped_while_it_waits_costs_nothing() -> None:
    """Its place is free for the next."""
    begun, end = asyncio.Event(), asyncio.Event()

    async def hold(ctx: ActionContext) -> float:
        del ctx
        begun.set()
        await end.wait()
        return 0.1

    plugin = Plugin(hold, 0.1)

    async def work(opened: Host) -> list[Any]:
        first = asyncio.create_task(opened.run(*GREET, connection=CONNECTION))
        await begun.wait()
        second = asyncio.create_task(
            opened.run(*GREET, connection=CONNECTION, run_id="second")
        )
        await asyncio.sleep(0.01)  # it waits for room now
        assert opened.cancel("second")
        stopped = await second
        end.set()
        return [await first, stopped, await opened.run(*GREET, connection=CONNECTION)]

    first, stopped, last = in_host(host(plugin, "1.1"), work)
    assert codes([first, stopped, last]) == [None, "cancelled", None]
    assert stopped["error"]["effect"] == "none"


def test_a_caller_who_leaves_a_run_keeps_its_reservation() -> None:
    """Nobody knows what it will cost."""
    begun = asyncio.Event()

    async def hold(ctx: ActionContext) -> None:
        del ctx
        begun.set()
        await asyncio.Event().wait()

    plugin = Plugin(hold, 1)

    async def work(opened: Host) -> Any:
        left = asyncio.create_task(opened.run(*GREET, connection=CONNECTION))
        await begun.wait()
        left.cancel()
        await asyncio.wait({left})
        return await opened.run(*GREET, connection=CONNECTION)

    assert in_host(host(plugin, "1.5"), work)["error"]["cause"] == "budget"


def test_the_requests_of_one_attempt_share_a_reservation() -> None:
    """The price is that of the whole run."""

    class Several(Plugin):
        async def handle(self, input: Any, ctx: ActionContext) -> ActionResult:
            async def ask() -> None:
                async with ctx.permit():
                    self.sent += 1

            await asyncio.gather(*[ask() for _ in range(5)])
            return await super().handle(input, ctx)

    plugin = Several(1)
    assert codes(runs(plugin, 1, count=1)) == [None]
    assert plugin.sent == 6


def test_a_resumed_run_that_sends_nothing_new_reserves_nothing() -> None:
    """It was paid for by the run that began it."""

    class Resumed(Plugin):
        async def handle(self, input: Any, ctx: ActionContext) -> ActionResult:
            del input, ctx
            usage = {"cost": {"total_cost": 5}}
            return ActionResult(output={"text": "Hello"}, usage=usage)

    async def work(opened: Host) -> list[Any]:
        options: Any = {"connection": CONNECTION, "resume_from": {"id": 1}}
        return [await opened.run(*GREET, **options) for _ in range(3)]

    assert codes(in_host(host(Resumed(), 1), work)) == [None] * 3


def test_own_runs_raise_the_price_of_an_open_ended_run() -> None:
    """Fifty have cost 2 USD each, where the estimate says 0.5 USD."""
    plugin = Plugin(*[2] * 51)
    envelopes = runs(plugin, 101, count=51, step=COUNT)
    assert codes(envelopes) == [None] * 50 + ["quota_exhausted"]
    plugin = Plugin(*[2] * 51)
    assert codes(runs(plugin, 101, count=51, step=COUNT, sandbox=True)) == [None] * 51


def test_a_connector_without_prices_reserves_a_dollar() -> None:
    """A budget holds for it too, as well as it can."""
    assert codes(runs(Plugin(0.5, kind=Toy), "0.99", count=1)) == ["quota_exhausted"]
    assert codes(runs(Plugin(0.5, kind=Toy), "1", count=1)) == [None]


def test_an_input_with_errors_reserves_nothing() -> None:
    """It is refused before its price is asked for."""
    plugin = Plugin(1)

    async def work(opened: Host) -> list[Any]:
        wrong = await opened.run("toy", "greet", {}, connection=CONNECTION)
        return [wrong, await opened.run(*GREET, connection=CONNECTION)]

    assert codes(in_host(host(plugin, 1), work)) == ["invalid_input", None]


def test_a_budget_outlives_the_opening_of_its_host() -> None:
    """It is that of the host object. A run that was left on another loop may have been billed."""
    plugin = Plugin(0.75, 0.75)
    kept = host(plugin, "1.5")

    async def once(opened: Host) -> Any:
        return await opened.run(*GREET, connection=CONNECTION)

    assert codes([in_host(kept, once), in_host(kept, once)]) == [
        None,
        "quota_exhausted",
    ]


def test_a_blocking_host_has_a_budget_too() -> None:
    """It takes what `Host` takes."""
    blocking = SyncHost(environ=NO_ENVIRONMENT, budget="1.5")
    blocking.register(Plugin(1, 1), MANIFEST)
    with blocking:
        envelopes = [blocking.run(*GREET, connection=CONNECTION) for _ in range(2)]
    assert codes(envelopes) == [None, "quota_exhausted"]


@pytest.mark.parametrize("budget", ["much", -1, True, float("nan")])
def test_a_budget_that_is_not_an_amount_is_refused(budget: Any) -> None:
    """When the host is made, and by its name."""
    with pytest.raises(ConnectorError, match="budget") as caught:
        toy_host(budget=budget)
    assert caught.value.code is ErrorCode.INVALID_INPUT


def test_a_daily_budget_needs_a_ledger() -> None:
    """In memory it would hold for one host only. An empty variable is not one."""
    name = "AUTOMATION_HOST_DAILY_BUDGET"
    with pytest.raises(ConnectorError, match=name) as caught:
        toy_host(environ={name: "5"})
    assert caught.value.code is ErrorCode.INVALID_INPUT
    toy_host(environ={name: " "})
    with pytest.raises(ConnectorError, match=name):
        toy_host(environ={name: "much"}, ledger=NotedLedger())
