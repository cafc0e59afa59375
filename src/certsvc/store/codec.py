"""Domain values to JSON and back, exactly, by code that is compiled once per dataclass.

A field that has its default is left out of the JSON, which keeps rows small; reading ignores keys
it does not know and gives a missing one its default. So a field may be added (with a default) or
dropped while old rows stand; a default, once stored by leaving it out, must never change.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from datetime import date, datetime
from enum import StrEnum
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints
from uuid import UUID

import orjson

from certsvc.domain.enrollment import Cycle, Enrollment
from certsvc.domain.evidence import Fact
from certsvc.domain.frozen import thawed
from certsvc.domain.ids import uuid_of_int
from certsvc.domain.switch import Switch

T = TypeVar("T")
Document = Mapping[str, Any]

# Loaded beside the enrollment, never stored in it.
_BESIDE = {(Enrollment, "evidence"), (Enrollment, "seats"), (Enrollment, "held_until")}
_MISSING = object()
_AS_IT_IS = (str, int, bool)


def uuid_of_text(value: str) -> UUID:
    """The UUID in canonical text that we wrote ourselves."""
    return uuid_of_int(int(value.replace("-", ""), 16))


def uuid_of_bytes(value: bytes) -> UUID:
    """The UUID of 16 bytes, as the database sends it."""
    return uuid_of_int(int.from_bytes(value, "big"))


def switch_of(history: Iterable[tuple[str, bool]]) -> Switch:
    """The switch whose history was stored as pairs."""
    return Switch(tuple((datetime.fromisoformat(since), value) for since, value in history))


class _Names:
    """The names that a compiled function refers to."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {
            "_instant": datetime.fromisoformat,
            "_date": date.fromisoformat,
            "_uuid": uuid_of_text,
            "_missing": _MISSING,
        }

    def name(self, prefix: str, value: Any) -> str:
        """A name for the value, the same for the same value."""
        for known, existing in self.values.items():
            if existing is value:
                return known
        name = f"_{prefix}{len(self.values)}"
        self.values[name] = value
        return name

    def compile(self, source: str) -> Callable[..., Any]:
        """The one function that the source defines."""
        exec(source, self.values)
        return cast("Callable[..., Any]", self.values.pop("compiled"))


_decoders: dict[type, Callable[[Any], Any]] = {}
_encoders: dict[type, Callable[[Any], dict[str, Any]]] = {}


def decoder(kind: type[T]) -> Callable[[Document], T]:
    """The function that makes such a value from its document."""
    if kind not in _decoders:
        _decoders[kind] = _compile_decoder(kind)
    return _decoders[kind]


def encoder(kind: type[Any]) -> Callable[[Any], dict[str, Any]]:
    """The function that makes the document (for orjson) of such a value."""
    if kind not in _encoders:
        _encoders[kind] = _compile_encoder(kind)
    return _encoders[kind]


def encode(value: Any) -> bytes:
    """The JSON of any dataclass of the domain."""
    return orjson.dumps(encoder(type(value))(value), option=orjson.OPT_UTC_Z)


def _stored(kind: type[Any]) -> list[tuple[Field[Any], Any]]:
    hints = get_type_hints(kind)
    return [
        (field, hints[field.name])
        for field in fields(kind)
        if field.init and (kind, field.name) not in _BESIDE
    ]


def _default(field: Field[Any]) -> Any:
    if field.default is not MISSING:
        return field.default
    return _MISSING if field.default_factory is MISSING else field.default_factory()


def _optional(kind: Any) -> tuple[Any, bool]:
    """The type without None, and whether None was in it."""
    if get_origin(kind) not in (Union, UnionType):
        return kind, False
    others = [arm for arm in get_args(kind) if arm is not NoneType]
    if len(others) != 1:
        raise TypeError(f"cannot store {kind}: nullable is the only union")
    return others[0], True


# Reading


def _compile_decoder(kind: type[Any]) -> Callable[[Document], Any]:
    """Fill the slots one by one and freeze the whole, which takes a third of the time of the
    `__init__` of a frozen class."""
    if hasattr(kind, "__post_init__") or not hasattr(kind, "__slots__"):
        raise TypeError(f"cannot store {kind}: it has no slots, or makes more of its arguments")
    hints = get_type_hints(kind)
    names = _Names()
    names.values["_new"] = object.__new__
    lines = [f"o = _new({names.name('thawed', thawed(kind))})"]
    arguments = "d"
    for field in fields(kind):
        if (kind, field.name) in _BESIDE:
            arguments += f", {field.name}={names.name('default', _default(field))}"
            lines.append(f"o.{field.name} = {field.name}")
        else:
            lines.append(f"o.{field.name} = {_read_field(names, field, hints[field.name])}")
    lines.append(f"o.__class__ = {names.name('kind', kind)}")
    source = "\n ".join([f"def compiled({arguments}):", "get = d.get", *lines, "return o", ""])
    return names.compile(source)


