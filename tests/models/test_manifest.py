"""`connector.yaml`: what it promises is there."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator
from pydantic import TypeAdapter, ValidationError

from perplexity_connector.api.endpoint import endpoint
from perplexity_connector.contract import HOST_API, MANIFEST_VERSION, Manifest

ROOT = Path(__file__).parents[2]
MANIFEST: dict[str, Any] = yaml.safe_load((ROOT / "connector.yaml").read_text(encoding="utf-8"))
SCHEMA = json.loads((ROOT / "schemas" / "connector.schema.json").read_text(encoding="utf-8"))
ACTIONS = {action["id"]: action for action in MANIFEST["actions"]}

actions = pytest.mark.parametrize("name", ACTIONS)


def schema_of(action: Mapping[str, Any]) -> dict[str, Any]:
    """The schema of an action's input."""
    schema: dict[str, Any] = json.loads((ROOT / action["input"]).read_text(encoding="utf-8"))
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


@pytest.mark.parametrize("place", [(), ("connection",), ("host_api",), ("actions", 0), ("actions", 0, "annotations")])
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
    files = [action["input"], action["output"], *([action["events"]] if action["streaming"] else [])]
    for file in files:
        assert (ROOT / file).is_file()
        assert Path(file).name.startswith(f"{name}.v{action['version']}.")


def test_the_connection_schema_exists_and_has_the_fields_that_env_fills() -> None:
    """An environment variable fills a field that is there."""
    schema = json.loads((ROOT / MANIFEST["connection"]["schema"]).read_text(encoding="utf-8"))
    assert MANIFEST["connection"]["env"].keys() <= schema["properties"].keys()


@actions
def test_the_labels_name_exactly_the_choices(name: str) -> None:
    """Every enum has labels, for each of its values and no other, in the same order."""
    action = ACTIONS[name]
    labelled = {pointer: list(labels) for pointer, labels in action["labels"].items()}
    assert labelled == choices(schema_of(action))
    assert all(isinstance(word, str) and word for labels in action["labels"].values() for word in labels.values())


@actions
def test_the_title_is_the_forms_title(name: str) -> None:
    """Palette and form call an action by one name."""
    assert ACTIONS[name]["title"] == schema_of(ACTIONS[name])["title"]


def test_the_settings_defaults_are_the_connectors_own() -> None:
    """What the manifest says of a setting left out is what then holds."""
    told = endpoint({setting["name"]: setting["default"] for setting in MANIFEST["settings"]})
    assert told == endpoint({})


def test_the_guide_leads_somewhere() -> None:
    """Each step has words, and every link is https."""
    links = [step.get("link") for step in MANIFEST["connection"]["guide"]] + list(MANIFEST["links"].values())
    assert all(link is None or link.startswith("https://") for link in links)
    assert all(step["title"] and step["text"] for step in MANIFEST["connection"]["guide"])
