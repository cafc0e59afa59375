"""Stored documents read to be looked at, several times quicker than to be decided on.

For each dataclass of the domain there is a mirror with the same attributes and properties, which
is made from the JSON at once. Whatever reads a value cannot tell the two apart; what changes it
(`dataclasses.replace`) can, and a mirror equals nothing but another mirror.
"""

from collections.abc import Callable
from dataclasses import MISSING, Field, fields, is_dataclass
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

import msgspec

from certsvc.domain.enrollment import Enrollment

T = TypeVar("T")
_TUPLE: Any = tuple
_UNION: Any = Union
_mirrors: dict[type[Any], Any] = {}


def mirror(kind: type[Any]) -> Any:
    """The mirror of a dataclass."""
    if kind not in _mirrors:
        hints = get_type_hints(kind)
        attributes = [_attribute(field, hints[field.name]) for field in fields(kind)]
        _mirrors[kind] = msgspec.defstruct(
            kind.__name__,
            attributes,
            namespace={
                name: value for name, value in vars(kind).items() if isinstance(value, property)
            },
            kw_only=True,
            # Documents hold no circles; so the collector need not look.
            gc=False,
        )
    return _mirrors[kind]


def _attribute(field: Field[Any], hint: Any) -> Any:
    """What is missing has its default, and what may be None is then None, as in the codec."""
    kind = _mirrored(hint)
    if field.default is not MISSING:
        return field.name, kind, field.default
    if NoneType in get_args(hint):
        return field.name, kind, None
    return field.name, kind


def _mirrored(hint: Any) -> Any:
    """The type with mirrors in it."""
    if is_dataclass(hint):
        return mirror(cast("type[Any]", hint))
    arms = tuple(arm if arm is Ellipsis else _mirrored(arm) for arm in get_args(hint))
    if get_origin(hint) is tuple:
        return _TUPLE[arms]
    if get_origin(hint) in (Union, UnionType):
        return _UNION[arms]
    return hint


def reader(kind: type[T]) -> Callable[[str | bytes], T]:
    """The function that makes such a value, as a mirror, from its JSON."""
    return cast("Callable[[str | bytes], T]", msgspec.json.Decoder(mirror(kind)).decode)


mirrored_enrollment: Callable[[str | bytes], Enrollment] = reader(Enrollment)
"""The enrollment that was stored, to be looked at. What is found beside it may be set on it."""
