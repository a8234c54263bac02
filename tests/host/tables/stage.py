"""The base of the tests of tables: a toy host with a ledger, tables as text, and outputs read back."""

import asyncio
import csv
import json
from collections.abc import (
    AsyncGenerator,
    Awaitable,
    Callable,
    Coroutine,
    Mapping,
)
from concurrent.futures import Future
from contextlib import aclosing
from pathlib import Path
from typing import Any, TypeVar

from perplexity_connector.contract import (
    ActionContext,
    ActionResult,
    ConnectorError,
    ErrorCode,
    JsonObject,
)
from perplexity_connector.host import Host, Ledger
from perplexity_connector.host.ledger.entries import LedgerError
from tests.host.stage import CONNECTION, toy_host
from tests.toy.toy import ToyPlugin

T = TypeVar("T")
GREET = {"name": "{name}"}
THREE = "name\nAda\nGrace\nAlan\n"
Handler = Callable[[JsonObject, ActionContext], Awaitable[ActionResult]]


def failing(code: ErrorCode, **options: Any) -> Handler:
    """A handler that fails with this code."""

    async def fail(_: JsonObject, __: ActionContext) -> ActionResult:
        raise ConnectorError(code, "It failed.", **options)

    return fail


class FullLedger(Ledger):
    """A ledger whose disk is full for some methods, as often as `fails` says, after `skips` calls."""

    fails: dict[str, int]
    skips: int = 0
    error: Exception = LedgerError("the disk is full")

    def __getattribute__(self, name: str) -> Any:
        """The method, which fails when it is called while it should."""
        value = super().__getattribute__(name)
        if name not in super().__getattribute__("__dict__").get("fails", {}):
            return value

        def call(*args: Any, **options: Any) -> Any:
            if self.fails[name] <= 0 or self.skips:
                self.skips = max(0, self.skips - 1)
                return value(*args, **options)
            self.fails[name] -= 1
            future: Future[Any] = Future()
            future.set_exception(self.error)
            return future

        return call


async def _all(
    stream: AsyncGenerator[Any, None], watch: Callable[[Any], object]
) -> list[Any]:
    items = []
    async with aclosing(stream):
        async for item in stream:
            items.append(item)
            watch(item)
    return items


class Desk:
    """A folder with a table, an output and a ledger, and a count of the runs.

    * `ran`: the name of each greeting that was sent, in order.
    * `handler`: carries out each greeting.
    * `fate`: the outcome of a greeting instead of an answer, by name.
    """

    def __init__(self, folder: Path) -> None:
        """Begin with an empty folder."""
        self.folder = folder
        self.out = folder / "out.csv"
        self.ran: list[str] = []
        self.fate: dict[str, Handler] = {}
        self.handler: Handler = self.greet
        self.ledger = Ledger(f"sqlite:///{folder}/ledger.sqlite", environ={})

    def table(self, text: str, name: str = "in.csv") -> Path:
        """A table with this text."""
        path = self.folder / name
        path.write_bytes(text.encode())
        return path

    async def greet(self, input: JsonObject, ctx: ActionContext) -> ActionResult:
        """Greet, once the request may leave."""
        async with ctx.permit():
            name = str(input["name"])
            self.ran.append(name)
        if name in self.fate:
            return await self.fate[name](input, ctx)
        return ActionResult(
            output={"text": f"Hello, {name}"}, usage={"cost": {"total_cost": 0.25}}
        )

    def host(self, **options: Any) -> Host:
        """A toy host over the ledger."""
        plugin = ToyPlugin(greet=self.handler, count=self.handler)
        return toy_host(
            plugin, **{"ledger": self.ledger, "retries": 0, "settings": {}, **options}
        )

    def run(
        self,
        table: Path,
        template: Mapping[str, str] = GREET,
        *,
        host: Mapping[str, Any] | None = None,
        watch: Callable[[Host, Any], object] = lambda *_: None,
        **options: Any,
    ) -> list[Any]:
        """All items of one start; `watch` sees the host and each item."""
        options = {"out": self.out, "connection": CONNECTION, **options}

        async def stream() -> list[Any]:
            async with self.host(**(host or {})) as opened:
                rows = opened.stream_table("toy", "greet", table, template, **options)
                return await _all(rows, lambda item: watch(opened, item))

        return self._ended(stream())

    def run_flow(
        self,
        flow: JsonObject,
        table: Path,
        template: Mapping[str, str] | None = None,
        *,
        host: Mapping[str, Any] | None = None,
        watch: Callable[[Host, Any], object] = lambda *_: None,
        **options: Any,
    ) -> list[Any]:
        """All items of one start of a table of a flow."""
        options = {"out": self.out, "connections": {"toy": CONNECTION}, **options}

        async def stream() -> list[Any]:
            async with self.host(**(host or {})) as opened:
                rows = opened.stream_flow_table(flow, table, template, **options)
                return await _all(rows, lambda item: watch(opened, item))

        return self._ended(stream())

    def enter(self, table: Path, **options: Any) -> Any:
        """The item of a job that was entered, with the name `job`."""
        options = {"job": "job", "enter_only": True, **options}
        return self.run(table, **options)[-1]

    async def work(
        self,
        *,
        host: Mapping[str, Any] | None = None,
        watch: Callable[[Host, Any], object] = lambda *_: None,
        **options: Any,
    ) -> list[Any]:
        """All items of one process that runs rows of the job `job`."""
        options = {"connection": CONNECTION, **options}
        async with self.host(**(host or {})) as opened:
            rows = opened.stream_job(options.pop("job", "job"), **options)
            return await _all(rows, lambda item: watch(opened, item))

    def run_job(self, **options: Any) -> list[Any]:
        """The same, alone."""
        return self._ended(self.work(**options))

    def write(self, out: Path | None = None, **options: Any) -> Any:
        """The end of a writing of the job `job`."""
        host = self.host(**options.pop("host", {}))
        return self._ended(host.write_table("job", out or self.out, **options))

    def _ended(self, work: Coroutine[Any, Any, T]) -> T:
        try:
            return asyncio.run(work)
        finally:
            assert self.ledger.close() == []

    def records(self) -> list[dict[str, str]]:
        """The records of the output, a CSV file."""
        with self.out.open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    def json_records(self) -> list[Any]:
        """The records of the output, a file of JSON Lines."""
        return [json.loads(line) for line in self.out.read_text("utf-8").splitlines()]
