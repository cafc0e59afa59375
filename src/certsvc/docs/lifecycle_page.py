"""docs/lifecycle.md: statuses, grid, timers and diagrams, from the tables of the domain."""

from certsvc.docs import diagram
from certsvc.docs.exploring import explore
from certsvc.docs.grid import actions, grid
from certsvc.docs.markdown import code, listed, page, table
from certsvc.docs.words import FLAGS, STANDINGS, WORKS
from certsvc.domain.status import STATUSES, Flag, Standing, Work
from certsvc.domain.timeline import TIMERS

_STATE = """An enrollment is one learner in one certification. Its state has two axes: \
**standing**, what the credential is worth, and **work**, where the open cycle is or how the \
last one ended. **status** is the headline: the first row that holds."""

_TIME = """Each row comes due at an instant that follows from the enrollment, the version it is \
pinned to, and the switches of the certification. The earliest is stored as `next_due_at`. Rows \
due at one instant happen in this order; each carries the instant at which it was due, not the \
instant at which it was noticed."""

_EXPLORED = """Found by asking everything of everybody and letting time pass, over the same \
tables that the service runs on. Arrows from a status to itself are left out."""


def lifecycle_page() -> str:
    """The page."""
    edges = explore().edges
    hidden = listed(diagram.left_out(edges))
    return page(
        "The lifecycle",
        "## State",
        _STATE,
        _statuses(),
        "### Standings",
        table(["standing", "meaning"], ((code(s), STANDINGS[s]) for s in Standing)),
        "### Work",
        table(["work", "meaning"], ((code(w), WORKS[w]) for w in Work)),
        "### Flags",
        table(["flag", "holds when"], ((code(f), FLAGS[f]) for f in Flag)),
        "## What people may do",
        actions(),
        "### The grid",
        "`Y`: allowed, under the conditions whose numbers follow. Anything else is refused.",
        grid(),
        "## What time does",
        _TIME,
        _timers(),
        "## From status to status",
        _EXPLORED,
        "### Time, evidence, the learner",
        diagram.drawn(diagram.of_life(edges)),
        "### Administrators",
        f"Only in the table below, because they lead from nearly everywhere: {hidden}.",
        diagram.drawn(diagram.of_administration(edges)),
        "### Every way there is",
        diagram.every_edge(edges),
    )


def _statuses() -> str:
    rows = ((code(row.status), row.when, row.story) for row in STATUSES)
    return table(["status", "when", "its story"], rows)


def _timers() -> str:
    rows = ((timer.name, timer.at, timer.from_, timer.to, listed(timer.says)) for timer in TIMERS)
    return table(["timer", "at", "from", "to", "event"], rows)
