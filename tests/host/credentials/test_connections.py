import asyncio
import json
import logging
import re
import traceback
from pathlib import Path
from typing import Any

import pytest

from perplexity_connector.contract import (
    ActionContext,
    ActionResult,
    ConnectorError,
    ErrorCode,
)
from perplexity_connector.host import ConnectionStore, Host, SyncHost
from perplexity_connector.host.plugins import loading as loading_room
from tests.host.stage import CONNECTION, COUNT, TOKEN, changed, in_host, toy_host
from tests.toy.toy import MANIFEST, Toy, ToyPlugin

OTHER = "other-secret-token"


@pytest.fixture
def host(tmp_path: Path) -> Host:
    """A host with the toy and a store of its own."""
    return toy_host(store=ConnectionStore(tmp_path, {}))


def refused(error: ConnectorError) -> tuple[ErrorCode, dict[str, str]]:
    """The code, and the code of each field; no secret is in any of it."""
    assert TOKEN not in json.dumps(error.to_dict())
    return error.code, {field.pointer: field.code for field in error.fields}


def test_a_connection_is_kept_and_shown_without_its_key(host: Host) -> None:
    """By name, connector, fingerprint and times; in order of name."""
    fields: Any = {**CONNECTION, "pin": 12, "shelf": 3}
    shown = host.connections.add("toy", fields)
    host.connections.add("toy", {"connection_name": "älter", "token": OTHER})
    host.connections.add("toy", {"connection_name": "Another", "token": OTHER})
    assert [one["connection_name"] for one in host.connections.list()] == [
        "Another",
        "Mine",
        "älter",
    ]
    assert shown == host.connections.list("toy")[1]
    assert host.connections.list("other") == []
    assert set(shown) == {
        "connection_name",
        "connector",
        "fingerprint",
        "created_at",
        "updated_at",
    }
    assert re.fullmatch("[0-9a-f]{8}", str(shown["fingerprint"]))
    assert TOKEN not in json.dumps(host.connections.list())


def test_the_fingerprint_is_that_of_the_secrets_alone(host: Host) -> None:
    """The same key under two names can be seen to be the same."""
    first = host.connections.add("toy", CONNECTION)
    second = host.connections.add(
        "toy", {"connection_name": "Copy", "token": f" {TOKEN} "}
    )
    third = host.connections.add("toy", {"connection_name": "Other", "token": OTHER})
    assert first["fingerprint"] == second["fingerprint"] != third["fingerprint"]


@pytest.mark.parametrize(
    "name", ["Mine", "mine", " MINE ", "Mi\u200bne", "\ufeffMine", "\uff2dine"]
)
def test_names_are_unique_whatever_their_case(host: Host, name: str) -> None:
    """And whatever in them cannot be seen; for a new connection and for a new name."""
    host.connections.add("toy", CONNECTION)
    host.connections.add("toy", {"connection_name": "Other", "token": OTHER})
    with pytest.raises(ConnectorError) as adding:
        host.connections.add("toy", {"connection_name": name, "token": OTHER})
    with pytest.raises(ConnectorError) as renaming:
        host.connections.rename("other", name)
    clash = (ErrorCode.INVALID_INPUT, {"/connection_name": "conflict"})
    assert refused(adding.value) == refused(renaming.value) == clash
    assert [one["connection_name"] for one in host.connections.list()] == [
        "Mine",
        "Other",
    ]


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        (
            {"connection_name": "Mine"},
            (ErrorCode.INVALID_CREDENTIALS, {"/token": "required"}),
        ),
        ({"token": TOKEN}, (ErrorCode.INVALID_INPUT, {"/connection_name": "required"})),
        (
            {"token": TOKEN, "connection_name": " "},
            (ErrorCode.INVALID_INPUT, {"/connection_name": "required"}),
        ),
        (
            {"token": TOKEN, "connection_name": "\u200b"},
            (ErrorCode.INVALID_INPUT, {"/connection_name": "required"}),
        ),
        (
            {"token": TOKEN, "connection_name": "a\nb"},
            (ErrorCode.INVALID_INPUT, {"/connection_name": "pattern"}),
        ),
        (
            {"token": TOKEN, "connection_name": "a\0"},
            (ErrorCode.INVALID_INPUT, {"/connection_name": "pattern"}),
        ),
        (
            {"token": TOKEN, "connection_name": f"m{TOKEN}"},
            (ErrorCode.INVALID_INPUT, {"/connection_name": "conflict"}),
        ),
    ],
)
def test_a_connection_that_breaks_its_form_is_not_kept(
    host: Host, fields: Any, found: Any
) -> None:
    """Nor one without a name, nor one whose name gives the key away."""
    with pytest.raises(ConnectorError) as error:
        host.connections.add("toy", fields)
    assert refused(error.value) == found
    assert host.connections.list() == []


