import json
import os
import shutil
from pathlib import Path

import pytest

from perplexity_connector.contract import ConnectorError, ErrorCode, PaletteEntry
from perplexity_connector.host import Host
from tests.host.stage import changed, toy_host
from tests.toy.toy import ToyPlugin


def palette(host: Host) -> list[PaletteEntry]:
    """The toy's entries."""
    return [entry for entry in host.actions() if entry["connector"] == "toy"]


def test_the_palette_shows_each_action_once_in_its_newest_version() -> None:
    """With what a drawer of the palette needs, as plain JSON."""
    greet, count = palette(toy_host())
    assert greet == {
        "connector": "toy",
        "action": "greet",
        "version": 2,
        "title": "Greet",
        "summary": "Greet somebody.",
        "icon": "data:image/svg+xml,%3Csvg%20xmlns='http://www.w3.org/2000/svg'/%3E",
        "categories": ["Examples"],
        "streaming": True,
        "annotations": {
            "read_only": True,
            "destructive": False,
            "idempotent": False,
            "open_world": False,
            "billable": True,
        },
        "timeout": 30,
        "command": None,
    }
    assert (count["action"], count["streaming"]) == ("count", False)


def test_a_description_holds_all_that_a_form_needs() -> None:
    """Manifest entry, connector, schemas, labels and examples, as plain JSON with every key present."""
    description = json.loads(json.dumps(toy_host().describe("toy", "greet")))
    assert description.keys() == {
        "connector",
        "action",
        "schemas",
        "labels",
        "examples",
    }
    assert description["connector"].keys() == {
        *(
            "id",
            "version",
            "title",
            "summary",
            "icon",
            "categories",
            "links",
            "settings",
            "connection",
            "sandbox",
        )
    }
    assert description["connector"]["version"] == "1.10"
    assert description["connector"]["connection"]["env"] == {"token": "TOY_TOKEN"}
    assert description["action"]["version"] == 2
    assert description["schemas"].keys() == {"connection", "input", "output", "event"}
    assert description["schemas"]["event"]["title"] == "Event"
    assert description["labels"] == {"/tone": {"warm": "Warm", "cool": "Cool"}}
    assert description["examples"][0] == {"name": "Ada"}


@pytest.mark.parametrize(
    ("written", "described"),
    [
        ("", None),
        ("sandbox: null", None),
        (
            "sandbox: {start: toy.sandbox:start, settings: {mark: '{address}'}}",
            {
                "start": "toy.sandbox:start",
                "settings": {"mark": "{address}"},
                "connection": {},
                "test_connections": [],
                "test_prefixes": {},
            },
        ),
    ],
)
def test_the_sandbox_of_a_connector_is_described_and_not_imported(
    tmp_path: Path, written: str, described: object
) -> None:
    """With every key, if there is one."""
    host = toy_host(manifest=changed(tmp_path, lambda text: f"{text}\n{written}\n"))
    (toy,) = [one for one in host.connectors() if one["id"] == "toy"]
    assert toy["sandbox"] == described
    assert host.validate("toy", "greet", {"name": "Ada"}) == []


def test_connectors_are_described_once_each_in_order_of_id(tmp_path: Path) -> None:
    """As in the description of their actions, as copies."""
    host = toy_host()
    other = changed(tmp_path, lambda text: text.replace("id: toy", "id: other"))
    host.register(object(), other)
    toys = [each for each in host.connectors() if each["id"] in {"toy", "other"}]
    assert [each["id"] for each in toys] == ["other", "toy"]
    assert toys[1] == host.describe("toy", "greet")["connector"]
    toys[1]["categories"].append("Mine")
    assert toys[1] not in host.connectors()


def test_the_command_of_an_action_is_described_as_it_is_written(
    tmp_path: Path,
) -> None:
    """So that any host can offer it; an action without one has null."""
    command = {"name": "letters", "words": "/text"}
    host = Host()
    host.register(
        ToyPlugin(),
        changed(
            tmp_path,
            lambda text: f"{text}    command: {json.dumps(command)}\n",
        ),
    )
    assert host.describe("toy", "count")["action"]["command"] == command
    assert host.describe("toy", "greet")["action"]["command"] is None
    entry = {"name": "letters", "summary": "Count the letters of a text."}
    assert [each["command"] for each in palette(host)] == [None, entry]


def test_what_a_manifest_leaves_out_is_empty() -> None:
    """An action without events, labels or examples."""
    description = toy_host().describe("toy", "count")
    assert description["schemas"]["event"] is None
    assert description["action"]["events"] is None
    assert (description["labels"], description["examples"]) == ({}, [])


def test_a_version_can_be_named() -> None:
    """A saved step pins its own."""
    assert (
        toy_host().describe("toy", "greet", 1)["action"]["summary"]
        == "Greet somebody, in version one."
    )


def test_changing_a_description_or_the_palette_changes_nothing_else() -> None:
    """What is handed out is a copy."""
    host = toy_host()
    host.describe("toy", "greet")["connector"]["categories"].append("Mine")
    palette(host)[0]["categories"].append("Mine")
    assert palette(host)[0]["categories"] == ["Examples"]


