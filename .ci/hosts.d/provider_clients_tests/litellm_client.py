"""LiteLLM: its Responses API, its search, and its chat, which only knows the retired endpoint."""

import os
import warnings
from importlib.metadata import version

# Otherwise the import fetches a list of prices.
os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"

import litellm

litellm.suppress_debug_info = True
# The answer has more in it than LiteLLM's types.
warnings.simplefilter("ignore")

where = {
    "api_base": os.environ["PERPLEXITY_BASE_URL"],
    "api_key": os.environ["PERPLEXITY_API_KEY"],
}
print("litellm", version("litellm"))

found = litellm.search(
    query="moon distance", search_provider="perplexity", max_results=3, **where
)
assert len(found.results) == 3, found
print("search:", found.results[0].title)

answer = litellm.responses(
    model="perplexity/preset/fast", input="How far away is the Moon?", **where
)
# LiteLLM takes the provider's `truncation: ""` for an error and keeps the answer as it is.
text = answer.model_dump(warnings=False)["output"][-1]["content"][0]["text"]
assert "384,400" in text, answer
print("agent:", text.partition("[")[0])

events = list(
    litellm.responses(model="perplexity/preset/low", input="moon", stream=True, **where)
)
assert events[-1].response.status == "completed", events[-1]
print("agent, stream:", len(events), "events")

try:
    litellm.completion(
        model="perplexity/sonar",
        messages=[{"role": "user", "content": "moon"}],
        num_retries=0,
        **where,
    )
except litellm.exceptions.APIError as error:
    # LiteLLM keeps the status, and the body only in the error before its own.
    body = (error.__cause__ or error.__context__).body
    assert error.status_code == 403, repr(error)
    assert body["type"] == "chat_completions_not_available", body
    print("chat completions: 403", body["type"])
else:
    raise AssertionError("the retired chat answered")
