import dataclasses
import importlib.util
import json
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import NoneType
from typing import Any, get_args, get_origin, get_type_hints

import jsonschema_rs
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from yaml.composer import ComposerError
from yaml.events import CollectionEndEvent, CollectionStartEvent

from perplexity_connector.contract import Manifest
from perplexity_connector.host.catalogue import manifests, plain_yaml
from perplexity_connector.host.catalogue.manifests import ManifestError, read_manifest
from perplexity_connector.host.catalogue.shapes import (
    Leaf,
    ListOf,
    MapOf,
    Record,
    Shape,
)
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
        "1" * 16,
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
        ('!!int "12"', 12),
    ],
)
def test_the_few_words_of_json_mean_what_they_mean_there(
    tmp_path: Path, text: str, value: object
) -> None:
    """Booleans, null, nothing at all, and integers."""
    manifest = changed(tmp_path, lambda written: f"{written}spare: {text}\n")
    spare = read_manifest(manifest)["spare"]  # type: ignore[typeddict-item]
    assert (type(spare), spare) == (type(value), value)


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


@pytest.mark.skipif(os.name != "posix", reason="there are no such files on Windows")
def test_a_pipe_or_a_device_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    """Nor one behind a link."""
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "device.yaml").symlink_to("/dev/zero")
    for name in ("pipe.yaml", "device.yaml"):
        assert name in trouble(tmp_path / name)


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ("manifest_version: 1", "manifest_version: 2", "/manifest_version"),
        ("manifest_version: 1", "manifest_version: true", "/manifest_version"),
        ("manifest_version: 1", "", "/manifest_version"),
        ("{min: 1, max: 1}", "{min: 2, max: 9}", "/host_api"),
        ("{min: 1, max: 1}", "{min: 0, max: 0}", "/host_api"),
        ("{min: 1, max: 1}", "{min: one}", "/host_api"),
        ("{min: 1, max: 1}", "{min: true, max: 1}", "/host_api"),
        ("id: toy", "id: other", "/id"),
        ("id: toy", "id: 7", "/id"),
        ("id: toy", "id: ''", "/id"),
        ("title: Toy", "title: [Toy]", "/title"),
        ("title: Toy", "", "/title"),
        ("categories: [Examples]", "categories: Examples", "/categories"),
        ("categories: [Examples]", "categories: [[Examples]]", "/categories/0"),
        ("  guide:\n", "  guide: x\n  more:\n", "/connection/guide"),
        ("{title: Make one up, text", "{title: 5, text", "/connection/guide/0/title"),
        ("env: {token: TOY_TOKEN}", "env: {a/b: 5}", "/connection/env/a~1b"),
        ("name: greeting", "name: [greeting]", "/settings/0/name"),
        ("billable: ", "bilabel: ", "/actions/0/annotations/billable"),
        ("{warm: Warm, cool: Cool}", "{warm: 5}", "/actions/0/labels/~1tone/warm"),
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


URIS = [
    "data:image/svg+xml,%3Csvg%20xmlns='http://www.w3.org/2000/svg'/%3E",
    "https://example.org",
    "HTTPS://Example.org:8443/a/b.png?c=%20&d=(e)#f/g?h",
    "http://127.0.0.1:80/icon.png",
]
NOT_URIS = [
    "",
    "icon.png",
    "//example.org/icon.png",
    "data:image/svg+xml,<svg/>",
    "data:image/svg+xml,%3Csvg xmlns='x'/%3E",
    "data:image/svg+xml,%3",
    "data:text/html,x",
    "javascript:alert(1)",
    "https://",
    "https:///icon.png",
    "https://user:word@example.org/",
    "https://example.org\\@other.org/",
    "https://example.org/a b",
    "https://example.org/\u202egnp",
    "https://example.org/#a#b",
    "https://example.org##",
    "https://ex%61mple.org/[x]",
    "file:///etc/passwd",
]


