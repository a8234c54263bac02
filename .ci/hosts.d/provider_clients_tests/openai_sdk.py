"""OpenAI's SDK at another base URL: models, runs, streams, and is refused the retired chat."""

import os
from importlib.metadata import version

import openai

client = openai.OpenAI(
    base_url=os.environ["PERPLEXITY_BASE_URL"] + "/v1",
    api_key=os.environ["PERPLEXITY_API_KEY"],
    max_retries=0,
)
print("openai", version("openai"))

print("models:", len(client.models.list().data))

answer = client.responses.create(
    model="perplexity/sonar",
    input=[{"role": "user", "content": "How far away is the Moon?"}],
    tools=[{"type": "web_search"}],
)
assert "384,400" in answer.output_text, answer
print("agent:", answer.output_text.partition("[")[0])

again = client.responses.retrieve(answer.id)
assert again.output_text == answer.output_text, again
print("agent, fetched:", again.status)

events = list(
    client.responses.create(input="moon", stream=True, extra_body={"preset": "fast"})
)
assert events[-1].type == "response.completed", events
deltas = "".join(
    event.delta for event in events if event.type == "response.output_text.delta"
)
assert deltas == events[-1].response.output_text, events
print("agent, stream:", len(events), "events")

try:
    client.responses.create(model="perplexity/sonar", input="moon", user="me")
except openai.BadRequestError as error:
    print("an unknown field: 400", error.type, "param:", error.param)
else:
    raise AssertionError("an unknown field was accepted")

try:
    client.chat.completions.create(
        model="sonar", messages=[{"role": "user", "content": "moon"}]
    )
except openai.PermissionDeniedError as error:
    assert error.type == "chat_completions_not_available", error.body
    print("chat completions: 403", error.type)
else:
    raise AssertionError("the retired chat answered")