@pytest.mark.parametrize(
    ("connector", "action", "version", "named"),
    [
        ("tyo", "greet", None, "toy"),
        ("toy", "great", None, "count, greet"),
        ("toy", "greet", 3, "1, 2"),
    ],
)
def test_what_is_not_there_is_not_found_and_the_error_names_what_is(
    connector: str, action: str, version: int | None, named: str
) -> None:
    """Connector, action, version; from `describe` and from `validate`."""
    host = toy_host()
    for ask in (
        lambda: host.describe(connector, action, version),
        lambda: host.validate(connector, action, {}, version=version),
    ):
        with pytest.raises(ConnectorError) as error:
            ask()
        assert error.value.code is ErrorCode.NOT_FOUND
        assert named in error.value.message


SCHEMA = Path("schemas", "greet.v1.input.schema.json")


def unusable(manifest: Path) -> None:
    """The schema is an internal error of its own actions, and a problem; the palette is whole."""
    host = toy_host(manifest=manifest)
    host.register(object(), changed(manifest.parent / "other", as_other))
    with pytest.raises(ConnectorError) as error:
        host.describe("toy", "greet")
    assert error.value.code is ErrorCode.INTERNAL
    assert len(palette(host)) == 2
    assert host.describe("other", "greet")
    found = [each for each in host.problems() if each["connector"] in {"toy", "other"}]
    (problem,) = found
    assert problem["connector"] == "toy"
    assert SCHEMA.name in str(problem["message"])


def as_other(text: str) -> str:
    """The toy's manifest under another id."""
    return text.replace("id: toy", "id: other")


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        '{"a": NaN}',
        '{"title": "\\ud800"}',
        '{"a":' * 101 + "{}" + "}" * 101,
        '{"a":' * 400 + "{}" + "}" * 400,
        "[" * 100_000,
        f'{{"title": "{"x" * 1024 * 1024}"}}',
        '{"title": "caf\u00e9"}'.encode("latin-1"),
        '{"maxLength": 1e999}',
        '{"type": "string"}',
        '{"type": ["string", "null"]}',
        '{"type": 5}',
        '{"required": {"name": 1}}',
        '{"required": 5}',
        '{"required": [5]}',
        '{"properties": []}',
        '{"properties": {"name": 5}}',
        None,
    ],
    ids=lambda text: str(text)[:12],
)
def test_a_schema_that_cannot_be_read_is_a_problem_of_its_connector(
    tmp_path: Path, text: str | bytes | None
) -> None:
    """Broken, no object or not the schema of one, without a JSON form, too deep, too large, not there."""
    manifest = changed(tmp_path)
    file = tmp_path / SCHEMA
    file.unlink()
    if isinstance(text, str):
        file.write_text(text, encoding="utf-8")
    elif text is not None:
        file.write_bytes(text)
    unusable(manifest)


@pytest.mark.skipif(os.name != "posix", reason="links need a privilege on Windows")
@pytest.mark.parametrize("kind", ["file", "folder", "loop", "device", "pipe"])
def test_a_schema_is_a_file_in_the_folder_of_its_connector(
    tmp_path: Path, kind: str
) -> None:
    """A link does not lead out of it, and a pipe is not waited for."""
    manifest = changed(tmp_path / "toy")
    file = manifest.parent / SCHEMA
    outside = tmp_path / "outside"
    file.parent.rename(outside)
    if kind == "folder":
        file.parent.symlink_to(outside)
    else:
        shutil.copytree(outside, file.parent)
        file.unlink()
    match kind:
        case "file":
            file.symlink_to(outside / SCHEMA.name)
        case "loop":
            file.symlink_to(file)
        case "device":
            file.symlink_to("/dev/zero")
        case "pipe":
            os.mkfifo(file)
    unusable_alone(manifest, tmp_path)


def unusable_alone(manifest: Path, elsewhere: Path) -> None:
    """As `unusable`, with the other connector elsewhere."""
    host = toy_host(manifest=manifest)
    host.register(object(), changed(elsewhere / "other", as_other))
    with pytest.raises(ConnectorError) as error:
        host.describe("toy", "greet", 1)
    assert error.value.code is ErrorCode.INTERNAL
    assert host.describe("other", "greet")
    assert "toy" in {each["connector"] for each in host.problems()}


@pytest.mark.skipif(os.name != "posix", reason="links need a privilege on Windows")
def test_an_installer_may_link_every_file_into_its_store(tmp_path: Path) -> None:
    """The files are neighbours there as well."""
    store = changed(tmp_path / "store").parent
    installed = tmp_path / "installed"
    for file in [*store.glob("*.yaml"), *store.glob("schemas/*")]:
        link = installed / file.relative_to(store)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(file)
    host = toy_host(manifest=installed / "connector.yaml")
    assert host.describe("toy", "greet")["schemas"]["input"]
    assert "toy" not in {each["connector"] for each in host.problems()}


def test_registering_a_broken_manifest_is_an_internal_error(tmp_path: Path) -> None:
    """It is the embedder's own doing, so it raises."""
    with pytest.raises(ConnectorError) as error:
        toy_host(
            manifest=changed(tmp_path, lambda text: text.replace("id: toy", "id: ["))
        )
    assert error.value.code is ErrorCode.INTERNAL


def test_a_registered_connector_stands_in_for_one_of_the_same_id(
    tmp_path: Path,
) -> None:
    """The last one registered counts."""
    host = toy_host()
    host.register(
        object(),
        changed(
            tmp_path,
            lambda text: text.replace("summary: Greet somebody.", "summary: New."),
        ),
    )
    assert palette(host)[0]["summary"] == "New."
