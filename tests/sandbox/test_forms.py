"""The form and the sandbox agree: a form without errors is a request that the sandbox takes."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from perplexity_connector.perplexity.forms.create_chat_completion import ChatInput
from perplexity_connector.perplexity.forms.model_aliases import ALIASES, PRESETS
from perplexity_connector.perplexity.forms.validation import validate_input
from perplexity_connector.perplexity.wire.agent_request import request_body
from perplexity_connector.sandbox.agent import read_agent_request
from perplexity_connector.sandbox.language_models import prices

Body = dict[str, Any]

PINS = [f"{word}@2026-10-16.0" for word in (*PRESETS, "wide-research")]
EFFORTS = ["none", "minimal", "low", "medium", "high", "xhigh"]
KINDS = ("png", "jpeg", "webp", "gif")
IMAGES = [f"data:image/{kind};base64,AA==" for kind in KINDS]
COUNT = st.integers(1, 100)


def optional(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Body]:
    """Any of these fields."""
    return st.fixed_dictionaries({}, optional=fields)


def together(*parts: st.SearchStrategy[Body]) -> st.SearchStrategy[Body]:
    """The fields of each part."""
    return st.tuples(*parts).map(
        lambda found: {k: v for p in found for k, v in p.items()}
    )


OPTIONS = optional(
    search_type=st.sampled_from(["web", "fast"]),
    max_results=st.integers(1, 50),
    max_tokens=COUNT,
    max_tokens_per_page=COUNT,
)
SEARCH = st.just({"search": "never"}) | optional(
    search=st.sampled_from(["always", "when_needed"]), web_search_options=OPTIONS
)
ANY_MODEL = optional(
    images=st.lists(st.sampled_from([*IMAGES, "https://moon.example/a"]), max_size=10),
    max_steps=COUNT,
    reasoning_effort=st.sampled_from(EFFORTS),
)
NAMED = st.sampled_from([*ALIASES, *PRESETS, *PINS, "wide-research", "profile_7"]).map(
    lambda model: {"model": model}
)
CHAIN = st.lists(
    st.sampled_from(sorted(prices())), min_size=1, max_size=5, unique=True
).map(
    lambda models: {
        "model": models[0],
        "fallback_models": models[1:],
        "max_tokens": 1000,
    }
)
TOOLS = optional(
    tools=st.lists(st.sampled_from(["fetch_url", "finance_search"]), unique=True)
)


@given(together(ANY_MODEL, SEARCH, NAMED | together(CHAIN, TOOLS)))
def test_the_sandbox_takes_every_form_without_errors(values: Body) -> None:
    """It sees the same images, the same models, and whether a search is wanted."""
    images = values.pop("images", [])
    question = {"role": "user", "content": "How far away is the Moon?"}
    form = validate_input(
        ChatInput, {**values, "messages": [{**question, "images": images}]}
    )
    assert isinstance(form, ChatInput)
    request = read_agent_request(json.loads(json.dumps(request_body(form))))
    assert len(request.images) == len(images)
    if "fallback_models" in values:
        assert request.engine.models == (form.model, *values["fallback_models"])
    assert bool(request.course.searches) is (form.search != "never")
