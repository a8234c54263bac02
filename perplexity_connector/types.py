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
from perplexity_connector.typed_work import HostWork, SyncHostWork

if TYPE_CHECKING:
    from perplexity_connector.contract import (
        ActionDescription,
        ConnectorDocument,
        EnvelopeOf,
        FieldError,
        FlowErrorDocument,
        FlowHintDocument,
        Hint,
        JsonObject,
        OptionsDocument,
        PaletteEntry,
        ProblemDocument,
        StreamItemOf,
    )
    from perplexity_connector.host import (
        Host,
        RunOptions,
        SyncHost,
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


class TypedHost(_AnyHost, HostWork, Protocol):
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


class TypedSyncHost(_AnyHost, SyncHostWork, Protocol):
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
