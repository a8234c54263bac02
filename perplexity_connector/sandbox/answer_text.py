"""Find the sources of a run, and write an answer whose every sentence has its citation marker."""

import json
from dataclasses import dataclass
from itertools import cycle, islice

from perplexity_connector.sandbox.agent import AgentRequest
from perplexity_connector.sandbox.corpus import Page, words
from perplexity_connector.sandbox.jsontypes import JsonObject
from perplexity_connector.sandbox.prompts import Prompt, Prompts
from perplexity_connector.sandbox.search import find_pages
from perplexity_connector.sandbox.structured import Composer
from perplexity_connector.sandbox.tokens import tokenize

_CITED = 3
_SLOW_TOKENS = 200
_NOTHING_FOUND = "Nothing was found about that."
_NOT_SEARCHED = "This answer was written without a search."


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A page with its id, from 1, which the answer's markers name."""

    id: int
    page: Page

    def as_result(self) -> JsonObject:
        """Return the source as a search result of the run."""
        return {
            "id": self.id,
            **self.page.as_result(),
            "source": "web",
        }


def find_sources(request: AgentRequest) -> list[Source]:
    """Return the sources of a run, best first; their ids rise in the same order."""
    if request.search is None:
        return []
    found = find_pages(
        request.question,
        request.search.filters,
        request.prompts,
    )
    return [
        Source(id=_source_id(place, request.prompts), page=page)
        for place, page in enumerate(found[: request.search.max_results], 1)
    ]


def write_answer(request: AgentRequest, sources: list[Source]) -> str:
    """Return the whole text of the answer; JSON text if a schema was requested."""
    if request.schema is not None:
        return _structured(request, request.schema, sources)
    sentences = _sentences(request, sources)
    if Prompt.SLOW in request.prompts:
        shortest = min(len(tokenize(sentence)) for sentence in sentences)
        sentences = list(islice(cycle(sentences), _SLOW_TOKENS // shortest + 1))
    if Prompt.NO_SOURCE in request.prompts:
        marker = request.preset.marker.format(99)
        sentences.append(f"This sentence has no source.{marker}")
    return " ".join(sentences)


def _sentences(request: AgentRequest, sources: list[Source]) -> list[str]:
    if request.search is None:
        return [_NOT_SEARCHED]
    sentences = [
        _best_sentence(request.question, source.page)
        + request.preset.marker.format(source.id)
        for source in sources[:_CITED]
    ]
    return sentences or [_NOTHING_FOUND]


def _structured(
    request: AgentRequest, schema: JsonObject, sources: list[Source]
) -> str:
    sentence = (
        _best_sentence(request.question, sources[0].page) if sources else _NOTHING_FOUND
    )
    value = Composer(schema, sentence).compose()
    if Prompt.NOT_JSON in request.prompts:
        return "Here is the object that you asked for: {"
    if Prompt.WRONG_JSON in request.prompts:
        # Breaks every schema: the root of a structured answer is never null.
        value = None
    return json.dumps(value, ensure_ascii=False)


def _best_sentence(question: str, page: Page) -> str:
    terms = set(words(question))
    return max(
        page.sentences(), key=lambda sentence: len(terms.intersection(words(sentence)))
    )


def _source_id(place: int, prompts: Prompts) -> int:
    if Prompt.GAP in prompts:
        return place if place == 1 else place + 1
    return max(1, place - 1) if Prompt.DUPLICATE_ID in prompts else place
