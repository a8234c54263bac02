"""The sixteen rules of a portable schema, one test each, and rule 14 as a property."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis_jsonschema import from_schema
from jsonschema import Draft7Validator, Draft202012Validator

from perplexity_connector.perplexity.forms.create_chat_completion import ChatInput
from perplexity_connector.perplexity.forms.emit import documents
from perplexity_connector.perplexity.forms.execute_search import SearchInput
from perplexity_connector.perplexity.forms.validation import validate_input
from perplexity_connector.perplexity.wire import agent_request, search
from tests import paths

SCHEMAS: Mapping[str, dict[str, Any]] = {
    path.name.removesuffix(".schema.json"): json.loads(path.read_text(encoding="utf-8"))
    for path in sorted(paths.SCHEMAS.glob("*.json"))
}
CHAT, SEARCH, CONNECTION = (
    "create_chat_completion.v1.input",
    "execute_search.v1.input",
    "connection",
)
INPUTS = (CHAT, SEARCH)
FORMS = (*INPUTS, CONNECTION)
MODELS: Any = {CHAT: ChatInput, SEARCH: SearchInput}
CROSS_FIELD = {
    "conflict",
    "order",
    "needs",
    "removed_model",
    "bad_schema",
}
# What the published schemas cannot say any more, since a schema may not become stricter.
UNSAID = {"blank", "unknown_code"}

ROOT_KEYWORDS = {"$schema", "$id"}
ANNOTATIONS = {
    "title",
    "description",
    "default",
    "examples",
    "format",
    "readOnly",
    "writeOnly",
    "deprecated",
}
ASSERTIONS = {
    "type",
    "enum",
    "pattern",
    "minLength",
    "maxLength",
    "minimum",
    "maximum",
    "exclusiveMinimum",
}
ASSERTIONS |= {
    "exclusiveMaximum",
    "multipleOf",
    "minItems",
    "maxItems",
    "uniqueItems",
    "required",
}
KEYWORDS = (
    ANNOTATIONS | ASSERTIONS | {"items", "properties", "additionalProperties", "anyOf"}
)
FORMATS = {
    "date",
    "date-time",
    "time",
    "email",
    "uri",
    "uuid",
    "password",
}

forms = pytest.mark.parametrize("name", FORMS)
inputs = pytest.mark.parametrize("name", INPUTS)
every = pytest.mark.parametrize("name", SCHEMAS)


def nodes(
    schema: Mapping[str, Any], pointer: str = ""
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every schema inside a form's schema, itself first, with its pointer; free objects are not looked into."""
    yield pointer, schema
    for name, child in schema.get("properties", {}).items():
        yield from nodes(child, f"{pointer}/{name}")
    for index, branch in enumerate(schema.get("anyOf", [])):
        yield from nodes(branch, f"{pointer}/anyOf/{index}")
    if "items" in schema:
        yield from nodes(schema["items"], f"{pointer}/*")


def properties(
    schema: Mapping[str, Any],
) -> Iterator[tuple[str, Mapping[str, Any], bool]]:
    """Every property at any depth: its pointer, its schema, and whether it is required."""
    for pointer, node in nodes(schema):
        for name, child in node.get("properties", {}).items():
            yield f"{pointer}/{name}", child, name in node.get("required", [])


def values(document: object) -> Iterator[Any]:
    """Every value inside a JSON document, itself first."""
    yield document
    for part in (
        document.values()
        if isinstance(document, dict)
        else document
        if isinstance(document, list)
        else ()
    ):
        yield from values(part)


def accepts(
    schema: Mapping[str, Any], value: object, validator: type = Draft202012Validator
) -> bool:
    """Whether a validator that knows formats accepts the value."""
    accepted: bool = validator(
        schema,
        format_checker=validator.FORMAT_CHECKER,  # type: ignore[attr-defined]
    ).is_valid(value)
    return accepted


@every
def test_rule_1_the_dialect_is_2020_12_and_the_root_speaks_for_itself(
    name: str,
) -> None:
    """Every document names its dialect; a form's root is a described, closed object with no union or conditional."""
    schema = SCHEMAS[name]
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    Draft202012Validator.check_schema(schema)
    assert schema["title"]
    assert schema["description"]
    if name in FORMS:
        assert schema["type"] == "object"
        assert schema["additionalProperties"] is False
        assert not schema.keys() & {
            "anyOf",
            "oneOf",
            "allOf",
            "not",
            "if",
            "then",
            "else",
        }


