"""A connector of two actions, and the plugin that loads it. It knows the contract, and nothing else."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from perplexity_connector.contract import (
    ActionContext,
    ActionHandler,
    ActionResult,
    ConnectionOutcome,
    ConnectionStatus,
    Connector,
    ConnectorError,
    ErrorCode,
    FieldError,
    Hint,
    JsonObject,
    Option,
    OptionsPage,
    OptionsQuery,
    RunWarning,
    Secret,
    hookimpl,
)

MANIFEST = Path(__file__).with_name("connector.yaml")


@dataclass(slots=True, kw_only=True)
class Toy:
    """The connector; `handlers` may stand in for its own, and `log` tells when it was opened and closed."""

    settings: Mapping[str, str]
    handlers: dict[str, ActionHandler] = field(default_factory=dict[str, ActionHandler])
    log: list[str] = field(default_factory=list[str])

    def check(
        self, action_id: str, version: int, input: JsonObject
    ) -> Sequence[FieldError]:
        """Nobody is greeted thrice and coolly; a long name gets a word of the connector's own."""
        self._known(action_id, version)
        errors = []
        if input.get("tone") == "cool" and input.get("times") == 3:
            errors += [
                FieldError(pointer=f"/{name}", code="conflict", message="Not both.")
                for name in ("tone", "times")
            ]
        if len(str(input.get("name"))) > 40:
            errors.append(
                FieldError(pointer="/name", code="long_name", message="Use a nickname.")
            )
        return errors

    def hints(self, action_id: str, version: int, input: JsonObject) -> Sequence[Hint]:
        """A cool greeting is better said how often."""
        self._known(action_id, version)
        if action_id != "greet":
            return []
        if not input:
            return [Hint(pointer="/tone", message="Say how often, with a cool tone.")]
        if input.get("tone") == "cool" and "times" not in input:
            return [Hint(pointer="/tone", message="Say how often.")]
        return []

    def action(self, action_id: str, version: int) -> ActionHandler:
        """Its own handler, or the one that stands in."""
        self._known(action_id, version)
        own = {"greet": self._greet, "count": self._count}
        return self.handlers.get(action_id, own[action_id])

    async def test_connection(self, ctx: ActionContext) -> ConnectionStatus:
        """Every token but those that begin with `bad` is good."""
        token = ctx.connection["token"]
        good = isinstance(token, Secret) and not token.reveal().startswith("bad")
        outcome = (
            ConnectionOutcome.OK if good else ConnectionOutcome.INVALID_CREDENTIALS
        )
        return ConnectionStatus(
            outcome=outcome, message="It was looked at.", next_step="Nothing."
        )

    async def list_options(
        self, source: str, query: OptionsQuery, ctx: ActionContext
    ) -> OptionsPage:
        """The two tones, one a page; the label of the first says whether there was a token."""
        if source != "tones":
            raise ConnectorError(ErrorCode.NOT_FOUND, "No such source.")
        known = [
            Option(value="warm", label="with" if ctx.connection else "without"),
            Option(value="cool", label="Cool"),
        ]
        found = [option for option in known if query.search in option.value]
        start = int(query.cursor or 0)
        page = found[start : start + min(query.limit, 1)]
        return OptionsPage(
            options=page,
            next_cursor=str(start + 1) if len(found) > start + 1 else None,
            note="Two.",
        )

    async def cancel_run(
        self, action_id: str, version: int, state: JsonObject, ctx: ActionContext
    ) -> bool:
        """Stop what was begun under the checkpoint's id; what has none cannot be stopped."""
        self._known(action_id, version)
        del ctx
        self.log.append(f"stopped {state.get('id')}")
        return "id" in state

    async def __aenter__(self) -> Self:
        """Open nothing."""
        self.log.append("opened")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close nothing."""
        self.log.append("closed")

    def _known(self, action_id: str, version: int) -> None:
        if (action_id, version) not in {("greet", 1), ("greet", 2), ("count", 1)}:
            raise ConnectorError(ErrorCode.NOT_FOUND, "No such action.")

    async def _greet(self, input: JsonObject, ctx: ActionContext) -> ActionResult:
        words = [
            self.settings["greeting"],
            ", ",
            str(input["name"]),
            self.settings.get("mark", "!"),
        ]
        for word in words if ctx.wants_events else ():
            ctx.emit({"type": "text.delta", "text": word})
        warnings = [RunWarning(code="polite", message="It was polite.")]
        return ActionResult(
            output={"text": "".join(words)},
            summary="Greeted\n one",
            usage={"words": 2},
            warnings=warnings,
            meta={"id": 7},
        )

    async def _count(self, input: JsonObject, ctx: ActionContext) -> ActionResult:
        del ctx
        return ActionResult(output={"letters": len(str(input["text"]))})


class ToyPlugin:
    """A plugin object for `Host.register`, which remembers the connectors that it loaded."""

    def __init__(self, **handlers: ActionHandler) -> None:
        """Take the handlers that stand in for the connector's own."""
        self.handlers = handlers
        self.loaded: list[Toy] = []

    @hookimpl
    def load_connector(
        self, connector_id: str, settings: Mapping[str, str]
    ) -> Connector | None:
        """The toy."""
        if connector_id != "toy":
            return None
        self.loaded.append(Toy(settings=dict(settings), handlers=self.handlers))
        return self.loaded[-1]


@hookimpl
def load_connector(connector_id: str, settings: Mapping[str, str]) -> Connector | None:
    """The toy: this module is a plugin too."""
    return Toy(settings=dict(settings)) if connector_id == "toy" else None
