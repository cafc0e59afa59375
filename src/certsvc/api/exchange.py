"""One request and what is done for it: the transaction, the tenant's time, once only, retries.

The commit comes before the answer leaves. What is answered with a no is rolled back.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated, TypeVar
from uuid import UUID

from fastapi import Depends
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.requests import Request
from starlette.responses import Response

from certsvc.api.answers import Answer
from certsvc.api.failures import problem_answer
from certsvc.api.idempotency import Once, once
from certsvc.api.keyring import Caller
from certsvc.api.persistence import Attempt, persistently
from certsvc.api.problems import Problem
from certsvc.api.schemas.values import Authored
from certsvc.api.service import Service
from certsvc.store.api_keys import Role
from certsvc.store.author import Author
from certsvc.store.db import transaction
from certsvc.store.tenants import Tenant
from certsvc.usecases.now import now_of

T = TypeVar("T")
Work = Callable[[AsyncConnection, datetime], Awaitable[Answer]]


class _No(Exception):
    """Carries an answer that is a no out of the transaction, which so rolls back."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer


class Exchange:
    """A request that was let in, with its caller."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self.service: Service = request.scope["app"].state.service
        self.caller: Caller = request.scope["certsvc.caller"]

    @property
    def tenant(self) -> Tenant:
        """Whose data this is about."""
        return self.caller.tenant

    @property
    def tenant_id(self) -> UUID:
        """The tenant's id."""
        return self.caller.tenant.id

    @property
    def privileged(self) -> bool:
        """Whether an admin is calling."""
        return self.caller.role is Role.ADMIN

    def author(self, sent: Authored | None = None) -> Author:
        """Who makes the change, for the history."""
        if sent is None:
            return Author.by_key(self.caller.api_key_id)
        return Author.by_key(self.caller.api_key_id, sent.on_behalf_of, sent.reason)

    async def read(self, work: Work) -> Response:
        """Answer from what is stored; nothing is written."""
        return (await self.look(work)).response()

    async def look(self, work: Callable[[AsyncConnection, datetime], Awaitable[T]]) -> T:
        """Look into what is stored; nothing is written."""

        async def attempt(_: Attempt) -> T:
            async with transaction(self.service.engine) as conn:
                now = await now_of(conn, self.tenant, share=False)
                return await work(conn, now)

        return await persistently(attempt)

    async def change(self, work: Work) -> Response:
        """Make a change, once, and answer when it is committed."""
        promise = await self._promise()

        async def attempt(progress: Attempt) -> Answer:
            async with transaction(self.service.engine) as conn:
                if promise is not None and (first := await promise.claim(conn)) is not None:
                    return first
                now = await now_of(conn, self.tenant)
                answer = await work(conn, now)
                if not answer.success:
                    raise _No(answer)
                if promise is not None:
                    await promise.finish(conn, answer)
                progress.committing = True
                return answer

        try:
            answer = await persistently(attempt, repeatable=promise is not None)
        except _No as no:
            answer = no.answer
            await self._keep(promise, answer)
        return answer.response()

    async def change_in_steps(self, work: Callable[[], Awaitable[Answer]]) -> Response:
        """Make a change that commits as it goes, and may be asked for again unharmed."""
        promise = await self._promise()
        if promise is not None:
            async with transaction(self.service.engine) as conn:
                first = await promise.claim(conn)
                if first is None:
                    await conn.rollback()
            if first is not None:
                return first.response()
        answer = await work()
        await self._keep(promise, answer)
        return answer.response()

    def refused(self, problem: Problem) -> Answer:
        """The answer that tells of a problem."""
        return problem_answer(self.request.scope, problem)

    async def _promise(self) -> Once | None:
        return await once(self.request, self.caller, self.service.settings.idempotency_hours)

    async def _keep(self, promise: Once | None, answer: Answer) -> None:
        if promise is None or not answer.final:
            return
        async with transaction(self.service.engine) as conn:
            if await promise.claim(conn) is None:
                await promise.finish(conn, answer)


async def open_exchange(request: Request) -> Exchange:
    """The exchange of a request that was let in."""
    # A coroutine: anything else would be made in a thread of its own.
    return Exchange(request)


Call = Annotated[Exchange, Depends(open_exchange)]