@forms
def test_rule_2_only_keywords_that_both_drafts_share(name: str) -> None:
    """A converter for draft-07 understands every word of a form."""
    for pointer, node in nodes(SCHEMAS[name]):
        allowed = KEYWORDS if pointer else KEYWORDS | ROOT_KEYWORDS
        assert node.keys() <= allowed, pointer


@every
def test_rule_3_every_reference_is_inlined(name: str) -> None:
    """Hosts that follow no `$ref` lose nothing, in any document."""
    assert all(
        not value.keys() & {"$ref", "$defs"}
        for value in values(SCHEMAS[name])
        if isinstance(value, dict)
    )


@forms
def test_rule_4_no_null_anywhere(name: str) -> None:
    """Optional means "not required": there is no null as a type, a default, a choice or an example."""
    for value in values(SCHEMAS[name]):
        assert value is not None
        assert value != "null"


def test_rule_4_outputs_and_events_are_open() -> None:
    """An output may gain keys within a version."""
    for name in SCHEMAS.keys() - set(FORMS) - {"connector", "flow"}:
        assert not any(
            value == {"additionalProperties": False} for value in values(SCHEMAS[name])
        )
        branches = SCHEMAS[name].get("anyOf", [SCHEMAS[name]])
        assert all(
            branch.get("additionalProperties", True) is not False for branch in branches
        ), name


@forms
def test_rule_5_one_type_name_each_and_one_union(name: str) -> None:
    """Each schema has one `type`; only `query` is a union, of titled branches with the string first."""
    for pointer, node in nodes(SCHEMAS[name]):
        if "anyOf" in node:
            assert (name, pointer) == (SEARCH, "/query")
            assert "type" not in node
            assert [branch["type"] for branch in node["anyOf"]] == ["string", "array"]
            assert [branch["title"] for branch in node["anyOf"]] == [
                "Single query",
                "Several queries",
            ]
        else:
            assert isinstance(node["type"], str), pointer


@forms
def test_rule_6_choices_are_strings_with_an_enum(name: str) -> None:
    """Choices are plain strings; `const` and titled branches are left to nobody's converter."""
    for pointer, node in nodes(SCHEMAS[name]):
        if "enum" in node:
            assert node["type"] == "string", pointer
            assert all(isinstance(choice, str) for choice in node["enum"]), pointer
            assert len(set(node["enum"])) == len(node["enum"]), pointer


@forms
def test_rule_7_everything_has_a_label_and_a_sentence(name: str) -> None:
    """Each property has a title that stands alone and one sentence; each array's items have a title."""
    for pointer, node, _ in properties(SCHEMAS[name]):
        assert node["title"], pointer
        assert node["description"].endswith("."), pointer
        assert ". " not in node["description"], pointer
    for pointer, node in nodes(SCHEMAS[name]):
        if node.get("type") == "array":
            title = node["items"]["title"]
            assert title, pointer
            assert not title.endswith("s"), pointer


@forms
def test_rule_8_defaults_and_examples_are_valid(name: str) -> None:
    """No property is required and defaulted; every default and example is one that its own schema accepts."""
    for pointer, node, required in properties(SCHEMAS[name]):
        assert not (required and "default" in node), pointer
    for pointer, node in nodes(SCHEMAS[name]):
        told = [
            *node.get("examples", []),
            *([node["default"]] if "default" in node else []),
        ]
        assert all(accepts(node, example) for example in told), pointer
        scalar = node.get("type") not in {"object", "array"} and "anyOf" not in node
        assert scalar or not pointer or "examples" not in node, pointer


@inputs
def test_rule_8_an_input_has_a_minimal_and_a_full_example(name: str) -> None:
    """The first example has what is required and no more, the second all that can stand together; both really run."""
    schema = SCHEMAS[name]
    minimal, full = schema["examples"]
    assert set(minimal) == set(schema["required"])
    # The first excludes the dates; the second names a run that only its own author has.
    unshown = {"search_recency_filter", "previous_response_id"}
    assert set(schema["properties"]) - set(full) == unshown & set(schema["properties"])
    for example in (minimal, full):
        assert isinstance(validate_input(MODELS[name], example), MODELS[name])