def test_a_run_uses_a_stored_connection_by_its_name(tmp_path: Path) -> None:
    """The connector gets its fields as if they had been given; the name's case does not matter."""
    seen: list[Any] = []

    async def handler(_: Any, ctx: ActionContext) -> ActionResult:
        seen.append(dict(ctx.connection))
        return ActionResult(output={"letters": 0})

    host = toy_host(ToyPlugin(count=handler), store=ConnectionStore(tmp_path, {}))
    host.connections.add("toy", {**CONNECTION, "shelf": 3})  # type: ignore[dict-item]
    envelope = in_host(host, lambda host: host.run(*COUNT, connection="mine"))
    assert envelope["status"] == "succeeded"
    assert (
        seen[0]["connection_name"],
        seen[0]["token"].reveal(),
        seen[0]["shelf"],
    ) == ("Mine", TOKEN, "3")
    assert TOKEN not in json.dumps(envelope)


def test_a_name_that_is_not_there_is_not_repeated(host: Host) -> None:
    """It may be a key, pasted where the name belongs."""
    host.connections.add("toy", CONNECTION)
    envelope: Any = in_host(host, lambda host: host.run(*COUNT, connection=TOKEN))
    assert envelope["error"]["code"] == ErrorCode.NOT_FOUND
    assert "Mine" in envelope["error"]["message"]
    assert TOKEN not in json.dumps(envelope)
    for work in (
        lambda: host.connections.rename(TOKEN, "x"),
        lambda: host.connections.replace_key(TOKEN, {"token": OTHER}),
        lambda: host.connections.remove(TOKEN),
    ):
        with pytest.raises(ConnectorError) as error:
            work()
        assert refused(error.value)[0] is ErrorCode.NOT_FOUND


def test_a_connection_of_another_connector_is_no_credential_for_this_one(
    host: Host, tmp_path: Path
) -> None:
    """A key is never sent to a service that it does not belong to."""
    other = changed(
        tmp_path / "other", lambda text: text.replace("id: toy", "id: twin")
    )
    host.register(ToyPlugin(), other)
    host.connections.add("toy", CONNECTION)
    store = host.connections._store
    store.change(
        lambda there: [type(there[0])(**{**_parts(there[0]), "connector": "twin"})]
    )
    envelope: Any = in_host(host, lambda host: host.run(*COUNT, connection="Mine"))
    assert envelope["error"]["code"] == ErrorCode.INVALID_CREDENTIALS


def _parts(stored: Any) -> dict[str, Any]:
    return {name: getattr(stored, name) for name in stored.__slots__}


def test_a_renamed_connection_keeps_its_key(host: Host) -> None:
    """And its age; only upper and lower case may change, too."""
    before = host.connections.add("toy", CONNECTION)
    assert host.connections.rename("mine", "MINE")["connection_name"] == "MINE"
    after = host.connections.rename("mine", " Yours ")
    assert after["connection_name"] == "Yours"
    assert (after["fingerprint"], after["created_at"]) == (
        before["fingerprint"],
        before["created_at"],
    )
    assert host.connections.list() == [after]


def test_a_replaced_key_keeps_the_name(host: Host) -> None:
    """The old one is gone."""
    before = host.connections.add("toy", CONNECTION)
    after = host.connections.replace_key("Mine", {"token": OTHER})
    assert after["connection_name"] == "Mine"
    assert after["fingerprint"] != before["fingerprint"]
    assert host.connections.fields("Mine", "toy")["token"] == OTHER


