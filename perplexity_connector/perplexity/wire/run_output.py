"""The output of a run: from its final object, completed by the items of its stream.

The final object of a `completed` run is trusted wherever it has text. For any other run, and where
it has no text, the streamed events count as well (docs/provider.md, "Agent stream").
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from perplexity_connector.contract import JsonObject
from perplexity_connector.contract.readers import as_objects, as_text
from perplexity_connector.perplexity.wire.agent_events import Transcript
from perplexity_connector.perplexity.wire.run_status import end_of
from perplexity_connector.perplexity.wire.streamed_item import (
    MESSAGE,
    part_text,
    trusted_text,
)
from perplexity_connector.perplexity.wire.streamed_items import (
    SOURCE_LISTS,
    without_known_sources,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOutput:
    """The output of a run.

    * `items`: the provider's output items: messages, and items that bring sources.
    * `texts`: the texts of the messages that are the answer, in order; none is empty.
    * `is_refusal`: whether the model refused to answer; then the texts say so.
    """

    items: Sequence[JsonObject]
    texts: Sequence[str]
    is_refusal: bool

    @property
    def text(self) -> str:
        """The whole answer: its messages with a blank line between."""
        return "\n\n".join(self.texts)


def run_output(response: JsonObject, transcript: Transcript) -> RunOutput:
    """Return the output of a run, ended or not.

    `response` is the provider's object of the run; it may be empty.
    """
    items = _items(response, transcript)
    # Only a message that says that it is commentary is left out.
    messages = [item for item in _messages(items) if not _is_commentary(item)]
    texts = [_text(message) for message in messages]
    return RunOutput(
        items=items,
        texts=[text for text in texts if text],
        is_refusal=any(map(_has_refusal, messages)),
    )


def _items(response: JsonObject, transcript: Transcript) -> Sequence[JsonObject]:
    final = as_objects(response.get("output"))
    is_final = end_of(transcript.terminal, response) == "completed" and (
        response.get("status") in {None, "completed"}
    )
    if is_final and _is_complete(final, transcript):
        return final
    streamed = transcript.output_items()
    return [
        *_all_sources(final, streamed, is_final=is_final),
        *_all_messages(final, streamed, is_final=is_final),
    ]


def _is_complete(final: Sequence[JsonObject], transcript: Transcript) -> bool:
    """Return whether the stream has nothing to add: then it is not even decoded."""
    messages = _messages(final)
    has_text = bool(messages) and all(map(_text, messages))
    if not (has_text and any(map(_has_sources, final))):
        return False
    has_phases = all(message.get("phase") for message in messages)
    return has_phases or not transcript.may_have_commentary()


def _all_sources(
    final: Sequence[JsonObject], streamed: Sequence[JsonObject], *, is_final: bool
) -> Iterator[JsonObject]:
    final_sources = [item for item in final if _has_sources(item)]
    yield from final_sources
    if not (is_final and final_sources):
        streamed_sources = [item for item in streamed if _has_sources(item)]
        yield from (
            without_known_sources(item, final_sources) for item in streamed_sources
        )


def _all_messages(
    final: Sequence[JsonObject], streamed: Sequence[JsonObject], *, is_final: bool
) -> Iterator[JsonObject]:
    messages, rest = _messages(final), list(_messages(streamed))
    counterparts = _take_counterparts(messages, rest)
    for number, message in enumerate(messages):
        yield _joined(message, counterparts.get(number, {}), is_final=is_final)
    if not (is_final and any(map(_text, messages))):
        yield from rest


def _take_counterparts(
    messages: Sequence[JsonObject], rest: list[JsonObject]
) -> Mapping[int, JsonObject]:
    """Take from `rest` the streamed form of each final message. Return it by the message's place.

    Gateways rewrite ids, and the object of a run that was cut may lack messages. So two messages
    without a common id are the same if one text begins with the other. If as many answers are left
    on both sides then, they are the same by their order.
    """
    taken: dict[int, JsonObject] = {}
    for find in (_with_same_id, _with_same_text):
        for number, message in enumerate(messages):
            if number not in taken and (found := find(message, rest)):
                taken[number] = found
                rest.remove(found)
    left = [
        number
        for number, message in enumerate(messages)
        if number not in taken and not _is_commentary(message)
    ]
    answers = [message for message in rest if not _is_commentary(message)]
    if len(left) == len(answers):
        taken.update(zip(left, answers, strict=True))
        rest[:] = filter(_is_commentary, rest)
    return taken


def _with_same_id(
    message: JsonObject, streamed: Sequence[JsonObject]
) -> JsonObject | None:
    if not message.get("id"):
        return None
    return next((one for one in streamed if one.get("id") == message["id"]), None)


def _with_same_text(
    message: JsonObject, streamed: Sequence[JsonObject]
) -> JsonObject | None:
    text = _text(message)
    same = [
        other
        for other in streamed
        if _begin_alike(text, _text(other)) and _may_share_phase(message, other)
    ]
    return min(same, key=lambda other: abs(len(_text(other)) - len(text)), default=None)


def _begin_alike(one: str, other: str) -> bool:
    return bool(one and other) and (one.startswith(other) or other.startswith(one))


def _may_share_phase(one: JsonObject, other: JsonObject) -> bool:
    phases = one.get("phase"), other.get("phase")
    return not all(phases) or phases[0] == phases[1]


def _joined(message: JsonObject, streamed: JsonObject, *, is_final: bool) -> JsonObject:
    phase = message.get("phase") or streamed.get("phase")
    text = _text(message)
    uses_final = text and (is_final or trusted_text(text, _text(streamed)) == text)
    content = message if uses_final else streamed
    return {**message, "phase": phase, "content": content.get("content")}


def _messages(items: Sequence[JsonObject]) -> Sequence[JsonObject]:
    return [item for item in items if item.get("type") == MESSAGE]


def _text(message: JsonObject) -> str:
    return "".join(map(part_text, as_objects(message.get("content"))))


def _is_commentary(message: JsonObject) -> bool:
    return message.get("phase") == "commentary"


def _has_refusal(message: JsonObject) -> bool:
    parts = as_objects(message.get("content"))
    return any(part.get("type") == "refusal" and part_text(part) for part in parts)


def _has_sources(item: JsonObject) -> bool:
    return bool(as_objects(item.get(SOURCE_LISTS.get(as_text(item.get("type")), ""))))
