"""The models that an author can pick, where they come from, and how seldom the provider is asked."""

import asyncio
import logging
import socket
import time
from typing import Any

import httpx
import pytest

from perplexity_connector.contract import (
    ActionContext,
    ConnectorError,
    OptionsPage,
    OptionsQuery,
    Secret,
)
from perplexity_connector.perplexity.actions import model_options
from perplexity_connector.perplexity.actions.model_options import ModelOptions
from perplexity_connector.perplexity.forms.model_aliases import ALIASES, PRESETS
from perplexity_connector.perplexity.wire.client import Client
from perplexity_connector.perplexity.wire.endpoint import Endpoint
from perplexity_connector.sandbox import Sandbox, keys
from tests.perplexity.actions.wire import Provider, plain, refusal
from tests.perplexity.wire.loopback import Loopback, silence

NAMES = [*ALIASES, *PRESETS, "wide-research", "fast@2026-10-16.0"]
PRICING: dict[str, Any] = {"input": 0.25, "output": 2.5, "unit": "usd_per_1m_tokens"}
LISTED = plain(
    {
        "data": [
            {"id": "perplexity/sonar", "pricing": PRICING},
            {"id": "new/model"},
            {"id": "sonar"},
        ]
    }
)
SENTINEL = "pplx-sentinel-0123456789abcdef"


def context(key: str = "pplx-mine", **more: Any) -> ActionContext:
    """A context with that key."""
    return ActionContext(connection={"api_key": Secret(key)}, **more)


class Clock:
    """A clock that only a test moves."""

    now = 1000.0

    def __call__(self) -> float:
        """Seconds."""
        return self.now


class Lister:
    """A connector's models over a scripted provider."""

    def __init__(self, *answers: httpx.Response) -> None:
        """Answer in this order."""
        self.provider = Provider(*answers)
        self.clock = Clock()

    def pages(
        self, *contexts: ActionContext, after: float = 0.0, **query: Any
    ) -> list[OptionsPage]:
        """A page for each context, one after the other, so many seconds apart."""

        async def main() -> list[OptionsPage]:
            async with self.provider.client() as client:
                models = ModelOptions(client, self.clock)
                found = []
                for ctx in contexts:
                    found.append(await models.page(OptionsQuery(**query), ctx))
                    self.clock.now += after
                return found

        return asyncio.run(main())


def listed() -> httpx.Response:
    """The list, to be read once."""
    return httpx.Response(200, stream=LISTED.stream)


def values(page: OptionsPage) -> list[str]:
    """The values of a page."""
    return [option.value for option in page.options]


def test_the_names_come_first_and_then_the_live_models() -> None:
    """The meaning of each name, the presets, and each model once, with its price."""
    (page,) = Lister(LISTED).pages(context())
    assert values(page) == [*NAMES, "new/model", "perplexity/sonar"]
    said = {option.value: option.description for option in page.options}
    assert all(preset in said[alias] for alias, preset in ALIASES.items())
    assert "$0.25" in said["perplexity/sonar"]
    assert (page.origin, page.note, page.next_cursor) == ("live", "", None)


def test_the_list_is_asked_for_again_only_when_it_is_old() -> None:
    """One request for any number of keys, then one more after the lifetime."""
    lister = Lister(LISTED, plain({"data": [{"id": "newer/model"}]}))
    pages = lister.pages(
        context("pplx-a"),
        context("pplx-b"),
        ActionContext(),
        context(),
        after=model_options._LIFETIME_S / 3,
    )
    assert [page.origin for page in pages] == ["live"] * 4
    assert ["newer/model" in values(page) for page in pages] == [
        False,
        False,
        False,
        True,
    ]
    assert lister.provider.asked == [("GET", "/v1/models")] * 2


def test_calls_at_the_same_time_share_one_request() -> None:
    """All of them are answered from it."""
    provider = Provider(LISTED)

    async def main() -> list[OptionsPage]:
        async with provider.client() as client:
            models = ModelOptions(client)
            return await asyncio.gather(
                *[models.page(OptionsQuery(), context(f"pplx-{n}")) for n in range(20)]
            )

    assert {tuple(values(page)) for page in asyncio.run(main())} == {
        (*NAMES, "new/model", "perplexity/sonar")
    }
    assert len(provider.asked) == 1


