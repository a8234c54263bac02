"""The result of an action that succeeded."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from perplexity_connector.contract.json import JsonObject, JsonValue

__all__ = ["ActionResult", "RunWarning"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunWarning:
    """Something the author should know about a run that succeeded."""

    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionResult:
    """A complete, schema-valid output, and the other parts of the run's record.

    `summary` is one line for a run log. `usage` is the consumption; its `cost` has a `basis`:
    `provider` if the provider reports it, `list_price` if it comes from a price list. `meta` is
    for support: request id, response id, the model that served it.
    """

    output: JsonObject
    summary: str = ""
    usage: JsonObject = field(default_factory=dict[str, JsonValue])
    warnings: Sequence[RunWarning] = ()
    meta: Mapping[str, JsonValue] = field(default_factory=dict[str, JsonValue])
