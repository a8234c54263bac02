"""Changes to a stream's frames, and to a search's body: what a provider or a gateway might send one day."""

import json
from collections.abc import Callable, Sequence
from typing import Any

from tests.faults.faults import Frames

Document = dict[str, Any]
Edit = Callable[[Frames], Frames]
TERMINAL = "response.completed"
DELTA = "response.output_text.delta"


def read(frame: bytes) -> Document:
    """The content of a frame as the sandbox writes it."""
    document: Document = json.loads(frame.split(b"\ndata: ", 1)[1])
    return document


def framed(content: Document) -> bytes:
    """A frame of that content."""
    return f"event: {content['type']}\ndata: {json.dumps(content)}\n\n".encode()


def each(
    change: Callable[[Document], Document], *kinds: str
) -> Callable[[Frames], Frames]:
    """Change the content of the events of these types, of all when there are none."""

    def edit(frames: Frames) -> Frames:
        contents = map(read, frames)
        return [
            framed(change(one) if not kinds or one["type"] in kinds else one)
            for one in contents
        ]

    return edit


def lines(change: Callable[[bytes], bytes]) -> Callable[[Frames], Frames]:
    """Change the bytes of every frame."""
    return lambda frames: [change(frame) for frame in frames]


def at(place: int, *put: bytes, instead: bool = False) -> Callable[[Frames], Frames]:
    """Put frames in at a place, or in place of the one that stands there."""
    return lambda frames: (
        [*frames[:place], *put, *frames[place + instead :]]
        if place >= 0
        else [*frames[:-1], *put]
    )


def between(*put: bytes) -> Callable[[Frames], Frames]:
    """Put frames in after every event but the last."""
    return lambda frames: (
        [piece for frame in frames[:-1] for piece in (frame, *put)] + list(frames[-1:])
    )


def twice(frames: Frames) -> Frames:
    """Every event repeated."""
    return [frame for frame in frames for _ in range(2)]


def whole_twice(frames: Frames) -> Frames:
    """All but the end, and then all of it again."""
    return [*frames[:-1], *frames]


def swapped(frames: Frames) -> Frames:
    """Two neighbouring pieces of the text in the wrong order."""
    place = _places(frames)[3]
    return [*frames[:place], frames[place + 1], frames[place], *frames[place + 2 :]]


def renumbered(frames: Frames, change: Callable[[int], int]) -> Frames:
    """The same events, with numbers made of their places."""
    return [
        framed(read(frame) | {"sequence_number": change(place)})
        for place, frame in enumerate(frames)
    ]


def terminal_first(frames: Frames) -> Frames:
    """The end before everything else."""
    return [frames[-1], *frames[:-1]]


def straggler(frames: Frames) -> Frames:
    """The first piece of the text come last, after the end."""
    place = _places(frames)[0]
    return [*frames[:place], *frames[place + 1 :], frames[place]]


def results_late(frames: Frames) -> Frames:
    """The search results after the text, right before the end."""
    return [*frames[:4], *frames[6:-1], *frames[4:6], frames[-1]]


def without_one_delta(frames: Frames) -> Frames:
    """One piece of the text missing."""
    place = _places(frames)[5]
    return [*frames[:place], *frames[place + 1 :]]


def without_deltas(frames: Frames) -> Frames:
    """No piece of the text at all; the end has it."""
    return [frame for frame in frames if read(frame)["type"] != DELTA]


def without_created(frames: Frames) -> Frames:
    """The first event missing; the second names the run too."""
    return frames[1:]


def only_created(frames: Frames) -> Frames:
    """Nothing after the first event."""
    return frames[:1]


def without_terminal(frames: Frames) -> Frames:
    """All but the end."""
    return frames[:-1]


def plain(frames: Frames) -> Frames:
    """The final object as a gateway that buffers streams sends it: one JSON document."""
    return [json.dumps(read(frames[-1])["response"]).encode()]


def plain_late(frames: Frames) -> Frames:
    """The same after a proxy's blank lines."""
    return [b"\n\n", b" \n", *plain(frames)]


def nulled(*kept: str) -> Callable[[Document], Document]:
    """Every field null but these."""
    return lambda content: {
        name: value if name in kept else None for name, value in content.items()
    }


def final(**changes: object) -> Callable[[Frames], Frames]:
    """The final object with fields changed."""
    return each(
        lambda content: content | {"response": content["response"] | changes}, TERMINAL
    )


def final_without(*names: str) -> Callable[[Frames], Frames]:
    """The final object with fields left out."""

    def change(content: Document) -> Document:
        return content | {
            "response": {
                name: v for name, v in content["response"].items() if name not in names
            }
        }

    return each(change, TERMINAL)


def final_nulled(content: Document) -> Document:
    """The final object with nothing left of it but its id and its status."""
    return content | {"response": nulled("id", "status")(content["response"])}


def rows_nulled(content: Document) -> Document:
    """The final object whose rows, results and texts hold nulls among what is good."""
    rows = content["response"]["output"]
    mixed = [
        None,
        *(
            {**row, "annotations": None, "results": _mixed(row.get("results"))}
            for row in rows
        ),
        {},
    ]
    return content | {"response": content["response"] | {"output": mixed}}


def multi_line(frame: bytes) -> bytes:
    """The data spread over several lines, as the standard allows."""
    content = read(frame)
    data = "\n".join(
        f"data: {line}" for line in json.dumps(content, indent=1).splitlines()
    )
    return f"event: {content['type']}\n{data}\n\n".encode()


def nameless(frame: bytes) -> bytes:
    """No `event:` line: the data says what it is."""
    return frame.split(b"\n", 1)[1]


def typeless(frame: bytes) -> bytes:
    """No type in the data: the `event:` line says what it is."""
    content = read(frame)
    kind = content.pop("type")
    return f"event: {kind}\ndata: {json.dumps(content)}\n\n".encode()


def search(**changes: object) -> Callable[[bytes], bytes]:
    """A search's body with fields changed."""
    return lambda body: json.dumps(json.loads(body) | changes).encode()


def search_rows(change: Callable[[Document], object]) -> Callable[[bytes], bytes]:
    """A search's body with each result changed."""

    def edit(body: bytes) -> bytes:
        document = json.loads(body)
        return json.dumps(
            document | {"results": [change(row) for row in document["results"]]}
        ).encode()

    return edit


def search_mixed(body: bytes) -> bytes:
    """A search's results among things that are none."""
    document = json.loads(body)
    return json.dumps(
        document | {"results": [None, 1, "x", *document["results"], [], True]}
    ).encode()


def _mixed(results: Sequence[Document] | None) -> list[object] | None:
    return (
        None
        if results is None
        else [None, *({**row, "date": None, "snippet": None} for row in results), 1]
    )


def _places(frames: Frames) -> Sequence[int]:
    return [place for place, frame in enumerate(frames) if read(frame)["type"] == DELTA]
