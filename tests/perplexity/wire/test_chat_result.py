"""From the end of a run to the output."""

import copy
import json
import time
from collections.abc import Mapping
from contextlib import nullcontext, suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from perplexity_connector.contract import ConnectorError
from perplexity_connector.perplexity.forms.create_chat_completion import ChatInput
from perplexity_connector.perplexity.wire.agent_events import Transcript
from perplexity_connector.perplexity.wire.chat_result import (
    ChatResult,
    chat_result,
    partial_chat_result,
)
from tests.paths import SCHEMAS
from tests.perplexity.wire.streams import (
    ANSWER,
    RESULTS,
    RUN_ID,
    SHOWN,
    deltas,
    events,
    json_values,
    message_item,
    plain,
    response,
    search_item,
    transcript,
)

OUTPUT = Draft202012Validator(
    json.loads(
        (SCHEMAS / "create_chat_completion.v1.output.schema.json").read_text(
            encoding="utf-8"
        )
    )
)
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"km": {"type": "number"}},
    "required": ["km"],
}
BARE: dict[str, Any] = {
    "model": "sonar",
    "messages": [{"role": "user", "content": "How far?"}],
}
FORM = ChatInput.model_validate(BARE)
STRUCTURED = ChatInput.model_validate(
    BARE
    | {"response_format": {"type": "json_schema", "json_schema": {"schema": SCHEMA}}}
)
NOTHING = Transcript()


def checked(form: ChatInput, body: Any, told: Transcript = NOTHING) -> ChatResult:
    """The answer, whose output is JSON that the published schema accepts."""
    found = chat_result(form, body, told)
    json.dumps(found.output, ensure_ascii=False, allow_nan=False).encode()
    assert list(OUTPUT.iter_errors(found.output)) == []
    return found


def codes(found: ChatResult) -> list[str]:
    """The codes of its warnings."""
    return [warning.code for warning in found.warnings]


def test_a_completed_run_becomes_a_chat_completion() -> None:
    """Every key of the published contract, from the provider's object."""
    found = checked(FORM, response())
    page_a = {
        "title": "Page A",
        "url": "https://a.example",
        "snippet": "…",
        "date": "2026-06-10",
        "last_updated": None,
        "kind": "search",
        "cited": True,
    }
    page_b = {
        "title": "Page B",
        "url": "https://b.example",
        "snippet": "…",
        "date": None,
        "last_updated": "2026-10-08",
        "kind": "search",
        "cited": True,
    }
    assert found.output == {
        "id": RUN_ID,
        "object": "chat.completion",
        "created": 1791562351,
        "model": "sonar",
        "served_model": "openai/gpt-6-luna",
        "choices": [
            {
                "index": 0,
                "finish_reason": "stop",
                "message": {"role": "assistant", "content": SHOWN},
            }
        ],
        "content": SHOWN,
        "citations": ["https://a.example", "https://b.example"],
        "search_results": [page_a, page_b],
        "grounded": True,
        "usage": {
            "prompt_tokens": 3426,
            "completion_tokens": 30,
            "total_tokens": 3456,
            "reasoning_tokens": 7,
            "search_queries": 1,
            "cost": {
                "currency": "USD",
                "input_cost": 0,
                "output_cost": 2e-05,
                "total_cost": 0.00125,
                "basis": "provider",
            },
        },
    }
    assert codes(found) == []


def test_a_mark_leads_to_its_source() -> None:
    """[n] in the content is the n-th citation and the n-th search result, whatever order they came in."""
    output: Any = checked(FORM, response()).output
    for result in RESULTS:
        number = int(str(result["id"]))
        assert f"[{number}]" in str(output["content"])
        assert output["citations"][number - 1] == result["url"]


@pytest.mark.parametrize("listen", [True, False], ids=["heard", "unheard"])
@pytest.mark.parametrize(
    "end",
    [
        {"type": "response.completed", "response": response()},
        {"type": "response.completed", "response": response(output=[])},
        {"type": "response.completed", "response": response(output=None)},
        {"type": "response.completed"},
    ],
    ids=["whole", "empty output", "null output", "no object"],
)
def test_listening_or_not_gives_the_same_output(
    end: dict[str, Any], listen: bool
) -> None:
    """Also where the terminal event lacks what the stream carried."""
    told = transcript(events(end), listen=listen)
    found = checked(FORM, told.response, told)
    assert found.output["content"] == SHOWN
    assert found.output["citations"] == ["https://a.example", "https://b.example"]
    assert found.output["id"] == RUN_ID
    assert codes(found) == []