@pytest.mark.parametrize("uri", [*URIS, *NOT_URIS])
def test_icons_and_links_are_valid_uris(tmp_path: Path, uri: str) -> None:
    """Faces pass them on to protocols, and to browsers that follow them."""
    quoted = json.dumps(uri)
    icon = changed(
        tmp_path / "icon",
        lambda text: re.sub("(?m)^icon: .*", lambda _: f"icon: {quoted}", text),
    )
    link = changed(
        tmp_path / "link", lambda text: text.replace('"https://example.org"', quoted)
    )
    if uri in URIS:
        assert read_manifest(icon)["icon"] == uri
    else:
        assert "/icon" in trouble(icon)
    if uri in URIS[1:]:
        assert read_manifest(link)["links"]["documentation"] == uri
    else:
        assert "/links/documentation" in trouble(link)


@given(st.from_regex(manifests._ICON_PATTERN, fullmatch=True))
def test_an_icon_is_a_uri_to_a_strict_judge_too(icon: str) -> None:
    """Such as the schema of a protocol."""
    judge = jsonschema_rs.validator_for({"format": "uri"}, validate_formats=True)
    assert judge.is_valid(icon)


@pytest.mark.parametrize(
    "name",
    [
        "/etc/hostname",
        "../other.json",
        "schemas/../../other.json",
        "..",
        "schemas\\x.json",
        "C:x.json",
        "x\x07.json",
        "",
    ],
)
@pytest.mark.parametrize("place", ["input", "output", "events", "schema"])
def test_a_schema_outside_the_folder_of_the_manifest_is_refused(
    tmp_path: Path, name: str, place: str
) -> None:
    """Before any file is looked for."""
    manifest = changed(
        tmp_path,
        lambda text: re.sub(
            f"(?m) {place}: .*",
            lambda _: f" {place}: {json.dumps(name)}",
            text,
            count=1,
        ),
    )
    assert f"/{place} " in trouble(manifest)


def aliases(lines: int) -> str:
    """Lists of the list before, ten times: each line is ten times as large as the last."""
    rows = [
        f"a{at}: &a{at} [{', '.join([f'*a{at - 1}'] * 10)}]" for at in range(1, lines)
    ]
    return "\n".join(["a0: &a0 [x, x, x, x, x, x, x, x, x, x]", *rows])


