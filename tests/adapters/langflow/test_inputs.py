"""The form of a node, and what was filled in."""

from collections.abc import Sequence
from typing import Any

import pytest

from perplexity_connector.adapters.langflow.inputs import (
    InputSpec,
    connection_of,
    input_of,
    inputs_of,
)
from perplexity_connector.contract import (
    ActionDescription,
    JsonValue,
    Secret,
)
from perplexity_connector.host import Host

CHAT = Host().describe("perplexity", "create_chat_completion")
SEARCH = Host().describe("perplexity", "execute_search")


def described(
    *,
    required: tuple[str, ...] = (),
    examples: Sequence[JsonValue] = (),
    **properties: JsonValue,
) -> ActionDescription:
    """An action whose input has these properties."""
    return {
        **SEARCH,
        "schemas": {
            **SEARCH["schemas"],
            "input": {"properties": properties, "required": required},
            "connection": {"properties": {}},
        },
        "labels": {},
        "examples": list(examples),
    }


def specs(action: ActionDescription) -> dict[str, InputSpec]:
    """The inputs of an action, by name."""
    return {spec.name: spec for spec in inputs_of(action)}


def test_what_a_run_needs_comes_first_then_the_credential_then_the_rest_folded_away() -> (
    None
):
    """A property is basic when it is required or has a default."""
    found = inputs_of(CHAT)
    names = [spec.name for spec in found]
    assert names[:6] == [
        "model",
        "messages_next",
        "messages",
        "stream",
        "connection_name",
        "api_key",
    ]
    basic = [spec.name for spec in found if not spec.keywords["advanced"]]
    assert basic == ["model", "messages_next", "messages", "stream", "api_key"]


def test_every_property_of_every_action_has_an_input_and_its_own_words() -> None:
    """The title and the description are the schema's."""
    for action in (CHAT, SEARCH):
        found = specs(action)
        properties: Any = action["schemas"]["input"]["properties"]
        for name, field in properties.items():
            assert found[name].keywords["display_name"] == field["title"]
            assert str(found[name].keywords["info"]).startswith(field["description"])


def test_the_key_is_a_secret_that_may_stay_blank() -> None:
    """The server's own key, or a stored connection, may stand in for it."""
    key = specs(SEARCH)["api_key"]
    assert (key.kind, key.keywords["required"], key.keywords["value"]) == (
        "SecretStrInput",
        False,
        "",
    )


def test_a_choice_is_a_drop_down_of_labels_that_can_be_undone() -> None:
    """Langflow's own cannot be left blank again."""
    recency = specs(SEARCH)["search_recency_filter"]
    assert recency.kind == "DropdownInput"
    assert recency.keywords["options"] == [
        "Not set",
        "Past hour",
        "Past day",
        "Past week",
        "Past month",
        "Past year",
    ]
    assert input_of(SEARCH, {"search_recency_filter": "Past day"}) == {
        "search_recency_filter": "day"
    }
    assert input_of(SEARCH, {"search_recency_filter": "day"}) == {
        "search_recency_filter": "day"
    }
    assert input_of(SEARCH, {"search_recency_filter": "Not set"}) == {}


def test_a_choice_that_is_needed_or_made_already_cannot_be_undone() -> None:
    """There is no open option in it."""
    enum: Any = {"type": "string", "enum": ["a", "b"]}
    found = specs(
        described(required=("needed",), needed=enum, made={**enum, "default": "b"})
    )
    assert [found[name].keywords["options"] for name in ("needed", "made")] == [
        ["a", "b"],
        ["a", "b"],
    ]
    assert found["made"].keywords["value"] == "b"


def test_suggestions_are_a_drop_down_that_takes_other_words_too() -> None:
    """What is needed is filled in with the first suggestion; the rest stays blank."""
    field: Any = {"type": "string", "examples": ["a", "b"]}
    found = specs(described(required=("needed",), needed=field, open=field))
    assert [found[name].keywords["combobox"] for name in ("needed", "open")] == [
        True,
        True,
    ]
    assert [found[name].keywords["value"] for name in ("needed", "open")] == ["a", ""]
    assert input_of(CHAT, {"model": "openai/gpt-6-luna"}) == {
        "model": "openai/gpt-6-luna"
    }


@pytest.mark.parametrize(
    ("field", "kind", "value"),
    [
        ({"type": "boolean", "default": True}, "BoolInput", True),
        ({"type": "integer", "minimum": 1}, "IntInput", 0),
        ({"type": "integer"}, "MessageTextInput", ""),
        ({"type": "number", "minimum": 0}, "MessageTextInput", ""),
        ({"type": "number", "default": 0.5}, "FloatInput", 0.5),
        ({"type": "object"}, "NestedDictInput", {}),
        ({"type": "array", "items": {"type": "string"}}, "MessageTextInput", []),
        ({"type": "string"}, "MessageTextInput", ""),
        ({}, "MessageTextInput", ""),
    ],
)
def test_each_type_has_its_input(field: Any, kind: str, value: JsonValue) -> None:
    """With its default, else blank."""
    spec = specs(described(it=field))["it"]
    assert (spec.kind, spec.keywords["value"]) == (kind, value)


def test_a_yes_or_no_without_a_default_may_stay_open() -> None:
    """It is no switch, which could only say one of the two."""
    action = described(it={"type": "boolean"})
    assert specs(action)["it"].keywords["options"] == ["Not set", "true", "false"]
    assert input_of(action, {"it": "false"}) == {"it": False}
    assert input_of(action, {"it": ""}) == {}


