"""What an action gives back when it succeeds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from perplexity_connector.contract.json import JsonObject, JsonValue

__all__ = ["ActionResult", "RunWarning"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunWarning:
    """Something the author should know about a run that succeeded all the same."""

    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionResult:
    """A complete, schema-valid output, and what belongs in the run's record beside it.

    `summary` is one line for a run log. `usage` is what was consumed, with `cost` in USD where the provider tells it.
    `meta` holds ids for support: the request's, the response's, the model that served it.
    """

    output: JsonObject
    summary: str = ""
    usage: JsonObject = field(default_factory=dict[str, JsonValue])
    warnings: Sequence[RunWarning] = ()
    meta: Mapping[str, JsonValue] = field(default_factory=dict[str, JsonValue])
