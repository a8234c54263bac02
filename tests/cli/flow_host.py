"""A host that plays the items of a flow."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from perplexity_connector.cli import hosts
from perplexity_connector.contract import ConnectorError, FlowPriceDocument
from perplexity_connector.host import HostOptions
from tests.cli.fakes import FakeHost, envelope

Document = dict[str, Any]
PRICE: FlowPriceDocument = {
    "likely": 0.01,
    "worst": 0.25,
    "currency": "USD",
    "basis": "estimate",
}


def started(step: str, **parts: Any) -> Document:
    """A step that begins."""
    run_id = {"type": "step.started", "step": step, "run_id": f"run_{step}"}
    return run_id | {"action": "look"} | parts


def ended(step: str, of: Document) -> Document:
    """A step that has ended."""
    return {"type": "step.finished", "step": step, "envelope": of}


def item_ended(step: str, index: int, of: Document) -> Document:
    """An item that has ended."""
    return {"type": "item.finished", "step": step, "index": index, "envelope": of}


def flow_started(*kept: Document, flow_id: str = "flow_1") -> Document:
    """The first item."""
    return {"type": "flow.started", "flow_id": flow_id, "kept": list(kept)}


def flow_ended(status: str = "succeeded") -> Document:
    """The last item."""
    return {"type": "flow.finished", "status": status}


ONE_STEP: list[Document] = [
    flow_started(),
    started("ask"),
    ended("ask", envelope(output={"content": "Far away."})),
    flow_ended(),
]


@dataclass
class FlowHost(FakeHost):
    """Stands in for `Host`.

    `items` are those of a flow; a callable in it is called in its turn. `refusal` is raised before the
    first. `hinted` are the steps that have a hint. `calls` are the flows that were run or priced: how,
    the flow, and the options.
    """

    items: Sequence[Document | Callable[[], None]] = field(
        default_factory=lambda: ONE_STEP
    )
    refusal: ConnectorError | None = None
    hinted: Sequence[str] = ()
    calls: list[tuple[str, Any, Document]] = field(default_factory=list)

    def validate_flow(self, *_: Any, **__: Any) -> list[Document]:
        """Nothing is wrong."""
        return []

    def flow_hints(self, _: Document) -> list[Document]:
        """One hint for each step."""
        return [
            {"step": step, "pointer": "/x", "message": "Look."} for step in self.hinted
        ]

    async def flow_price(self, flow: Document, **options: Any) -> FlowPriceDocument:
        """The same price for every flow."""
        self.calls.append(("price", flow, options))
        return PRICE

    async def stream_flow(
        self, flow: Document, **options: Any
    ) -> AsyncIterator[Document]:
        """Play the items."""
        self.calls.append(("stream", flow, options))
        async for item in self._played():
            yield item

    async def resume_flow(
        self, flow_id: str, **options: Any
    ) -> AsyncIterator[Document]:
        """Play the items."""
        self.calls.append(("resume", flow_id, options))
        async for item in self._played():
            yield item

    @property
    def given(self) -> Document:
        """The options of the last call."""
        return self.calls[-1][2]

    async def _played(self) -> AsyncIterator[Document]:
        if self.refusal:
            raise self.refusal
        for item in self.items:
            if isinstance(item, dict):
                yield item
            else:
                item()
                await asyncio.sleep(0)


def used_flow_host(monkeypatch: pytest.MonkeyPatch) -> FlowHost:
    """A host that the commands use, and which keeps the options that they make it with."""
    fake = FlowHost()

    def make(options: HostOptions) -> FlowHost:
        fake.options.append(options)
        return fake

    monkeypatch.setattr(hosts, "make_host", make)
    return fake
