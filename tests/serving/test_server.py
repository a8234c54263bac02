import asyncio
import logging

import httpx
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from perplexity_connector.serving.listener import LOOPBACK, listen
from perplexity_connector.serving.server import NotifyingServer, quiet_config


async def hello(scope: Scope, receive: Receive, send: Send) -> None:
    """Greet."""
    await PlainTextResponse("hello")(scope, receive, send)


def test_a_server_says_when_it_answers_and_when_it_is_about_to_stop() -> None:
    """At its start it is reachable already; before its stop it still is."""
    steps: list[str] = []

    async def serve() -> httpx.Response:
        answers = asyncio.Event()
        server = NotifyingServer(
            quiet_config(hello, lifespan="off", grace_seconds=1),
            on_ready=answers.set,
            on_stop=lambda: steps.append(
                f"listening: {server.servers[0].is_serving()}"
            ),
        )
        listener = listen(LOOPBACK, 0)
        url = f"http://{LOOPBACK}:{listener.getsockname()[1]}"
        serving = asyncio.create_task(server.serve([listener]))
        await answers.wait()
        async with httpx.AsyncClient() as client:
            answer = await client.get(url)
        server.should_exit = True
        await serving
        return answer

    answer = asyncio.run(serve())
    assert answer.text == "hello"
    assert "server" not in answer.headers
    assert steps == ["listening: True"]


def test_a_configuration_leaves_the_logging_of_the_process_alone() -> None:
    """No handler is installed, no level is set, and requests are not logged."""
    loggers = [logging.getLogger(name) for name in ("uvicorn", "uvicorn.error")]
    before = [(logger.level, list(logger.handlers)) for logger in loggers]
    config = quiet_config(Starlette(), grace_seconds=3, max_connections=7)
    config.load()
    assert [(logger.level, list(logger.handlers)) for logger in loggers] == before
    assert config.access_log is False
    assert config.lifespan == "on"
    assert (config.timeout_graceful_shutdown, config.limit_concurrency) == (3, 7)
