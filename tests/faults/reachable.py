"""What can be seen of a thing without asking a `Secret` for its text."""

import dataclasses
from collections.abc import Iterator, Mapping
from itertools import chain

from perplexity_connector.contract import Secret


def reachable(thing: object) -> Iterator[str]:
    """The `repr` and `str` of a thing, and of all that it holds: containers, dataclasses, the host's own objects."""
    seen: set[int] = set()
    waiting = [thing]
    while waiting:
        one = waiting.pop()
        # Most of it is the JSON of schemas, and this is done some thousand times.
        if isinstance(one, str):
            yield one
            continue
        if one is None or isinstance(one, int | float):
            continue
        parts = list(_parts(one))
        if not isinstance(one, Mapping | list | tuple | set | frozenset):
            yield from (repr(one), str(one))
        waiting += [part for part in parts if id(part) not in seen]
        seen.update(map(id, parts))


def _parts(thing: object) -> Iterator[object]:
    if isinstance(thing, Mapping):
        yield from (part for pair in thing.items() for part in pair)
    elif isinstance(thing, list | tuple | set | frozenset):
        yield from thing
    elif not isinstance(thing, Secret | type) and _is_ours(thing):
        names = [
            *getattr(thing, "__dict__", {}),
            # Those of a class are without the slots of its bases.
            *chain(*(vars(kind).get("__slots__", ()) for kind in type(thing).__mro__)),
        ]
        yield from (getattr(thing, name, None) for name in names)


def _is_ours(thing: object) -> bool:
    return type(thing).__module__.startswith(
        "perplexity_connector.host"
    ) or dataclasses.is_dataclass(thing)
