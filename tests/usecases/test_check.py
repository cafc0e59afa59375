"""The check finds what the laws forbid, and nothing where all is as it should be."""

from typing import Any
from uuid import UUID

import pytest

from certsvc.store.db import driver, transaction
from certsvc.usecases import check
from certsvc.usecases.check import Violation
from certsvc.usecases.tick import run_once
from tests.support.programmes import utc
from tests.support.stage import Stage
from tests.usecases.test_tick import certified, poison


async def found(stage: Stage) -> list[Violation]:
    violations: list[Violation] = []
    async for _, some in check.check(stage.engine, stage.tenant):
        violations += some
    return violations


async def broken(stage: Stage, statement: str, id: UUID) -> set[str]:
    """The laws that are broken once the statement has run."""
    async with transaction(stage.engine) as conn:
        await driver(conn).execute(statement, id)
    violations = await found(stage)
    assert {violation.enrollment_id for violation in violations} == {id}
    return {violation.law for violation in violations}


async def test_all_is_as_it_should_be(stage: Stage) -> None:
    await certified(stage, "ann", "bob", automatic=True)
    for at in ("2026-12-20T00:00", "2027-01-07T00:00", "2027-04-01T00:00"):
        await run_once(stage.engine, utc(at), 100)
        assert await found(stage) == []
    assert await check.count(stage.engine, stage.tenant) == 2


CASES: dict[str, Any] = {
    "a column differs": (
        "UPDATE enrollments SET status = 'lapsed' WHERE id = $1",
        "columns equal the document",
    ),
    "it waits for a person and does not": (
        "UPDATE enrollments SET awaiting = 'approval', awaiting_since = updated_at WHERE id = $1",
        "columns equal the document",
    ),
    "it comes due too late": (
        "UPDATE enrollments SET next_due_at = '2036-01-01' WHERE id = $1",
        "comes due in time",
    ),
    "it never comes due": (
        "UPDATE enrollments SET next_due_at = NULL WHERE id = $1",
        "comes due in time",
    ),
    "an event is missing": (
        "DELETE FROM events WHERE enrollment_id = $1 AND sequence = 2",
        "sequence without gaps",
    ),
    "a cycle that closed stands open": (
        "UPDATE cycles SET closed_at = NULL WHERE enrollment_id = $1",
        "at most one open cycle",
    ),
    "a cycle is missing": (
        "DELETE FROM cycles WHERE enrollment_id = $1",
        "every cycle is kept",
    ),
    "two certificates are in force": (
        "INSERT INTO certificates (tenant_id, id, enrollment_id, certification_id, learner_id, "
        "ordinal, number, code, version, certified_at, valid_from, evidence, retracted) "
        "SELECT tenant_id, gen_random_uuid(), enrollment_id, certification_id, learner_id, 2, "
        "'2', '2', version, certified_at, valid_from, evidence, retracted "
        "FROM certificates WHERE enrollment_id = $1",
        "at most one certificate in force",
    ),
    "the document cannot be read": (
        """UPDATE enrollments SET doc = '{"id": 7}' WHERE id = $1""",
        "readable",
    ),
}


@pytest.mark.parametrize(("statement", "law"), CASES.values(), ids=CASES)
async def test_what_the_laws_forbid_is_found(stage: Stage, statement: str, law: str) -> None:
    _, id = await certified(stage, "ann", "bob")
    assert law in await broken(stage, statement, id)


async def test_what_was_set_aside_is_told(stage: Stage) -> None:
    (id,) = await certified(stage, "ann")
    await poison(stage, id)
    await run_once(stage.engine, utc("2027-01-07T00:00"), 100)
    assert "set aside" in {violation.law for violation in await found(stage)}
