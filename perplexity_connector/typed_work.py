"""The types of a host's flows and tables, which are the same for all connectors."""

from collections.abc import AsyncGenerator, Generator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, Unpack

if TYPE_CHECKING:
    from perplexity_connector.contract import (
        FlowDocument,
        FlowItem,
        FlowPriceDocument,
        JobItem,
        JsonObject,
        KeptStepDocument,
        TableFinishedItem,
        TableItem,
    )
    from perplexity_connector.host import (
        FlowOptions,
        FlowTableOptions,
        JobOptions,
        ResumeOptions,
        TableOptions,
    )


class HostWork(Protocol):
    """The flows and tables of a `Host`."""

    def stream_flow(
        self,
        flow: "JsonObject",
        **options: "Unpack[FlowOptions]",
    ) -> "AsyncGenerator[FlowItem, None]":
        """See `Host.stream_flow`."""
        ...

    async def run_flow(
        self,
        flow: "JsonObject",
        **options: "Unpack[FlowOptions]",
    ) -> "FlowDocument":
        """See `Host.run_flow`."""
        ...

    async def flow_price(
        self,
        flow: "JsonObject",
        **options: "Unpack[FlowOptions]",
    ) -> "FlowPriceDocument":
        """See `Host.flow_price`."""
        ...

    async def kept_steps(
        self,
        flow: "JsonObject",
        **options: "Unpack[FlowOptions]",
    ) -> "list[KeptStepDocument]":
        """See `Host.kept_steps`."""
        ...

    def resume_flow(
        self,
        flow_id: str,
        **options: "Unpack[ResumeOptions]",
    ) -> "AsyncGenerator[FlowItem, None]":
        """See `Host.resume_flow`."""
        ...

    def stream_table(
        self,
        connector: str,
        action: str,
        table: str | Path,
        template: Mapping[str, str],
        **options: "Unpack[TableOptions]",
    ) -> "AsyncGenerator[TableItem, None]":
        """See `Host.stream_table`."""
        ...

    def stream_flow_table(
        self,
        flow: "JsonObject",
        table: str | Path,
        template: Mapping[str, str] | None = None,
        **options: "Unpack[FlowTableOptions]",
    ) -> "AsyncGenerator[TableItem, None]":
        """See `Host.stream_flow_table`."""
        ...

    def stream_job(
        self, job: str, **options: "Unpack[JobOptions]"
    ) -> "AsyncGenerator[JobItem, None]":
        """See `Host.stream_job`."""
        ...

    async def write_table(
        self, job: str, out: str | Path, *, raw: bool = False
    ) -> "TableFinishedItem":
        """See `Host.write_table`."""
        ...


class SyncHostWork(Protocol):
    """The flows and tables of a `SyncHost`."""

    def stream_flow(
        self,
        flow: "JsonObject",
        **options: "Unpack[FlowOptions]",
    ) -> "Generator[FlowItem, None, None]":
        """See `Host.stream_flow`."""
        ...

    def run_flow(
        self,
        flow: "JsonObject",
        **options: "Unpack[FlowOptions]",
    ) -> "FlowDocument":
        """See `Host.run_flow`."""
        ...

    def flow_price(
        self,
        flow: "JsonObject",
        **options: "Unpack[FlowOptions]",
    ) -> "FlowPriceDocument":
        """See `Host.flow_price`."""
        ...

    def kept_steps(
        self,
        flow: "JsonObject",
        **options: "Unpack[FlowOptions]",
    ) -> "list[KeptStepDocument]":
        """See `Host.kept_steps`."""
        ...

    def resume_flow(
        self,
        flow_id: str,
        **options: "Unpack[ResumeOptions]",
    ) -> "Generator[FlowItem, None, None]":
        """See `Host.resume_flow`."""
        ...

    def stream_table(
        self,
        connector: str,
        action: str,
        table: str | Path,
        template: Mapping[str, str],
        **options: "Unpack[TableOptions]",
    ) -> "Generator[TableItem, None, None]":
        """See `Host.stream_table`."""
        ...

    def stream_flow_table(
        self,
        flow: "JsonObject",
        table: str | Path,
        template: Mapping[str, str] | None = None,
        **options: "Unpack[FlowTableOptions]",
    ) -> "Generator[TableItem, None, None]":
        """See `Host.stream_flow_table`."""
        ...

    def stream_job(
        self, job: str, **options: "Unpack[JobOptions]"
    ) -> "Generator[JobItem, None, None]":
        """See `Host.stream_job`."""
        ...

    def write_table(
        self, job: str, out: str | Path, *, raw: bool = False
    ) -> "TableFinishedItem":
        """See `Host.write_table`."""
        ...
