"""Suggestions for a field that a connector knows and a schema does not, such as current models."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from perplexity_connector.contract.descriptions import (
        OptionDocument,
        OptionsDocument,
    )

__all__ = ["Option", "OptionsOrigin", "OptionsPage", "OptionsQuery"]


class OptionsOrigin(StrEnum):
    """The origin of a page of options: current, an older copy, or shipped with the connector."""

    LIVE = "live"
    STALE = "stale"
    SHIPPED = "shipped"


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionsQuery:
    """Ask for at most `limit` options with every word of `search`, starting at `cursor`."""

    search: str = ""
    cursor: str | None = None
    limit: int = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One suggestion: the value for the field, its name for people, and a short description."""

    value: str
    label: str
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionsPage:
    """Options in order, and the cursor of the next page; None on the last page.

    `note` says why the options are not live and what to do about it.
    """

    options: Sequence[Option]
    next_cursor: str | None = None
    origin: OptionsOrigin = OptionsOrigin.LIVE
    note: str = ""

    def to_dict(self) -> "OptionsDocument":
        """Return the page as plain JSON, with every key present."""
        options: list[OptionDocument] = [
            {
                "value": option.value,
                "label": option.label,
                "description": option.description,
            }
            for option in self.options
        ]
        return {
            "options": options,
            "next_cursor": self.next_cursor,
            "origin": self.origin.value,
            "note": self.note,
        }
