"""Packages that import a module when one of its names is first used."""

import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from types import ModuleType


def lazy_names(package: str, parts: Sequence[str]) -> Callable[[str], object]:
    """Return a module's `__getattr__` that looks a name up in the `__all__` of each part.

    The parts are imported in their order until one has the name, so the lightest ones come
    first. A type checker reads the same names from star imports of these parts. The name of a part
    is the part itself, without the others. `__all__` imports every part, and makes its names plain
    attributes: documentation tools look only at those.
    """

    def get(name: str) -> object:
        if name in parts:
            return _part(package, name)
        if name == "__all__":
            names = _all_names(package, parts)
            vars(sys.modules[package]).update(names)
            return sorted(names)
        # Looking for special names, such as `__path__`, would import every part.
        if not name.startswith("__"):
            for module in (_part(package, part) for part in parts):
                if name in module.__all__:
                    # The next look-up is an ordinary one, and asks no part.
                    found = vars(sys.modules[package])[name] = getattr(module, name)
                    return found
        message = f"module {package!r} has no attribute {name!r}"
        raise AttributeError(message)

    return get


def _all_names(package: str, parts: Sequence[str]) -> dict[str, object]:
    modules = [_part(package, part) for part in parts]
    return {
        name: getattr(module, name) for module in modules for name in module.__all__
    }


def _part(package: str, part: str) -> ModuleType:
    return import_module(f"{package}.{part}")
