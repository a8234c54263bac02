import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

import perplexity_connector.sandbox as package
from perplexity_connector.sandbox import GOOD_KEY, Sandbox, create_app, serve

AUTH = {"Authorization": f"Bearer {GOOD_KEY}"}
SLOW = {"input": "sandbox:slow moon", "preset": "fast", "stream": True}


def test_a_sandbox_listens_while_it_is_entered_and_leaves_nothing_behind() -> None:
    """Its address is known at once; its thread and its port are free again afterwards."""
    before = threading.active_count()
    with Sandbox() as sandbox:
        assert sandbox.url == f"http://127.0.0.1:{sandbox.port}"
        assert httpx.get(f"{sandbox.url}/v1/models", headers=AUTH).status_code == 200
    assert threading.active_count() == before
    with Sandbox(sandbox.port) as again:
        assert again.port == sandbox.port
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{sandbox.url}/v1/models")


def test_a_taken_port_is_an_error() -> None:
    """And nothing is left open."""
    with Sandbox() as sandbox, pytest.raises(OSError, match="in use"):
        Sandbox(sandbox.port).__enter__()


def test_leaving_a_sandbox_that_was_never_entered_is_harmless() -> None:
    """Nothing is running."""
    Sandbox().__exit__(None, None, None)


def test_closing_ends_the_streams_under_way() -> None:
    """A listener sees a clean end without a terminal event, at once."""
    with httpx.Client(headers=AUTH) as client:
        with Sandbox() as sandbox:
            stream = client.send(
                client.build_request("POST", f"{sandbox.url}/v1/agent", json=SLOW),
                stream=True,
            )
            lines = stream.iter_lines()
            assert next(lines) == "event: response.created"
        names = [line for line in lines if line.startswith("event: ")]
        stream.close()
    assert "event: response.completed" not in names


def test_a_sandbox_can_be_entered_from_any_thread() -> None:
    """And leaves the process's signal handlers alone."""
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    statuses: list[int] = []

    def use() -> None:
        with Sandbox() as sandbox:
            statuses.append(httpx.get(f"{sandbox.url}/sandbox/state").status_code)

    thread = threading.Thread(target=use)
    thread.start()
    thread.join()
    assert statuses == [200]
    assert [
        signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)
    ] == handlers


def test_serving_says_where_and_ends_quietly_on_an_interrupt() -> None:
    """The address answers by the time it is told."""
    statuses: list[int] = []
    main = threading.main_thread().ident or 0
    interrupt = threading.Timer(0.1, signal.pthread_kill, (main, signal.SIGINT))

    def ready(url: str) -> None:
        statuses.append(httpx.get(f"{url}/sandbox/state").status_code)
        interrupt.start()

    serve(0, ready)
    interrupt.join()
    assert statuses == [200]


@contextmanager
def process(code: str) -> Iterator[subprocess.Popen[str]]:
    """A Python process of its own, in which every warning is an error."""
    with subprocess.Popen(
        [sys.executable, "-W", "error", "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as child:
        try:
            yield child
        finally:
            child.kill()


def test_ctrl_c_ends_a_serving_process_quietly() -> None:
    """Nothing on stderr, and no error code."""
    code = "from perplexity_connector.sandbox import serve; serve(0, lambda url: print(url, flush=True))"
    with process(code) as child:
        assert child.stdout
        assert child.stdout.readline().startswith("http://127.0.0.1:")
        os.kill(child.pid, signal.SIGINT)
        _, errors = child.communicate(timeout=20)
    assert (child.returncode, errors) == (0, "")


def test_importing_the_package_is_light_and_nothing_of_it_needs_a_client() -> None:
    """The command line knows the test keys without starlette; the sandbox itself never imports httpx."""
    code = (
        "import sys, perplexity_connector.sandbox as s; light = {'starlette', 'uvicorn'} & set(sys.modules);"
        "s.Sandbox; s.create_app; print(light, 'httpx' in sys.modules, [m for m in sys.modules if "
        "m.startswith('perplexity_connector.') and m.split('.')[1] not in ('sandbox', 'serving')])"
    )
    with process(code) as child:
        out, errors = child.communicate(timeout=20)
    assert (out.strip(), errors) == ("set() False []", "")


def test_the_package_offers_what_it_names() -> None:
    """And nothing else."""
    assert {package.Sandbox, package.create_app, package.serve} == {
        Sandbox,
        create_app,
        serve,
    }
    with pytest.raises(AttributeError):
        _ = package.no_such_name