def test_a_plain_body_gives_the_same_output_as_a_stream() -> None:
    """One function maps the terminal event, the plain body and the object fetched by id."""
    told = Transcript()
    told.add(plain(response()), decode=False)
    assert (
        checked(FORM, told.response, told)
        == checked(FORM, response())
        == checked(FORM, response(), told)
    )


@pytest.mark.parametrize("listen", [True, False], ids=["heard", "unheard"])
@pytest.mark.parametrize("text", ["The Moon is 38", ""])
def test_a_run_cut_for_its_tokens_is_length_and_never_silent(
    text: str, listen: bool
) -> None:
    """Recorded: `incomplete` with an empty output. The streamed text or sources are the answer."""
    cut = response(
        "incomplete",
        output=[],
        incomplete_details={"reason": "max_output_tokens"},
        completed_at=None,
    )
    told = transcript(
        events({"type": "response.incomplete", "response": cut}, text), listen=listen
    )
    found: Any = checked(FORM, told.response, told)
    assert found.output["content"] == text
    assert found.output["choices"][0]["finish_reason"] == "length"
    assert codes(found) == ["incomplete"]


@pytest.mark.parametrize(
    ("details", "finish", "named"),
    [
        ({"reason": "max_output_tokens"}, "length", "max_output_tokens"),
        ({"reason": "max_tool_calls"}, "length", "max_tool_calls"),
        ({"reason": "content_filter"}, "content_filter", "content_filter"),
        ({"reason": "pplx-abc"}, "length", None),
        ({"reason": None}, "length", None),
        (None, "length", None),
        ([], "length", None),
    ],
)
def test_why_a_run_is_incomplete_is_its_finish_reason(
    details: object, finish: str, named: str | None
) -> None:
    """Only a content filter is one; the warning names the reason if it has the form of a name."""
    found: Any = checked(FORM, response("incomplete", incomplete_details=details))
    assert found.output["choices"][0]["finish_reason"] == finish
    assert codes(found) == ["incomplete"]
    message = found.warnings[0].message
    assert "pplx" not in message
    assert named is None or named in message


@pytest.mark.parametrize(
    ("more", "reason", "pointers"),
    [
        ({"max_tokens": 16}, "max_output_tokens", ["/max_tokens"]),
        ({}, "max_output_tokens", []),
        ({"max_tokens": 16}, "max_tool_calls", []),
        ({"max_tokens": 16}, None, []),
    ],
)
def test_a_run_cut_before_any_text_and_source_has_failed(
    more: dict[str, Any], reason: str | None, pointers: list[str]
) -> None:
    """It points at the limit if the author set it; the usage is kept."""
    form = ChatInput.model_validate(BARE | more)
    cut = response("incomplete", output=[], incomplete_details={"reason": reason})
    with pytest.raises(ConnectorError) as caught:
        chat_result(form, cut, NOTHING)
    error = caught.value
    assert (error.code, error.effect) == ("upstream_failed", "unknown")
    assert [field.pointer for field in error.fields] == pointers
    assert error.usage is not None
    assert error.usage["total_tokens"] == 3456


def test_a_cut_answer_names_the_limit_that_the_author_set() -> None:
    """The remedy is another one where the author set none."""
    limited = ChatInput.model_validate(BARE | {"max_tokens": 16})
    cut = response("incomplete", incomplete_details={"reason": "max_output_tokens"})
    with_limit, without = (checked(form, cut).warnings[0] for form in (limited, FORM))
    assert with_limit.code == without.code == "incomplete"
    assert "max_tokens" in with_limit.message
    assert "max_tokens" not in without.message


