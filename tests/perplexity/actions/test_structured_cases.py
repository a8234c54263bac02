"""Structured answers: as a plain body, as a stream, and as a stream in single bytes."""

import asyncio
import json
from typing import Any

import pytest

from perplexity_connector.contract import ConnectorError, ErrorCode
from perplexity_connector.perplexity.actions.create_chat_completion import (
    create_chat_completion,
)
from tests.paths import ROOT
from tests.perplexity.actions.final_answers import WAYS, response_of, run
from tests.perplexity.actions.wire import Listener, Provider

PLACE = ROOT / "tests" / "perplexity" / "actions" / "structured_cases.json"
CASES = json.loads(PLACE.read_text(encoding="utf-8"))["cases"]
ANSWERED = [case for case in CASES if "response" in case["answer"]]
REFUSED = [case for case in CASES if "response" not in case["answer"]]


@pytest.mark.parametrize("listen", [True, False], ids=["heard", "unheard"])
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("case", ANSWERED, ids=lambda case: case["name"])
def test_an_answer_has_its_value(case: dict[str, Any], way: str, listen: bool) -> None:
    """The same value and warnings in every way; the text stays as it is."""
    final, expect, listener = case["answer"]["response"], case["expect"], Listener()
    result = run(case["input"], response_of(final, way), listener, listen=listen)
    written = final["output"][-1]["content"][0]["text"]
    assert result.output["parsed"] == expect["parsed"]
    assert result.output["content"] == expect.get("content", written) == written
    codes = [warning.code for warning in result.warnings]
    assert codes == expect.get("warnings_include", [])


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case["name"])
def test_a_schema_that_would_be_refused_is_not_sent(case: dict[str, Any]) -> None:
    """Nothing is asked, and each bad field is named."""
    provider = Provider()

    async def main() -> None:
        async with provider.client() as client:
            context = Listener().context(listen=False)
            await create_chat_completion(client, case["input"], context)

    with pytest.raises(ConnectorError) as error:
        asyncio.run(main())
    assert error.value.code is ErrorCode(case["expect"]["error"])
    found = [field.pointer for field in error.value.fields]
    assert found == case["expect"]["fields"]
    assert provider.asked == []
