"""Test prompts: a word such as `sandbox:failed` in a prompt or a query selects a failure."""

import re
from collections.abc import Iterable
from enum import StrEnum
from typing import TypeAlias

from perplexity_connector.sandbox.errors import invalid

_WORD = re.compile(r"\bsandbox:([a-z][a-z-]*)")
_DEFAULT_QUESTION = "How far away is the Moon?"


class Prompt(StrEnum):
    """The names that may follow `sandbox:`. The package's docstring explains each."""

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


Prompts: TypeAlias = frozenset[Prompt]


def read_prompt(text: str) -> tuple[str, Prompts]:
    """Return the question without its test words, and the prompts that these select.

    Beside test words without any other word, the question is about the Moon.

    Raises:
        ApiError: 400 for a misspelt test word. A test would otherwise pass for no reason.
    """
    names = _WORD.findall(text)
    unknown = set(names) - set(Prompt)
    if unknown:
        message = f"the sandbox has no test prompt named {', '.join(sorted(unknown))}"
        raise invalid(message)
    question = " ".join(_WORD.sub("", text).split())
    if names and not question:
        question = _DEFAULT_QUESTION
    return question, frozenset(map(Prompt, names))


def read_prompts(texts: Iterable[str]) -> tuple[list[str], Prompts]:
    """Return the question of each query, and the prompts of all of them."""
    questions, prompts = zip(*map(read_prompt, texts), strict=True)
    return list(questions), frozenset().union(*prompts)