def test_an_answer_without_sources_is_no_surprise_where_nothing_is_searched() -> None:
    """The warning is for an author who expects a search; `grounded` says the same to both."""
    unsearched = ChatInput.model_validate(BARE | {"search": "never"})
    found = checked(unsearched, response(output=[message_item("x")]))
    assert found.output["grounded"] is False
    assert codes(found) == []
    assert codes(checked(FORM, response(output=[message_item("x")]))) == ["ungrounded"]


def test_a_content_filter_without_text_is_a_success() -> None:
    """The filter is the answer."""
    details = {"reason": "content_filter"}
    found: Any = checked(
        FORM, response("incomplete", output=[], incomplete_details=details)
    )
    assert found.output["content"] == ""
    assert found.output["choices"][0]["finish_reason"] == "content_filter"
    assert codes(found) == ["ungrounded", "incomplete"]


REFUSED: dict[str, Any] = {
    "type": "message",
    "content": [{"type": "refusal", "refusal": "No."}],
}


@pytest.mark.parametrize(
    ("form", "status", "warnings"),
    [
        (FORM, "completed", ["refused"]),
        (STRUCTURED, "completed", ["refused"]),
        (FORM, "incomplete", ["incomplete", "refused"]),
    ],
)
def test_a_refusal_is_the_content_with_its_own_finish_reason(
    form: ChatInput, status: str, warnings: list[str]
) -> None:
    """With a schema, `parsed` is null, and the refusal is the only reason."""
    found: Any = checked(form, response(status, output=[search_item(), REFUSED]))
    assert found.output["content"] == "No."
    assert found.output["choices"][0]["finish_reason"] == "content_filter"
    assert found.output.get("parsed") is None
    assert codes(found) == warnings


def test_a_comment_before_a_structured_answer_does_not_spoil_it() -> None:
    """`parsed` is the last message, if that follows the schema; the content is all of them."""
    output = [message_item("Let me look."), message_item('{"km": 1}')]
    found = checked(STRUCTURED, response(output=output))
    assert found.output["parsed"] == {"km": 1}
    assert found.output["content"] == 'Let me look.\n\n{"km": 1}'
    assert codes(found) == ["ungrounded"]


@pytest.mark.parametrize("odd", [float("inf"), 10**400, {"a": [10**400]}])
def test_a_number_beyond_a_double_is_left_out_with_a_warning(odd: object) -> None:
    """The rest of the answer is whole."""
    usage = {"input_tokens": odd, "output_tokens": 3, "cost": {"total_cost": odd}}
    found = checked(FORM, response(usage=usage, created_at=odd))
    assert found.output["usage"] == {"completion_tokens": 3}
    assert found.output["content"] == SHOWN
    assert codes(found) == ["number_out_of_range"]


def test_the_first_id_of_a_run_stays() -> None:
    """Gateways rewrite the ids of later events."""
    told = transcript(events(), listen=False, run_id="resp_first")
    assert checked(FORM, told.response, told).output["id"] == "resp_first"


def test_a_terminal_event_alone_can_say_incomplete() -> None:
    """Its object may be missing; the streamed text is the answer."""
    told = transcript(events({"type": "response.incomplete"}), listen=False)
    assert codes(checked(FORM, told.response, told)) == ["incomplete"]


def test_an_empty_answer_is_never_an_empty_success_without_a_word() -> None:
    """A run that completed without text carries a warning."""
    for item in ({"type": "message", "content": None}, message_item(""), {}):
        found = checked(FORM, response(output=[search_item(), item]))
        assert found.output["content"] == ""
        assert codes(found) == ["empty_answer"]
    output: Any
    for output in ([], None):
        assert codes(checked(FORM, response(output=output))) == [
            "ungrounded",
            "empty_answer",
        ]


def test_several_messages_and_parts_are_one_content() -> None:
    """In their order, with a blank line between messages; a part of another type is left out."""
    odd = {
        "type": "message",
        "content": [
            {"type": "tool_use", "text": "no"},
            None,
            {"type": "output_text", "text": "!"},
        ],
    }
    found = checked(
        FORM,
        response(
            output=[
                message_item("The ", "Moon"),
                search_item([]),
                message_item(" moves"),
                odd,
            ]
        ),
    )
    assert found.output["content"] == "The Moon\n\n moves\n\n!"


