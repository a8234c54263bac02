"""The base of the tests of flows that run: a toy that answers by its input, a ledger, and whole flows."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any

from perplexity_connector.contract import (
    ActionContext,
    ActionResult,
    ConnectorError,
    ErrorCode,
    JsonObject,
)
from perplexity_connector.host import Host, Ledger
from tests.host.stage import TOKEN, toy_host
from tests.toy.toy import ToyPlugin

Document = dict[str, Any]
Handler = Callable[[JsonObject, ActionContext], Awaitable[ActionResult]]
COST: JsonObject = {"cost": {"currency": "USD", "total_cost": 0.1}}


def step(id: str, action: str = "greet", /, **more: Any) -> Document:
    """A step of the toy; keys of a step other than these are its input."""
    keys = {"bindings", "each", "on_failure", "connection", "connector"}
    given = {key: more.pop(key) for key in keys & more.keys()}
    return {"id": id, "connector": "toy", "action": action, "input": more, **given}


def flow(*steps: Document, **more: Any) -> Document:
    """A flow of version 2."""
    return {"flow_version": 2, **more, "steps": list(steps)}


def ref(step: str, pointer: str = "/text", **more: Any) -> Document:
    """A reference to a step."""
    return {"step": step, "pointer": pointer, **more}


# For each person, a greeting.
PEOPLE = {
    "type": "object",
    "properties": {"people": {"type": "array"}, "who": {"type": "string"}},
}


def each(**more: Any) -> Document:
    """A step that greets each person of the inputs."""
    return step(
        "greet",
        bindings={"/name": [{"item": ""}]},
        each={"input": "/people", **more},
    )


def failing(code: ErrorCode = ErrorCode.UNSUPPORTED, **options: Any) -> Handler:
    """A handler that fails with this code."""

    async def fail(_: JsonObject, __: ActionContext) -> ActionResult:
        raise ConnectorError(code, "It failed.", **options)

    return fail


class Theatre:
    """A folder with a ledger, and a toy that greets.

    * `sent`: the name of each greeting whose request has left, in order.
    * `fates`: by name, the handler that carries out a greeting instead; the first of a list, each time.
    * `most`: how many greetings were under way at once at most; `_now`: how many are.
    """

    def __init__(self, folder: Path) -> None:
        """Begin with an empty folder."""
        self.folder = folder
        self.sent: list[str] = []
        self.fates: dict[str, Handler] = {}
        self.most = self._now = 0
        self.ledger = Ledger(f"sqlite:///{folder}/ledger.sqlite", environ={})

    def host(self, **options: Any) -> Host:
        """A toy host over the ledger."""
        plugin = ToyPlugin(greet=self.greet, count=self.count)
        given = {"ledger": self.ledger, "retries": 0, "environ": {"TOY_TOKEN": TOKEN}}
        return toy_host(plugin, **{**given, **options})

    def note(self, name: str) -> None:
        """Note that a request has left."""
        self.sent.append(name)

    async def greet(self, input: JsonObject, ctx: ActionContext) -> ActionResult:
        """Greet, once the request may leave."""
        name = str(input["name"])
        self._now += 1
        self.most = max(self.most, self._now)
        try:
            async with ctx.permit():
                self.note(name)
            ctx.emit({"type": "text.delta", "text": name})
            await asyncio.sleep(0)
            if name in self.fates:
                return await self.fates[name](input, ctx)
        finally:
            self._now -= 1
        return ActionResult(output={"text": f"Hello, {name}"}, usage=COST)

    async def count(self, input: JsonObject, ctx: ActionContext) -> ActionResult:
        """Count the letters."""
        async with ctx.permit():
            self.note(str(input["text"]))
        return ActionResult(output={"letters": len(str(input["text"]))})

    def run(self, document: Document, **options: Any) -> Any:
        """The document of a flow."""
        return self.inside(lambda host: host.run_flow(document, **options))

    def stream(self, document: Document, **options: Any) -> list[Any]:
        """The items of a flow."""
        return self.inside(lambda host: every(host.stream_flow(document, **options)))

    def resume(self, flow_id: str, **options: Any) -> list[Any]:
        """The items of a flow that goes on."""
        return self.inside(lambda host: every(host.resume_flow(flow_id, **options)))

    def inside(self, work: Callable[[Host], Awaitable[Any]], **options: Any) -> Any:
        """The result of work in an open host."""

        async def opened() -> Any:
            async with self.host(**options) as host:
                return await work(host)

        return asyncio.run(opened())

    def known(self, flow_id: str) -> Any:
        """A flow as the ledger has it."""
        return self.ledger.flow(flow_id).result()


async def every(stream: AsyncGenerator[Any, None]) -> list[Any]:
    """All items of a stream."""
    async with aclosing(stream) as items:
        return [item async for item in items]


def kinds(items: list[Any]) -> list[str]:
    """The types of the items, without the events of runs."""
    return [item["type"] for item in items if item["type"] != "text.delta"]
