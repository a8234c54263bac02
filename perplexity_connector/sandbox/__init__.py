"""A local stand-in for today's api.perplexity.ai: everything runs with no key and no network.

    with Sandbox() as sandbox:
        httpx.post(f"{sandbox.url}/search", headers={"Authorization": f"Bearer {GOOD_KEY}"}, json={"query": "moon"})

What it answers, and how the wire looks, is what was recorded or documented of the provider in autumn 2026. All of it
is deterministic but `created_at`, `Date` and the rate headers: the same requests in the same order get the same ids.

Serves `POST /v1/agent` (also `/v1/responses`, `/responses`), GET and cancel by id, `GET /v1/models` and `POST /search`;
the chat completions paths are 403, as they have been since 2026-09-27. `GET /sandbox/state` tells what was asked and
what would have been billed, `POST /sandbox/reset` forgets it; neither needs a key.

Only looking moves a run on. A background run is `queued` when posted, then at each GET `in_progress`, `completed`. A
stream that is cut while it is written goes on by itself: `in_progress` at the first GET, then what it ended with. One
that was written to the end is over, read or not.

Test keys; any other is 401 `invalid_api_key`:

| key | is received with |
|---|---|
| `pplx-test-good` | an answer |
| `pplx-test-wrong` | 401 `invalid_api_key` |
| `pplx-test-no-credit` | 401 `insufficient_quota` |
| `pplx-test-organisation` | 403 `forbidden`, but for `GET /v1/models` |
| `pplx-test-rate-limited` | 429 `request_rate_limit_exceeded` twice after each reset, then an answer |
| `pplx-test-one-per-second` | one answer a second over all paths, 429 beyond; truthful `x-ratelimit-*` |
| `pplx-test-always-limited` | 429 `request_rate_limit_exceeded`, for ever |

What a connection test finds: good is `ok`, wrong (and any other key) `invalid_credentials`, no-credit
`quota_exhausted`, organisation `permission_denied`, always-limited `rate_limited`, one-per-second `ok` after a wait.
The good key at a base URL of another path, such as `{sandbox.url}/elsewhere`, is `unknown`; where no sandbox runs, any
key is `unreachable`. `Sandbox.requests`, and the state, show with which methods that was learned.

Test prompts: words in the last user message, or in a query of `/search`. What is left without them is the question; if
nothing is left, it is how far away the Moon is. One that is misspelt is a 400. "Plain" is an answer without `stream`.

| word | what happens |
|---|---|
| `sandbox:failed` | ends in `response.failed` with `error` and no `response`; plain: 200, `status: failed` |
| `sandbox:failed-response` | ends in `response.failed` with `response` and no `error` |
| `sandbox:cancelled` | ends in `response.cancelled`; plain: `status: cancelled` |
| `sandbox:error-event` | ends in a bare `error` event after a few deltas; the run has failed |
| `sandbox:incomplete` | cut at `max_output_tokens` (16 when unset): `response.incomplete`, with `output: []` |
| `sandbox:incomplete-bare` | the same, without `response` in the event |
| `sandbox:no-terminal` | the stream closes cleanly before the terminal event; the run completes, and can be fetched |
| `sandbox:malformed` | one data line that is no JSON, then on to the end; plain, search: its last byte is missing |
| `sandbox:html` | a proxy's page: 200, `text/html`. Not billed. Agent and search |
| `sandbox:bad-gateway` | Cloudflare's page: 502, `text/html`. Not billed. Agent and search |
| `sandbox:unavailable` | 503 JSON. Not billed. Agent and search |
| `sandbox:unavailable-once` | 503 JSON the first time after a reset, then good. Agent and search |
| `sandbox:slow-first-byte` | waits `Sandbox(slow_seconds=1.0)` before the headers; billed at once. Agent and search |
| `sandbox:slow` | an answer of 200 tokens or more, with a pause of 10 ms after each event |
| `sandbox:no-source` | the answer ends in a marker, 99, that no source has |
| `sandbox:gap` | the ids of the results go 1, 3, 4, ... |
| `sandbox:duplicate-id` | two results have the id 1 |
| `sandbox:not-json` | a structured answer that is no JSON |
| `sandbox:wrong-json` | a structured answer, `null`, that breaks its schema |
| `sandbox:no-usage` | `usage: null` in the final object |
| `sandbox:html-snippet` | the best result's text holds `<img src=x onerror=alert(1)>`. Agent and search |
| `sandbox:empty` | nothing is found. Agent and search |
| `sandbox:nested` | search only: `results` is a list of lists, one for each query |
"""

from importlib import import_module
from typing import TYPE_CHECKING

from perplexity_connector.sandbox.keys import GOOD_KEY, TEST_KEY_PREFIX

if TYPE_CHECKING:
    from perplexity_connector.sandbox.app import create_app
    from perplexity_connector.sandbox.server import Sandbox, serve

__all__ = ["GOOD_KEY", "TEST_KEY_PREFIX", "Sandbox", "create_app", "serve"]

# Loaded on use: starlette and uvicorn take time to import, and the command line knows the test keys without them.
_ON_USE = {"Sandbox": "server", "create_app": "app", "serve": "server"}


def __getattr__(name: str) -> object:
    """The exported name, imported now."""
    if name not in _ON_USE:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    return getattr(import_module(f"{__name__}.{_ON_USE[name]}"), name)