def test_results_of_several_searches_are_one_list() -> None:
    """By their ids, over all result items."""
    third = {"id": 3, "title": "C", "url": "https://c.example"}
    found = checked(
        FORM,
        response(
            output=[
                search_item(RESULTS),
                search_item([third, *RESULTS]),
                message_item("x"),
            ]
        ),
    )
    assert found.output["citations"] == [
        "https://a.example",
        "https://b.example",
        "https://c.example",
    ]
    assert codes(found) == []


@pytest.mark.parametrize(
    ("text", "results", "warnings"),
    [
        ("A.[web:3]", RESULTS, ["source_missing"]),
        ("A.[3][4]", RESULTS, ["source_missing"]),
        ("A.[1]", [], ["source_missing", "ungrounded"]),
        ("A.[1]", [{"id": 1}], ["source_without_address", "ungrounded"]),
        (
            "A.[2]",
            [RESULTS[1], {"id": 2, "url": None}],
            ["source_without_address"],
        ),
        ("A.[2]", [RESULTS[0]], ["source_gap"]),
        ("A.[1]", [RESULTS[0]], ["source_gap", "source_missing"]),
        (
            "A.[1]",
            [RESULTS[1], RESULTS[1] | {"url": "https://other.example"}],
            ["source_duplicate"],
        ),
        ("A.[2]", [RESULTS[1], {"url": "https://b.example"}], ["source_unnumbered"]),
        ("In [2026], `a[7]` and [8](https://x.example)", RESULTS, []),
        ("A.[web:0] B.[0]", RESULTS, ["source_missing"]),
    ],
)
def test_marks_and_sources_that_do_not_fit_are_warned_of(
    text: str, results: list[dict[str, Any]], warnings: list[str]
) -> None:
    """A mark with no source, a source with no number, a number with two sources."""
    assert (
        codes(
            checked(FORM, response(output=[search_item(results), message_item(text)]))
        )
        == warnings
    )


