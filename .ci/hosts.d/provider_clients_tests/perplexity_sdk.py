"""The official Python SDK: runs, streams, cancels, searches, and is refused the retired chat."""

from importlib.metadata import version

import perplexity

client = perplexity.Perplexity(max_retries=0)
print("perplexityai", version("perplexityai"))

found = client.search.create(query=["moon distance", "jupiter moons"], max_results=3)
assert len(found.results) == 3, found
print("search:", found.results[0].title)

answer = client.responses.create(preset="fast", input="How far away is the Moon?")
assert answer.status == "completed", answer
assert "384,400" in answer.output_text, answer
assert answer.usage.cost.total_cost > 0, answer
print("agent:", answer.output_text.partition("[")[0])

page = client.responses.create(
    effort="low", input="What does https://moon.example/distance say?"
)
assert [item.type for item in page.output] == ["fetch_url_results", "message"], page
print("agent, page read:", page.output[0].contents[0].url)

events = list(client.responses.create(preset="high", input="jupiter", stream=True))
kinds = list(dict.fromkeys(event.type for event in events))
assert kinds[0] == "response.created", kinds
assert kinds[-1] == "response.completed", kinds
print("agent, stream:", len(events), "events of", len(kinds), "kinds")

run = client.responses.create(preset="medium", input="moon", background=True)
assert client.responses.cancel(run.id).status == "cancelling"
cancelled = client.responses.retrieve(run.id)
assert (cancelled.status, cancelled.error.type) == ("cancelled", "cancelled"), cancelled
print("agent, background: cancelled")

try:
    client.responses.cancel(answer.id)
except perplexity.BadRequestError as error:
    print("cancel of an ended run: 400", error.body["error"]["type"])
else:
    raise AssertionError("an ended run was cancelled")

try:
    client.chat.completions.create(
        model="sonar", messages=[{"role": "user", "content": "moon"}]
    )
except perplexity.PermissionDeniedError as error:
    kind = error.body["error"]["type"]
    assert kind == "chat_completions_not_available", error.body
    print("chat completions: 403", kind)
else:
    raise AssertionError("the retired chat answered")

try:
    perplexity.Perplexity(api_key="pplx-test-wrong").search.create(query="moon")
except perplexity.AuthenticationError as error:
    print("a wrong key: 401", error.body["error"]["type"])
else:
    raise AssertionError("a wrong key was accepted")