@forms
def test_rule_9_order_is_required_then_defaulted_then_the_rest(name: str) -> None:
    """The order of properties is the order on the screen, basic ones first, at every level."""
    for pointer, node in nodes(SCHEMAS[name]):
        required = node.get("required", [])
        ranks = [
            0 if key in required else 1 if "default" in child else 2
            for key, child in node.get("properties", {}).items()
        ]
        assert ranks == sorted(ranks), pointer


@inputs
def test_rule_10_husks_of_optional_arrays_and_objects_are_accepted(name: str) -> None:
    """A form that leaves `[]` or `{}` behind is valid, at every level, and the model takes it too."""
    for pointer, node, required in properties(SCHEMAS[name]):
        husk: Any = {"array": [], "object": {}}.get(node.get("type", ""))
        if husk is not None and not required:
            assert accepts(node, husk), pointer
    schema = SCHEMAS[name]
    kinds: Any = {"array": [], "object": {}}
    husks = {
        key: kinds[node["type"]]
        for key, node in schema["properties"].items()
        if node.get("type") in kinds
    }
    non_blank: Any = husks | schema["examples"][0]
    assert husks
    assert accepts(schema, non_blank)
    assert validate_input(MODELS[name], non_blank) == validate_input(
        MODELS[name], schema["examples"][0]
    )


@forms
def test_rule_11_formats_are_of_the_list_and_secrets_say_nothing(name: str) -> None:
    """Known formats only; a secret is a write-only password that no validator could print."""
    for pointer, node in nodes(SCHEMAS[name]):
        assert node.get("format", "date") in FORMATS, pointer
        assert (node.get("format") == "password") is (node.get("writeOnly") is True), (
            pointer
        )
        if node.get("writeOnly"):
            assert not node.keys() & {"pattern", "default", "examples"}, pointer


def test_rule_11_the_key_is_the_one_secret() -> None:
    """The connection's key is a secret, and no input asks for one."""
    secrets = [
        pointer
        for name in FORMS
        for pointer, node in nodes(SCHEMAS[name])
        if node.get("writeOnly")
    ]
    assert secrets == ["/api_key"]


def test_rule_12_a_model_is_free_text_with_examples() -> None:
    """Model lists in schemas go stale: the field suggests, and takes any name."""
    model = SCHEMAS[CHAT]["properties"]["model"]
    assert model["type"] == "string"
    assert "enum" not in model
    assert "sonar-pro" in model["examples"]


def test_rule_13_one_place_is_a_free_object() -> None:
    """Only the author's own schema may hold anything; it is advanced, and described."""
    free = [
        (name, pointer)
        for name in FORMS
        for pointer, node in nodes(SCHEMAS[name])
        if node.get("type") == "object"
        and node.get("additionalProperties") is not False
    ]
    assert free == [(CHAT, "/response_format/json_schema/schema")]
    assert all(
        not required
        for pointer, _, required in properties(SCHEMAS[CHAT])
        if pointer.startswith("/response")
    )


@forms
def test_rule_14_a_pattern_comes_with_a_longest_length(name: str) -> None:
    """A validator never runs a pattern over a text without end."""
    for pointer, node in nodes(SCHEMAS[name]):
        assert "pattern" not in node or "maxLength" in node, pointer


def generated(name: str) -> st.SearchStrategy[dict[str, Any]]:
    """Inputs that the schema accepts, formats included, a few properties at a time."""
    schema = SCHEMAS[name]
    full = schema["examples"][1]
    # The full example's own values are mixed in, since nearly every drawn conversation is out of order.
    parts = {
        key: generated_part(node) | st.just(full.get(key, "week"))
        for key, node in schema["properties"].items()
    }
    required = {key: parts.pop(key) for key in schema["required"]}
    return st.fixed_dictionaries(required, optional=parts).filter(
        lambda value: accepts(SCHEMAS[name], value)
    )


