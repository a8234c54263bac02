"""`connector.yaml`: what it promises is there."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator
from pydantic import TypeAdapter, ValidationError

from perplexity_connector.contract import HOST_API, MANIFEST_VERSION, Manifest
from perplexity_connector.perplexity.wire.endpoint import endpoint_from_settings
from tests.paths import ROOT

MANIFEST: dict[str, Any] = yaml.safe_load(
    (ROOT / "connector.yaml").read_text(encoding="utf-8")
)
SCHEMA = json.loads(
    (ROOT / "schemas" / "connector.schema.json").read_text(encoding="utf-8")
)
ACTIONS = {action["id"]: action for action in MANIFEST["actions"]}

actions = pytest.mark.parametrize("name", ACTIONS)


def schema_of(action: Mapping[str, Any]) -> dict[str, Any]:
    """The schema of an action's input."""
    schema: dict[str, Any] = json.loads(
        (ROOT / action["input"]).read_text(encoding="utf-8")
    )
    return schema


def choices(node: Mapping[str, Any], pointer: str = "") -> dict[str, list[str]]:
    """Every enum of a form: its pointer, with `*` for an array's items, and its values."""
    found = {pointer: list(node["enum"])} if "enum" in node else {}
    for name, child in node.get("properties", {}).items():
        found |= choices(child, f"{pointer}/{name}")
    return found | (choices(node["items"], f"{pointer}/*") if "items" in node else {})


def test_the_manifest_follows_its_schema() -> None:
    """The published schema and the dataclasses accept it alike."""
    assert list(Draft202012Validator(SCHEMA).iter_errors(MANIFEST)) == []
    manifest = TypeAdapter(Manifest).validate_python(MANIFEST)
    assert (manifest.id, manifest.manifest_version) == ("perplexity", MANIFEST_VERSION)
    assert manifest.host_api.min <= HOST_API <= manifest.host_api.max


@pytest.mark.parametrize(
    "place",
    [(), ("connection",), ("host_api",), ("actions", 0), ("actions", 0, "annotations")],
)
def test_an_unknown_key_is_refused_at_every_level(place: tuple[Any, ...]) -> None:
    """The manifest is closed: a misspelt key is an error, to the schema and to the dataclasses."""
    spoilt = json.loads(json.dumps(MANIFEST))
    node = spoilt
    for step in place:
        node = node[step]
    node["colour"] = "blue"
    assert not Draft202012Validator(SCHEMA).is_valid(spoilt)
    with pytest.raises(ValidationError):
        TypeAdapter(Manifest).validate_python(spoilt)


@actions
def test_the_schemas_of_an_action_exist_and_name_its_version(name: str) -> None:
    """Input, output and events are files beside the manifest, of the version it says."""
    action = ACTIONS[name]
    files = [
        action["input"],
        action["output"],
        *([action["events"]] if action["streaming"] else []),
    ]
    for file in files:
        assert (ROOT / file).is_file()
        assert Path(file).name.startswith(f"{name}.v{action['version']}.")


def test_the_connection_schema_exists_and_has_the_fields_that_env_fills() -> None:
    """An environment variable fills a field that is there."""
    schema = json.loads(
        (ROOT / MANIFEST["connection"]["schema"]).read_text(encoding="utf-8")
    )
    assert MANIFEST["connection"]["env"].keys() <= schema["properties"].keys()


@actions
def test_the_labels_name_exactly_the_choices(name: str) -> None:
    """Every enum has labels, for each of its values and no other, in the same order."""
    action = ACTIONS[name]
    labelled = {pointer: list(labels) for pointer, labels in action["labels"].items()}
    assert labelled == choices(schema_of(action))
    assert all(
        isinstance(word, str) and word
        for labels in action["labels"].values()
        for word in labels.values()
    )


@actions
def test_the_title_is_the_forms_title(name: str) -> None:
    """Palette and form call an action by one name."""
    assert ACTIONS[name]["title"] == schema_of(ACTIONS[name])["title"]


def test_the_settings_defaults_are_the_connectors_own() -> None:
    """What the manifest says of a setting left out is what then holds."""
    told = endpoint_from_settings(
        {setting["name"]: setting["default"] for setting in MANIFEST["settings"]}
    )
    assert told == endpoint_from_settings({})


def test_the_guide_leads_somewhere() -> None:
    """Each step has words, and every link is https."""
    links = [step.get("link") for step in MANIFEST["connection"]["guide"]] + list(
        MANIFEST["links"].values()
    )
    assert all(link is None or link.startswith("https://") for link in links)
    assert all(
        step["title"] and step["text"] for step in MANIFEST["connection"]["guide"]
    )


def test_the_guide_leads_all_the_way_to_a_key() -> None:
    """Every step of it is there, in an order that can be followed, and has its link where there is a page for it."""
    guide = MANIFEST["connection"]["guide"]
    titles = [step["title"].lower() for step in guide]
    steps = [
        "sign in",
        "api settings",
        "api group",
        "credits",
        "generate a key",
        "copy it now",
    ]
    assert [next(step for step in steps if step in title) for title in titles] == steps
    assert all(step.get("link") for step in guide[:-1])
    assert "shown once" in guide[-1]["text"]


def test_the_guide_names_only_addresses_that_were_seen() -> None:
    """The console and pages of the documentation; none is guessed."""
    links = {step["link"] for step in MANIFEST["connection"]["guide"] if "link" in step}
    assert links == {
        "https://console.perplexity.ai",
        "https://docs.perplexity.ai/docs/getting-started/api-groups",
        "https://docs.perplexity.ai/docs/admin/api-key-management",
    }


def test_a_connection_is_a_name_and_a_key_and_nothing_else() -> None:
    """Exactly these two, both needed, the key never shown."""
    schema = json.loads(
        (ROOT / MANIFEST["connection"]["schema"]).read_text(encoding="utf-8")
    )
    titles = {name: field["title"] for name, field in schema["properties"].items()}
    assert titles == {"connection_name": "Connection Name", "api_key": "API Key"}
    assert schema["required"] == ["connection_name", "api_key"]
    assert schema["additionalProperties"] is False
    assert schema["properties"]["api_key"]["writeOnly"] is True


@actions
def test_the_options_belong_to_fields_that_are_there(name: str) -> None:
    """A pointer leads to a property of the form."""
    fields = schema_of(ACTIONS[name])["properties"]
    assert all(pointer[1:] in fields for pointer in ACTIONS[name].get("options", {}))


def test_the_model_of_a_chat_is_picked_from_the_models() -> None:
    """And a search has nothing to pick."""
    options = {name: action.get("options", {}) for name, action in ACTIONS.items()}
    assert options == {
        "create_chat_completion": {"/model": "models"},
        "execute_search": {},
    }


@actions
def test_a_command_fills_fields_that_are_there(name: str) -> None:
    """Its words, its options and the earlier answer have a place in the form."""
    command = ACTIONS[name]["command"]
    fields = [option["field"] for option in command["options"]]
    continues = command.get("continues")
    fields += [command["words"], *([continues["field"]] if continues else [])]
    schema = schema_of(ACTIONS[name])
    assert all(schema_at(schema, pointer.split("/")[1:]) for pointer in fields)


def schema_at(schema: Any, path: Sequence[str]) -> Any:
    """The schema of a place in the form; empty if it has no such place."""
    for part in path:
        items = schema.get("items") if part.isdecimal() else None
        schema = items or schema.get("properties", {}).get(part, {})
    return schema
