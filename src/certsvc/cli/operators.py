"""What operators do beside serving: the schema, tenants, keys, and the check of the data."""

import asyncio
from datetime import UTC, datetime

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from sqlalchemy.ext.asyncio import AsyncEngine

from certsvc import clock
from certsvc.cli.surroundings import Failure, database, engine_of, settle, voice, with_engine
from certsvc.domain.outcome import Refusal
from certsvc.settings import Settings
from certsvc.store import migrate as migrations
from certsvc.store import tenants
from certsvc.store.api_keys import Role
from certsvc.store.db import transaction
from certsvc.usecases import check as checking
from certsvc.usecases.tenants import create_key as make_key
from certsvc.usecases.tenants import create_tenant as make_tenant


def migrate(settings: Settings, *, restored: bool = False) -> None:
    """Bring the database to the newest schema; of the embedded one that is done in any case.
    `restored` says that it was put back to an earlier state."""

    async def work(url: str) -> None:
        await migrations.upgrade(url)
        engine = engine_of(settings, url)
        try:
            await settle(engine, restored=restored)
        finally:
            await engine.dispose()

    with database(settings) as url:
        asyncio.run(work(url))
    voice.print(f"The database is at [bold]{migrations.code_head()}[/bold].")


def create_tenant(
    settings: Settings, key: str, *, sandbox: bool, clock_at: datetime | None
) -> None:
    """Make a tenant; its id goes to stdout."""
    if clock_at is not None and not sandbox:
        raise Failure("Only a sandbox has a clock of its own: add --sandbox.")
    if not _is_key(key):
        raise Failure("A tenant's key has 1 to 63 characters of a-z, 0-9 and -.")
    starts_at = None if clock_at is None else clock_at.astimezone(UTC)

    async def work(engine: AsyncEngine) -> str:
        async with transaction(engine) as conn:
            made = await make_tenant(conn, clock.now(), key, sandbox=sandbox, clock_at=starts_at)
        if isinstance(made, Refusal):
            raise Failure(made.detail)
        return str(made.id)

    print(with_engine(settings, work))


def _is_key(text: str) -> bool:
    return 0 < len(text) < 64 and set(text) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")


def create_key(settings: Settings, tenant_key: str, role: Role, name: str) -> None:
    """Make an API key; it goes to stdout, this once."""

    async def work(engine: AsyncEngine) -> str:
        async with transaction(engine) as conn:
            tenant = await tenants.by_key(conn, tenant_key)
            if tenant is None:
                raise Failure(f"There is no tenant {tenant_key!r}.")
            return await make_key(conn, clock.now(), tenant.id, role, name)

    print(with_engine(settings, work))


def check(settings: Settings) -> bool:
    """Look at every enrollment; what is wrong goes to stdout, a line each. Whether there is any."""
    return with_engine(settings, _check)


async def _check(engine: AsyncEngine) -> bool:
    async with transaction(engine) as conn:
        every = await tenants.every(conn)
    looked_at = found = 0
    with _progress() as progress:
        for tenant in every:
            task = progress.add_task(tenant.key, total=await checking.count(engine, tenant))
            async for number, violations in checking.check(engine, tenant):
                looked_at += number
                found += len(violations)
                progress.advance(task, number)
                for one in violations:
                    detail = " ".join(one.detail.split())
                    print(f"{one.tenant}\t{one.enrollment_id}\t{one.law}\t{detail}")
    verdict = "[green]all as it should be[/green]" if not found else f"[red]{found} wrong[/red]"
    voice.print(f"{looked_at} enrollments of {len(every)} tenants: {verdict}.")
    return found > 0


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=voice,
        transient=True,
    )
