"""Collects what came of attempts and writes it down in batches, beside the sending.

What is not written down when the process dies is sent again; so a batch waits for a moment only.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from certsvc import clock, telemetry
from certsvc.store import webhook_claims
from certsvc.store.db import transaction
from certsvc.store.errors import Busy, Conflict, Unavailable
from certsvc.usecases.webhooks.lanes import Item
from certsvc.usecases.webhooks.settling import Sent, settle
from certsvc.usecases.webhooks.terms import Terms

PAUSE_SECONDS = 0.1
"""Between two batches: so long one collects."""

MOST = 1000
"""Attempts in one statement."""

AGAIN_SECONDS = 0.5
ATTEMPTS_AT_THE_END = 10
"""A database that is away for this long while a run ends is not waited for."""

Held = tuple[UUID, str, datetime]
Disabled = Callable[[UUID, Sequence[UUID]], None]
_log = structlog.get_logger(__name__)


class Ledger:
    """What is to be written, by tenant."""

    def __init__(
        self,
        engine: AsyncEngine,
        terms: Terms,
        disabled: Disabled,
        written: Callable[[], None],
    ) -> None:
        self._engine = engine
        self._terms = terms
        self._disabled = disabled
        self._written = written
        self._sent: defaultdict[UUID, list[Sent]] = defaultdict(list)
        self._back: defaultdict[UUID, list[Held]] = defaultdict(list)
        self._filled = asyncio.Event()
        self._writing = False
        self._closing = False
        self.written = 0

    @property
    def empty(self) -> bool:
        """Whether everything is written down."""
        return not (self._sent or self._back or self._writing)

    def add(self, tenant_id: UUID, sent: Sent) -> None:
        """An attempt was made."""
        if sent.trouble is not None:
            # Whoever sends counts the others.
            telemetry.WEBHOOK_ATTEMPTS.labels(sent.trouble).inc()
        self._sent[tenant_id].append(sent)
        self._filled.set()

    def give_back(self, tenant_id: UUID, endpoint_id: UUID, items: Iterable[Item]) -> None:
        """These were not begun, and are for whoever claims them next."""
        held = [(endpoint_id, one.claimed.id, one.claimed_until) for one in items]
        if held:
            self._back[tenant_id].extend(held)
            self._filled.set()

    async def keep(self) -> None:
        """Write, until closed."""
        failed = 0
        while not (self._closing and (self.empty or failed >= ATTEMPTS_AT_THE_END)):
            await self._filled.wait()
            if not self._closing:
                await asyncio.sleep(PAUSE_SECONDS)
            self._filled.clear()
            try:
                await self._write_all()
                failed = 0
            except Exception as error:
                failed += 1
                _log.warning("attempts not written down yet", error=str(error))
                await asyncio.sleep(AGAIN_SECONDS)
                self._filled.set()
            if self._closing:
                self._filled.set()
            self._written()

    def close(self) -> None:
        """Nothing more will be added."""
        self._closing = True
        self._filled.set()

    async def _write_all(self) -> None:
        """All that is there now. What comes meanwhile is for the next batch: small ones cost."""
        self._writing = True
        try:
            for tenant_id in list(self._sent):
                await self._write(tenant_id, self._sent.pop(tenant_id))
            for tenant_id in list(self._back):
                await self._return(tenant_id, self._back.pop(tenant_id))
        finally:
            self._writing = False

    async def _write(self, tenant_id: UUID, sent: list[Sent]) -> None:
        for begin in range(0, len(sent), MOST):
            part = sent[begin : begin + MOST]
            try:
                await self._batch(tenant_id, part)
            except (Unavailable, Conflict, Busy):
                self._sent[tenant_id][:0] = sent[begin:]
                raise
            except Exception:
                _log.exception("attempts not written down; taken apart", tenant_id=str(tenant_id))
                await self._apart(tenant_id, part)

    async def _batch(self, tenant_id: UUID, sent: Sequence[Sent]) -> None:
        async with transaction(self._engine) as conn:
            disabled = await settle(conn, tenant_id, sent, self._terms, clock.now())
        self.written += len(sent)
        if disabled:
            self._disabled(tenant_id, disabled)

    async def _apart(self, tenant_id: UUID, sent: Sequence[Sent]) -> None:
        """One by one, so that what cannot be written keeps nothing else from it. It is claimed
        again when its claim is over."""
        for one in sent:
            try:
                await self._batch(tenant_id, [one])
            except Unavailable:
                raise
            except Exception:
                _log.exception("an attempt is lost", delivery_id=one.claimed.id)

    async def _return(self, tenant_id: UUID, held: Sequence[Held]) -> None:
        async with transaction(self._engine) as conn:
            await webhook_claims.release(conn, tenant_id, held)
