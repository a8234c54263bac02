"""The sandbox as an ASGI application: its routes, and the steps of every API request."""

import json
import re
from asyncio import wait_for
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from perplexity_connector.sandbox.agent import read_agent_request
from perplexity_connector.sandbox.errors import (
    BAD_GATEWAY_PAGE,
    PROXY_PAGE,
    ApiError,
    invalid,
    retired,
)
from perplexity_connector.sandbox.jsontypes import JsonObject
from perplexity_connector.sandbox.keys import (
    Admission,
    fingerprint,
    refuse_key,
    too_many_requests,
)
from perplexity_connector.sandbox.language_models import model_list
from perplexity_connector.sandbox.live import EventStream
from perplexity_connector.sandbox.prompts import Prompt, Prompts
from perplexity_connector.sandbox.run import Plan, Run, plan_run
from perplexity_connector.sandbox.search import read_search_request, search
from perplexity_connector.sandbox.state import RequestRecord, State
from perplexity_connector.sandbox.stream import dumps

AGENT_PATHS = ("/v1/agent", "/v1/responses", "/responses")
RETIRED_PATHS = (
    "/chat/completions",
    "/v1/chat/completions",
    "/v1/sonar",
    "/async/chat/completions",
    "/async/chat/completions/{id}",
    "/v1/async/sonar",
    "/v1/async/sonar/{id}",
)
LARGEST_BODY = 32 * 1024 * 1024
_ID = re.compile(r"resp_[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_UNAUTHORIZED = 401
_CLIENT_GONE = 499


@dataclass(slots=True, kw_only=True)
class Call:
    """One request with its body; `raw` is the body as it was sent.

    `uuid` names it: recorded, it is the id of the request and of its run or its search.
    `admission` is set once the request counts against its key's rate limit.
    """

    state: State
    request: Request
    raw: bytes
    key: str
    uuid: str
    admission: Admission | None = None

    def admit(self, units: int = 1) -> None:
        """Count the request against its key's rate limit.

        Raises:
            ApiError: 429 beyond the limit.
        """
        self.admission = self.state.limiter.admit(self.key, units)
        if self.admission.is_refused:
            raise too_many_requests()

    def headers(self, status: int) -> dict[str, str]:
        """Return the headers of its answer. Recorded: a 401 has none, and a 400 no rate headers."""
        if status == _UNAUTHORIZED:
            return {}
        rate = self.admission.headers() if self.admission else {}
        return {"x-request-id": self.uuid, **rate}

    def body(self) -> JsonObject:
        """Return the body, which must be a JSON object, else raise `ApiError`."""
        try:
            body = json.loads(self.raw, parse_constant=_refuse_constant)
        except (ValueError, RecursionError):
            body = None
        if not isinstance(body, dict):
            message = "invalid request body"
            raise invalid(message)
        return body


Handler = Callable[[Call], Awaitable[Response]]


def create_app(state: State | None = None) -> Starlette:
    """Return the application, with an empty memory unless a state is given."""
    state = state or State()
    return Starlette(routes=[*_control_routes(state), *_api_routes(state)])


def _control_routes(state: State) -> list[Route]:
    async def show(_: Request) -> Response:
        return _json(state.as_json())

    async def reset(_: Request) -> Response:
        state.reset()
        return _json(state.as_json())

    return [
        Route("/sandbox/state", show),
        Route("/sandbox/reset", reset, methods=["POST"]),
    ]


def _api_routes(state: State) -> list[Route]:
    def route(path: str, handler: Handler, *methods: str) -> Route:
        endpoint = partial(_receive, state, handler)
        return Route(path, endpoint, methods=methods)

    routes = [
        route("/v1/models", _list_models, "GET"),
        route("/search", _search, "POST"),
    ]
    for path in AGENT_PATHS:
        routes.append(route(path, _start, "POST"))
        routes.append(route(path + "/{id}", _fetch, "GET"))
        routes.append(route(path + "/{id}/cancel", _cancel, "POST"))
    routes += (route(path, _refuse_retired, "GET", "POST") for path in RETIRED_PATHS)
    every = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
    return [*routes, route("/{path:path}", _refuse_unknown, *every)]


async def _receive(
    state: State,
    handler: Handler,
    request: Request,
) -> Response:
    """Answer, add the headers of the answer, and keep a record."""
    key = request.headers.get("authorization", "").removeprefix("Bearer ")
    try:
        raw = await request.body()
    except ClientDisconnect:
        return Response(status_code=_CLIENT_GONE)
    uuid = state.new_uuid(raw)
    call = Call(state=state, request=request, raw=raw, key=key, uuid=uuid)
    response = await _respond(handler, call)
    response.headers.update(call.headers(response.status_code))
    state.requests.append(_record(call, response.status_code))
    return response


async def _respond(handler: Handler, call: Call) -> Response:
    try:
        refuse_key(call.key, call.request.method, call.request.url.path)
        _check_size(call.raw)
        return await handler(call)
    except ApiError as error:
        # Recorded: an error's body ends with a line end.
        return _json(error.body, error.status, b"\n")


def _check_size(raw: bytes) -> None:
    if len(raw) > LARGEST_BODY:
        message = "The request body is larger than 32 MiB."
        raise ApiError(413, "payload_too_large", message)


async def _list_models(call: Call) -> Response:
    call.admit()
    return _json(model_list())


async def _refuse_retired(_: Call) -> Response:
    raise retired()


async def _refuse_unknown(_: Call) -> Response:
    raise ApiError(404, "not_found", "resource not found")


async def _search(call: Call) -> Response:
    request = read_search_request(call.body())
    if page := _error_page(call.state, request.prompts):
        return page
    call.admit(len(request.queries))
    call.state.billed_searches += 1
    await _wait(call.state, request.prompts)
    return _complete(search(request, call.uuid), request.prompts)


async def _start(call: Call) -> Response:
    request = read_agent_request(call.body())
    state = call.state
    plan = plan_run(
        request,
        call.uuid,
        int(state.clock()),
        _earlier(call, request.previous),
    )
    if page := _error_page(state, request.prompts):
        return page
    call.admit()
    run = Run(plan=plan, streaming=request.stream)
    if request.background and not request.stream:
        run.waiting = ["queued", "in_progress"]
    state.billed_runs += 1
    state.runs[plan.id] = run
    await _wait(state, request.prompts)
    if request.stream:
        return EventStream(run, state)
    return _complete(run.look(), request.prompts)


def _earlier(call: Call, run_id: str | None) -> Plan | None:
    """Return the plan of the run that is continued, stored or not. Another id is a 400."""
    if run_id is None:
        return None
    run = call.state.runs.get(run_id)
    if run is None:
        message = "invalid request"
        raise invalid(message)
    return run.plan


async def _fetch(call: Call) -> Response:
    run = _run(call)
    if call.request.query_params.get("stream") == "true":
        message = "starting_after is no longer in the window of this response"
        raise invalid(message)
    call.admit()
    if run is None:
        raise ApiError(404, "not_found", "resource not found")
    return _json(run.look())


async def _cancel(call: Call) -> Response:
    run = _run(call)
    # Recorded: an unknown run gets the same 400 as one that is over.
    if run is None or run.over or run.cancelled:
        message = "the run is already terminal and cannot be cancelled"
        raise invalid(message)
    call.admit()
    run.cancelled = True
    return _json({"response_id": run.plan.id, "status": "cancelling"})


def _run(call: Call) -> Run | None:
    """Return the stored run of the path; a malformed id is a 400."""
    run_id = call.request.path_params["id"]
    if not _ID.fullmatch(run_id):
        message = "invalid response id"
        raise invalid(message)
    run = call.state.runs.get(run_id)
    return run if run and run.plan.request.store else None


def _error_page(state: State, prompts: Prompts) -> Response | None:
    """Fail as the prompt says, before anything is started or billed."""
    if Prompt.HTML in prompts:
        return HTMLResponse(PROXY_PAGE)
    if Prompt.BAD_GATEWAY in prompts:
        return HTMLResponse(BAD_GATEWAY_PAGE, status_code=502)
    once = Prompt.UNAVAILABLE_ONCE in prompts and not state.refused_once
    state.refused_once |= once
    if once or Prompt.UNAVAILABLE in prompts:
        message = "The service is temporarily unavailable."
        raise ApiError(503, "service_unavailable", message)
    return None


async def _wait(state: State, prompts: Prompts) -> None:
    if Prompt.SLOW_FIRST_BYTE in prompts:
        with suppress(TimeoutError):
            await wait_for(state.closing.wait(), state.slow_seconds)


def _complete(body: JsonObject, prompts: Prompts) -> Response:
    """Return an answer that is not a stream."""
    response = _json(body)
    if Prompt.MALFORMED in prompts:
        return Response(response.body[:-1], media_type="application/json")
    return response


def _json(
    body: JsonObject,
    status: int = 200,
    end: bytes = b"",
) -> Response:
    return Response(dumps(body) + end, status, media_type="application/json")


def _record(call: Call, status: int) -> RequestRecord:
    request = call.request
    try:
        body = json.loads(call.raw)
    except (ValueError, RecursionError):
        body = None
    return RequestRecord(
        method=request.method,
        path=request.url.path,
        status=status,
        key=fingerprint(call.key),
        fields=tuple(sorted(body)) if isinstance(body, dict) else (),
        user_agent=request.headers.get("user-agent", ""),
    )


def _refuse_constant(name: str) -> None:
    raise ValueError(name)
