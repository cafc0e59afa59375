"""Draws what was explored: state diagrams for the eye, and the table of every edge."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from certsvc.docs.exploring import Edge
from certsvc.docs.markdown import code, table
from certsvc.domain.actions import ACTIONS, Action
from certsvc.domain.status import Status

CROWD = 10
"""An administrator's word on more arrows than this is left to the table, so that the diagram can
be read."""

_LEARNING = frozenset({"evidence", Action.APPROVE_APPLICATION, Action.APPROVE})


def of_life(edges: Iterable[Edge]) -> tuple[Edge, ...]:
    """What happens without an administrator, or as the ordinary answer to a learner."""
    return tuple(edge for edge in edges if _lives(edge))


def of_administration(edges: Iterable[Edge]) -> tuple[Edge, ...]:
    """What administrators bring about, but for the words that lead from nearly everywhere."""
    chosen = [edge for edge in edges if edge.label in set(Action) and not _lives(edge)]
    times = Counter(edge.label for edge in chosen)
    return tuple(edge for edge in chosen if times[edge.label] <= CROWD)


def left_out(edges: Sequence[Edge]) -> list[str]:
    """The words of which some arrow is in no diagram."""
    drawn = {*of_life(edges), *of_administration(edges)}
    return sorted({edge.label for edge in edges if edge not in drawn})


def every_edge(edges: Iterable[Edge]) -> str:
    """From each status: where to, and by what."""
    return table(
        ["from", "to", "by time", "by people and evidence"],
        (
            (
                "(new)" if origin is None else code(origin),
                code(goal),
                ", ".join(edge.label for edge in between if edge.by_time),
                ", ".join(edge.label for edge in between if not edge.by_time),
            )
            for (origin, goal), between in _joined(edges).items()
        ),
    )


def drawn(edges: Iterable[Edge]) -> str:
    """A state diagram."""
    lines = ["```mermaid", "stateDiagram-v2"]
    for (origin, goal), between in _joined(edges).items():
        labels = ", ".join(edge.label for edge in between)
        lines.append(f"    {origin or '[*]'} --> {goal}: {labels}")
    return "\n".join([*lines, "```"])


def _lives(edge: Edge) -> bool:
    if edge.origin is None or edge.by_time or edge.label in _LEARNING:
        return True
    return edge.label in set(Action) and ACTIONS[Action(edge.label)].lms


def _joined(edges: Iterable[Edge]) -> dict[tuple[Status | None, Status], list[Edge]]:
    found: dict[tuple[Status | None, Status], list[Edge]] = defaultdict(list)
    for edge in edges:
        found[edge.origin, edge.goal].append(edge)
    return found
