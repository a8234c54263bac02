from collections.abc import Iterator

import httpx
import pytest

from perplexity_connector.sandbox import Sandbox
from tests.adapters.mcp.stage import Served, http


@pytest.fixture(autouse=True)
def _streams_are_served(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server of this process that was interrupted does not end the streams of later ones."""
    monkeypatch.setattr("sse_starlette.sse.AppStatus.should_exit", False)


@pytest.fixture
def sandbox(monkeypatch: pytest.MonkeyPatch, module_sandbox: Sandbox) -> Sandbox:
    """The provider of the module as if it were new, and no connection in the environment."""
    for variable in (
        "PERPLEXITY_API_KEY",
        "PERPLEXITY_BASE_URL",
        "PERPLEXITY_MCP_TOKEN",
    ):
        monkeypatch.delenv(variable, raising=False)
    httpx.post(f"{module_sandbox.url}/sandbox/reset").raise_for_status()
    return module_sandbox


@pytest.fixture(scope="module")
def module_sandbox() -> Iterator[Sandbox]:
    """A provider for all tests of a module."""
    with Sandbox() as running:
        yield running


@pytest.fixture(scope="module")
def served(module_sandbox: Sandbox) -> Iterator[Served]:
    """A server over HTTP for all tests of a module; it needs no token."""
    with http(module_sandbox.url) as running:
        yield running
