"""The connector: one client, two actions, the connection test and the list of models."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import cache, partial
from types import TracebackType
from typing import TYPE_CHECKING, NamedTuple, Self

from perplexity_connector.contract import (
    ActionContext,
    ActionHandler,
    ActionResult,
    ConnectionStatus,
    ConnectionTester,
    Connector,
    ConnectorError,
    CostEstimator,
    ErrorCode,
    FieldError,
    HintGiver,
    JsonObject,
    OptionLister,
    RunCanceller,
)
from perplexity_connector.contract.errors import unchained
from perplexity_connector.contract.near_matches import unknown_name
from perplexity_connector.perplexity.forms.fields import Form
from perplexity_connector.perplexity.forms.validation import validate_input
from perplexity_connector.perplexity.wire.client import Client

if TYPE_CHECKING:
    from perplexity_connector.contract import (
        CostEstimate,
        Hint,
        OptionsPage,
        OptionsQuery,
    )
    from perplexity_connector.perplexity.actions.model_options import ModelOptions


class _Action(NamedTuple):
    form: type[Form]
    run: Callable[[Client, JsonObject, ActionContext], Awaitable[ActionResult]]
    cancel: Callable[[Client, JsonObject, ActionContext], Awaitable[bool]]


# Each action is imported on first use: a search needs nothing of a chat.
@cache
def _chat() -> _Action:
    from perplexity_connector.perplexity.actions.cancelling import (  # noqa: PLC0415 - as above
        cancel_chat,
    )
    from perplexity_connector.perplexity.actions.create_chat_completion import (  # noqa: PLC0415 - as above
        create_chat_completion,
    )
    from perplexity_connector.perplexity.forms.create_chat_completion import (  # noqa: PLC0415 - as above
        ChatInput,
    )

    return _Action(ChatInput, create_chat_completion, cancel_chat)


@cache
def _search() -> _Action:
    from perplexity_connector.perplexity.actions.execute_search import (  # noqa: PLC0415 - as above
        cancel_nothing,
        execute_search,
    )
    from perplexity_connector.perplexity.forms.execute_search import (  # noqa: PLC0415 - as above
        SearchInput,
    )

    return _Action(SearchInput, execute_search, cancel_nothing)


_ACTIONS: Mapping[tuple[str, int], Callable[[], _Action]] = {
    ("create_chat_completion", 1): _chat,
    ("execute_search", 1): _search,
}


# The protocols are base classes, so that a type checker compares each method with the contract.
class PerplexityConnector(
    ConnectionTester, CostEstimator, HintGiver, OptionLister, RunCanceller, Connector
):
    """Perplexity's actions; see `contract.Connector` and the optional protocols.

    `_models` caches the list of models for as long as the connector is open; None until it is
    first asked for.
    """

    def __init__(self, client: Client) -> None:
        """Run actions over `client`, which is opened and closed with the connector."""
        self._client = client
        self._models: ModelOptions | None = None

    def check(
        self, action_id: str, version: int, input: JsonObject
    ) -> Sequence[FieldError]:
        """Return all field errors of an input; empty if it is valid."""
        form = _action(action_id, version).form
        found = validate_input(form, input)
        return found if isinstance(found, list) else []

    def hints(
        self, action_id: str, version: int, input: JsonObject
    ) -> "Sequence[Hint]":
        """Return the hints for an input. A search has none."""
        form = _action(action_id, version).form
        if action_id != "create_chat_completion":
            return []
        from perplexity_connector.perplexity.forms.chat_hints import (  # noqa: PLC0415 - a run needs none
            GENERAL_HINTS,
            chat_hints,
        )

        if not input:
            return GENERAL_HINTS
        return list(chat_hints(form.without_blanks(input)))

    def estimate(
        self, action_id: str, version: int, input: JsonObject
    ) -> "CostEstimate":
        """Return the price of a run with a valid input."""
        _action(action_id, version)
        from perplexity_connector.perplexity.actions.estimates import (  # noqa: PLC0415 - few runs need it
            estimate,
        )

        with unchained():
            return estimate(action_id, input)

    def action(self, action_id: str, version: int) -> ActionHandler:
        """Return the handler of an action."""
        return partial(self._run, _action(action_id, version))

    async def _run(
        self, action: _Action, input: JsonObject, ctx: ActionContext
    ) -> ActionResult:
        with unchained():
            return await action.run(self._client, input, ctx)

    async def test_connection(self, ctx: ActionContext) -> ConnectionStatus:
        """Test `ctx.connection` with two free GETs, within ten seconds."""
        from perplexity_connector.perplexity.actions.check_connection import (  # noqa: PLC0415 - few runs need it
            examine,
        )

        return await examine(self._client, ctx)

    async def list_options(
        self, source: str, query: "OptionsQuery", ctx: ActionContext
    ) -> "OptionsPage":
        """Return a page of options; the only source is `models`."""
        if source != "models":
            message = unknown_name(f"options source {source!r}", source, ["models"])
            raise ConnectorError(ErrorCode.NOT_FOUND, message)
        from perplexity_connector.perplexity.actions.model_options import (  # noqa: PLC0415 - few runs need it
            ModelOptions,
        )

        self._models = self._models or ModelOptions(self._client)
        with unchained():
            return await self._models.page(query, ctx)

    async def cancel_run(
        self, action_id: str, version: int, state: JsonObject, ctx: ActionContext
    ) -> bool:
        """Ask to stop the run of a checkpoint, once, within two seconds."""
        return await _action(action_id, version).cancel(self._client, state, ctx)

    async def __aenter__(self) -> Self:
        """Open the client. The cache begins empty, because its lock belongs to one event loop."""
        self._models = None
        await self._client.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the client."""
        await self._client.__aexit__(kind, error, trace)


def _action(action_id: str, version: int) -> _Action:
    found = _ACTIONS.get((action_id, version))
    if found is None:
        known = [f"{name} (version {number})" for name, number in _ACTIONS]
        wanted = f"{action_id} (version {version})"
        message = unknown_name(
            f"action {action_id!r} (version {version})", wanted, known
        )
        raise ConnectorError(ErrorCode.NOT_FOUND, message)
    return found()
