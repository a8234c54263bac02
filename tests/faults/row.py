"""The rows of the fault matrix: what goes wrong on the way to Perplexity, and what has to come of it.

A row is data. `Want` states all that its run must show; the table in `docs/reliability.md` is made of the same rows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from tests.faults.proxy import Rule

CHAT = "create_chat_completion"
SEARCH = "execute_search"
QUESTION = "How far away is the Moon?"
# How many events the sandbox streams for that question; a test holds it to this.
EVENTS = 60
# So many of them begin the answer's text.
SOME_TEXT = 20
# Megabytes that the proxy can send before it notices a reader that leaves at 16: up to 10 more wait in the kernel.
CUT_OFF = 30

# A deadline, in seconds, that no run reaches but by a fault at the deadline; less than the connector's own time-outs.
LONG = 60.0

RETRYABLE = frozenset({"rate_limited", "unavailable", "timeout"})
# A success with one of these lacks a part.
PARTLY = frozenset({"query_failed", "query_not_sent"})
EXITS: dict[str, Any] = {
    "invalid_input": 2,
    "invalid_credentials": 3,
    "permission_denied": 3,
    "quota_exhausted": 3,
    "rate_limited": 4,
    "unavailable": 4,
    "timeout": 4,
    "upstream_failed": 5,
    "invalid_response": 5,
    "unsupported": 5,
    "not_found": 5,
}


class Target(StrEnum):
    """Where the row's base URL leads."""

    PROXY = "proxy"
    TLS_PROXY = "https on the proxy's plain port"
    UNTRUSTED = "a TLS server whose certificate nobody vouches for"
    CLOSED = "a port where nobody listens"
    FULL = "a port whose queue of connections is full"


@dataclass(frozen=True, slots=True, kw_only=True)
class Want:
    """How a row's run must end.

    `code` is None for a success. `billed` counts chat runs, or searches, that the sandbox would have charged for.
    `partial`: something was received and is kept. `whole`: a success that is the undisturbed run's answer.
    `lasting`: the failure does not pass, though its code says that it may.
    """

    code: str | None = None
    effect: str | None = None
    attempts: int = 1
    warnings: tuple[str, ...] = ()
    billed: int = 1
    partial: bool = False
    cancels: int = 0
    whole: bool = True
    lasting: bool = False

    @property
    def retryable(self) -> bool:
        """Whether the cause may pass by itself."""
        return self.code in RETRYABLE and not self.lasting

    @property
    def exit(self) -> int:
        """The command's exit code."""
        if self.code is None:
            return 6 if set(self.warnings) & PARTLY else 0
        return EXITS[self.code]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One run with something wrong. `cause` is what the operator reads; `variant` tells rows of one cause apart."""

    cause: str
    variant: str = ""
    action: str = CHAT
    rules: Sequence[Rule] = ()
    want: Want
    target: Target = Target.PROXY
    words: str = ""
    queries: Sequence[str] = ("moon",)
    listen: bool = False
    retries: int = 3
    timeout: float | None = None
    settings: Mapping[str, str] = field(default_factory=dict[str, str])
    pointers: tuple[str, ...] = ()
    # Floods: the most megabytes that the client may have let the proxy send, over all requests.
    most_megabytes: int | None = None

    @property
    def id(self) -> str:
        """A name that no other row has."""
        action = "chat" if self.action == CHAT else "search"
        return " | ".join(
            filter(
                None, [action, self.cause, self.variant, "live" if self.listen else ""]
            )
        )


def chat(cause: str, want: Want, *rules: Rule, **more: Any) -> Row:
    """A row of *Create Chat Completion*."""
    return replace(Row(cause=cause, want=want, rules=rules), **more)


def search(cause: str, want: Want, *rules: Rule, **more: Any) -> Row:
    """A row of *Execute Search*."""
    return replace(Row(cause=cause, want=want, rules=rules, action=SEARCH), **more)


def both_ways(row: Row) -> list[Row]:
    """A row with and without a listener."""
    return [replace(row, listen=False), replace(row, listen=True)]


def post(fault: object, first: int = 1, last: int = 1_000_000) -> Rule:
    """A rule for the request that begins a chat."""
    return Rule("POST /v1/agent", fault, first, last)  # type: ignore[arg-type]
