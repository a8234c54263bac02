"""Come into a workbench as its page does."""

import httpx

from perplexity_connector.workbench.security import SESSION_HEADER, SESSION_PATH


def exchange(address: str) -> httpx.Response:
    """The answer to a page that brings the token of that address."""
    url, _, token = address.partition("/#token=")
    return httpx.post(
        f"{url}{SESSION_PATH}", json={"token": token}, headers={"Origin": url}
    )


def session_header(address: str) -> dict[str, str]:
    """What each request of a page needs that was opened at that address."""
    return {SESSION_HEADER: exchange(address).raise_for_status().json()["session"]}
