"""Find the sources of a run, and write an answer whose every sentence has its citation marker.

A marker `[n]` or `[web:n]` names the id of a search result. `[web:0]` is the first page that was
read; without search results, `[web:n]` is page n, counted from 0.
"""

import json
from dataclasses import dataclass
from itertools import cycle, islice

from perplexity_connector.sandbox.agent import AgentRequest
from perplexity_connector.sandbox.corpus import Page, page_at, words
from perplexity_connector.sandbox.finance import FIGURE
from perplexity_connector.sandbox.jsontypes import JsonObject
from perplexity_connector.sandbox.prompts import Prompt, Prompts
from perplexity_connector.sandbox.search import find_pages
from perplexity_connector.sandbox.structured import Composer
from perplexity_connector.sandbox.tokens import tokenize

_CITED = 3
_PAGE_MARKER = "[web:{}]"
_SLOW_TOKENS = 200
_NOTHING_FOUND = "Nothing was found about that."
# Longer than 16 tokens, the least `max_output_tokens`.
_NOT_SEARCHED = (
    "This answer was written without a search. It holds only what the model of the sandbox "
    "knows, and that is nothing about your question."
)

MARKDOWN = """\
## The Moon in short

1. Distance
   - The **mean** distance is 384,400 km.
     - nearest: about 356,500 km
     - farthest: about 406,700 km
   - It ~~shrinks~~ grows by 3.8 cm a year.
2. Motion

   The month from one new moon to the next has 29.5 days.

Phase | Days | Visible
:-- | --: | :-:
New moon | 0 | `no`
**Full** moon | 14.8 | yes<br>all night

القمر هو التابع الوحيد للأرض، ويبعد 384,400 km."""
"""Markdown of many kinds. The last line, in Arabic: the Moon is Earth's only satellite, 384,400 km away."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """All that an answer is made of.

    `earlier` are the search results of the run that this one continues, `found` those of its own
    searches, best first; the ids of `found` go on from those of `earlier`. `read` are the pages
    that it read.
    """

    earlier: list[Source]
    found: list[Source]
    read: list[Page]


def find_sources(request: AgentRequest, earlier: list[Source]) -> Sources:
    """Return the sources of a run; the ids of its results rise from the best to the worst."""
    course = request.course
    found = list[Page]()
    if course.searches:
        hits = find_pages(request.question, course.search.filters, request.prompts)
        found = course.search.budget.cut(hits)
    last_id = max((source.id for source in earlier), default=0)
    return Sources(
        earlier=earlier,
        found=[
            Source(id=last_id + _source_id(place, request.prompts), page=page)
            for place, page in enumerate(found, 1)
        ],
        read=[page_at(address) for address in course.addresses],
    )


def write_answer(request: AgentRequest, sources: Sources) -> str:
    """Return the whole text of the answer; JSON text if a schema was requested."""
    if request.schema is not None:
        return _structured(request, request.schema, sources)
    sentences = [*_notes(request), *_sentences(request, sources)]
    if Prompt.SLOW in request.prompts:
        shortest = min(len(tokenize(sentence)) for sentence in sentences)
        sentences = list(islice(cycle(sentences), _SLOW_TOKENS // shortest + 1))
    if Prompt.NO_SOURCE in request.prompts:
        marker = request.engine.preset.marker.format(99)
        sentences.append(f"This sentence has no source.{marker}")
    text = " ".join(sentences)
    return f"{text}\n\n{MARKDOWN}" if Prompt.MARKDOWN in request.prompts else text


def _notes(request: AgentRequest) -> list[str]:
    """Return a sentence for each part of a request that shows in no other way."""
    notes = list[str]()
    if request.engine.is_profile:
        notes.append(f"The profile {request.engine.name} wrote this answer.")
    if request.images:
        notes.append(f"Images of the question: {', '.join(request.images)}.")
    return notes


def _sentences(request: AgentRequest, sources: Sources) -> list[str]:
    if not request.course.has_sources:
        return [_NOT_SEARCHED]
    # Beside search results only the first page has a marker: [web:1] would be a search result.
    cited = sources.read[:1] if sources.found else sources.read
    sentences = [
        _best_sentence(request.question, page) + _PAGE_MARKER.format(place)
        for place, page in enumerate(cited)
    ]
    sentences += (
        _best_sentence(request.question, source.page)
        + request.engine.preset.marker.format(source.id)
        for source in sources.found[:_CITED]
    )
    if request.course.asks_finance:
        sentences.append(FIGURE)
    return sentences or [_NOTHING_FOUND]


def _structured(request: AgentRequest, schema: JsonObject, sources: Sources) -> str:
    pages = [*sources.read, *(source.page for source in sources.found)]
    sentence = _best_sentence(request.question, pages[0]) if pages else _NOTHING_FOUND
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
