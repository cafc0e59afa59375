"""Pages of enrollments to be looked at: the same as those to be decided on, in pieces."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from certsvc.domain.describe import due_at, shown_certificate
from certsvc.domain.enrollment import Enrollment
from certsvc.store.enrollment_filters import Filters
from certsvc.store.enrollment_pages import Order, Position, Sort, prepared
from certsvc.store.looking import Seen, pieces


class Look:
    """The same page, to be looked at: piece by piece, and then `next`, where the next one begins
    after."""

    def __init__(self, limit: int, order: Order) -> None:
        self._limit = limit
        self._order = order
        self.next: Position | None = None

    async def at(
        self,
        conn: AsyncConnection,
        tenant_id: UUID,
        filters: Filters,
        after: Position | None,
    ) -> AsyncGenerator[list[Seen], None]:
        """The pieces. Whoever takes them asks nothing else of the connection meanwhile."""
        order, room = self._order, self._limit
        built, values = await prepared(conn, tenant_id, filters, after, room, order)
        last: Seen | None = None
        found = pieces(conn, tenant_id, built.to_look, values, self._limit)
        async with aclosing(found):
            async for piece in found:
                shown = piece[:room]
                if shown:
                    last, room = shown[-1], room - len(shown)
                if len(shown) < len(piece):
                    assert last is not None, "a page has room for one"
                    self.next = _place(last.enrollment, order)
                if shown:
                    yield shown


def _place(e: Enrollment, order: Order) -> Position:
    """The position of the enrollment."""
    if order.by is Sort.ID:
        return Position(e.id)
    if order.by is Sort.LEARNER_ID:
        return Position(e.certification_id, learner_id=e.learner_id)
    if order.by is Sort.UPDATED_AT:
        return Position(e.id, e.updated_at)
    if order.by is Sort.DUE_AT:
        return Position(e.id, due_at(e))
    certificate = shown_certificate(e)
    return Position(e.id, None if certificate is None else certificate.expires_at)
