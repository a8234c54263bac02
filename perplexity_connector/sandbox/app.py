"""The sandbox as an ASGI application: its routes, and the door that every request to the API comes through."""

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

from perplexity_connector.sandbox.agent import AgentRequest, read_agent_request
from perplexity_connector.sandbox.errors import (
    BAD_GATEWAY_PAGE,
    PROXY_PAGE,
    ApiError,
    invalid,
    retired,
)
from perplexity_connector.sandbox.jsontypes import JsonObject
from perplexity_connector.sandbox.keys import Verdict, fingerprint
from perplexity_connector.sandbox.language_models import model_list
from perplexity_connector.sandbox.live import EventStream
from perplexity_connector.sandbox.prompts import Prompt
from perplexity_connector.sandbox.run import Run, plan_run
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
_CLIENT_GONE = 499


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One admitted request."""

    state: State
    request: Request
    raw: bytes

    def body(self) -> JsonObject:
        """The body, which has to be a JSON object."""
        try:
            body = json.loads(self.raw, parse_constant=_refuse_constant)
        except (ValueError, RecursionError):
            body = None
        if not isinstance(body, dict):
            message = "invalid request body: expected a JSON object"
            raise invalid(message)
        return body


Handler = Callable[[Call], Awaitable[Response]]


def create_app(state: State | None = None) -> Starlette:
    """The application, on a state of its own unless one is given."""
    kept = state or State()
    return Starlette(routes=[*_control_routes(kept), *_api_routes(kept)])


def _control_routes(state: State) -> list[Route]:
    async def show(_: Request) -> Response:
        return _json(state.shown())

    async def reset(_: Request) -> Response:
        state.reset()
        return _json(state.shown())

    return [
        Route("/sandbox/state", show),
        Route("/sandbox/reset", reset, methods=["POST"]),
    ]


def _api_routes(state: State) -> list[Route]:
    def route(path: str, method: str, handler: Handler) -> Route:
        return Route(path, partial(_receive, state, handler), methods=[method])

    routes = [route("/v1/models", "GET", _models), route("/search", "POST", _search)]
    for path in AGENT_PATHS:
        routes.append(route(path, "POST", _start))
        routes.append(route(path + "/{id}", "GET", _fetch))
        routes.append(route(path + "/{id}/cancel", "POST", _cancel))
    routes += [
        Route(path, partial(_receive, state, _retired), methods=["GET", "POST"])
        for path in RETIRED_PATHS
    ]
    every = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
    return [
        *routes,
        Route("/{path:path}", partial(_receive, state, _unknown), methods=every),
    ]


async def _receive(state: State, handler: Handler, request: Request) -> Response:
    """Checks the key, answers, adds the headers that every answer has, and keeps a record."""
    key = request.headers.get("authorization", "").removeprefix("Bearer ")
    verdict = state.gate.receive(key, request.method, request.url.path)
    try:
        raw = await request.body()
    except ClientDisconnect:
        return Response(status_code=_CLIENT_GONE)
    response = await _answer(
        verdict, handler, Call(state=state, request=request, raw=raw)
    )
    response.headers.update(
        {"x-request-id": state.new_uuid(b"request"), **verdict.headers()}
    )
    state.requests.append(_record(request, response.status_code, key, raw))
    return response


async def _answer(verdict: Verdict, handler: Handler, call: Call) -> Response:
    try:
        _admit(verdict, call)
        return await handler(call)
    except ApiError as error:
        # Recorded: an error's body ends with a line end.
        return _json(error.body, error.status, b"\n")


def _admit(verdict: Verdict, call: Call) -> None:
    if verdict.error:
        raise verdict.error
    if len(call.raw) > LARGEST_BODY:
        raise ApiError(
            413, "payload_too_large", "The request body is larger than 32 MiB."
        )


async def _models(_: Call) -> Response:
    return _json(model_list())


async def _retired(_: Call) -> Response:
    raise retired()


async def _unknown(_: Call) -> Response:
    raise ApiError(404, "not_found", "There is nothing here.")


async def _search(call: Call) -> Response:
    request = read_search_request(call.body())
    if page := _before(call.state, request.prompts):
        return page
    call.state.billed_searches += 1
    await _wait(call.state, request.prompts)
    return _plain(search(request, call.state.new_uuid(call.raw)), request.prompts)


async def _start(call: Call) -> Response:
    request = read_agent_request(call.body())
    state = call.state
    if page := _before(state, request.prompts):
        return page
    plan = plan_run(request, state.new_uuid(call.raw), int(state.clock()))
    run = Run(plan=plan, streaming=request.stream, waiting=_waiting(request))
    state.billed_runs += 1
    state.runs[plan.id] = run
    await _wait(state, request.prompts)
    return (
        EventStream(run, state)
        if request.stream
        else _plain(run.look(), request.prompts)
    )


def _waiting(request: AgentRequest) -> list[str]:
    return (
        ["queued", "in_progress"] if request.background and not request.stream else []
    )


async def _fetch(call: Call) -> Response:
    run = _run(call, ApiError(404, "not_found", "The response was not found."))
    if call.request.query_params.get("stream") == "true":
        message = "starting_after is no longer in the window of this response"
        raise invalid(message, "starting_after")
    return _json(run.look())


async def _cancel(call: Call) -> Response:
    run = _run(call, invalid("the response cannot be cancelled"))
    run.cancel()
    return _json({"response_id": run.plan.id, "status": "cancelling"})


def _run(call: Call, missing: ApiError) -> Run:
    wanted = call.request.path_params["id"]
    if not _ID.fullmatch(wanted):
        message = "invalid response id"
        raise invalid(message)
    run = call.state.runs.get(wanted)
    if run is None or not run.plan.request.store:
        raise missing
    return run


def _before(state: State, prompts: frozenset[Prompt]) -> Response | None:
    """Fails the way the prompt says, before anything is started or billed."""
    if Prompt.HTML in prompts:
        return HTMLResponse(PROXY_PAGE)
    if Prompt.BAD_GATEWAY in prompts:
        return HTMLResponse(BAD_GATEWAY_PAGE, status_code=502)
    once = Prompt.UNAVAILABLE_ONCE in prompts and not state.refused_once
    state.refused_once |= once
    if once or Prompt.UNAVAILABLE in prompts:
        raise ApiError(
            503, "service_unavailable", "The service is temporarily unavailable."
        )
    return None


async def _wait(state: State, prompts: frozenset[Prompt]) -> None:
    if Prompt.SLOW_FIRST_BYTE in prompts:
        with suppress(TimeoutError):
            await wait_for(state.closing.wait(), state.slow_seconds)


def _plain(body: JsonObject, prompts: frozenset[Prompt]) -> Response:
    response = _json(body)
    if Prompt.MALFORMED in prompts:
        return Response(response.body[:-1], media_type="application/json")
    return response


def _json(body: JsonObject, status: int = 200, end: bytes = b"") -> Response:
    return Response(
        dumps(body) + end, status_code=status, media_type="application/json"
    )


def _record(request: Request, status: int, key: str, raw: bytes) -> RequestRecord:
    return RequestRecord(
        method=request.method,
        path=request.url.path,
        status=status,
        key=fingerprint(key),
        fields=_field_names(raw),
        user_agent=request.headers.get("user-agent", ""),
    )


def _field_names(raw: bytes) -> tuple[str, ...]:
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        return ()
    return tuple(sorted(body)) if isinstance(body, dict) else ()


def _refuse_constant(name: str) -> None:
    raise ValueError(name)
