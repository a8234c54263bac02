"""Many runs at once on a key with a small limit, over real sockets."""

import asyncio

from perplexity_connector.host import Host
from perplexity_connector.sandbox import Sandbox
from perplexity_connector.sandbox.keys import ONE_PER_SECOND_KEY

QUESTION = {
    "model": "sonar",
    "messages": [{"role": "user", "content": "How far away is the Moon?"}],
}
CONNECTION = {"connection_name": "Slow", "api_key": ONE_PER_SECOND_KEY}


def test_twenty_runs_at_once_on_a_key_of_one_request_a_second_all_succeed() -> None:
    """Within thirty seconds, with fewer than five refusals, each paid for once."""

    async def main(base_url: str) -> list[str]:
        async with Host(settings={"perplexity": {"base_url": base_url}}) as host:
            run = [
                host.run(
                    "perplexity",
                    "create_chat_completion",
                    QUESTION,
                    connection=CONNECTION,
                    timeout=30,
                )
                for _ in range(20)
            ]
            return [str(envelope["status"]) for envelope in await asyncio.gather(*run)]

    with Sandbox() as sandbox:
        assert asyncio.run(main(sandbox.url)) == ["succeeded"] * 20
        assert sandbox.billed_runs == 20
        assert sum(request.status == 429 for request in sandbox.requests) < 5
