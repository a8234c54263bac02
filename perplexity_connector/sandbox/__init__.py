"""A local server that answers like today's api.perplexity.ai, without a key and without a network.

    headers = {"Authorization": f"Bearer {GOOD_KEY}"}
    with Sandbox() as sandbox:
        httpx.post(f"{sandbox.url}/search", headers=headers, json={"query": "moon"})

Its answers and its wire format were recorded, or documented by the provider, in autumn 2026. All of
it is deterministic except `created_at`, `Date` and the rate headers: the same requests in the same
order get the same ids.

`docs/sandbox.md` has its endpoints, its test keys and its test prompts; `keys.MEANINGS` and
`prompts.MEANINGS` are the lists. docs/provider.md has the evidence for its behaviour.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from perplexity_connector.sandbox.keys import GOOD_KEY, TEST_KEY_PREFIX

if TYPE_CHECKING:
    from perplexity_connector.sandbox.app import create_app
    from perplexity_connector.sandbox.server import Sandbox, serve

__all__ = ["GOOD_KEY", "TEST_KEY_PREFIX", "Sandbox", "create_app", "serve"]

# Imported on first use: the command line needs the test keys, but not starlette and uvicorn.
_ON_USE = {"Sandbox": "server", "create_app": "app", "serve": "server"}


def __getattr__(name: str) -> object:
    """Import an exported name on its first use."""
    if name not in _ON_USE:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    return getattr(import_module(f"{__name__}.{_ON_USE[name]}"), name)
