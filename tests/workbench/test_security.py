import asyncio
import json
import logging
import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from perplexity_connector.workbench.reading import LARGEST_BODY
from perplexity_connector.workbench.security import SESSION_HEADER, protect
from tests.workbench.conftest import Bench, Serve, served
from tests.workbench.entering import exchange

HEADERS: dict[str, Any] = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}
ADDRESSES = [
    ("GET", "/"),
    ("GET", "/static/app.js"),
    ("GET", "/api/catalogue"),
    ("GET", "/api/actions/toy/greet"),
    ("GET", "/api/options/toy/tones"),
    ("GET", "/api/connections"),
    ("POST", "/api/validate"),
    ("POST", "/api/connections"),
    ("POST", "/api/connections/test"),
    ("PATCH", "/api/connections?name=Mine"),
    ("DELETE", "/api/connections?name=Mine"),
    ("GET", "/api/flows"),
    ("GET", "/api/flow?name=Mine"),
    ("PUT", "/api/flow?name=Mine"),
    ("PATCH", "/api/flow?name=Mine"),
    ("DELETE", "/api/flow?name=Mine"),
    ("GET", "/api/flow-runs"),
    ("GET", "/api/flow-runs/flow_1/items"),
    ("POST", "/api/flow-runs/flow_1/resume"),
    ("POST", "/api/price"),
    ("GET", "/api/history"),
    ("DELETE", "/api/history/run_1"),
    ("POST", "/api/tables?name=a.csv"),
    ("POST", "/api/tables/1/plan"),
    ("POST", "/api/tables/1/run"),
    ("GET", "/api/tables/1/items"),
    ("GET", "/api/tables/1/output"),
    ("POST", "/api/runs"),
    ("POST", "/api/runs/run_1/cancel"),
    ("GET", "/none"),
]
PROTECTED = [
    *ADDRESSES[2:],
    ("POST", "/api/session/"),
    ("POST", "/api/session%3Fmore"),
    ("GET", "//static/app.js"),
]


def refused(answer: httpx.Response, status: int, code: str) -> None:
    """The answer is an error of that status and code, with every header."""
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code), (
        f"{answer.request.method} {answer.url}: {answer.text}"
    )
    assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS


def test_a_token_is_exchanged_for_a_session_without_a_cookie(guarded: Bench) -> None:
    """As often as it is brought: the printed link opens any number of pages."""
    answers = [exchange(guarded.server.address) for _ in range(3)]
    assert len({answer.json()["session"] for answer in answers}) == 1
    for answer in answers:
        assert "set-cookie" not in answer.headers
        assert answer.json()["session"] not in guarded.server.address
    assert guarded.page.get("/").text == "<!doctype html><title>Workbench</title>"


def test_the_single_address_opens_one_page(serve: Serve) -> None:
    """The browser is started with it; its session is that of the other pages."""
    server = serve().server
    first, second = exchange(server.single_address), exchange(server.single_address)
    assert first.json() == exchange(server.address).json()
    refused(second, 401, "invalid_credentials")


def test_each_launch_has_secrets_of_its_own(serve: Serve) -> None:
    """Long ones; no session is good at another launch, though a browser sends it there."""
    first, second = serve(), serve()
    texts = [
        text
        for bench in (first, second)
        for text in (
            bench.server.address.partition("#token=")[2],
            bench.server.single_address.partition("#token=")[2],
            bench.page.headers[SESSION_HEADER],
        )
    ]
    assert len(set(texts)) == 6
    assert min(map(len, texts)) >= 43
    headers = {SESSION_HEADER: first.page.headers[SESSION_HEADER]}
    refused(
        httpx.get(f"{second.url}/api/catalogue", headers=headers),
        401,
        "invalid_credentials",
    )


