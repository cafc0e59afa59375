"""Tenants with keys, and what they commonly do through the API."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncEngine
from uuid_utils.compat import uuid7

from certsvc import clock
from certsvc.store import api_keys, tenants
from certsvc.store.api_keys import ApiKey, Role
from certsvc.store.db import transaction
from certsvc.store.tenants import Tenant
from tests.api.client import Client, Json
from tests.support.programmes import definition, utc

MONDAY = utc("2026-01-05T09:00")


def at(moment: str) -> str:
    """An instant as it is sent and answered."""
    return f"{moment}:00Z"


@dataclass
class House:
    """One tenant: a client per role, and shortcuts for what an admin does."""

    tenant: Tenant
    admin: Client
    lms: Client
    reader: Client
    keys: dict[Role, ApiKey]

    async def certification(self, key: str = "forklift", **fields: Any) -> Json:
        """A certification without versions."""
        body = {"key": key, "title": {"en": key.capitalize()}, **fields}
        return await self.admin.post("/v1/certifications", body, expect=201)

    async def programme(self, key: str = "forklift", *documents: Json, **fields: Any) -> Json:
        """A certification with published versions."""
        made = await self.certification(key, **fields)
        for number, document in enumerate(documents or (definition(),), start=1):
            versions = f"/v1/certifications/{key}/versions"
            await self.admin.post(versions, document, expect=201)
            await self.admin.post(f"{versions}/{number}/publish")
        return made

    async def enroll(
        self,
        learner: str = "u-17",
        certification: str = "forklift",
        *,
        expect: int = 201,
        **more: Any,
    ) -> Json:
        """A learner is assigned."""
        body = {"certification": certification, "learner_id": learner, **more}
        return await self.lms.post("/v1/enrollments", body, expect=expect)

    async def record(self, *items: Json, expect: int = 200) -> Json:
        """The LMS reports facts."""
        return await self.lms.post("/v1/evidence", {"items": list(items)}, expect=expect)

    async def act(self, enrollment: Json, action: str, *, expect: int = 200, **body: Any) -> Json:
        """An admin acts."""
        path = f"/v1/enrollments/{enrollment['id']}/actions/{action}"
        return await self.admin.post(path, body, expect=expect)

    async def travel(self, moment: str) -> Json:
        """Time passes in the sandbox."""
        return await self.admin.post("/v1/test-clock/advance", {"to": at(moment)})

    async def certified(self, learner: str = "u-17", certification: str = "forklift") -> Json:
        """A learner who has passed the only course, now."""
        enrolled = await self.enroll(learner, certification)
        now = (await self.reader.get("/v1/test-clock"))["now"]
        await self.record(course(f"done-{learner}-{certification}", learner, now))
        return await self.reader.get(f"/v1/enrollments/{enrolled['id']}")


def course(id: str, learner: str, occurred_at: str, **more: Any) -> Json:
    """A course passed."""
    return {
        "id": id,
        "type": "course_completion",
        "learner_id": learner,
        "occurred_at": occurred_at,
        "course_id": "C-1",
        "outcome": "passed",
        "grade": 85,
        **more,
    }


async def open_house(
    engine: AsyncEngine, app: FastAPI, name: str, clock_at: datetime | None = MONDAY
) -> House:
    """A tenant with a key per role; a sandbox unless it has no clock of its own."""
    tenant = Tenant(
        id=uuid7(),
        key=name,
        sandbox=clock_at is not None,
        clock_at=clock_at,
        created_at=clock.now(),
    )
    keys: dict[Role, ApiKey] = {}
    clients: dict[Role, Client] = {}
    async with transaction(engine) as conn:
        await tenants.insert(conn, tenant)
        for role in Role:
            secret = uuid7().bytes * 2
            keys[role] = ApiKey(
                tenant_id=tenant.id,
                id=uuid7(),
                name=role.value,
                role=role,
                secret_hash=api_keys.hash_secret(secret),
                created_at=clock.now(),
                revoked_at=None,
            )
            await api_keys.insert(conn, keys[role])
            clients[role] = Client(app, api_keys.make_key(tenant.id, keys[role].id, secret))
    return House(tenant, clients[Role.ADMIN], clients[Role.LMS], clients[Role.READER], keys)
