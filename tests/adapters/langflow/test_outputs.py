"""What a node hands on."""

import json

from perplexity_connector.adapters.langflow.outputs import (
    failure_text,
    message_text,
    outputs_of,
    rows_name,
    rows_of,
)
from perplexity_connector.contract import (
    ActionDescription,
    ConnectorError,
    ErrorCode,
    FieldError,
    JsonObject,
)
from perplexity_connector.host import Host

CHAT = Host().describe("perplexity", "create_chat_completion")
SEARCH = Host().describe("perplexity", "execute_search")
ANSWER: JsonObject = {
    "content": "Far.[1]",
    "citations": ["https://moon.example"],
    "search_results": [{"title": "The Moon", "url": "https://moon.example"}],
}


def test_an_answer_comes_as_a_message_and_as_data() -> None:
    """The message is named as the schema names the answer."""
    assert [
        (output.name, output.title, output.method) for output in outputs_of(CHAT)
    ] == [
        ("text", "Answer", "as_message"),
        ("output", "Output", "as_data"),
    ]


def test_results_come_as_a_table_first() -> None:
    """Then as text and as data."""
    assert [
        (output.name, output.title, output.method) for output in outputs_of(SEARCH)
    ] == [
        ("results", "Results", "as_rows"),
        ("text", "Text", "as_message"),
        ("output", "Output", "as_data"),
    ]


def test_an_output_without_properties_has_no_table() -> None:
    """Nor has one whose first property is no list of objects."""
    bare: ActionDescription = {**CHAT, "schemas": {**CHAT["schemas"], "output": {}}}
    assert [rows_name(one) for one in (bare, CHAT, SEARCH)] == ["", "", "results"]


def test_the_rows_are_those_of_the_table() -> None:
    """None where there is none."""
    assert rows_of({"results": [{"rank": 1}]}, "results") == [{"rank": 1}]
    assert rows_of({}, "results") == []


def test_the_sources_stand_below_the_answer_each_on_its_own_line() -> None:
    """Markdown would run them together without the two spaces."""
    first, *rest = message_text(ANSWER).split("  \n")
    assert first == "Far.[1]"
    assert rest == ["", "[1] The Moon  https://moon.example"]


def test_of_what_was_streamed_only_the_rest_is_told() -> None:
    """What was streamed and the rest are the whole."""
    assert "Far.[1]" + message_text(ANSWER, "Far.[1]") == message_text(ANSWER)


def test_an_answer_in_json_stays_json() -> None:
    """Its sources stand in the data."""
    assert json.loads(message_text({**ANSWER, "content": "{}", "parsed": {}})) == {}


def test_a_failure_tells_its_code_and_every_field() -> None:
    """So that the author can mend it in the form."""
    field = FieldError(pointer="/query", code="required", message="Fill it in.")
    text = failure_text(
        ConnectorError(ErrorCode.INVALID_INPUT, "Bad.", fields=[field]).to_dict()
    )
    assert "(invalid_input)" in text.splitlines()[0]
    assert text.splitlines()[1].startswith("/query: ")
