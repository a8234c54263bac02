"""What is nearly right is answered with the sentence that helps, wherever it was written; no key is repeated."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from perplexity_connector.cli import palette
from perplexity_connector.cli.exits import UsageError
from perplexity_connector.contract import ConnectorError, ErrorCode, FieldError
from perplexity_connector.host import ConnectionStore, Host
from perplexity_connector.plugin import load_connector
from perplexity_connector.sandbox import GOOD_KEY, Sandbox
from tests.host.stage import CONNECTION, GREET, TOKEN, changed, in_host, toy_host

CHAT: dict[str, Any] = {
    "model": "sonar",
    "messages": [{"role": "user", "content": "How far away is the Moon?"}],
}


@pytest.fixture(scope="module")
def base_url() -> Iterator[str]:
    """A sandbox in Perplexity's place."""
    with Sandbox() as sandbox:
        yield sandbox.url


def perplexity(base_url: str = "http://127.0.0.1:9", **options: Any) -> Host:
    """A host with Perplexity's settings for that address."""
    settings = {"perplexity": {"base_url": base_url}}
    return Host(**{"settings": settings, "environ": {}, "retries": 0, **options})


@pytest.mark.parametrize(
    ("call", "right"),
    [
        (lambda host: host.describe("perplexity", "execute_serch"), "execute_search"),
        (lambda host: host.describe("perplexty", "execute_search"), "perplexity"),
        (lambda host: palette.find_action(host.actions(), "excute_search"), "execute_"),
        (
            lambda _: load("perplexity").action("create_chat_completions", 1),
            "create_chat_completion ",
        ),
    ],
    ids=["action", "connector", "command line", "plain pluggy"],
)
def test_a_misspelled_action_is_answered_with_the_right_one(
    call: Any, right: str
) -> None:
    """Before the list of all."""
    with pytest.raises((ConnectorError, UsageError)) as caught:
        call(perplexity())
    assert f"mean {right}" in str(caught.value)


def load(connector: str) -> Any:
    """A connector without a host."""
    return load_connector(connector, {})


@pytest.mark.parametrize(
    ("input", "pointer", "right"),
    [
        ({"max_token": 20}, "/max_token", "max_tokens"),
        (
            {"messages": [{"role": "user", "contents": "x"}]},
            "/messages/0/contents",
            "content",
        ),
        (
            {"web_search_options": {"user_location": {"county": "US"}}},
            "/web_search_options/user_location/county",
            "country",
        ),
    ],
)
def test_a_misspelled_field_is_answered_with_the_right_one(
    input: dict[str, Any], pointer: str, right: str
) -> None:
    """By the host and by the connector alone, however deep the field is."""
    values = {**CHAT, **input}
    errors = perplexity().validate("perplexity", "create_chat_completion", values)
    alone = load("perplexity").check("create_chat_completion", 1, values)
    for found in (errors, alone):
        assert f"mean {right}?" in message_at(found, pointer)


def test_a_field_that_is_near_to_none_is_only_refused() -> None:
    """No guess is better than a wrong one."""
    values = {**CHAT, "xyzzy": 1, "messages": [{**CHAT["messages"][0], "q": 1}]}
    found = load("perplexity").check("create_chat_completion", 1, values)
    for pointer in ("/xyzzy", "/messages/0/q"):
        assert "mean" not in message_at(found, pointer)
    toy = toy_host().validate("toy", "greet", {"name": "Ada", "xyzzy": 1})
    assert "mean" not in message_at(toy, "/xyzzy")


def message_at(errors: Any, pointer: str) -> str:
    """The message of the error at a pointer."""
    (found,) = [error for error in errors if error.pointer == pointer]
    assert isinstance(found, FieldError)
    return found.message


def test_a_misspelled_field_of_a_foreign_connector_is_answered_too() -> None:
    """From its schema."""
    errors = toy_host().validate("toy", "greet", {"name": "Ada", "nme": 1})
    assert "mean name?" in message_at(errors, "/nme")


