"""The errors of a flow of version 2 before anything is sent, and its price."""

from collections.abc import Mapping
from typing import Any

import pytest

from perplexity_connector.contract import CostEstimate, JsonObject, hookimpl
from perplexity_connector.host import Host
from perplexity_connector.host.flows.checks.checking import FlowCheck, errors_in_flow
from perplexity_connector.host.flows.checks.prices import price_of
from perplexity_connector.host.flows.parts import part_of
from perplexity_connector.host.flows.reading import read_flow
from perplexity_connector.host.flows.references import Values
from perplexity_connector.host.spending.money import NANO, nano_usd
from tests.host.stage import changed, toy_host
from tests.toy.toy import Toy

Document = dict[str, Any]
PAGE = {"properties": {"snippet": {"type": "string"}, "rank": {"type": "integer"}}}
SCHEMAS: dict[str, Any] = {
    "count.v1.input": {
        "type": "object",
        "properties": {
            "text": {"type": "string"},
            "format": {"type": "object", "properties": {"schema": {"type": "object"}}},
        },
        "required": ["text"],
    },
    "count.v1.output": {
        "type": "object",
        "properties": {
            "pages": {"type": "array", "items": {"$ref": "#/$defs/page"}},
            "letters": {"type": "integer"},
            "parsed": {},
            "never": False,
            "empty": {"type": "array", "items": False},
        },
        "$defs": {"page": PAGE},
        "additionalProperties": True,
    },
}
OUTPUT = "    output: schemas/count.v1.output.schema.json\n"
OWN = "    author_schemas: {/parsed: /format/schema}\n"
INPUTS: Document = {
    "type": "object",
    "properties": {
        "company": {"type": "string"},
        "names": {"type": "array", "items": {"$ref": "#/$defs/name"}},
        "tone": {"type": "string"},
    },
    "$defs": {"name": {"type": "string"}},
}


class Priced(Toy):
    """A toy whose greeting costs a cent for each letter of the name, and whose counting is free."""

    def estimate(self, action_id: str, version: int, input: JsonObject) -> CostEstimate:
        """The price of an action."""
        self._known(action_id, version)
        cents = len(str(input["name"])) if action_id == "greet" else 0
        worst = cents / 100
        return CostEstimate(likely=worst / 2, worst=worst, basis="list_price")


class Plugin:
    """The plugin of it."""

    @hookimpl
    def load_connector(self, settings: Mapping[str, str]) -> Toy:
        """Load one."""
        return Priced(settings=settings)


@pytest.fixture(name="host", scope="module")
def a_host(tmp_path_factory: pytest.TempPathFactory) -> Host:
    """A host with a toy that counts the pages of a text. Nothing runs in it."""
    folder = tmp_path_factory.mktemp("toy")
    manifest = changed(folder, lambda text: text.replace(OUTPUT, OUTPUT + OWN), SCHEMAS)
    return toy_host(Plugin(), manifest)


def step(id: str, action: str = "count", /, **fields: Any) -> Document:
    """A saved step of the toy, with good inputs."""
    good = {"text": "x"} if action == "count" else {"name": "A"}
    document = {"id": id, "connector": "toy", "action": action, "input": good}
    return document | fields


def bound(target: str, *parts: Any, **fields: Any) -> Document:
    """A step that greets with one binding."""
    return step("b", "greet", bindings={target: list(parts)}, **fields)


def flow(*steps: Document, **fields: Any) -> Document:
    """A flow of version 2 with inputs."""
    return {"flow_version": 2, "inputs": INPUTS, "steps": list(steps), **fields}


def errors(host: Host, *steps: Document, **fields: Any) -> list[tuple[Any, str, str]]:
    """The errors of a flow, without the words."""
    found = host.validate_flow(flow(*steps, **fields))
    return [(error["step"], error["pointer"], error["code"]) for error in found]


def ref(pointer: str, **fields: Any) -> Document:
    """A reference into the output of the step `a`."""
    return {"step": "a", "pointer": pointer, **fields}


