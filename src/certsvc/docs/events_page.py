"""docs/events.md: the catalogue of events with what each carries."""

from itertools import groupby

from certsvc.docs.markdown import code, page, table
from certsvc.domain.events import EVENTS, EventRow

_INTRODUCTION = """An event is one line of history. Beside its `data` every event carries `id`, \
`type`, `sequence` (per enrollment, without gaps), `effective_at` (when it was true), \
`recorded_at` (when it was written), `stale` (a notice that was overtaken before it could be \
told), `actor`, `on_behalf_of`, `reason`, `bulk_operation_id`, and the enrollment before \
(`status`, `standing`) and after (whole)."""


def events_page() -> str:
    """The page: a table for each noun."""
    blocks = []
    for noun, rows in groupby(EVENTS.values(), key=_noun):
        blocks += [f"## {noun}", table(["type", "what it tells", "data"], map(_row, rows))]
    return page("Events", _INTRODUCTION, *blocks)


def _noun(row: EventRow) -> str:
    return row.type.partition(".")[0]


def _row(row: EventRow) -> tuple[str, str, str]:
    data = "; ".join(f"{code(key)}: {meaning}" for key, meaning in row.data)
    return code(row.type), row.summary, data or "–"