def test_calls_at_the_same_time_share_one_failure() -> None:
    """A server that is down is not asked by each of them."""
    provider = Provider(refusal(503))

    async def main() -> list[OptionsPage]:
        async with provider.client() as client:
            models = ModelOptions(client)
            return await asyncio.gather(
                *[models.page(OptionsQuery(), context(f"pplx-{n}")) for n in range(20)]
            )

    assert {page.origin for page in asyncio.run(main())} == {"shipped"}
    assert len(provider.asked) == 1


def test_a_list_that_cannot_be_renewed_is_kept() -> None:
    """Stale, with the reason; and live again once it can be."""
    lister = Lister(LISTED, refusal(503), LISTED)
    first, second, third = lister.pages(
        *[context()] * 3, after=model_options._LIFETIME_S
    )
    assert values(first) == values(second) == values(third)
    assert [page.origin for page in (first, second, third)] == ["live", "stale", "live"]
    assert second.note
    assert (first.note, third.note) == ("", "")


@pytest.mark.parametrize(
    "answer",
    [
        refusal(401, "invalid_api_key"),
        refusal(403, "forbidden"),
        refusal(503),
        refusal(404),
        plain({}),
        plain([]),
    ],
)
def test_without_any_answer_the_shipped_list_serves(answer: httpx.Response) -> None:
    """Names, presets and a few known models, with a note."""
    (page,) = Lister(answer).pages(context())
    assert values(page) == [
        *NAMES,
        "anthropic/claude-opus-5-5",
        "openai/gpt-5.6-luna",
        "openai/gpt-6-luna",
        "openai/gpt-6-sol",
        "perplexity/sonar",
    ]
    assert page.origin == "shipped"
    assert page.note


def test_the_note_names_the_reason() -> None:
    """No key, a bad key, and a server that is down read differently."""
    lister = Lister(refusal(401, "invalid_api_key"), refusal(503))
    notes = {
        page.note
        for page in lister.pages(ActionContext(), context("pplx-a"), context("pplx-b"))
    }
    assert len(notes) == 3
    assert len(lister.provider.asked) == 2


def test_a_failing_server_is_not_asked_again_at_once_whatever_the_key() -> None:
    """But it is, a little later."""
    lister = Lister(refusal(503))
    wait = model_options._FAILURE_LIFETIME_S
    lister.pages(*[context(f"pplx-{n}") for n in range(7)], after=wait / 3)
    assert len(lister.provider.asked) == 3


def test_a_bad_key_keeps_no_other_key_from_asking() -> None:
    """Nor is the list asked for with the bad one again at once."""
    lister = Lister(refusal(401, "invalid_api_key"), LISTED)
    bad, again, good = lister.pages(
        context("pplx-bad"), context("pplx-bad"), context("pplx-good")
    )
    assert [page.origin for page in (bad, again, good)] == [
        "shipped",
        "shipped",
        "live",
    ]
    assert len(lister.provider.asked) == 2


def test_a_told_wait_is_kept_where_it_is_longer() -> None:
    """A provider that says when to come back is not asked before."""
    limited = httpx.Response(
        429, headers={"retry-after": "100"}, stream=refusal(429).stream
    )
    lister = Lister(limited)
    lister.pages(*[context()] * 3, after=60)
    assert len(lister.provider.asked) == 2


def test_searching_and_leafing_ask_no_more() -> None:
    """The whole list is there already."""
    lister = Lister(LISTED)
    (page,) = lister.pages(context(), search="SONAR pro", limit=1)
    assert values(page) == ["sonar-pro"]
    assert page.next_cursor is not None


@pytest.mark.parametrize(
    ("query", "pointer"), [({"limit": 0}, "/limit"), ({"cursor": "???"}, "/cursor")]
)
def test_a_bad_query_is_refused_before_anything_is_asked(
    query: dict[str, Any], pointer: str
) -> None:
    """With a pointer."""
    lister = Lister(LISTED)
    with pytest.raises(ConnectorError) as caught:
        lister.pages(context(), **query)
    assert (
        caught.value.code,
        [problem.pointer for problem in caught.value.fields],
    ) == ("invalid_input", [pointer])
    assert lister.provider.asked == []


