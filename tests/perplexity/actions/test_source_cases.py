"""Answers with sources of every kind: as a plain body, as a stream, and as a stream in single bytes."""

import json
from typing import Any

import pytest

from tests.paths import ROOT
from tests.perplexity.actions.final_answers import WAYS, response_of, run
from tests.perplexity.actions.wire import Listener

PLACE = ROOT / "tests" / "perplexity" / "actions" / "source_cases.json"
CASES = json.loads(PLACE.read_text(encoding="utf-8"))["cases"]
INPUT: dict[str, Any] = {
    "model": "sonar-pro",
    "messages": [{"role": "user", "content": "How far away is the Moon?"}],
}


@pytest.mark.parametrize("listen", [True, False], ids=["heard", "unheard"])
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_an_answer_has_its_sources(
    case: dict[str, Any], way: str, listen: bool
) -> None:
    """The same text, citations and warnings in every way; the streamed text is the final one."""
    listener, expect = Listener(), case["expect"]
    answer = response_of(case["answer"]["response"], way)
    result = run(INPUT, answer, listener, listen=listen)
    output: Any = result.output
    codes = [warning.code for warning in result.warnings]
    assert {
        name: output[name] for name in ("content", "citations") if name in expect
    } == {name: expect[name] for name in ("content", "citations") if name in expect}
    assert set(expect.get("warnings_include", [])) <= set(codes)
    assert codes == expect.get("warnings", codes)
    assert output["grounded"] is any(output["citations"])
    assert not listen or listener.text() == output["content"]
