"""Counts of enrollments: what counting one by one would give, from indexes alone."""

from collections import Counter
from itertools import combinations, product
from uuid import UUID

from certsvc.domain.enrollment import Source
from certsvc.domain.status import Flag
from certsvc.store.db import transaction
from certsvc.store.enrollment_counts import asked, counts
from certsvc.store.enrollment_filters import Filters
from tests.support.crowd import CHOICES, everybody, passes
from tests.support.database import execute, plain
from tests.support.plans import assign, fill, indexes, indexes_alone
from tests.support.programmes import ELSEWHERE
from tests.support.stage import TENANT, Stage

COUNTED = ("certifications", "source", "group")
FLAGS = {f"enrollments_{flag.value}" for flag in Flag}


async def test_they_are_what_counting_one_by_one_gives(stage: Stage) -> None:
    items = await everybody(stage)
    async with transaction(stage.engine) as conn:
        for names in (names for n in range(4) for names in combinations(COUNTED, n)):
            for values in product(*(CHOICES[name][1:] for name in names)):
                filters = Filters(**dict(zip(names, values, strict=True)))
                found = await counts(conn, TENANT, filters)
                chosen = [one for one in items if passes(one, filters)]
                pairs = ((one.enrollment.standing, one.enrollment.status) for one in chosen)
                assert found.by_pair == Counter(pairs), filters
                flags = (Flag(flag) for one in chosen for flag in one.flags)
                assert found.by_flag == Counter(flags), filters
        nobody = await counts(conn, UUID(int=9), Filters())
    assert (nobody.by_pair, nobody.by_flag) == ({}, {})


async def test_all_and_those_of_a_certification_are_counted_from_indexes_alone(
    stage: Stage, database_url: str
) -> None:
    async with transaction(stage.engine) as conn:
        await fill(conn, 20_000)
    wide = "UPDATE enrollments SET doc = jsonb_build_object('as in earnest', repeat('x', 1000))"
    await execute(plain(database_url), wide, "VACUUM (ANALYZE) enrollments")
    async with transaction(stage.engine) as conn:
        sql, values = asked(TENANT, Filters())
        statuses = await indexes_alone(conn, sql, *values) - FLAGS
        assert statuses <= {"enrollments_by_standing_and_status", "enrollments_of_certification"}
        sql, values = asked(TENANT, Filters(certifications=[ELSEWHERE]))
        used = await indexes_alone(conn, sql, *values)
        assert used == {"enrollments_of_certification", *FLAGS}


async def test_those_of_a_group_are_found_among_the_standing_assignments(stage: Stage) -> None:
    async with transaction(stage.engine) as conn:
        await fill(conn, 20_000)
        await assign(conn)
        for filters in (Filters(group="G1"), Filters(group="G1", source=Source.GROUP)):
            sql, values = asked(TENANT, filters)
            assert "assignments_standing_by_source" in await indexes(conn, sql, *values)