def test_a_misspelled_setting_is_a_problem_and_is_refused() -> None:
    """An operator sees it in `problems`, and not only at the first run."""
    host = toy_host(settings={"toy": {"greting": "x"}, "tooy": {"greeting": "x"}})
    messages = {each["connector"]: str(each["message"]) for each in host.problems()}
    assert "mean greeting?" in messages["toy"]
    assert "mean toy?" in messages["tooy"]
    error: Any = in_host(host, lambda host: host.run(*GREET, connection=CONNECTION))[
        "error"
    ]
    assert "mean greeting?" in error["fields"][0]["message"]


def test_known_settings_are_no_problem() -> None:
    """And a connector whose name is near to none is said to be missing."""
    host = toy_host(settings={"toy": {"greeting": "x"}, "zzzz": {}})
    assert [each["connector"] for each in host.problems()] == ["zzzz"]


def test_a_model_that_is_refused_is_answered_with_a_near_one(base_url: str) -> None:
    """A name that Perplexity may know is sent as it is; only its refusal is answered."""
    host = perplexity(base_url)
    connection = {"connection_name": "x", "api_key": GOOD_KEY}

    async def run(host: Host) -> Any:
        step = ("perplexity", "create_chat_completion", {**CHAT, "model": "sonar-prp"})
        return await host.run(*step, connection=connection)

    (field,) = in_host(host, run)["error"]["fields"]
    assert field["pointer"] == "/model"
    assert "mean sonar-pro?" in field["message"]


def test_a_misspelled_reference_is_answered_with_the_right_one(tmp_path: Path) -> None:
    """Before anything runs; where the schema says nothing of the value, when its step has run."""
    count = {"id": "first", "connector": "toy", "action": "count"}
    greet = {"id": "next", "connector": "toy", "action": "greet", "input": {}}
    steps = [{**count, "input": {"text": "abc"}}]

    def flow(step: str, pointer: str) -> dict[str, Any]:
        good = {"step": step, "pointer": "/letters"}
        binding = {"/name": [good, {"step": step, "pointer": pointer}, "!"]}
        return {"flow_version": 1, "steps": [*steps, {**greet, "bindings": binding}]}

    host = toy_host()
    for error in host.validate_flow(flow("frst", "/letters")):
        assert "mean first?" in str(error["message"])
    (wrong,) = host.validate_flow(flow("first", "/leters"))
    assert "mean letters?" in wrong["message"]
    connections = {"toy": CONNECTION}

    async def run(host: Host) -> Any:
        return await host.run_flow(flow("first", "/leters"), connections=connections)

    manifest = changed(tmp_path, schemas={"count.v1.output": {"type": "object"}})
    failed = in_host(toy_host(manifest=manifest), run)["steps"][-1]["envelope"]["error"]
    assert "mean letters?" in failed["fields"][0]["message"]


class BrokenStore:
    """A store that cannot be read."""

    def read(self) -> Any:
        """Fail."""
        raise ConnectorError(ErrorCode.UNAVAILABLE, "Not now.")

    def change(self, edit: object) -> None:
        """Nothing."""


def test_a_misspelled_connection_is_answered_without_repeating_it(
    tmp_path: Path,
) -> None:
    """What was given may be a key."""
    host = toy_host(store=ConnectionStore(tmp_path, {}))

    async def run(host: Host) -> Any:
        host.connections.add("toy", CONNECTION)
        runs: Any = [
            await host.run(*GREET, connection=name) for name in ("Mime", TOKEN)
        ]
        return [run["error"]["user_message"] for run in runs]

    near, key = in_host(host, run)
    assert "mean Mine?" in near
    assert "Mime" not in near
    assert "Mine" in key
    assert TOKEN not in key


def test_a_connection_that_is_stored_but_not_named_is_offered(tmp_path: Path) -> None:
    """With the variable as the other way; a store that cannot be read is not the trouble here."""
    store = ConnectionStore(tmp_path, {})
    host = toy_host(store=store)

    async def missing(host: Host) -> str:
        envelope: Any = await host.run(*GREET)
        assert envelope["error"]["code"] == "invalid_credentials"
        status: Any = await host.connections.test(None, "toy")
        assert status["message"] == envelope["error"]["user_message"]
        return str(status["message"])

    assert "Mine" not in in_host(host, missing)
    host.connections.add("toy", CONNECTION)
    named = in_host(host, missing)
    assert "Mine" in named
    assert "TOY_TOKEN" in named
    assert "TOY_TOKEN" in in_host(toy_host(store=BrokenStore()), missing)