@pytest.fixture(params=["C", "Python"])
def _either_parser(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of PyYAML's parsers; the slower one is all that some systems have."""
    if request.param == "Python":
        monkeypatch.delattr(yaml, "CSafeLoader")
        spec = importlib.util.spec_from_file_location("slow_yaml", plain_yaml.__file__)
        assert spec
        assert spec.loader
        slow = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(slow)
        assert issubclass(slow._Loader, yaml.SafeLoader)
        monkeypatch.setattr(manifests, "load_yaml", slow.load_yaml)


@pytest.mark.usefixtures("_either_parser")
@pytest.mark.parametrize(
    "hostile",
    [
        aliases(9),
        f"a: &a {'x' * 200_000}\nb: [{', '.join(['*a'] * 100)}]",
        "a: &a [*a]",
        "a: &a {b: *a}",
        f"a: {'[' * 60}{']' * 60}",
        "[" * 100_000,
        "{a: " * 50_000,
        "- " * 100_000,
        "x" * (256 * 1024 + 1),
        '"\\ud800"',
        f"a: {'9' * 5000}",
        *(f'a: !!int "{text}"' for text in (f"0x{'F' * 5000}", "9" * 4000, "1:" * 99)),
        f'a: {{b: !!int "-{"9" * 16}"}}',
        "a: !!int [1]",
        "*nowhere",
    ],
    ids=lambda text: text[:12],
)
def test_a_hostile_manifest_is_refused_soon_and_in_words(
    tmp_path: Path, hostile: str
) -> None:
    """Too large, too deep, or small with a large meaning."""
    file = tmp_path / "connector.yaml"
    file.write_text(hostile, encoding="utf-8")
    assert "connector.yaml" in trouble(file)


def yaml_type(hint: Any) -> type:
    """The type that a manifest's field with this type hint has in YAML."""
    parts = get_args(hint)
    if NoneType in parts:
        return yaml_type(parts[0])
    kind = get_origin(hint) or hint
    if kind is Sequence:
        return list
    return dict if kind is Mapping or dataclasses.is_dataclass(kind) else kind


def fields_of(record: Any) -> Record:
    """The shape of one of the contract's dataclasses."""
    hints = get_type_hints(record)
    required: dict[str, Shape] = {}
    optional: dict[str, Shape] = {}
    for field in dataclasses.fields(record):
        defaults = {field.default, field.default_factory}
        fields = required if defaults == {dataclasses.MISSING} else optional
        fields[field.name] = shape_of(hints[field.name])
    return Record(required, optional)


def shape_of(hint: Any) -> Shape:
    """The shape of a type hint."""
    parts = get_args(hint)
    if NoneType in parts:
        inner: Any = shape_of(parts[0])
        nullable: Shape = inner._replace(or_null=True)
        return nullable
    if dataclasses.is_dataclass(hint):
        return fields_of(hint)
    if get_origin(hint) is Sequence:
        return ListOf(shape_of(parts[0]))
    if get_origin(hint) is Mapping:
        return MapOf(shape_of(parts[1]))
    return Leaf(hint, "")


def by_type(shape: Any) -> Any:
    """A shape without its words and patterns. A named tuple equals one of another class."""
    match shape:
        case Leaf():
            return Leaf(shape.kind, "", or_null=shape.or_null)
        case ListOf():
            return ListOf, by_type(shape.item)
        case MapOf():
            return MapOf, by_type(shape.value)
    return Record(
        {name: by_type(part) for name, part in shape.required.items()},
        {name: by_type(part) for name, part in shape.optional.items()},
        or_null=shape.or_null,
    )


@pytest.mark.parametrize(
    ("sandbox", "place"),
    [
        ("toy", "/sandbox"),
        ("{settings: {mark: '{address}'}}", "/sandbox/start"),
        ("{start: toy.sandbox:start}", "/sandbox/settings"),
        ("{start: toy.sandbox:start, settings: {mark: 5}}", "/sandbox/settings/mark"),
        ("{start: toy.sandbox:start, settings: {}}", "/sandbox/settings"),
        ("{start: toy.sandbox:start, settings: {mark: here}}", "/sandbox/settings"),
        *(
            (
                f"{{start: '{start}', settings: {{mark: '{{address}}'}}}}",
                "/sandbox/start",
            )
            for start in ("toy", "toy:", ":start", "toy..a:start", "toy:start()")
        ),
        *(
            (f"{{start: '{start}', settings: {{}}}}", "/sandbox/start")
            for start in (
                "../toy:start",
                "toy:start [x]",
                "t\u00f6y:start",
                "1toy:start",
            )
        ),
        (
            "{start: toy:start, settings: {mark: '{address}'}, connection: {token: 5}}",
            "/sandbox/connection/token",
        ),
        (
            "{start: toy:start, settings: {mark: '{address}'}, test_prefixes: {token: ''}}",
            "/sandbox/test_prefixes",
        ),
    ],
)
def test_a_sandbox_of_another_shape_is_refused_at_discovery(
    tmp_path: Path, sandbox: str, place: str
) -> None:
    """Nothing of it is imported; one that no setting leads to would be the real service."""
    manifest = changed(tmp_path, lambda text: f"{text}\nsandbox: {sandbox}\n")
    assert trouble(manifest).startswith(f"connector.yaml: {place} ")


@pytest.mark.parametrize(
    ("command", "place"),
    [
        ("greet", ""),
        ("{name: greet}", "/words"),
        ("{name: Greet, words: /name}", "/name"),
        ("{name: --greet, words: /name}", "/name"),
        ("{name: greet, words: name}", "/words"),
        ("{name: greet, words: /a~2}", "/words"),
        ("{name: greet, words: /name, values: [1]}", "/values"),
        ("{name: greet, words: /name, continues: {field: /id}}", "/continues/output"),
        *(
            (f"{{name: greet, words: /name, options: [{options}]}}", place)
            for options, place in (
                ("{name: tone}", "/options/0/field"),
                ("{name: tone, field: /tone, short: tt}", "/options/0/short"),
                ("{name: tone, field: /tone, setting: tone}", "/options/0/setting"),
                ("{name: timeout, field: /tone}", "/options/0"),
                ("{name: tone, field: /tone, short: c}", "/options/0"),
                ("{name: a, field: /a}, {name: b, field: /b, short: a}", "/options/1"),
            )
        ),
    ],
)
def test_a_command_of_another_shape_is_refused_at_discovery(
    tmp_path: Path, command: str, place: str
) -> None:
    """A name that cannot be typed, a place that is not a pointer, an option of every command."""
    manifest = changed(
        tmp_path,
        lambda text: text.replace(
            "    timeout: 10", f"    timeout: 10\n    command: {command}"
        ),
    )
    assert trouble(manifest).startswith(f"connector.yaml: /actions/2/command{place} ")


def test_versions_share_a_command_and_two_actions_do_not(tmp_path: Path) -> None:
    """Its values may be anything; the settings that its options name exist."""
    options = "[{name: tone, field: /tone, setting: mark}]"
    values = "{a: [{b: null}, true, 1]}"
    command = f"{{name: greet, words: /name, values: {values}, options: {options}}}"
    shared = changed(
        tmp_path / "shared",
        lambda text: text.replace(
            "    timeout: 30", f"    timeout: 30\n    command: {command}"
        ),
    )
    read = read_manifest(shared)["actions"][1]["command"]
    assert read
    assert read["values"] == {"a": [{"b": None}, True, 1]}
    twice = changed(
        tmp_path / "twice",
        lambda text: re.sub("(    timeout: .*)", f"\\1\n    command: {command}", text),
    )
    assert "/actions/2/command/name " in trouble(twice)


def test_the_fields_that_discovery_checks_are_those_of_the_contract() -> None:
    """Every field of every dataclass, with its type, and required if it has no default."""
    expected = fields_of(
        dataclasses.make_dataclass(
            "Checked",
            [
                (field.name, get_type_hints(Manifest)[field.name], field)
                for field in dataclasses.fields(Manifest)
                if field.name not in {"manifest_version", "id", "host_api"}
            ],
            kw_only=True,
        )
    )
    assert by_type(manifests._MANIFEST) == by_type(expected)


NESTED = st.recursive(
    st.none() | st.text("a: -?[{&", max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("ab"), inner, max_size=3)
    ),
)


