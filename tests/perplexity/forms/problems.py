"""What is wrong with an input, in the shape that tests compare."""

from collections.abc import Mapping, Sequence
from typing import Any

from perplexity_connector.perplexity.forms.create_chat_completion import ChatInput
from perplexity_connector.perplexity.forms.execute_search import SearchInput
from perplexity_connector.perplexity.forms.fields import Form
from perplexity_connector.perplexity.forms.validation import validate_input

QUESTION: dict[str, Any] = {"role": "user", "content": "How far away is the Moon?"}


def problems(form: type[Form], values: Any) -> list[tuple[str, str]]:
    """The errors as (pointer, code), sorted; empty when the input is good."""
    found = validate_input(form, values)
    return (
        sorted((problem.pointer, problem.code) for problem in found)
        if isinstance(found, Sequence)
        else []
    )


def in_chat(
    values: Mapping[Any, Any] | None = None, **more: Any
) -> list[tuple[str, str]]:
    """What is wrong with a chat input that is good but for these fields."""
    return problems(
        ChatInput, {"model": "sonar", "messages": [QUESTION], **(values or {}), **more}
    )


def in_search(
    values: Mapping[Any, Any] | None = None, **more: Any
) -> list[tuple[str, str]]:
    """What is wrong with a search input that is good but for these fields."""
    return problems(SearchInput, {"query": "moon", **(values or {}), **more})