def test_replacing_the_key_replaces_nothing_else(host: Host) -> None:
    """Neither the name nor another field that is no secret."""
    host.connections.add("toy", CONNECTION)
    with pytest.raises(ConnectorError) as error:
        host.connections.replace_key(
            "Mine", {"connection_name": "x", "shelf": "3", "token": OTHER}
        )
    assert refused(error.value) == (
        ErrorCode.INVALID_INPUT,
        {"/connection_name": "conflict", "/shelf": "conflict"},
    )
    assert host.connections.fields("Mine", "toy")["token"] == TOKEN


def test_a_removed_connection_is_gone(host: Host) -> None:
    """And its name is free."""
    host.connections.add("toy", CONNECTION)
    host.connections.remove("MINE")
    assert host.connections.list() == []
    host.connections.add("toy", CONNECTION)


def test_listing_needs_no_connector(host: Host, tmp_path: Path) -> None:
    """A connection stays visible, and can be removed, when its connector is gone or broken."""
    host.connections.add("toy", CONNECTION)
    alone = Host(store=ConnectionStore(tmp_path, {}), environ={})
    assert [one["connection_name"] for one in alone.connections.list()] == ["Mine"]
    alone.connections.remove("Mine")
    assert host.connections.list() == []


def outcome(host: Host, connection: Any, connector: str | None = None) -> Any:
    """How a test of a connection ends."""
    status = in_host(host, lambda host: host.connections.test(connection, connector))
    assert TOKEN not in json.dumps(status)
    return status["outcome"]


def test_a_connection_is_tested_stored_given_or_from_the_environment(
    tmp_path: Path,
) -> None:
    """The connector's word is the outcome."""
    host = toy_host(store=ConnectionStore(tmp_path, {}), environ={"TOY_TOKEN": "bad"})
    host.connections.add("toy", CONNECTION)
    assert outcome(host, "mine") == "ok"
    assert outcome(host, "mine", "toy") == "ok"
    assert outcome(host, {"token": "bad"}, "toy") == "invalid_credentials"
    assert outcome(host, None, "toy") == "invalid_credentials"


def test_a_credential_that_breaks_its_form_fails_the_test_before_anything_is_sent(
    host: Host,
) -> None:
    """So does one that is missing."""
    assert outcome(host, {"token": ""}, "toy") == "invalid_credentials"
    assert outcome(host, None, "toy") == "invalid_credentials"


def test_a_test_needs_to_know_the_connector(host: Host) -> None:
    """Of anything but a stored connection; and it has to be there."""
    for connection, connector, code in (
        (None, None, ErrorCode.INVALID_INPUT),
        ({"token": TOKEN}, None, ErrorCode.INVALID_INPUT),
        (None, "gone", ErrorCode.NOT_FOUND),
        ("gone", None, ErrorCode.NOT_FOUND),
    ):
        with pytest.raises(ConnectorError) as error:
            outcome(host, connection, connector)
        assert error.value.code is code


def test_a_broken_setting_is_told_as_such(tmp_path: Path) -> None:
    """It is not the credential's fault."""
    host = toy_host(
        store=ConnectionStore(tmp_path, {}), settings={"toy": {"no_such": "x"}}
    )
    with pytest.raises(ConnectorError) as error:
        outcome(host, CONNECTION, "toy")
    assert error.value.code is ErrorCode.INVALID_INPUT


class Bare:
    """A connector that can neither test a connection nor list options."""

    check = Toy.check
    action = Toy.action
    __aenter__ = Toy.__aenter__
    __aexit__ = Toy.__aexit__

    def __init__(self) -> None:
        """Remember nothing."""
        self.log: list[str] = []


def hosted(connector: object, monkeypatch: pytest.MonkeyPatch) -> Host:
    """A host whose toy is another connector."""
    monkeypatch.setattr(loading_room, "_load_connector", lambda *_: connector)
    return toy_host()


def test_a_connector_without_a_test_says_nothing_about_a_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The outcome is unknown, and it has no options."""
    assert outcome(hosted(Bare(), monkeypatch), CONNECTION, "toy") == "unknown"
    with pytest.raises(ConnectorError) as error:
        in_host(hosted(Bare(), monkeypatch), lambda host: host.options("toy", "tones"))
    assert error.value.code is ErrorCode.NOT_FOUND


def test_a_test_that_does_not_end_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the connector thinks of the time it has."""

    class Stuck(Toy):
        async def test_connection(self, ctx: ActionContext) -> Any:
            del ctx
            await asyncio.Event().wait()

    monkeypatch.setattr(loading_room, "_TEST_S", 0)
    assert (
        outcome(hosted(Stuck(settings={}), monkeypatch), CONNECTION, "toy") == "unknown"
    )


