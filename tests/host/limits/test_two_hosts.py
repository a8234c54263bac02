"""Two hosts with one ledger file, over real sockets, against the sandbox's keys with a limit."""

import asyncio
from pathlib import Path

import pytest

from perplexity_connector.host import Host, Ledger
from perplexity_connector.sandbox import Sandbox
from perplexity_connector.sandbox.keys import ONE_PER_SECOND_KEY

SEARCH = ("perplexity", "execute_search")
WAIT_S = 60


async def search(host: Host, count: int) -> list[str]:
    """Run searches at once. Return how they ended."""
    connection = {"connection_name": "Test", "api_key": ONE_PER_SECOND_KEY}
    found = await asyncio.gather(
        *[
            host.run(*SEARCH, {"query": f"number {number}"}, connection=connection)
            for number in range(count)
        ]
    )
    return [envelope["status"] for envelope in found]


@pytest.mark.usefixtures("real_waits")
def test_two_hosts_with_one_ledger_meet_no_refusal_after_one_of_them_has_learned_the_limit(
    tmp_path: Path,
) -> None:
    """Also of its own first request, which no turn has counted."""
    ledgers = [Ledger(f"sqlite:///{tmp_path}/l.sqlite", environ={}) for _ in range(2)]
    for ledger in ledgers:
        ledger.jobs().result(WAIT_S)

    async def work(url: str) -> list[list[str]]:
        settings = {"perplexity": {"base_url": url}}
        hosts = [
            Host(environ={}, settings=settings, ledger=ledger, sandbox=True)
            for ledger in ledgers
        ]
        async with hosts[0], hosts[1]:
            first = await search(hosts[0], 1)
            both = await asyncio.gather(*[search(host, 1) for host in hosts])
            return [first, *both]

    with Sandbox() as sandbox:
        statuses = asyncio.run(work(sandbox.url))
        sent = [request.status for request in sandbox.requests]
    assert statuses == [["succeeded"]] * 3
    assert sent == [200] * 3
    assert [ledger.close() for ledger in ledgers] == [[], []]