@pytest.mark.parametrize("session", [None, "", "wrong", "wr\u00f6ng", "the token"])
def test_without_the_session_nothing_is_answered(
    guarded: Bench, session: str | None
) -> None:
    """Not even what is not there. What a browser sends to every port does not help: cookies."""
    right = guarded.page.headers[SESSION_HEADER]
    port = urlsplit(guarded.url).port
    headers: dict[str, Any] = {
        "Origin": guarded.url,
        "Cookie": f"workbench_{port}={right}; session={right}; {SESSION_HEADER}={right}",
    }
    if session == "the token":
        session = guarded.server.address.partition("#token=")[2]
    if session is not None:
        headers[SESSION_HEADER] = session.encode("latin-1")
    with httpx.Client(base_url=guarded.url, headers=headers) as stranger:
        for method, path in PROTECTED:
            # By the whole address: a client would tidy up two slashes at its start.
            address = f"{guarded.url}{path}"
            refused(stranger.request(method, address), 401, "invalid_credentials")


def test_cookies_of_others_lock_nobody_out(guarded: Bench) -> None:
    """However they are named: every port of this machine can set them."""
    port = urlsplit(guarded.url).port
    cookies = f"workbench_{port}=evil; workbench_{port}=evil; {SESSION_HEADER}=evil"
    answer = guarded.page.get("/api/catalogue", headers={"Cookie": cookies})
    assert answer.status_code == 200


@pytest.mark.parametrize("token", ["", "wrong", "wr\u00f6ng", "\ud800", None, 1, ["x"]])
def test_a_wrong_token_gets_no_session(guarded: Bench, token: Any) -> None:
    """And uses up no other one."""
    answer = guarded.page.post(
        "/api/session",
        content=json.dumps({"token": token}),
        headers={"Origin": guarded.url, "Content-Type": "application/json"},
    )
    status = 401 if isinstance(token, str) else 400
    code = "invalid_credentials" if status == 401 else "invalid_input"
    refused(answer, status, code)
    assert exchange(guarded.server.address).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:{port}",
        "127.0.0.1",
        "127.0.0.1:1",
        "[::1]:{port}",
        "",
    ],
)
@pytest.mark.parametrize("path", ["/", "/api/catalogue", "/static/app.js"])
def test_a_foreign_host_is_refused(guarded: Bench, host: str, path: str) -> None:
    """As DNS rebinding sends it, though the session is right."""
    port = urlsplit(guarded.server.address).port
    refused(
        guarded.page.get(path, headers={"Host": host.format(port=port)}),
        403,
        "permission_denied",
    )


@pytest.mark.parametrize(
    "hosts", [[], ["127.0.0.1:80", "evil.example"], ["127.0.0.1:80", "127.0.0.1:80"]]
)
def test_a_request_with_two_hosts_or_none_is_refused(hosts: list[str]) -> None:
    """Whoever reads the other one would be deceived. Today's server refuses it by itself; another one might not."""

    async def never(*_: object) -> None:
        pytest.fail("it was let in")

    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "http.request"}

    scope = {
        "type": "http",
        "method": "GET",
        "path": "/",
        "query_string": b"",
        "scheme": "http",
    }
    headers = [(b"host", host.encode()) for host in hosts]
    asyncio.run(
        protect(never, port=80, session="right")(  # type: ignore[arg-type]
            scope | {"headers": headers}, receive, send
        )
    )
    assert sent[0]["status"] == 403


def test_the_other_name_of_loopback_will_do(guarded: Bench) -> None:
    """With the origin that belongs to it."""
    host = f"LocalHost:{urlsplit(guarded.url).port}"
    headers = {"Host": host, "Origin": f"http://{host.lower()}"}
    answer = guarded.page.post(
        "/api/validate",
        json={"flow": {"flow_version": 1, "steps": []}},
        headers=headers,
    )
    assert answer.json()["errors"] == []
    refused(
        guarded.page.get(
            "/api/catalogue", headers={"Host": host, "Origin": guarded.url}
        ),
        403,
        "permission_denied",
    )


@pytest.fixture(scope="module")
def proxied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """A workbench behind a TLS proxy of one name, and a tunnel."""
    with served(tmp_path_factory.mktemp("proxied")) as start:
        yield start(None, "Bench.example", "localhost:9000")


