"""From an input to its model."""

from collections.abc import Sequence

import pytest

from perplexity_connector.contract import JsonValue
from perplexity_connector.perplexity.forms.create_chat_completion import (
    ChatInput,
    Message,
)
from perplexity_connector.perplexity.forms.execute_search import SearchInput
from perplexity_connector.perplexity.forms.validation import validate_input


def test_a_form_without_rules_between_fields_has_no_conflicts() -> None:
    """Only single fields can be wrong in it."""
    assert isinstance(
        validate_input(Message, {"role": "user", "content": "x"}), Message
    )
    found = validate_input(Message, {"role": "user"})
    assert isinstance(found, Sequence)
    assert [(problem.pointer, problem.code) for problem in found] == [
        ("/content", "required")
    ]


def test_a_good_input_becomes_its_frozen_model() -> None:
    """What comes back is the form, and stays as it is."""
    form = validate_input(SearchInput, {"query": "moon"})
    assert isinstance(form, SearchInput)
    with pytest.raises(ValueError, match="frozen"):
        form.query = "sun"


def test_every_error_says_how_to_mend_it_in_a_sentence() -> None:
    """No error comes without words, whatever pydantic called it."""
    found = validate_input(
        ChatInput,
        {
            "model": 1,
            "stream": "x",
            "max_tokens": 1,
            "top_p": 3,
            "x": 1,
            "n": 1,
            "search_mode": 1,
        },
    )
    assert isinstance(found, Sequence)
    assert len(found) == 8
    assert all(problem.message.endswith(".") for problem in found)


@pytest.mark.parametrize("messages", ["x", 3, ["a", None, []], [[{"role": ""}]]])
def test_a_list_of_forms_may_be_anything_while_blanks_are_dropped(
    messages: JsonValue,
) -> None:
    """Items stay, whatever they are; the check says what is wrong with them."""
    given = {"messages": messages, "model": None, "stream": ""}
    kept = ChatInput.without_blanks(given)
    assert kept == {"messages": messages, "model": None}