def test_a_connector_that_breaks_is_blamed_without_its_words(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """They may hold a key."""
    caplog.set_level(logging.DEBUG)

    class Broken(Toy):
        async def test_connection(self, ctx: ActionContext) -> Any:
            raise ValueError(ctx.connection["token"].reveal())  # type: ignore[union-attr]

        async def list_options(self, *_: object) -> Any:
            raise ValueError(TOKEN)

    host = hosted(Broken(settings={}), monkeypatch)
    with pytest.raises(ConnectorError) as testing:
        outcome(host, CONNECTION, "toy")
    with pytest.raises(ConnectorError) as listing:
        in_host(host, lambda host: host.options("toy", "tones"))
    for error in (testing.value, listing.value):
        assert refused(error)[0] is ErrorCode.INTERNAL
        # Neither does an embedder that logs the error with its traceback.
        assert TOKEN not in "".join(traceback.format_exception(error))
    assert TOKEN not in caplog.text


def test_a_connector_that_answers_with_something_else_is_blamed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Neither a test nor a page is taken on trust."""

    class Odd(Toy):
        async def test_connection(self, ctx: ActionContext) -> Any:
            del ctx

        async def list_options(self, *_: object) -> Any:
            return {"options": []}

    host = hosted(Odd(settings={}), monkeypatch)
    for work in (
        lambda host: host.connections.test(CONNECTION, "toy"),
        lambda host: host.options("toy", "tones"),
    ):
        with pytest.raises(ConnectorError) as error:
            in_host(host, work)
        assert refused(error.value)[0] is ErrorCode.INTERNAL


def test_options_are_asked_of_the_connector_page_by_page(host: Host) -> None:
    """With the words searched for, the cursor and the limit, and with a connection where there is one."""
    host.connections.add("toy", CONNECTION)

    async def pages(host: Host) -> list[Any]:
        first = await host.options("toy", "tones")
        second = await host.options(
            "toy", "tones", cursor=str(first["next_cursor"]), connection="Mine"
        )
        found = await host.options("toy", "tones", search="cool", connection=CONNECTION)
        none = await host.options("toy", "tones", limit=0)
        return [first, second, found, none]

    first, second, found, none = in_host(host, pages)
    assert first["options"] == [
        {"value": "warm", "label": "without", "description": ""}
    ]
    assert (first["origin"], first["note"]) == ("live", "Two.")
    assert [second["options"][0]["value"], second["next_cursor"]] == ["cool", None]
    assert [option["value"] for option in found["options"]] == ["cool"]
    assert none["options"] == []


@pytest.mark.parametrize(
    ("connector", "source", "connection", "code"),
    [
        ("gone", "tones", None, ErrorCode.NOT_FOUND),
        ("toy", "gone", None, ErrorCode.NOT_FOUND),
        ("toy", "tones", "gone", ErrorCode.NOT_FOUND),
        ("toy", "tones", {"token": ""}, ErrorCode.INVALID_CREDENTIALS),
    ],
)
def test_options_of_what_is_not_there_are_refused(
    host: Host, connector: str, source: str, connection: Any, code: ErrorCode
) -> None:
    """A connector, a source or a connection; a given connection has to keep its form."""
    with pytest.raises(ConnectorError) as error:
        in_host(
            host, lambda host: host.options(connector, source, connection=connection)
        )
    assert error.value.code is code


def test_the_blocking_host_keeps_and_tests_connections_too(tmp_path: Path) -> None:
    """The same methods; testing, and asking for options, wait."""
    host = SyncHost(environ={}, store=ConnectionStore(tmp_path, {}))
    host.register(ToyPlugin(), MANIFEST)
    host.connections.add("toy", CONNECTION)
    host.connections.rename("Mine", "Yours")
    host.connections.replace_key("Yours", {"token": "bad-token"})
    with host:
        assert host.connections.test("Yours")["outcome"] == "invalid_credentials"
        assert host.options("toy", "tones", connection="Yours")["next_cursor"] == "1"
    host.connections.remove("Yours")
    assert host.connections.list() == []