def asked_as(bench: Bench, host: str, origin: str) -> httpx.Response:
    """The answer to what a page of that origin posts to that host."""
    flow = {"flow": {"flow_version": 1, "steps": []}}
    headers = {"Host": host, "Origin": origin}
    return bench.page.post("/api/validate", json=flow, headers=headers)


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("bench.example", "https://bench.example"),
        ("bench.example:8443", "https://bench.example:8443"),
        ("bench.example", "http://bench.example"),
        ("localhost:9000", "http://localhost:9000"),
    ],
)
def test_an_allowed_name_of_a_proxy_or_a_tunnel_is_answered(
    proxied: Bench, host: str, origin: str
) -> None:
    """With the page that was opened under it, over TLS or not; the session is asked for as always."""
    assert asked_as(proxied, host, origin).json()["errors"] == []
    headers = {"Host": host, "Origin": origin}
    answer = httpx.get(f"{proxied.url}/api/catalogue", headers=headers)
    refused(answer, 401, "invalid_credentials")


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("evil.example", "https://evil.example"),
        ("bench.example", "https://evil.example"),
        ("bench.example", "https://bench.example:8443"),
        ("bench.example.evil.example", "https://bench.example.evil.example"),
        ("localhost:9001", "http://localhost:9001"),
        ("xbench.example", "https://xbench.example"),
    ],
)
def test_an_allowed_name_opens_no_other_door(
    proxied: Bench, host: str, origin: str
) -> None:
    """Neither another name, nor a page of another origin under that one."""
    refused(asked_as(proxied, host, origin), 403, "permission_denied")


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "null",
        "https://127.0.0.1:{port}",
        "http://127.0.0.1:1",
        "http://127.0.0.1",
        "",
    ],
)
def test_a_foreign_origin_is_refused(guarded: Bench, origin: str) -> None:
    """For any address."""
    headers = {"Origin": origin.format(port=urlsplit(guarded.url).port)}
    for method, path in ADDRESSES:
        answer = guarded.page.request(method, path, headers=headers)
        refused(answer, 403, "permission_denied")


@pytest.mark.parametrize("site", ["cross-site", "same-site", "nonsense"])
def test_a_request_that_another_site_started_is_refused(
    guarded: Bench, site: str
) -> None:
    """Even where the browser sends no origin."""
    headers = {"Sec-Fetch-Site": site}
    for method, path in ADDRESSES[1:]:
        answer = guarded.page.request(method, path, headers=headers)
        refused(answer, 403, "permission_denied")


@pytest.mark.parametrize("headers", [{}, {"Sec-Fetch-Site": "none"}])
def test_a_change_must_say_that_it_comes_from_the_page(
    guarded: Bench, headers: dict[str, str]
) -> None:
    """By its origin, or by the browser's word for it."""
    same = {"Sec-Fetch-Site": "same-origin"}
    for method, path in (one for one in ADDRESSES if one[0] != "GET"):
        answer = guarded.page.request(method, path, headers=headers)
        refused(answer, 403, "permission_denied")
        answer = guarded.page.request(method, path, json={}, headers=same)
        is_bytes = path.startswith("/api/tables?")
        assert answer.status_code in ({415} if is_bytes else {200, 204, 400, 404})


def test_a_link_to_the_page_may_be_followed_from_anywhere(guarded: Bench) -> None:
    """It shows nothing by itself; a form may not be sent there."""
    assert (
        guarded.page.get("/", headers={"Sec-Fetch-Site": "cross-site"}).status_code
        == 200
    )
    refused(
        guarded.page.post("/", headers={"Sec-Fetch-Site": "cross-site"}),
        403,
        "permission_denied",
    )


@pytest.mark.parametrize(
    "kind",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""],
)
def test_a_body_must_be_json_by_its_type(guarded: Bench, kind: str) -> None:
    """A form of another page cannot send that."""
    headers = {"Origin": guarded.url, "Content-Type": kind}
    refused(
        guarded.page.post("/api/validate", content=b'{"flow": {}}', headers=headers),
        415,
        "invalid_input",
    )

    def pieces() -> Any:
        yield b'{"flow": {}}'

    refused(
        guarded.page.post("/api/validate", content=pieces(), headers=headers),
        415,
        "invalid_input",
    )