def over_the_network(
    base_url: str, ctx: ActionContext, times: int = 1
) -> list[OptionsPage]:
    """Pages, asked for over real sockets."""

    async def main() -> list[OptionsPage]:
        async with Client(Endpoint(base_url=base_url)) as client:
            models = ModelOptions(client)
            return [
                await models.page(OptionsQuery(limit=200), ctx) for _ in range(times)
            ]

    return asyncio.run(main())


@pytest.mark.parametrize(
    ("key", "origin"),
    [
        (keys.GOOD_KEY, "live"),
        (keys.ORGANISATION_KEY, "live"),
        (keys.WRONG_KEY, "shipped"),
    ],
)
def test_the_sandbox_lists_its_models_for_nothing(key: str, origin: str) -> None:
    """One GET for three pages."""
    with Sandbox() as sandbox:
        pages = over_the_network(sandbox.url, context(key), times=3)
    assert {page.origin for page in pages} == {origin}
    assert [(record.method, record.path) for record in sandbox.requests] == [
        ("GET", "/v1/models")
    ]
    said = {option.value: option.description for option in pages[0].options}
    assert ("anthropic/claude-sonnet-4-6" in said) == (origin == "live")
    assert origin == "shipped" or "max_tokens" in said["anthropic/claude-sonnet-4-6"]


def test_a_closed_port_gives_the_shipped_list() -> None:
    """With a reason."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    (page,) = over_the_network(f"http://127.0.0.1:{port}", context())
    assert page.origin == "shipped"
    assert page.note


def test_a_server_that_stalls_holds_no_form_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock of its own, and the stall is remembered."""
    monkeypatch.setattr(model_options, "_SECONDS", 0.05)

    async def main() -> tuple[list[OptionsPage], int]:
        async with (
            Loopback(silence) as server,
            Client(Endpoint(base_url=server.url)) as client,
        ):
            models = ModelOptions(client)
            pages = [await models.page(OptionsQuery(), context()) for _ in range(2)]
            return pages, len(server.requests)

    pages, requests = asyncio.run(main())
    assert {page.origin for page in pages} == {"shipped"}
    assert requests == 1


def test_a_callers_deadline_is_honoured_and_not_held_against_the_server() -> None:
    """The next caller asks anew."""

    async def main() -> tuple[OptionsPage, OptionsPage]:
        asked = 0

        async def network(request: httpx.Request) -> httpx.Response:
            nonlocal asked
            del request
            asked += 1
            return listed() if asked > 1 else await asyncio.Future()

        async with Client(
            Endpoint(base_url="http://localhost"), httpx.MockTransport(network)
        ) as client:
            models = ModelOptions(client)
            hasty = await models.page(
                OptionsQuery(), context(deadline=time.monotonic() + 0.05)
            )
            return hasty, await models.page(OptionsQuery(), context())

    hasty, patient = asyncio.run(main())
    assert (hasty.origin, patient.origin) == ("shipped", "live")
    assert hasty.note


def test_a_cancelled_caller_leaves_the_asking_to_the_next() -> None:
    """It is cancelled, and holds nobody up."""

    async def main() -> OptionsPage:
        begun = asyncio.Event()

        async def network(request: httpx.Request) -> httpx.Response:
            del request
            if begun.is_set():
                return listed()
            begun.set()
            return await asyncio.Future()

        async with Client(
            Endpoint(base_url="http://localhost"), httpx.MockTransport(network)
        ) as client:
            models = ModelOptions(client)
            first = asyncio.create_task(models.page(OptionsQuery(), context()))
            await begun.wait()
            second = asyncio.create_task(models.page(OptionsQuery(), context()))
            first.cancel()
            await asyncio.wait([first])
            assert first.cancelled()
            return await second

    assert asyncio.run(main()).origin == "live"


def test_the_key_is_in_no_note_and_in_no_log(caplog: pytest.LogCaptureFixture) -> None:
    """Whatever the server echoes of it."""
    caplog.set_level(logging.DEBUG)
    for status in (401, 403, 429, 500, 302, 200):
        answer = plain(
            {"error": {"message": SENTINEL, "type": SENTINEL}, "data": SENTINEL}, status
        )
        (page,) = Lister(answer).pages(context(SENTINEL))
        assert page.origin == "shipped"
        assert SENTINEL not in f"{page!r} {page.to_dict()}"
    with Sandbox() as sandbox:
        (page,) = over_the_network(sandbox.url, context(SENTINEL))
    assert SENTINEL not in f"{page!r} {caplog.text}"
    assert caplog.records