@pytest.mark.parametrize(
    ("text", "parsed", "warnings"),
    [
        ('{"km": 384400}', {"km": 384400}, []),
        ('  {"km": 3.5, "more": [null]} \n', {"km": 3.5, "more": [None]}, []),
        ('{"km": "far"}', None, ["schema_mismatch"]),
        ('{"km": 38', None, ["schema_mismatch"]),
        ("The Moon is far.[web:9]", None, ["schema_mismatch"]),
        ("null", None, ["schema_mismatch"]),
        ('{"km": NaN}', None, ["schema_mismatch"]),
        ('{"km": 1e999}', None, ["schema_mismatch"]),
        ('{"km": 1, "x": "\\ud800"}', None, ["schema_mismatch"]),
        ('{"km": ' + "[" * 100_000, None, ["answer_too_deep"]),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_structured_answer_is_parsed_or_null_with_a_warning(
    text: str, parsed: object, warnings: list[str]
) -> None:
    """Only what follows the schema and can be written as JSON again; `content` keeps what came."""
    body = response(output=[search_item(), message_item(text)])
    found = checked(STRUCTURED, body)
    assert found.output["parsed"] == parsed
    assert found.output["content"] == text
    assert codes(found) == warnings


def test_a_structured_answer_may_be_null_where_the_schema_says_so() -> None:
    """Then null is the answer, not a mismatch."""
    form = ChatInput.model_validate(
        BARE
        | {
            "response_format": {
                "type": "json_schema",
                "json_schema": {"schema": {"type": "null"}},
            }
        }
    )
    found = checked(form, response(output=[search_item(), message_item("null")]))
    assert (found.output["parsed"], codes(found)) == (None, [])


def test_a_warning_of_many_missing_sources_is_short() -> None:
    """It names some of them, and counts the rest."""
    text = " ".join(f"[{number}]" for number in range(3, 900))
    found = checked(FORM, response(output=[search_item(), message_item(text)]))
    assert codes(found) == ["source_missing"]
    assert len(found.warnings[0].message) < 300


def test_sources_without_an_address_are_not_a_ground() -> None:
    """`grounded` is true if and only if a source has an address."""
    for results, grounded in (([], False), ([{"id": 1}], False), (RESULTS, True)):
        body = response(output=[search_item(results), message_item("Far.")])
        for form in (FORM, STRUCTURED):
            found = checked(form, body)
            assert found.output["grounded"] is grounded
            assert ("ungrounded" in codes(found)) is not grounded


def test_each_source_says_what_it_is_and_whether_it_is_cited() -> None:
    """By a mark, or by an annotation."""
    note = {"type": "url_citation", "url": "https://n.example", "title": "N"}
    part = {
        "type": "output_text",
        "text": "A.[web:1] B.[web:0] C.[3]",
        "annotations": [note],
    }
    output = [
        search_item(),
        {"type": "fetch_url_results", "contents": [{"url": "https://p.example"}]},
        {"type": "finance_results", "results": [{"sources": ["https://f.example"]}]},
        {"type": "message", "content": [part]},
    ]
    found: Any = checked(FORM, response(output=output))
    assert found.output["content"] == "A.[1] B.[3] C.[3]"
    assert [
        (entry["url"], entry["kind"], entry["cited"])
        for entry in found.output["search_results"]
    ] == [
        ("https://a.example", "search", True),
        ("https://b.example", "search", False),
        ("https://p.example", "page", True),
        ("https://f.example", "finance", False),
        ("https://n.example", "annotation", True),
    ]
    assert codes(found) == ["source_missing"]
    assert "[3]" in found.warnings[0].message


def test_a_structured_answer_has_cited_sources_too() -> None:
    """Its text stays as it is."""
    text = '{"km": 1, "note": "Far.[web:1]", "list": [2]}'
    found: Any = checked(
        STRUCTURED, response(output=[search_item(), message_item(text)])
    )
    assert found.output["content"] == text
    cited = [entry["cited"] for entry in found.output["search_results"]]
    assert cited == [True, False]


@pytest.mark.parametrize("listen", [True, False], ids=["heard", "unheard"])
def test_streamed_pages_are_sources_where_the_final_object_has_none(
    listen: bool,
) -> None:
    """From finished items, else from the events before them."""
    contents = [{"title": "P", "url": "https://p.example", "snippet": "Read."}]
    item = {"type": "fetch_url_results", "contents": contents}
    rows: list[Any] = [
        {"type": "response.created", "response": response("in_progress", output=[])},
        {"type": "response.reasoning.fetch_url_results", "contents": contents},
        {"type": "response.output_item.done", "item": item},
        *deltas("Far.[web:0]"),
    ]
    for events_so_far in (rows, [*rows[:2], *rows[3:]]):
        told = transcript(events_so_far, listen=listen)
        found = checked(FORM, response(output=[]), told)
        assert found.output["content"] == "Far.[1]"
        assert found.output["citations"] == ["https://p.example"]
        assert codes(found) == []


def test_the_json_of_a_structured_answer_is_not_rewritten() -> None:
    """Marks inside it are the provider's text, and nobody's citations."""
    text = '{"km": 1, "note": "[web:1] [99]"}'
    found = checked(STRUCTURED, response(output=[search_item(), message_item(text)]))
    assert found.output["content"] == text
    assert found.output["parsed"] == {"km": 1, "note": "[web:1] [99]"}
    assert codes(found) == []


def test_an_empty_structured_answer_is_warned_of_twice() -> None:
    """It is empty, and it breaks the schema."""
    assert codes(checked(STRUCTURED, response(output=[search_item()]))) == [
        "schema_mismatch",
        "empty_answer",
    ]


def test_plain_answers_have_no_parsed() -> None:
    """The key stands only where a schema was asked for."""
    assert "parsed" not in checked(FORM, response()).output
    text = ChatInput.model_validate(BARE | {"response_format": {"type": "text"}})
    assert text.structure is None
    assert FORM.structure is None
    assert STRUCTURED.structure is not None
    assert STRUCTURED.structure.schema_ == SCHEMA
    assert "parsed" not in checked(text, response()).output


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        (None, {}),
        ([], {}),
        ({}, {}),
        ({"input_tokens": None, "output_tokens": "3", "total_tokens": 4.0}, {"total_tokens": 4}),
        ({"output_tokens_details": None, "tool_calls_details": {"search_web": None}}, {}),
        ({"cost": None}, {}),
        ({"cost": {"currency": "USD"}}, {}),
        ({"cost": {"total_cost": 1}}, {"cost": {"currency": "USD", "total_cost": 1}}),
        ({"cost": {"total_cost": 1, "currency": 840}}, {"cost": {"currency": "USD", "total_cost": 1}}),
        ({"cost": {"total_cost": 1, "currency": "EUR"}}, {"cost": {"currency": "EUR", "total_cost": 1}}),
        ({"cost": {"total_cost": "1"}}, {}),
        ({"cost": {"total_cost": 1, "odd": None, "input_cost": 0}},
         {"cost": {"currency": "USD", "total_cost": 1, "input_cost": 0}}),
    ],
)  # fmt: skip
def test_usage_has_what_the_provider_told(
    usage: object, expected: Mapping[str, Any]
) -> None:
    """A key is missing where it said nothing usable; a cost says that it is the provider's."""
    used: Any = checked(FORM, response(usage=usage)).output["usage"]
    assert used.get("cost", {}).pop("basis", "provider") == "provider"
    assert used == expected


