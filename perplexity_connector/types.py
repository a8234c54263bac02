"""A host with the types of Perplexity's actions, for embedders who use a type checker.

`typed(host)` is the same host. The checker then knows the input and the output of each action:
`envelope["output"]["content"]` needs no cast after `envelope["status"] == "succeeded"`.
"""

from collections.abc import AsyncGenerator, Generator, Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Literal, Protocol, Self, TypeAlias, Unpack, overload

from perplexity_connector.perplexity.forms import documents
from perplexity_connector.perplexity.forms.documents import *
from perplexity_connector.perplexity.forms.documents import (
    ChatInput,
    ChatOutput,
    SearchInput,
    SearchOutput,
)

if TYPE_CHECKING:
    from perplexity_connector.contract import (
        ActionDescription,
        ConnectorDocument,
        EnvelopeOf,
        FieldError,
        FlowDocument,
        FlowErrorDocument,
        FlowHintDocument,
        FlowItem,
        FlowPriceDocument,
        Hint,
        JobItem,
        JsonObject,
        KeptStepDocument,
        OptionsDocument,
        PaletteEntry,
        ProblemDocument,
        StreamItemOf,
        TableFinishedItem,
        TableItem,
    )
    from perplexity_connector.host import (
        FlowOptions,
        Host,
        JobOptions,
        ResumeOptions,
        RunOptions,
        SyncHost,
        TableOptions,
    )
    from perplexity_connector.host.credentials.connections import Connections
    from perplexity_connector.host.runs.params import GivenConnection
    from perplexity_connector.host.sync import SyncConnections

__all__ = ["TypedHost", "TypedSyncHost", "typed"]
__all__ += documents.__all__

_Perplexity: TypeAlias = Literal["perplexity"]
_Chat: TypeAlias = Literal["create_chat_completion"]
_Search: TypeAlias = Literal["execute_search"]


class _AnyHost(Protocol):
    """The methods that both hosts share. They do not wait."""

    def register(self, plugin: object, manifest: Path) -> None:
        """See `Host.register`."""
        ...

    def actions(self) -> "list[PaletteEntry]":
        """See `Host.actions`."""
        ...

    def connectors(self) -> "list[ConnectorDocument]":
        """See `Host.connectors`."""
        ...

    def problems(self) -> "list[ProblemDocument]":
        """See `Host.problems`."""
        ...

    def describe(
        self,
        connector: str,
        action: str,
        version: int | None = None,
    ) -> "ActionDescription":
        """See `Host.describe`."""
        ...

    def validate(
        self,
        connector: str,
        action: str,
        input: Mapping[str, object],
        *,
        version: int | None = None,
    ) -> "list[FieldError]":
        """See `Host.validate`. The input may have any type: to find its errors is the purpose."""
        ...

    def hints(
        self,
        connector: str,
        action: str,
        input: Mapping[str, object],
        *,
        version: int | None = None,
    ) -> "list[Hint]":
        """See `Host.hints`. The input may have any type, as for `validate`."""
        ...

    def flow_hints(self, flow: "JsonObject") -> "list[FlowHintDocument]":
        """See `Host.flow_hints`."""
        ...

    def validate_flow(
        self,
        flow: "JsonObject",
        *,
        connections: "Mapping[str, GivenConnection] | None" = None,
    ) -> "list[FlowErrorDocument]":
        """See `Host.validate_flow`."""
        ...

    def cancel(self, run_id: str) -> bool:
        """See `Host.cancel`."""
        ...


class TypedHost(_AnyHost, Protocol):
    """A `Host` whose `run` and `stream` know Perplexity's actions, and no others.

    For the actions of another connector, use the `Host` itself: it is the same object.
    """

    async def __aenter__(self) -> Self:
        """See `Host`."""
        ...

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """See `Host`."""
        ...

    @property
    def connections(self) -> "Connections":
        """See `Host.connections`."""
        ...

    @overload
    async def run(
        self,
        connector: _Perplexity,
        action: _Chat,
        input: ChatInput,
        **options: "Unpack[RunOptions]",
    ) -> "EnvelopeOf[ChatOutput]": ...
    @overload
    async def run(
        self,
        connector: _Perplexity,
        action: _Search,
        input: SearchInput,
        **options: "Unpack[RunOptions]",
    ) -> "EnvelopeOf[SearchOutput]": ...

    @overload
    def stream(
        self,
        connector: _Perplexity,
        action: _Chat,
        input: ChatInput,
        **options: "Unpack[RunOptions]",
    ) -> "AsyncGenerator[StreamItemOf[ChatOutput], None]": ...
    @overload
    def stream(
        self,
        connector: _Perplexity,
        action: _Search,
        input: SearchInput,
        **options: "Unpack[RunOptions]",
    ) -> "AsyncGenerator[StreamItemOf[SearchOutput], None]": ...

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

    async def options(  # noqa: PLR0913 - as on the host
        self,
        connector: str,
        source: str,
        *,
        search: str = "",
        cursor: str | None = None,
        limit: int = 50,
        connection: "GivenConnection" = None,
    ) -> "OptionsDocument":
        """See `Host.options`."""
        ...


class TypedSyncHost(_AnyHost, Protocol):
    """A `SyncHost` whose `run` and `stream` know Perplexity's actions; see `TypedHost`."""

    def __enter__(self) -> Self:
        """See `SyncHost`."""
        ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """See `SyncHost`."""
        ...

    @property
    def connections(self) -> "SyncConnections":
        """See `Host.connections`."""
        ...

    @overload
    def run(
        self,
        connector: _Perplexity,
        action: _Chat,
        input: ChatInput,
        **options: "Unpack[RunOptions]",
    ) -> "EnvelopeOf[ChatOutput]": ...
    @overload
    def run(
        self,
        connector: _Perplexity,
        action: _Search,
        input: SearchInput,
        **options: "Unpack[RunOptions]",
    ) -> "EnvelopeOf[SearchOutput]": ...

    @overload
    def stream(
        self,
        connector: _Perplexity,
        action: _Chat,
        input: ChatInput,
        **options: "Unpack[RunOptions]",
    ) -> "Generator[StreamItemOf[ChatOutput], None, None]": ...
    @overload
    def stream(
        self,
        connector: _Perplexity,
        action: _Search,
        input: SearchInput,
        **options: "Unpack[RunOptions]",
    ) -> "Generator[StreamItemOf[SearchOutput], None, None]": ...

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

    def options(  # noqa: PLR0913 - as on the host
        self,
        connector: str,
        source: str,
        *,
        search: str = "",
        cursor: str | None = None,
        limit: int = 50,
        connection: "GivenConnection" = None,
    ) -> "OptionsDocument":
        """See `Host.options`."""
        ...


@overload
def typed(host: "Host") -> TypedHost: ...
@overload
def typed(host: "SyncHost") -> TypedSyncHost: ...
def typed(host: object) -> object:
    """Return the same host; a type checker then knows the inputs and outputs of Perplexity's actions."""
    return host