@pytest.mark.parametrize(
    ("part", "code"),
    [
        (ref("/pages/0/snippet"), None),
        (ref("/pages/0/snipet"), "no_value"),
        (ref("/pages/0/snipet", default="x"), "no_value"),
        (ref("/pages", pluck="/snippet", join=" "), None),
        (ref("/pages", pluck="/snipet", join=" "), "no_value"),
        (ref("/pages", pluck="/snippet"), "type"),
        (ref("/letters", pluck="/a", join=""), "no_list"),
        (ref("/letters", join=""), "no_list"),
        (ref("/letters"), "type"),
        (ref("/letters", default="none"), None),
        (ref("/letters", default=None), "type"),
        (ref("/other"), "no_value"),
        (ref("/parsed/any"), None),
        (ref("/never"), "no_value"),
        (ref("/empty", pluck="", join=""), "no_value"),
        ({"step": "c", "pointer": ""}, "unknown_step"),
        ({"step": "b", "pointer": ""}, "later_step"),
        ({"input": "/company"}, None),
        ({"input": "/compny"}, "no_value"),
        ({"input": "/names"}, "type"),
        ({"input": "/names", "join": ", "}, None),
        ({"input": "/names/0"}, None),
        ({"item": ""}, "no_item"),
    ],
)
def test_a_reference_that_cannot_have_its_value_is_an_error(
    host: Host, part: Document, code: str | None
) -> None:
    """At the bound place of its step."""
    found = errors(host, step("a"), bound("/name", part))
    assert found == ([("b", "/name", code)] if code else [])


@pytest.mark.parametrize(
    ("part", "words"),
    [
        (ref("/pages/0/snipet"), ["'a'", "/pages/0/snipet", "snippet"]),
        (ref("/pages", pluck="/rnk", join=""), ["'a'", "/pages", "/rnk", "rank"]),
        ({"input": "/compny"}, ["inputs", "/compny", "company"]),
    ],
)
def test_such_an_error_names_step_and_pointer_and_the_nearest_name(
    host: Host, part: Document, words: list[str]
) -> None:
    """So that the author finds the place."""
    (error,) = host.validate_flow(flow(step("a"), bound("/name", part)))
    assert [word for word in words if word not in error["message"]] == []


def test_a_wrong_name_is_not_its_own_nearest_one(host: Host) -> None:
    """A property may be listed and have no value."""
    (error,) = host.validate_flow(flow(step("a"), bound("/name", ref("/never"))))
    assert error["message"].count("never") == 1


def test_a_flow_without_inputs_has_no_values_of_them(host: Host) -> None:
    """The reference is the error."""
    steps = bound("/name", {"input": "/company"})
    assert errors(host, steps, inputs=None) == [("b", "/name", "no_value")]
    each = step("b", each={"input": "/names"})
    assert errors(host, each, inputs=None) == [
        (None, "/steps/0/each/input", "no_value")
    ]


@pytest.mark.parametrize(
    ("each", "found"),
    [
        (ref("/pages"), []),
        (ref("/page"), [("/pointer", "no_value")]),
        (ref("/letters"), [("/pointer", "no_list")]),
        (ref("/parsed"), []),
        ({"step": "c", "pointer": ""}, [("/step", "unknown_step")]),
        ({"step": "b", "pointer": ""}, [("/step", "later_step")]),
        ({"input": "/names"}, []),
        ({"input": "/name"}, [("/input", "no_value")]),
        ({"input": "/company"}, [("/input", "no_list")]),
    ],
)
def test_each_has_to_be_over_a_list(
    host: Host, each: Document, found: list[tuple[str, str]]
) -> None:
    """Its errors lead into the flow."""
    steps = step("a"), bound("/name", {"item": "/any"}, each=each)
    is_text = each == {"input": "/names"}
    # A name is a text, and has nothing inside.
    item = [("b", "/name", "no_value")] if is_text or each == ref("/pages") else []
    assert errors(host, *steps) == [
        *((None, f"/steps/1/each{place}", code) for place, code in found),
        *item,
    ]


@pytest.mark.parametrize(
    ("pointer", "code"),
    [("/snippet", None), ("/snipet", "no_value"), ("/rank", "type"), ("", "type")],
)
def test_an_item_is_checked_by_the_schema_of_its_list(
    host: Host, pointer: str, code: str | None
) -> None:
    """As an earlier output is."""
    steps = step("a"), bound("/name", {"item": pointer}, each=ref("/pages"))
    found = [("b", "/name", code)] if code else []
    # A page has no type in its schema.
    assert errors(host, *steps) == ([] if pointer == "" else found)