def test_an_object_of_nulls_is_still_an_output(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is missing is empty, null, or now."""
    monkeypatch.setattr(time, "time", lambda: 1790000000.9)
    empty = dict.fromkeys(response())
    output = checked(FORM, empty).output
    assert (output["id"], output["created"], output["served_model"]) == (
        "",
        1790000000,
        None,
    )
    assert (output["citations"], output["search_results"], output["usage"]) == (
        [],
        [],
        {},
    )
    assert checked(FORM, {}).output == output


def test_the_model_is_told_as_it_was_asked() -> None:
    """And beside it the one that served."""
    form = ChatInput.model_validate(BARE | {"model": "sonar-deep-research"})
    output = checked(form, response()).output
    assert (output["model"], output["served_model"]) == (
        "sonar-deep-research",
        "openai/gpt-6-luna",
    )


def test_what_was_received_of_a_run_is_its_partial() -> None:
    """Text and sources from the stream, from the object, or from both."""
    told = transcript(events()[:-3], listen=False)
    expected = {
        "id": RUN_ID,
        "content": SHOWN,
        "citations": ["https://a.example", "https://b.example"],
    }
    for found in (
        partial_chat_result(FORM, {}, told),
        partial_chat_result(FORM, response("failed"), told),
    ):
        assert found is not None
        assert {name: found[name] for name in expected} == expected
        json.dumps(found, allow_nan=False)


def test_nothing_received_is_no_partial() -> None:
    """None, rather than an empty answer."""
    assert partial_chat_result(FORM, {}, NOTHING) is None
    assert (
        partial_chat_result(
            FORM, response("failed", output=[]), transcript(events()[:3], listen=True)
        )
        is None
    )


def test_sources_alone_are_a_partial() -> None:
    """A search that is paid for is worth keeping."""
    found = partial_chat_result(FORM, {}, transcript(events()[:6], listen=False))
    assert found is not None
    assert found["content"] == ""
    assert found["citations"] == ["https://a.example", "https://b.example"]


def test_nothing_that_came_in_is_changed() -> None:
    """Mapping reads; the provider's object stays as it was."""
    body = response()
    before = copy.deepcopy(body)
    chat_result(FORM, body, NOTHING)
    partial_chat_result(FORM, body, NOTHING)
    assert body == before


@given(json_values, st.sampled_from([FORM, STRUCTURED]), st.booleans())
def test_any_json_at_all_becomes_a_valid_output(
    body: Any, form: ChatInput, listen: bool
) -> None:
    """Any run has an output that fits its schema and is JSON again, or failed before its first word."""
    told = transcript(
        [{"type": "response.output_item.done", "item": body}, *deltas(ANSWER)],
        listen=listen,
    )
    for document in (
        body,
        {"output": body},
        {"output": [search_item(body), message_item(body)]},
        response(usage=body),
    ):
        mapped = document if isinstance(document, dict) else {}
        for stream in (told, NOTHING):
            is_cut = mapped.get("status") == "incomplete"
            with suppress(ConnectorError) if is_cut else nullcontext():
                checked(form, mapped, stream)
        json.dumps(
            partial_chat_result(form, mapped, told), ensure_ascii=False, allow_nan=False
        ).encode()