def _read_field(names: _Names, field: Field[Any], hint: Any) -> str:
    default = _default(field)
    kind, nullable = _optional(hint)
    if default is _MISSING and not nullable:
        return _read(names, kind, f"d[{field.name!r}]")
    if default is None or default is _MISSING:
        return _read_nullable(names, kind, f"get({field.name!r})", True)
    fallback = names.name("default", default)
    value = _read_nullable(names, kind, "v", nullable)
    return f"({fallback} if (v := get({field.name!r}, _missing)) is _missing else {value})"


def _read_nullable(names: _Names, kind: Any, value: str, nullable: bool) -> str:
    if not nullable or kind in _AS_IT_IS:
        return _read(names, kind, value)
    return f"(None if (v := {value}) is None else {_read(names, kind, 'v')})"


def _read(names: _Names, kind: Any, value: str, depth: int = 0) -> str:
    """The expression that makes a value of the type from what JSON gave."""
    if kind in _AS_IT_IS or get_origin(kind) is Literal:
        return value
    if get_origin(kind) is tuple:
        return _read_tuple(names, get_args(kind), value, depth)
    if kind is datetime:
        return f"_instant({value})"
    if kind is date:
        return f"_date({value})"
    if kind is UUID:
        return f"_uuid({value})"
    if kind is float:
        return f"float({value})"
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return f"{names.name('members', {member.value: member for member in kind})}[{value}]"
    if is_dataclass(kind):
        return f"{names.name('read', decoder(cast('type[Any]', kind)))}({value})"
    raise TypeError(f"cannot store {kind}")


def _read_tuple(names: _Names, arms: tuple[Any, ...], value: str, depth: int) -> str:
    if len(arms) == 2 and arms[1] is Ellipsis:
        item = f"i{depth}"
        made = _read(names, arms[0], item, depth + 1)
        return f"tuple({value})" if made == item else f"tuple([{made} for {item} in {value}])"
    whole = f"t{depth}"
    parts = [_read(names, arm, f"{whole}[{n}]", depth + 1) for n, arm in enumerate(arms)]
    # The first part names the value, the others find it by that name.
    parts[0] = _read(names, arms[0], f"({whole} := {value})[0]", depth + 1)
    return f"({', '.join(parts)},)"


# Writing


def _compile_encoder(kind: type[Any]) -> Callable[[Any], dict[str, Any]]:
    names = _Names()
    required: list[str] = []
    lines: list[str] = []
    for field, hint in _stored(kind):
        default = _default(field)
        inner, nullable = _optional(hint)
        if default is _MISSING and not nullable:
            required.append(f"{field.name!r}: {_write(names, inner, f'o.{field.name}')}")
        else:
            default = None if default is _MISSING else default
            lines += _write_unless_default(names, field.name, inner, default)
    source = "\n ".join(
        ["def compiled(o):", f"d = {{{', '.join(required)}}}", *lines, "return d", ""]
    )
    return names.compile(source)


def _write(names: _Names, kind: Any, value: str) -> str:
    if is_dataclass(kind):
        return f"{names.name('write', encoder(cast('type[Any]', kind)))}({value})"
    if get_origin(kind) is tuple and is_dataclass(get_args(kind)[0]):
        write = names.name("write", encoder(cast("type[Any]", get_args(kind)[0])))
        return f"[{write}(i) for i in {value}]"
    return value


def _write_unless_default(names: _Names, name: str, kind: Any, default: Any) -> list[str]:
    value = f"v = o.{name}"
    if default is None:
        return [value, f"if v is not None: d[{name!r}] = {_write(names, kind, 'v')}"]
    if default is False or default == ():
        return [value, f"if v: d[{name!r}] = {_write(names, kind, 'v')}"]
    fallback = names.name("default", default)
    if isinstance(default, StrEnum):
        return [value, f"if v is not {fallback}: d[{name!r}] = v"]
    same = f"v is not {fallback} and v != {fallback}"
    return [value, f"if {same}: d[{name!r}] = {_write(names, kind, 'v')}"]


# The two that are stored


_read_enrollment: Callable[..., Enrollment] = decoder(Enrollment)
_write_enrollment = encoder(Enrollment)
_read_cycle = decoder(Cycle)
_write_cycle = encoder(Cycle)


def encode_enrollment(enrollment: Enrollment) -> bytes:
    """The enrollment as stored: without its evidence."""
    return orjson.dumps(_write_enrollment(enrollment), option=orjson.OPT_UTC_Z)


def decode_enrollment(
    document: Document, evidence: tuple[Fact, ...] = (), *, held_until: datetime | None = None
) -> Enrollment:
    """The enrollment that was stored, with what was found beside it."""
    return _read_enrollment(document, evidence, held_until=held_until)


def encode_cycle(cycle: Cycle) -> bytes:
    """The cycle as stored."""
    return orjson.dumps(_write_cycle(cycle), option=orjson.OPT_UTC_Z)


def decode_cycle(document: Document) -> Cycle:
    """The cycle that was stored."""
    return _read_cycle(document)
