"""Test prompts: a word such as `sandbox:failed` in a prompt or a query selects a failure."""

import re
from collections.abc import Iterable
from enum import StrEnum
from typing import TypeAlias

from perplexity_connector.sandbox.errors import invalid

_WORD = re.compile(r"\bsandbox:([a-z][a-z-]*)")
_DEFAULT_QUESTION = "How far away is the Moon?"


class Prompt(StrEnum):
    """The names that may follow `sandbox:`."""

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
    MARKDOWN = "markdown"
    MODEL_DOWN = "model-down"
    NESTED = "nested"
    NO_SEARCH = "no-search"
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
MEANINGS = {
    Prompt.FAILED: "`response.failed` with `error`, no `response`; plain: `status: failed`",
    Prompt.FAILED_RESPONSE: "`response.failed` with `response`, without `error`",
    Prompt.CANCELLED: "`response.cancelled`; plain: `status: cancelled`",
    Prompt.ERROR_EVENT: "a bare `error` event after a few deltas; the run has failed",
    Prompt.INCOMPLETE: "cut at `max_output_tokens`, or 16: `response.incomplete`, `output: []`",
    Prompt.INCOMPLETE_BARE: "the same, without `response` in the event",
    Prompt.NO_TERMINAL: "the stream ends before its terminal event; GET finds the completed run",
    Prompt.MALFORMED: "one data line that is not JSON; plain, search: the last byte is missing",
    Prompt.HTML: "a proxy's page: 200, `text/html`. Not billed. Both",
    Prompt.BAD_GATEWAY: "Cloudflare's page: 502, `text/html`. Not billed. Both",
    Prompt.UNAVAILABLE: "503 JSON. Not billed. Both",
    Prompt.UNAVAILABLE_ONCE: "503 JSON the first time after a reset, then good. Both",
    Prompt.SLOW_FIRST_BYTE: "waits a second before the headers, billed. Both",
    Prompt.SLOW: "an answer of 200 tokens or more, with a pause of 10 ms after each event",
    Prompt.MARKDOWN: "after the answer: a heading, nested lists, a table and a text in Arabic",
    Prompt.NO_SEARCH: "the model answers without a search, unless `tool_choice` forces one",
    Prompt.MODEL_DOWN: "the first model fails, the next of `models` answers; without a next: `failed`",
    Prompt.NO_SOURCE: "the answer ends in a marker, 99, without a source",
    Prompt.GAP: "the ids of the results are 1, 3, 4, ...",
    Prompt.DUPLICATE_ID: "two results have the id 1",
    Prompt.NOT_JSON: "a structured answer that is not JSON",
    Prompt.WRONG_JSON: "a structured answer, `null`, that breaks its schema",
    Prompt.NO_USAGE: "`usage: null` in the final object",
    Prompt.HTML_SNIPPET: "the best result's text holds `<img src=x onerror=alert(1)>`. Both",
    Prompt.EMPTY: "nothing is found. Both",
    Prompt.NESTED: "search only: `results` is a list of lists, one for each query",
}
"""The result of each. "Plain" is an answer without `stream`, "both" are agent and search."""


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