@pytest.mark.parametrize(
    ("name", "is_named"),
    [("absent_library.part", True), (None, False), (f"a {TOKEN}", False)],
)
def test_a_module_that_a_plugin_lacks_is_named(
    monkeypatch: pytest.MonkeyPatch, name: str | None, is_named: bool
) -> None:
    """An operator can install it. What is not a module's name stays out."""
    host = toy_host()
    toy = host._catalogue.connector("toy")

    def load_plugin() -> object:
        raise ModuleNotFoundError(TOKEN, name=name)

    broken = toy._replace(load_plugin=load_plugin)
    monkeypatch.setitem(host._catalogue._registered, "toy", broken)
    error: Any = in_host(host, lambda host: host.run(*GREET, connection=CONNECTION))[
        "error"
    ]
    assert error["code"] == "internal"
    assert ("absent_library.part" in error["user_message"]) is is_named
    assert TOKEN not in str(error)


@pytest.mark.parametrize("key", ["Bearer {}", "bearer  {}", "BEARER\t{}"])
def test_the_word_bearer_before_a_key_has_a_sentence_of_its_own(
    base_url: str, key: str
) -> None:
    """In a run and in a test of the connection. Nothing is sent."""
    connection = {"connection_name": "x", "api_key": key.format(GOOD_KEY)}
    plain = {"connection_name": "x", "api_key": f"{GOOD_KEY} {GOOD_KEY}"}

    async def words(host: Host, given: Any) -> tuple[str, str]:
        step = ("perplexity", "execute_search", {"query": "moon"})
        error: Any = (await host.run(*step, connection=given))["error"]
        assert (error["code"], error["effect"]) == ("invalid_credentials", "none")
        status: Any = await host.connections.test(given, "perplexity")
        assert status["outcome"] == "invalid_credentials"
        assert GOOD_KEY not in f"{error}{status}"
        return error["user_message"], str(status["message"])

    host = perplexity(base_url)
    for with_word, without in zip(
        in_host(host, lambda host: words(host, connection)),
        in_host(host, lambda host: words(host, plain)),
        strict=True,
    ):
        assert "Bearer" in with_word
        assert "Bearer" not in without


def test_half_a_character_is_refused_at_its_field() -> None:
    """A cut emoji; with a host and without one the same words, which do not repeat the text."""
    values = {"query": f"{TOKEN}\ud83d"}
    by_host = perplexity().validate("perplexity", "execute_search", values)
    alone = load("perplexity").check("execute_search", 1, values)
    messages = {message_at(found, "/query") for found in (by_host, alone)}
    assert len(messages) == 1
    assert "emoji" in messages.pop()


def test_without_its_metadata_the_package_still_loads(
    monkeypatch: pytest.MonkeyPatch, base_url: str
) -> None:
    """PyInstaller and vendoring leave it behind: no entry point, no version. A host registers the plugin then."""

    def missing(_: str) -> str:
        from importlib.metadata import PackageNotFoundError  # noqa: PLC0415 - here only

        raise PackageNotFoundError

    monkeypatch.setattr("perplexity_connector.contract.version.version", missing)
    monkeypatch.setattr(
        "perplexity_connector.host.catalogue.discovery.entry_points", NoEntryPoints
    )
    host = perplexity(base_url)
    assert host.actions() == []
    manifest = Path(__file__).parents[2] / "connector.yaml"
    host.register(sys.modules[load_connector.__module__], manifest)
    connection = {"connection_name": "x", "api_key": GOOD_KEY}

    async def run(host: Host) -> Any:
        step = ("perplexity", "execute_search", {"query": "moon"})
        return await host.run(*step, connection=connection)

    assert in_host(host, run)["status"] == "succeeded"


class NoEntryPoints:
    """The entry points of a program that has none."""

    def select(self, **_: str) -> tuple[()]:
        """None."""
        return ()
