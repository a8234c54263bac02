"""LangChain's package: its chat on the Agent API, its retriever, and its chat on the retired endpoint."""

import os
from importlib.metadata import version

import perplexity
from langchain_perplexity import ChatPerplexity, PerplexitySearchRetriever

key = os.environ["PERPLEXITY_API_KEY"]
print("langchain-perplexity", version("langchain-perplexity"))

documents = PerplexitySearchRetriever(pplx_api_key=key, k=3).invoke("moon distance")
assert len(documents) == 3, documents
print("search:", documents[0].metadata["title"])

agent = ChatPerplexity(
    model="openai/gpt-6-luna",
    pplx_api_key=key,
    use_responses_api=True,
    model_kwargs={"tools": [{"type": "web_search"}]},
)
answer = agent.invoke("How far away is the Moon?")
assert "384,400" in answer.text, answer
assert answer.usage_metadata["output_tokens"] > 0, answer
print("agent:", answer.text.partition("[")[0])

pieces = [piece.text for piece in agent.stream("How far away is the Moon?")]
assert "384,400" in "".join(pieces), pieces
print("agent, stream:", len(pieces), "pieces")

chat = ChatPerplexity(model="sonar", pplx_api_key=key, use_responses_api=False)
try:
    chat.invoke("moon")
except perplexity.PermissionDeniedError as error:
    kind = error.body["error"]["type"]
    assert kind == "chat_completions_not_available", error.body
    print("chat completions: 403", kind)
else:
    raise AssertionError("the retired chat answered")
