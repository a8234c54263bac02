import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import NoneType
from typing import Any, get_args, get_origin, get_type_hints

import pytest

from perplexity_connector.contract import Action, ConnectionSpec, Manifest
from perplexity_connector.host.catalogue import manifests
from perplexity_connector.host.catalogue.manifests import ManifestError, read_manifest
from tests.host.stage import changed
from tests.toy.toy import MANIFEST


def trouble(file: Path, connector_id: str | None = "toy") -> str:
    """The message of the error that a manifest is refused with."""
    with pytest.raises(ManifestError) as error:
        read_manifest(file, connector_id)
    return str(error.value)


def test_a_good_manifest_is_read_as_it_is_written() -> None:
    """The toy's manifest comes back as plain data."""
    document = read_manifest(MANIFEST, "toy")
    assert document["id"] == "toy"
    assert [action["version"] for action in document["actions"]] == [1, 2, 1]


@pytest.mark.parametrize(
    "text",
    [
        "NO",
        "on",
        "yes",
        "1.10",
        "0x1F",
        "010",
        "1_000",
        "2026-01-31",
        "True",
        "1e3",
        "<<",
        "=",
    ],
)
def test_what_yaml_would_take_for_something_else_stays_text(
    tmp_path: Path, text: str
) -> None:
    """Only true, false, null and plain decimal integers are more than text."""
    manifest = changed(
        tmp_path, lambda written: written.replace("default: NO", f"default: {text}")
    )
    assert read_manifest(manifest)["settings"][-1]["default"] == text


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("false", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("-12", -12),
        ("0", 0),
    ],
)
def test_the_few_words_of_json_mean_what_they_mean_there(
    tmp_path: Path, text: str, value: object
) -> None:
    """Booleans, null, nothing at all, and integers."""
    manifest = changed(
        tmp_path, lambda written: written.replace("default: NO", f"default: {text}")
    )
    default = read_manifest(manifest)["settings"][-1]["default"]
    assert (type(default), default) == (type(value), value)


def test_keys_are_text_whatever_they_look_like(tmp_path: Path) -> None:
    """A label for the choice `true` or `1` is found under that text."""
    manifest = changed(
        tmp_path,
        lambda text: text.replace("{warm: Warm, cool: Cool}", "{true: Yes, 1: One}"),
    )
    assert read_manifest(manifest)["actions"][0]["labels"] == {
        "/tone": {"true": "Yes", "1": "One"}
    }


def test_a_key_that_stands_twice_is_an_error_that_names_its_line(
    tmp_path: Path,
) -> None:
    """The second one is named, since silently the last one would win."""
    manifest = changed(tmp_path, lambda text: text + "title: Again\n")
    lines = len(manifest.read_text(encoding="utf-8").splitlines())
    assert f"line {lines}" in trouble(manifest)
    assert "Again" not in trouble(manifest)


@pytest.mark.parametrize(
    "text",
    [
        "- a list",
        "",
        "just text",
        "a: [unclosed",
        "a: 'open",
        "{[1]: a}",
        "a: !!python/name:os.system x",
        "a: !!int many",
        "a: !!bool perhaps",
        "a: !!float 1.5",
        "!!map [a]",
        "--- {}\n--- {}",
        "a: \x00",
    ],
)
def test_what_is_no_mapping_of_plain_yaml_is_refused(tmp_path: Path, text: str) -> None:
    """Whatever is wrong with it, it is a manifest error, and nothing is made of its tags."""
    file = tmp_path / "connector.yaml"
    file.write_text(text, encoding="utf-8")
    assert "connector.yaml" in trouble(file)


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    """One that is not there, one that is a folder, one that is no UTF-8."""
    assert "connector.yaml" in trouble(tmp_path / "connector.yaml")
    assert trouble(tmp_path)
    (tmp_path / "latin.yaml").write_bytes(b"title: caf\xe9")
    assert "latin.yaml" in trouble(tmp_path / "latin.yaml")


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ("manifest_version: 1", "manifest_version: 2", "/manifest_version"),
        ("manifest_version: 1", "manifest_version: true", "/manifest_version"),
        ("manifest_version: 1", "", "/manifest_version"),
        ("{min: 1, max: 1}", "{min: 2, max: 9}", "/host_api"),
        ("{min: 1, max: 1}", "{min: 0, max: 0}", "/host_api"),
        ("{min: 1, max: 1}", "{min: one}", "/host_api"),
        ("id: toy", "id: other", "/id"),
        ("id: toy", "id: 7", "/id"),
        ("id: toy", "id: ''", "/id"),
        ("title: Toy", "title: [Toy]", "/title"),
        ("title: Toy", "", "/title"),
        ("categories: [Examples]", "categories: Examples", "/categories"),
        ("  env: {token: TOY_TOKEN}", "  env: TOY_TOKEN", "/connection/env"),
        ("  schema: schemas/connection.schema.json", "", "/connection/schema"),
        ("  - id: count", "  - a word\n  - id: count", "/actions/2"),
        ("    timeout: 10", "    timeout: soon", "/actions/2/timeout"),
        ("    streaming: true", "    streaming: yes", "/actions/0/streaming"),
        ("    version: 2", "    version: 1", "/actions/1"),
    ],
)
def test_a_manifest_that_the_palette_cannot_show_is_refused_naming_the_place(
    tmp_path: Path, old: str, new: str, place: str
) -> None:
    """Another format, another host's, another id, a missing or misshapen part, an action that stands twice."""
    manifest = changed(tmp_path, lambda text: text.replace(old, new))
    assert place in trouble(manifest)


def test_any_id_will_do_when_no_entry_point_names_one(tmp_path: Path) -> None:
    """A connector that is registered by hand has the id of its manifest."""
    manifest = changed(tmp_path, lambda text: text.replace("id: toy", "id: other"))
    assert read_manifest(manifest)["id"] == "other"


def yaml_type(hint: Any) -> type:
    """The type that a manifest's field with this type hint has in YAML."""
    parts = get_args(hint)
    if NoneType in parts:
        return yaml_type(parts[0])
    kind = get_origin(hint) or hint
    if kind is Sequence:
        return list
    return dict if kind is Mapping or dataclasses.is_dataclass(kind) else kind


@pytest.mark.parametrize(
    ("record", "table", "checked_elsewhere"),
    [
        (Manifest, manifests._MANIFEST, {"manifest_version", "id", "host_api"}),
        (ConnectionSpec, manifests._CONNECTION, set()),
        (Action, manifests._ACTION, set()),
    ],
)
def test_the_fields_that_discovery_checks_are_those_of_the_contract(
    record: Any, table: Any, checked_elsewhere: set[str]
) -> None:
    """Every field of the dataclass is in the table, with its type, and required if it has no default."""
    hints = get_type_hints(record)
    required, optional = {}, {}
    for field in dataclasses.fields(record):
        defaults = {field.default, field.default_factory}
        fields = required if defaults == {dataclasses.MISSING} else optional
        fields[field.name] = yaml_type(hints[field.name])
    for name in checked_elsewhere:
        del required[name]
    assert table == (required, optional)
