"""Flows run here as functions: with the host, the ledger and the sandbox, and without Prefect's engine."""

import logging
import os
from collections.abc import Iterator
from uuid import uuid4

import httpx
import pytest

# Read when Prefect is imported: it must neither call home nor start a server.
os.environ["PREFECT_SERVER_ANALYTICS_ENABLED"] = "false"
os.environ["PREFECT_API_URL"] = "http://127.0.0.1:9/api"
os.environ["PREFECT_LOGGING_TO_API_ENABLED"] = "false"

from prefect.blocks.core import Block

from perplexity_connector.adapters.prefect import (
    actions,
    chunks,
    hosting,
    server,
    setup,
    tables,
)
from perplexity_connector.host import Ledger
from perplexity_connector.sandbox import Sandbox
from tests.adapters.prefect.fake_server import FakeServer


@pytest.fixture(scope="module")
def module_sandbox() -> Iterator[Sandbox]:
    """A provider for all tests of a module."""
    with Sandbox() as running:
        yield running


@pytest.fixture
def sandbox(monkeypatch: pytest.MonkeyPatch, module_sandbox: Sandbox) -> Sandbox:
    """The provider as if it were new; the environment has its address and a key."""
    monkeypatch.setenv("PERPLEXITY_BASE_URL", module_sandbox.url)
    monkeypatch.setenv("PERPLEXITY_API_KEY", "pplx-test-good")
    httpx.post(f"{module_sandbox.url}/sandbox/reset").raise_for_status()
    return module_sandbox


@pytest.fixture(autouse=True)
def fake(monkeypatch: pytest.MonkeyPatch) -> FakeServer:
    """Prefect's server, in memory. The log of a flow run is an ordinary one."""
    made = FakeServer()
    for module in (server, setup, chunks):
        monkeypatch.setattr(module, "get_client", made.get_client)
    for module in (actions, tables, hosting):
        monkeypatch.setattr(module, "get_run_logger", lambda: logging.getLogger("flow"))
    # A block's type is registered by Prefect's own code, which has its own client.
    monkeypatch.setattr(
        Block, "register_type_and_schema", classmethod(lambda *_, **__: None)
    )
    return made


@pytest.fixture
def flow_run_id(monkeypatch: pytest.MonkeyPatch) -> str:
    """The id of the flow run that a test is."""
    known = str(uuid4())
    monkeypatch.setenv("PREFECT__RUNTIME__FLOW_RUN__ID", known)
    return known


@pytest.fixture
def ledger() -> Iterator[Ledger]:
    """The ledger that the flows of the test use."""
    made = Ledger()
    yield made
    assert made.close() == []
