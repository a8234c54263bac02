"""Test prompts: words such as `sandbox:failed` in a prompt or a query that select what goes wrong."""

import re
from collections.abc import Iterable
from enum import StrEnum

from perplexity_connector.sandbox.errors import invalid

_WORD = re.compile(r"\bsandbox:([a-z][a-z-]*)")
_DEFAULT_QUESTION = "How far away is the Moon?"


class Prompt(StrEnum):
    """The names that may follow `sandbox:`. The package's docstring says what each does."""

    BAD_GATEWAY = "bad-gateway"
    CANCELLED = "cancelled"
    DUPLICATE_ID = "duplicate-id"
    EMPTY = "empty"
    ERROR_EVENT = "error-event"
    FAILED = "failed"
    FAILED_RESPONSE = "failed-response"
    GAP = "gap"
    HTML = "html"
    HTML_SNIPPET = "html-snippet"
    INCOMPLETE = "incomplete"
    INCOMPLETE_BARE = "incomplete-bare"
    MALFORMED = "malformed"
    NESTED = "nested"
    NO_SOURCE = "no-source"
    NO_TERMINAL = "no-terminal"
    NO_USAGE = "no-usage"
    NOT_JSON = "not-json"
    SLOW = "slow"
    SLOW_FIRST_BYTE = "slow-first-byte"
    UNAVAILABLE = "unavailable"
    UNAVAILABLE_ONCE = "unavailable-once"
    WRONG_JSON = "wrong-json"


def read_prompt(text: str) -> tuple[str, frozenset[Prompt]]:
    """The question without its test words, or a usual question when nothing else is left; and what they select.

    Raises:
        ApiError: 400 for a misspelt test word, which would otherwise make a test pass for no reason.
    """
    names = _WORD.findall(text)
    unknown = set(names) - {prompt.value for prompt in Prompt}
    if unknown:
        message = f"the sandbox has no test prompt named {', '.join(sorted(unknown))}"
        raise invalid(message, "input")
    return " ".join(_WORD.sub("", text).split()) or _DEFAULT_QUESTION, frozenset(
        map(Prompt, names)
    )


def read_prompts(texts: Iterable[str]) -> tuple[list[str], frozenset[Prompt]]:
    """The same for several queries: each question, and all that any of them selects."""
    pairs = [read_prompt(text) for text in texts]
    return [question for question, _ in pairs], frozenset().union(
        *(prompts for _, prompts in pairs)
    )