@given(
    value=NESTED, flow=st.sampled_from([None, True, False]), indent=st.integers(2, 9)
)
def test_a_document_is_never_deeper_than_its_signs_say(
    value: Any, flow: bool | None, indent: int
) -> None:
    """Only a text with many of them is read twice."""
    text = yaml.safe_dump(value, default_flow_style=flow, indent=indent)
    depth = deepest = 0
    for event in yaml.parse(text):
        depth += isinstance(event, CollectionStartEvent)
        depth -= isinstance(event, CollectionEndEvent)
        deepest = max(deepest, depth)
    assert deepest <= plain_yaml._most_levels(text)


def test_a_usual_manifest_is_parsed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its lists on one line do not make it look deep; as many open ones do."""

    def refuse(text: str) -> None:
        raise AssertionError(text)

    monkeypatch.setattr(plain_yaml, "_check_depth", refuse)
    own = Path(__file__).parents[3] / "connector.yaml"
    assert plain_yaml.load_yaml(own.read_text(encoding="utf-8"))
    assert plain_yaml.load_yaml("- [a, b: c]\n" * 100)
    with pytest.raises(AssertionError):
        plain_yaml.load_yaml("- [\n" * 100)


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n", "\x85", "\u2028"])
@pytest.mark.parametrize("opening", ["- ", "? ", "[", "{a: ", "a:"])
def test_deep_nesting_is_found_however_it_is_written(opening: str, end: str) -> None:
    """Every way to open a level, and every end of a line."""
    text = "".join(f"{end}{' ' * depth}{opening}" for depth in range(60))
    closing = {"[": "]", "{a: ": "}"}.get(opening, "") * 60
    with pytest.raises(ComposerError):
        plain_yaml.load_yaml(f"{text}{closing}{end}")


@pytest.mark.parametrize("opening", ["[a: ", "[? a : "])
def test_a_bracket_around_a_name_and_its_value_opens_two_levels(opening: str) -> None:
    """A list, and in it a mapping without brackets of its own."""
    assert plain_yaml.load_yaml(opening * 25 + "]" * 25)
    with pytest.raises(ComposerError):
        plain_yaml.load_yaml(opening * 26 + "]" * 26)