def generated_part(node: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    """Values of one property; a date has no format for the generator, which would draw impossible ones."""
    if node.get("format") == "date":
        return st.dates().map(str)
    return from_schema(node)  # type: ignore[arg-type]


def check_rule_14(
    name: str, value: dict[str, Any], wire: Callable[[Any], object]
) -> None:
    """What the schema accepts, the model takes all the way to the wire, or refuses for a reason that no schema says."""
    found: Any = validate_input(MODELS[name], value)
    if isinstance(found, Sequence):
        assert {problem.code for problem in found} <= CROSS_FIELD | UNSAID
    else:
        json.dumps(wire(found), allow_nan=False)


unhurried = settings(
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)


@unhurried
@given(generated(CHAT))
def test_rule_14_what_the_chat_schema_accepts_the_model_takes(
    value: dict[str, Any],
) -> None:
    """No chat input is valid for the form and invalid for the action by a single field."""
    check_rule_14(CHAT, value, agent_request.request_body)


@unhurried
@given(generated(SEARCH))
def test_rule_14_what_the_search_schema_accepts_the_model_takes(
    value: dict[str, Any],
) -> None:
    """No search input is valid for the form and invalid for the action by a single field."""
    check_rule_14(
        SEARCH,
        value,
        lambda form: [
            search.request_body(search.filters_of(form), query)
            for query in search.queries(form)
        ],
    )


@pytest.mark.parametrize(
    "part",
    [
        {"language_preference": "en\n"},
        {"search_domain_filter": ["example.org\n"]},
        {"web_search_options": {"user_location": {"country": "US\n"}}},
        {
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "a\n", "schema": {"type": "object"}},
            }
        },
        {
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "a", "schema": {}},
            }
        },
        {"max_tokens": 16.0},
        {"max_tokens": 1e300},
        {"temperature": 0},
        {"web_search_options": {"user_location": {}}},
    ],
)
def test_rule_14_holds_at_the_known_edges(part: dict[str, Any]) -> None:
    """What `$` means to Python, whole floats, integers for numbers, husks: schema and model agree on them."""
    value: Any = SCHEMAS[CHAT]["examples"][0] | part
    if accepts(SCHEMAS[CHAT], value):
        check_rule_14(CHAT, value, agent_request.request_body)


@every
def test_rule_15_draft_07_agrees_on_every_example(name: str) -> None:
    """Without `$schema`, an old validator says the same of each example, and of each example spoilt."""
    schema: Any = {
        key: value for key, value in SCHEMAS[name].items() if key != "$schema"
    }
    Draft7Validator.check_schema(schema)
    examples = [
        *schema.get("examples", []),
        {},
        [],
        "x",
        None,
        {"query": ""},
        {"type": "text.delta", "text": "x"},
    ]
    examples += [
        example | {key: None}
        for example in schema.get("examples", [])
        for key in (*example, "unknown")
    ]
    for example in examples:
        assert accepts(schema, example) == accepts(schema, example, Draft7Validator), (
            example
        )


def test_rule_16_emitting_twice_gives_the_published_bytes() -> None:
    """The files are exactly what the models emit, every time."""
    published = {
        path.name: path.read_text(encoding="utf-8")
        for path in paths.SCHEMAS.glob("*.json")
    }
    assert documents() == published
    assert documents() == documents()


@pytest.mark.parametrize("seed", ["0", "1"])
def test_rule_16_holds_in_another_process(seed: str) -> None:
    """The order of nothing depends on the hash seed."""
    command = [
        sys.executable,
        "-m",
        "perplexity_connector.perplexity.forms.emit",
        "--check",
    ]
    done = subprocess.run(
        command,
        env=os.environ | {"PYTHONHASHSEED": seed},
        check=False,
        capture_output=True,
    )
    assert (done.returncode, done.stdout) == (0, b"")


def test_no_machine_stands_in_a_schema() -> None:
    """Published documents name no path and no registry."""
    for name, text in documents().items():
        assert not re.search(r"/(work|root|tmp|home)/|localhost|127\.0\.0\.1", text), (
            name
        )


@inputs
def test_an_input_schema_stays_small(name: str) -> None:
    """A host sends it with every prompt of an agent, and keeps it in every flow."""
    assert len((paths.SCHEMAS / f"{name}.schema.json").read_bytes()) < 30_000
