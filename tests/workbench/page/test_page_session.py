"""How a browser comes into the workbench, and what it keeps."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from perplexity_connector.workbench.launch import redirect_page
from tests.workbench.page.conftest import with_the_toy


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """The profile of a user."""
    context = browser.new_context()
    yield context
    context.close()


def is_in(page: Page) -> None:
    """The page shows the actions, and no token in its address."""
    expect(page.locator(".palette-card").first).to_be_visible()
    assert urlsplit(page.url).fragment == ""


def is_out(page: Page) -> None:
    """The page says what to do, and shows nothing else."""
    expect(page.locator(".stopped .note-danger")).to_be_visible()
    assert page.locator(".palette-card").count() == 0


def opened(context: BrowserContext, address: str) -> Page:
    """A new tab at an address."""
    page = context.new_page()
    page.goto(address)
    return page


def test_a_browser_comes_in_by_the_private_file_and_by_the_printed_link(
    browser: Browser, context: BrowserContext, tmp_path: Path
) -> None:
    """The file lets one profile in; each of its tabs stays in, and the link lets any number in."""
    with (
        with_the_toy(tmp_path) as bench,
        redirect_page(bench.single_address) as file,
    ):
        page = opened(context, file.as_uri())
        is_in(page)
        page.reload()
        is_in(page)
        is_in(opened(context, bench.origin))
        for address, outcome in (
            (file.as_uri(), is_out),
            (bench.address, is_in),
        ):
            other = browser.new_context()
            outcome(opened(other, address))
            other.close()
        page.goto(f"{bench.origin}/an/old/address")
        expect(page.locator(".stopped")).to_be_visible()
        page.get_by_role("link").click()
        is_in(page)


def test_the_session_is_for_one_port_and_one_launch(
    context: BrowserContext, tmp_path: Path
) -> None:
    """Another port gets nothing of it; after a restart, the new link opens the old tabs."""
    with with_the_toy(tmp_path) as first, with_the_toy(tmp_path) as foreign:
        port = urlsplit(first.origin).port
        page, second = (opened(context, first.address) for _ in range(2))
        is_in(page)
        is_in(second)
        stranger = opened(context, foreign.origin)
        is_out(stranger)
        assert stranger.evaluate("localStorage.length") == 0
        assert context.cookies() == []
    with with_the_toy(tmp_path, port or 0) as restarted:
        page.reload()
        is_out(page)
        page.goto(restarted.address)
        is_in(page)
        second.reload()
        is_in(second)
