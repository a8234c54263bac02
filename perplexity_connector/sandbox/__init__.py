"""A local server that answers like today's api.perplexity.ai, without a key and without a network.

    headers = {"Authorization": f"Bearer {GOOD_KEY}"}
    with Sandbox() as sandbox:
        httpx.post(f"{sandbox.url}/search", headers=headers, json={"query": "moon"})

Its answers and its wire format were recorded, or documented by the provider, in autumn 2026. All of
it is deterministic except `created_at`, `Date` and the rate headers: the same requests in the same
order get the same ids.

It serves `POST /v1/agent` (also `/v1/responses`, `/responses`), GET and cancel by id,
`GET /v1/models` and `POST /search`. The chat completions paths are 403, as they have been since
2026-09-27. `GET /sandbox/state` lists the requests and the number of billed calls;
`POST /sandbox/reset` forgets them. Neither needs a key.

A run proceeds only when it is looked at. A background run is `queued` after its POST, then at each
GET `in_progress`, `completed`. A stream that is cut goes on by itself: it is `in_progress` at the
first GET, then over. A stream that was sent to its end is over, even if it was not read.

Test keys; any other key is 401 `invalid_api_key`:

| key | gets |
|---|---|
| `pplx-test-good` | an answer |
| `pplx-test-wrong` | 401 `invalid_api_key` |
| `pplx-test-no-credit` | 401 `insufficient_quota` |
| `pplx-test-organisation` | 403 `forbidden`, except for `GET /v1/models` |
| `pplx-test-rate-limited` | 429 `request_rate_limit_exceeded` twice after a reset, then answers |
| `pplx-test-one-per-second` | one answer a second over all paths, 429 beyond; true rate headers |
| `pplx-test-always-limited` | 429 `request_rate_limit_exceeded`, for ever |

The outcomes of a connection test: good is `ok`, wrong (and any other key) `invalid_credentials`,
no-credit `quota_exhausted`, organisation `permission_denied`, always-limited `rate_limited`,
one-per-second `ok` after a wait. The good key at a base URL of another path, such as
`{sandbox.url}/elsewhere`, is `unknown`. Any key is `unreachable` where no sandbox runs.
`Sandbox.requests`, and the state, show the requests of such a test.

Test prompts are words in the last user message, or in a query of `/search`. The rest of the text is
the question; without a rest, the question is how far away the Moon is. A misspelt word is a 400.
"Plain" means an answer without `stream`. "Both" means agent and search.

| word | result |
|---|---|
| `sandbox:failed` | `response.failed` with `error`, no `response`; plain: `status: failed` |
| `sandbox:failed-response` | `response.failed` with `response`, without `error` |
| `sandbox:cancelled` | `response.cancelled`; plain: `status: cancelled` |
| `sandbox:error-event` | a bare `error` event after a few deltas; the run has failed |
| `sandbox:incomplete` | cut at `max_output_tokens`, or 16: `response.incomplete`, `output: []` |
| `sandbox:incomplete-bare` | the same, without `response` in the event |
| `sandbox:no-terminal` | the stream ends before its terminal event; GET finds the completed run |
| `sandbox:malformed` | one data line that is not JSON; plain, search: the last byte is missing |
| `sandbox:html` | a proxy's page: 200, `text/html`. Not billed. Both |
| `sandbox:bad-gateway` | Cloudflare's page: 502, `text/html`. Not billed. Both |
| `sandbox:unavailable` | 503 JSON. Not billed. Both |
| `sandbox:unavailable-once` | 503 JSON the first time after a reset, then good. Both |
| `sandbox:slow-first-byte` | waits `Sandbox(slow_seconds=1.0)` before the headers, billed. Both |
| `sandbox:slow` | an answer of 200 tokens or more, with a pause of 10 ms after each event |
| `sandbox:no-source` | the answer ends in a marker, 99, without a source |
| `sandbox:gap` | the ids of the results are 1, 3, 4, ... |
| `sandbox:duplicate-id` | two results have the id 1 |
| `sandbox:not-json` | a structured answer that is not JSON |
| `sandbox:wrong-json` | a structured answer, `null`, that breaks its schema |
| `sandbox:no-usage` | `usage: null` in the final object |
| `sandbox:html-snippet` | the best result's text holds `<img src=x onerror=alert(1)>`. Both |
| `sandbox:empty` | nothing is found. Both |
| `sandbox:nested` | search only: `results` is a list of lists, one for each query |
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