def test_a_body_has_a_bound(guarded: Bench) -> None:
    """Told by its length, or found out on the way; just within it, it is read."""
    headers = {"Origin": guarded.url, "Content-Type": "application/json; charset=utf-8"}
    large = b'{"flow": {}, "x": "' + b"x" * LARGEST_BODY + b'"}'
    refused(
        guarded.page.post("/api/validate", content=large, headers=headers),
        413,
        "invalid_input",
    )
    refused(
        guarded.page.post("/api/validate", content=iter([large]), headers=headers),
        413,
        "invalid_input",
    )
    fitting = b'{"flow": {}, "x": "' + b"x" * (LARGEST_BODY - 21) + b'"}'
    assert len(fitting) == LARGEST_BODY
    assert (
        guarded.page.post("/api/validate", content=fitting, headers=headers).status_code
        == 200
    )


@pytest.mark.parametrize(
    "path",
    [
        "/static/../secret.txt",
        "/static/%2e%2e/secret.txt",
        "/static/..%2fsecret.txt",
        "/static//etc/passwd",
        "/static/%2fetc/passwd",
        "/static/..\\secret.txt",
        "/static/",
        "/static/none.js",
    ],
)
def test_no_file_but_those_of_the_page_is_served(guarded: Bench, path: str) -> None:
    """However the address is written."""
    address = urlsplit(guarded.url)
    # By hand, since a client would tidy the address up.
    with socket.create_connection((address.hostname or "", address.port or 0)) as line:
        line.sendall(
            f"GET {path} HTTP/1.1\r\nHost: {address.netloc}\r\nConnection: close\r\n\r\n".encode()
        )
        answer = line.makefile("rb").read()
    assert answer.startswith(b"HTTP/1.1 404 ")
    assert b"nosniff" in answer


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/none", 404),
        ("PUT", "/api/runs", 405),
        ("GET", "/api/runs", 405),
        ("POST", "/static/app.js", 405),
    ],
)
def test_what_is_not_there_is_an_error_like_any_other(
    guarded: Bench, method: str, path: str, status: int
) -> None:
    """With its headers."""
    refused(guarded.call(method, path), status, "not_found")


@pytest.mark.parametrize("path", ["/", "/static/app.js", "/api/catalogue"])
def test_good_answers_have_the_headers_too(guarded: Bench, path: str) -> None:
    """And no word about the server."""
    answer = guarded.call("GET", path)
    assert answer.status_code == 200
    assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS
    assert "server" not in answer.headers


def test_scripts_are_served_as_scripts(guarded: Bench) -> None:
    """A browser that may not guess takes no other."""
    assert (
        guarded.page.get("/static/app.js")
        .headers["content-type"]
        .partition(";")[0]
        .endswith("/javascript")
    )


def test_it_listens_on_loopback_alone(guarded: Bench) -> None:
    """No other machine can reach it."""
    assert {
        listener.getsockname()[0]
        for server in guarded.server.servers
        for listener in server.sockets
    } == {"127.0.0.1"}


def test_no_secret_is_in_a_log(
    guarded: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    """At any level, though something else in the process has the server log every address."""
    caplog.set_level(logging.DEBUG)
    # Prefect, where another test has imported it, raises the level of the server's logs.
    caplog.set_level(logging.DEBUG, logger="uvicorn.access")
    access = logging.getLogger("uvicorn.access")
    token = guarded.server.address.partition("#token=")[2]
    session = guarded.page.headers[SESSION_HEADER]
    was, access.propagate = access.propagate, True
    try:
        assert guarded.get("/api/catalogue")
        assert exchange(guarded.server.address).status_code == 200
    finally:
        access.propagate = was
    ours = [
        record
        for record in caplog.records
        if record.name.split(".")[0] not in ("httpx", "httpcore")
    ]
    assert {record.name for record in ours} == {"uvicorn.access"}
    texts = [record.getMessage() for record in ours]
    assert not any(token in text or session in text for text in texts)


def test_an_error_at_the_start_reaches_the_server() -> None:
    """It is not a request: the server must log it and stop."""

    async def broken(*_: object) -> None:
        raise OSError

    async def unused(*_: object) -> Any:
        pytest.fail("nothing is sent or received")

    app = protect(broken, port=80, session="right")
    with pytest.raises(OSError):  # noqa: PT011 - made up here, without words
        asyncio.run(app({"type": "lifespan"}, unused, unused))  # type: ignore[arg-type]