def test_a_query_is_one_text_or_a_list_of_them() -> None:
    """A list is written as JSON, or comes as one."""
    assert input_of(SEARCH, {"query": "moon"}) == {"query": "moon"}
    assert input_of(SEARCH, {"query": '["moon", "mars"]'}) == {
        "query": ["moon", "mars"]
    }
    assert input_of(SEARCH, {"query": ["moon", " "]}) == {"query": ["moon"]}
    assert input_of(SEARCH, {"query": "[moon]"}) == {"query": "[moon]"}
    assert input_of(SEARCH, {"query": ""}) == {}


def test_a_query_takes_an_edge_and_can_be_called_as_a_tool() -> None:
    """A text input of Langflow has a handle; an agent may fill in what is required."""
    query = specs(SEARCH)["query"]
    assert (query.kind, query.keywords["tool_mode"], query.keywords["required"]) == (
        "MessageTextInput",
        True,
        True,
    )


def test_messages_are_a_table_with_a_drop_down_of_roles() -> None:
    """A new row is the user's, and its other cells are blank; a list is written in its cell."""
    table = specs(CHAT)["messages"]
    columns: Any = table.keywords["table_schema"]
    role, content, images = columns
    assert table.kind == "TableInput"
    assert (role["options"], role["default"]) == (
        ["User", "System", "Assistant"],
        "User",
    )
    assert (content["name"], content["default"]) == ("content", "")
    assert "options" not in content
    assert (images["name"], images["default"]) == ("images", "")
    assert '["one", "another"]' in images["description"]


def test_the_rows_of_a_table_are_read_cell_by_cell() -> None:
    """Labels become values; what is blank, or no column, is left out, and so is an empty row."""
    rows: JsonValue = [
        {"role": "System", "content": "Be brief.", "images": "", "stray": 1},
        {"role": "User", "content": "Where?", "images": '["https://a.example/a.png"]'},
        {"role": "user", "content": " "},
        {"role": "", "content": None},
        "no row",
    ]
    assert input_of(CHAT, {"messages": rows}) == {
        "messages": [
            {"role": "system", "content": "Be brief."},
            {
                "role": "user",
                "content": "Where?",
                "images": ["https://a.example/a.png"],
            },
            {"role": "user"},
            "no row",
        ]
    }


def test_a_lone_text_becomes_the_last_message_of_the_user() -> None:
    """It comes in by an edge, from a Chat Input; the table may hold what stands before it."""
    spec = specs(CHAT)["messages_next"]
    assert (spec.kind, spec.keywords["display_name"], spec.keywords["tool_mode"]) == (
        "MultilineInput",
        "Next message",
        True,
    )
    question: Any = {"role": "user", "content": "How far?"}
    before: Any = {"role": "system", "content": "Be brief."}
    assert input_of(CHAT, {"messages_next": " How far? ", "messages": []}) == {
        "messages": [question]
    }
    assert input_of(CHAT, {"messages_next": "How far?", "messages": [before]}) == {
        "messages": [before, question]
    }


@pytest.mark.parametrize(
    "examples", [[], [{"people": []}], [{"people": [{"first": "A", "last": "B"}]}]]
)
def test_a_table_without_a_row_to_go_by_has_no_handle(
    examples: Sequence[JsonValue],
) -> None:
    """Neither has one in which a lone text could go into two columns; both are then required as they are."""
    text: Any = {"type": "string"}
    people: Any = {
        "type": "array",
        "items": {"properties": {"first": text, "last": text}},
    }
    found = specs(described(required=("people",), examples=examples, people=people))
    assert list(found) == ["people"]
    assert found["people"].keywords["required"] is True


def test_text_for_another_type_is_read_as_json_and_left_alone_where_it_is_none() -> (
    None
):
    """Validation then points at it."""
    action = described(count={"type": "integer"}, deep={"type": "object"})
    assert input_of(action, {"count": "3", "deep": "{}"}) == {"count": 3}
    assert input_of(action, {"count": "three", "deep": '{"a": []}'}) == {
        "count": "three",
        "deep": {"a": []},
    }


def test_nought_is_blank_where_it_cannot_be_meant() -> None:
    """Langflow's own number inputs hold 0 when nothing was filled in."""
    assert input_of(SEARCH, {"max_results": 0}) == {}
    assert input_of(SEARCH, {"max_results": 5}) == {"max_results": 5}
    assert input_of(CHAT, {"temperature": "0", "max_tokens": 0}) == {"temperature": 0}


def test_false_and_nought_are_filled_in() -> None:
    """Only what is empty is left out; nothing inside a raw object is."""
    values: dict[str, JsonValue] = {
        "stream": False,
        "temperature": 0,
        "max_tokens": None,
        "response_format": {"a": ""},
    }
    assert input_of(CHAT, values) == {
        "stream": False,
        "temperature": 0,
        "response_format": {"a": ""},
    }


@pytest.mark.parametrize("action", [CHAT, SEARCH])
def test_every_example_comes_back_as_it_was_filled_in(action: Any) -> None:
    """The form can say all that the schema can."""
    for example in action["examples"]:
        assert input_of(action, example) == example


def test_a_key_goes_before_the_name_of_a_stored_connection() -> None:
    """A name alone is looked up; nothing at all leaves it to the server."""
    for name, told in (("", "Langflow"), ("Mine", "Mine")):
        connection = connection_of(
            SEARCH, {"api_key": " pplx-test-good ", "connection_name": name}
        )
        assert isinstance(connection, dict)
        assert connection["connection_name"] == told
        key = connection["api_key"]
        assert isinstance(key, Secret)
        assert key.reveal() == "pplx-test-good"
    assert connection_of(SEARCH, {"api_key": "", "connection_name": " Mine "}) == "Mine"
    assert connection_of(SEARCH, {}) is None
