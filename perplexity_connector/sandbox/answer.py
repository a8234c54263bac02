"""What the sandbox finds and says: sources with their ids, and a text whose every sentence carries its marker."""

import json
from dataclasses import dataclass
from itertools import cycle, islice

from perplexity_connector.sandbox.agent import AgentRequest
from perplexity_connector.sandbox.corpus import Page, pages, rank, words
from perplexity_connector.sandbox.jsontypes import JsonObject
from perplexity_connector.sandbox.prompts import Prompt
from perplexity_connector.sandbox.structured import Composer
from perplexity_connector.sandbox.tokens import tokenize

UNTRUSTED_PAGE = "https://untrusted.example/markup"
_CITED = 3
_SLOW_TOKENS = 200
_NOTHING_FOUND = "Nothing was found about that."
_NOT_SEARCHED = "This answer was written without a search."


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A page under the 1-based id that the answer's markers name."""

    id: int
    page: Page

    def shown(self) -> JsonObject:
        """The source as a result of the run."""
        found = self.page.found()
        return {"id": self.id, **found, "source": "web"}


def find_sources(request: AgentRequest) -> list[Source]:
    """The sources of a run in order of rank, which is also the order of their ids."""
    if request.search is None or Prompt.EMPTY in request.prompts:
        return []
    found = rank(request.question, filter(request.search.filters.allows, pages()))
    if Prompt.HTML_SNIPPET in request.prompts:
        found = [*(page for page in pages() if page.url == UNTRUSTED_PAGE), *found]
    chosen = found[: request.search.max_results]
    return [
        Source(id=_id(place, request.prompts), page=page)
        for place, page in enumerate(chosen, 1)
    ]


def write_answer(request: AgentRequest, sources: list[Source]) -> str:
    """The whole text of the answer; JSON text when a schema was asked for."""
    sentences = _sentences(request, sources)
    if request.schema is not None:
        return _structured(request, request.schema, sources)
    if Prompt.SLOW in request.prompts:
        count = (
            _SLOW_TOKENS // min(len(tokenize(sentence)) for sentence in sentences) + 1
        )
        sentences = list(islice(cycle(sentences), count))
    if Prompt.NO_SOURCE in request.prompts:
        sentences.append(
            f"This sentence has no source.{request.preset.marker.format(99)}"
        )
    return " ".join(sentences)


def _sentences(request: AgentRequest, sources: list[Source]) -> list[str]:
    if request.search is None:
        return [_NOT_SEARCHED]
    marker = request.preset.marker
    return [
        _best(request.question, source.page) + marker.format(source.id)
        for source in sources[:_CITED]
    ] or [_NOTHING_FOUND]


def _structured(
    request: AgentRequest, schema: JsonObject, sources: list[Source]
) -> str:
    composed = Composer(
        schema, _best(request.question, sources[0].page) if sources else _NOTHING_FOUND
    ).compose()
    if Prompt.NOT_JSON in request.prompts:
        return "Here is the object that you asked for: {"
    # No schema for a structured answer asks for null at its root, so that null breaks every one of them.
    return json.dumps(
        None if Prompt.WRONG_JSON in request.prompts else composed, ensure_ascii=False
    )


def _best(question: str, page: Page) -> str:
    asked = set(words(question))
    return max(
        page.sentences(), key=lambda sentence: len(asked.intersection(words(sentence)))
    )


def _id(place: int, prompts: frozenset[Prompt]) -> int:
    if Prompt.GAP in prompts:
        return place if place == 1 else place + 1
    return max(1, place - 1) if Prompt.DUPLICATE_ID in prompts else place
