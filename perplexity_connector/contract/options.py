"""Suggestions for a field: what a connector knows and a schema does not, such as the models of today."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum

from perplexity_connector.contract.json import JsonValue

__all__ = ["Option", "OptionsOrigin", "OptionsPage", "OptionsQuery"]


class OptionsOrigin(StrEnum):
    """Where a page of options comes from: asked for just now or a little while ago, an old copy, or shipped."""

    LIVE = "live"
    STALE = "stale"
    SHIPPED = "shipped"


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionsQuery:
    """Which options are wanted: those that hold every word of `search`, from `cursor` on, at most `limit` of them."""

    search: str = ""
    cursor: str | None = None
    limit: int = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One suggestion: the value to put into the field, its name for people, and what tells it from the others."""

    value: str
    label: str
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionsPage:
    """Some options in order, and the cursor of the next ones; None when these are the last.

    `note` says what the user should know when they are not live: why, and what would mend it.
    """

    options: Sequence[Option]
    next_cursor: str | None = None
    origin: OptionsOrigin = OptionsOrigin.LIVE
    note: str = ""

    def to_dict(self) -> dict[str, JsonValue]:
        """The page as plain JSON, every key always present."""
        options: list[JsonValue] = [asdict(option) for option in self.options]
        return {
            "options": options,
            "next_cursor": self.next_cursor,
            "origin": self.origin.value,
            "note": self.note,
        }