@pytest.mark.parametrize(
    ("pointer", "code"),
    [
        ("/items/0/text", None),
        ("/items/0/txt", "no_value"),
        ("/failed/0/error/message", None),
        ("/failed/0/index", "type"),
        ("/text", "no_value"),
    ],
)
def test_a_step_with_each_has_items_and_failures(
    host: Host, pointer: str, code: str | None
) -> None:
    """The items are outputs of the action."""
    each = bound("/name", {"item": ""}, each={"input": "/names"})
    last = step("c", bindings={"/text": [{"step": "b", "pointer": pointer}]})
    assert errors(host, each, last) == ([("c", "/text", code)] if code else [])


def with_schema(schema: Any, **fields: Any) -> Document:
    """A step whose author has written a schema for its answer."""
    return step("a", input={"text": "x", "format": {"schema": schema}}, **fields)


HEADLINE = {
    "type": "object",
    "properties": {"headline": {"$ref": "#/$defs/line"}, "n": {"type": "integer"}},
    "$defs": {"line": {"type": "string"}},
}


@pytest.mark.parametrize(
    ("first", "pointer", "code"),
    [
        (with_schema(HEADLINE), "/parsed/headline", None),
        (with_schema(HEADLINE), "/parsed/headlin", "no_value"),
        (with_schema(HEADLINE), "/parsed/n", "type"),
        (with_schema({"type": "object"}), "/parsed/headlin", None),
        (with_schema(3), "/parsed/headlin", None),
        (step("a"), "/parsed/headlin", None),
        (
            with_schema(HEADLINE, bindings={"/format/schema": [{"input": "/names"}]}),
            "/parsed/headlin",
            None,
        ),
        (
            with_schema(HEADLINE, bindings={"/format": [{"input": "/names"}]}),
            "/parsed/headlin",
            None,
        ),
    ],
)
def test_the_schema_of_the_author_is_that_of_the_answer(
    host: Host, first: Document, pointer: str, code: str | None
) -> None:
    """Where the manifest names the field, and no binding may change it."""
    found = errors(host, first, bound("/name", ref(pointer)))
    assert [error for error in found if error[0] == "b"] == (
        [("b", "/name", code)] if code else []
    )


def test_the_schema_of_a_part_of_an_output_is_that_of_the_step(host: Host) -> None:
    """For a host that shows what may be referred to."""
    check, document = checked(host, flow(with_schema(HEADLINE)))
    schema: Any = check.output_schema(document.steps[0])
    assert schema["properties"]["parsed"]["anyOf"][0]["properties"]["headline"] == {
        "type": "string"
    }
    assert schema["properties"]["pages"]["items"] == PAGE


def checked(host: Host, document: Document) -> Any:
    """A check in a host, and the flow."""
    read, errors = read_flow(document)
    assert errors == []
    return FlowCheck(host._catalogue, host._runs), read


def problems(
    host: Host, document: Document, known: Values, **part: str
) -> list[tuple[str, str]]:
    """The errors of a part, with pointers into the flow."""
    check, read = checked(host, document)
    found = check.problems(read, part_of(read, **part), known, {})
    return [(error.pointer, error.code) for error in errors_in_flow(read, found)]


def test_inputs_that_are_known_are_checked_with_their_values(host: Host) -> None:
    """Before the first step is sent."""
    document = flow(step("a"), bound("/tone", {"input": "/tone"}))
    assert problems(host, document, Values()) == []
    assert problems(host, document, Values(inputs={"tone": "cool"})) == []
    found = problems(host, document, Values(inputs={"tone": "icy"}))
    assert found == [("/steps/1/input/tone", "enum")]
    no_inputs: JsonObject = {}
    assert problems(host, document, Values(inputs=no_inputs)) == []


def test_only_the_steps_of_a_part_are_checked(host: Host) -> None:
    """With the kept outputs, which may be any."""
    wrong = step("a", "count", input={"more": 1})
    document = flow(wrong, bound("/name", ref("/own/name")))
    known = Values(outputs={"a": {"own": {"name": "A"}}, "b": {"text": "old"}})
    assert ("/steps/0/input/text", "required") in problems(host, document, known)
    assert problems(host, document, known, only="b") == []
    other = Values(outputs={"a": {"own": {"nam": "A"}}})
    assert problems(host, document, other, only="b") == [
        ("/steps/1/input/name", "no_value")
    ]


