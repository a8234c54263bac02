"""A process that dies at any step of the ledger loses no step of a row's flow, and pays none twice."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from perplexity_connector.sandbox import Sandbox
from tests.host.starters import Starter
from tests.host.tables.test_crashes import MOMENTS, Scene, sandbox, starter

__all__ = ["sandbox", "starter"]


def ask(step: str, *binding: Any) -> dict[str, Any]:
    """A step that asks a question."""
    return {
        "id": step,
        "connector": "perplexity",
        "action": "create_chat_completion",
        "input": {"model": "low", "messages": [{"role": "user", "content": "?"}]},
        "bindings": {"/messages/0/content": list(binding)},
    }


WORD = {"input": "/word"}
FLOW = {
    "flow_version": 2,
    "inputs": {"type": "object", "properties": {"word": {"type": "string"}}},
    "steps": [ask("first", WORD), ask("second", "again ", WORD)],
}


# The steps of a row, in their order.
OF_A_ROW = (
    "claim_row",
    "checkpoint",
    "begin_flow",
    "resume_flow",
    "begin_step",
    "begin_run",
    "take_turns",
    "sent",
    "end_run",
    "end_step",
    "end_flow",
)


def billed(scene: Scene, sandbox: Sandbox) -> Counter[str]:
    """How often each step of each row was billed."""
    asked = [run.plan.request.question for run in sandbox._state.runs.values()]
    return Counter(text for text in asked if text.removeprefix("again ") in scene.words)


def test_a_crash_at_any_step_loses_no_step_and_pays_none_twice(
    tmp_path: Path, sandbox: Sandbox, starter: Starter
) -> None:
    """A row goes on from its step. Only a death after a request left it unsure, billed once at most."""
    scene = Scene(tmp_path, sandbox, starter, 9, flow=FLOW)
    for name in OF_A_ROW:
        for moment in MOMENTS:
            scene.die(name, moment)
    # The same of a second step.
    for name in ("checkpoint", "begin_run", "sent", "end_step"):
        scene.die(name, "after", 2)
    end = scene.end()
    unsure = scene.unsure(end)
    counts = billed(scene, sandbox)
    pairs = {word: (counts[word], counts[f"again {word}"]) for word in scene.words}
    # They died right before their request left: that of the first step, and that of the second.
    assert [pairs.pop(word) for word in sorted(unsure)] == [(0, 0), (1, 0)]
    assert set(pairs.values()) == {(1, 1)}
    costs = [float(record["_cost"] or 0) for record in scene.records()]
    assert end["cost"] == pytest.approx(sum(costs))


PARTS = ["one", "two", "three", "four", "five"]
OF_EACH: Any = {
    "flow_version": 2,
    "inputs": {
        "type": "object",
        "properties": {
            "word": {"type": "string"},
            "parts": {"type": "array", "default": PARTS},
        },
    },
    "steps": [
        ask("each", {"item": ""}, " ", WORD) | {"each": {"input": "/parts"}},
        ask("last", "last ", WORD),
    ],
}


def test_a_crash_among_the_items_of_a_step_pays_no_item_twice(
    tmp_path: Path, sandbox: Sandbox, starter: Starter
) -> None:
    """The items that have ended are kept, and those that the provider has begun are followed."""
    scene = Scene(tmp_path, sandbox, starter, 2, flow=OF_EACH)
    for name, times in (
        ("begin_step", 3),
        ("begin_run", 2),
        ("checkpoint", 4),
        ("end_run", 2),
        ("end_step", 1),
    ):
        scene.die(name, "after", times)
    unsure = scene.unsure(scene.end())
    asked = Counter(run.plan.request.question for run in sandbox._state.runs.values())
    for word in scene.words:
        counts = {asked[f"{part} {word}"] for part in (*PARTS, "last")}
        assert counts <= ({0, 1} if word in unsure else {1}), word
