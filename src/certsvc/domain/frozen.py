"""Frozen values made, and copied with changes, without the ceremony of dataclasses.

The states of an enrollment are wide, and a sweep makes millions of them. A frozen dataclass puts
each field through a lock that its class has: here it is filled while it is of another class, which
lies in memory in the same way, and given its own class when it is full. That takes a tenth of the
time of `replace`, and a third of that of `__init__`.
"""

from collections.abc import Callable
from dataclasses import MISSING, Field, fields
from functools import lru_cache
from typing import Any, TypeVar

Value = TypeVar("Value")
Kind = TypeVar("Kind", bound=type[Any])
Copy = Callable[[Any, dict[str, Any]], Any]


def thawed(kind: type) -> type:
    """A class with the slots of a frozen one, and free to be written."""
    return type(kind.__name__, (), {"__slots__": tuple(field.name for field in fields(kind))})


def compiled(name: str, head: str, lines: list[str], known: dict[str, Any]) -> Any:
    """The function of that name, made of these lines."""
    exec("\n ".join([head, *lines]), known)  # of names that stand in the source
    return known[name]


@lru_cache(maxsize=64)
def _copier(kind: Any) -> Copy:
    """Copies a value of the class, with changes; compiled once."""
    lines = [
        "o = new(Thawed)",
        *(f"o.{field.name} = v.{field.name}" for field in fields(kind)),
        "for name in changes: put(o, name, changes[name])",
        "o.__class__ = Kind",
        "return o",
    ]
    known = {"new": object.__new__, "Thawed": thawed(kind), "Kind": kind, "put": setattr}
    copy: Copy = compiled("copy", "def copy(v, changes):", lines, known)
    return copy


def changed(value: Value, /, **changes: Any) -> Value:
    """The same value with these fields changed; AttributeError for a field that it does not have.
    For frozen dataclasses with slots, none of which has a `__post_init__`."""
    made: Value = _copier(type(value))(value, changes)  # type: ignore[arg-type]
    return made


def quick(kind: Kind) -> Kind:
    """A frozen dataclass with slots, whose instances are made as quickly as unfrozen ones."""
    arguments, keywords = list[str](), list[str]()
    known: dict[str, Any] = {}
    for field in fields(kind):
        (keywords if field.kw_only else arguments).append(_argument(field, known))
    star = ["*", *keywords] if keywords else []
    lines = [
        "put(self, '__class__', Thawed)",
        *(f"self.{field.name} = {field.name}" for field in fields(kind)),
        "self.__class__ = Kind",
    ]
    known |= {"put": object.__setattr__, "Thawed": thawed(kind), "Kind": kind}
    head = f"def __init__({', '.join(['self', *arguments, *star])}):"
    made = compiled("__init__", head, lines, known)
    made.__qualname__ = f"{kind.__qualname__}.__init__"
    made.__annotations__ = kind.__init__.__annotations__
    kind.__init__ = made
    return kind


def _argument(field: Field[Any], known: dict[str, Any]) -> str:
    if field.default_factory is not MISSING:
        raise TypeError(f"{field.name}: what is made quickly has no default that is made")
    if field.default is MISSING:
        return field.name
    known[f"default_{field.name}"] = field.default
    return f"{field.name}=default_{field.name}"