def test_the_list_of_each_is_one_that_the_schema_has(host: Host) -> None:
    """Also in an output of before."""
    document = flow(step("a"), bound("/name", {"item": "/own"}, each=ref("/own")))
    known = Values(outputs={"a": {"own": [{"own": "A"}]}})
    assert problems(host, document, known, only="b") == [
        ("/steps/1/each/pointer", "no_value")
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        bound("/name", "A", ref("/pages", pluck="/snipet", join=" ")),
        bound("/name", ref("/pages/0/snipet", default="x")),
        bound("/name", {"item": "/snipet", "default": "x"}, each=ref("/pages")),
        bound("/name", {"item": "/snipet"}, each=ref("/pages", on_failure="continue")),
    ],
)
def test_a_misspelt_name_is_found_in_an_output_of_before_too(
    host: Host, wrong: Document
) -> None:
    """A default, or a list without such values, would hide it, and the step would be paid."""
    known = Values(outputs={"a": {"pages": [{"snippet": "A"}, {"snippet": "B"}]}})
    found = problems(host, flow(step("a"), wrong), known, only="b")
    assert found == [("/steps/1/input/name", "no_value")]


def test_a_name_that_only_an_output_of_before_has_is_not_misspelt(host: Host) -> None:
    """It says more than its schema."""
    known = Values(outputs={"a": {"pages": [{"own": "A"}, {}], "extra": "B"}})
    for good in (
        bound("/name", ref("/pages", pluck="/own", join=" ")),
        bound("/name", ref("/extra", default="x")),
    ):
        document = flow(step("a"), good)
        assert problems(host, document, known, only="b") == []


def price(host: Host, document: Document, known: Values, **part: str) -> Any:
    """The price of a part."""
    check, read = checked(host, document)
    estimates = check.estimates(read, part_of(read, **part), known)
    reserves = [nano_usd(each.estimate.worst) for each in estimates]
    found = price_of(estimates, reserves)
    assert found.currency == "USD"
    return found.likely, found.worst, found.basis


def test_the_price_of_a_flow_is_that_of_its_steps(host: Host) -> None:
    """A value that is known is priced as it is; one that is not makes it an estimate."""
    document = flow(
        step("a", "greet", input={"name": "Ada"}),
        bound("/name", {"input": "/company"}),
    )
    known = Values(inputs={"company": "ACME"})
    assert price(host, document, known) == (0.035, 0.07, "list_price")
    assert price(host, document, known, only="b") == (0.02, 0.04, "list_price")
    assert price(host, document, Values())[2] == "estimate"
    assert price(host, flow(), Values()) == (0, 0, "list_price")


def test_each_is_priced_for_each_item_of_a_known_list_and_else_for_the_most(
    host: Host,
) -> None:
    """A list that cannot be used costs nothing."""
    each = {"input": "/names", "max": 3}
    document = flow(bound("/name", {"item": ""}, each=each))
    known = Values(inputs={"names": ["A", "BCD"]})
    assert price(host, document, known) == (0.02, 0.04, "list_price")
    # A name that is not known is tried with one letter.
    assert price(host, document, Values()) == (0.015, 0.03, "estimate")
    too_many = Values(inputs={"names": ["A"] * 4})
    assert price(host, document, too_many) == (0, 0, "list_price")


def test_a_step_whose_trial_inputs_are_refused_has_an_unknown_price(host: Host) -> None:
    """One dollar, as for an action without prices."""
    document = flow(step("a", "greet", input={"name": ""}))
    assert price(host, document, Values()) == (1, 1, "estimate")


def test_more_may_be_reserved_than_a_step_is_estimated(host: Host) -> None:
    """Own runs have cost more."""
    check, read = checked(host, flow(step("a", "greet"), step("b", "greet")))
    estimates = check.estimates(read, part_of(read), Values())
    found = price_of(estimates, [NANO, 2 * NANO])
    assert (found.likely, found.worst) == (0.01, 3)


def test_hints_of_a_flow_of_version_2_do_not_depend_on_its_values(host: Host) -> None:
    """One that a value could remove is left out."""
    cool = step("a", "greet", input={"name": "A", "tone": "cool"})
    hints = host.flow_hints(flow(cool, step("c") | {"action": "none"}))
    assert [(hint["step"], hint["pointer"]) for hint in hints] == [("a", "/tone")]
    by_item = cool | {
        "bindings": {"/times": [{"item": ""}]},
        "each": {"input": "/names"},
    }
    assert host.flow_hints(flow(by_item)) == []
