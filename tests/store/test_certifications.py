"""Certifications and their versions are kept as they were written."""

from dataclasses import replace
from uuid import UUID

import pytest

from certsvc.domain.switch import Switch
from certsvc.store import certificates, certifications, events, versions
from certsvc.store.certifications import CertificationRow
from certsvc.store.db import transaction
from certsvc.store.errors import Conflict, Rejected
from certsvc.store.events import EventRow
from certsvc.store.versions import VersionRow
from tests.support.programmes import CERTIFICATION, ELSEWHERE, definition
from tests.support.stage import MONDAY, TENANT, Stage, days

ROW = CertificationRow(
    id=CERTIFICATION,
    key="forklift",
    title={"en": "Forklift", "de": "Gabelstapler"},
    description="plain words",
    metadata={"owner": ["hr"]},
    hidden=True,
    automatic=Switch.always(False).turned(True, MONDAY),
    acceptance_required=True,
    created_at=MONDAY,
    updated_at=MONDAY,
)
DRAFT = VersionRow(
    certification_id=CERTIFICATION,
    number=1,
    state="draft",
    definition=definition(),
    created_at=MONDAY,
    updated_at=MONDAY,
)


async def test_a_certification_reads_back_by_id_and_by_key(stage: Stage) -> None:
    async with transaction(stage.engine) as conn:
        assert await certifications.insert(conn, TENANT, ROW)
        assert not await certifications.insert(conn, TENANT, replace(ROW, id=ELSEWHERE))
        assert await certifications.get(conn, TENANT, str(CERTIFICATION)) == ROW
        assert await certifications.get(conn, TENANT, "forklift", lock=True) == ROW
        assert await certifications.get(conn, TENANT, "crane") is None
        assert await certifications.get(conn, UUID(int=9), "forklift") is None


async def test_a_key_that_looks_like_anothers_id_does_not_hide_it(stage: Stage) -> None:
    sly = replace(ROW, id=ELSEWHERE, key=str(CERTIFICATION))
    async with transaction(stage.engine) as conn:
        await certifications.insert(conn, TENANT, sly)
        await certifications.insert(conn, TENANT, ROW)
        assert await certifications.get(conn, TENANT, str(CERTIFICATION)) == ROW
        found = await certifications.resolve(conn, TENANT, [str(CERTIFICATION), "forklift", "x"])
    assert found == {str(CERTIFICATION): (CERTIFICATION, 1), "forklift": (CERTIFICATION, 1)}


async def test_a_change_needs_the_revision_that_it_began_with(stage: Stage) -> None:
    changed = replace(ROW, title="Trucks", revision=2, updated_at=MONDAY + days(1))
    async with transaction(stage.engine) as conn:
        await certifications.insert(conn, TENANT, ROW)
        await certifications.update(conn, TENANT, changed, 1)
        assert await certifications.get(conn, TENANT, "forklift") == changed
        with pytest.raises(Conflict):
            await certifications.update(conn, TENANT, changed, 1)
        assert await certifications.touch(conn, TENANT, CERTIFICATION) == 3
        with pytest.raises(LookupError):
            await certifications.touch(conn, TENANT, ELSEWHERE)


async def test_certifications_are_listed_by_id_archived_or_not(stage: Stage) -> None:
    gone = replace(ROW, id=ELSEWHERE, key="gone", archived=Switch.always(True))
    async with transaction(stage.engine) as conn:
        await certifications.insert(conn, TENANT, gone)
        await certifications.insert(conn, TENANT, ROW)
        assert await certifications.page(conn, TENANT, limit=9) == [ROW, gone]
        assert await certifications.page(conn, TENANT, after=ROW.id, limit=9) == [gone]
        assert await certifications.page(conn, TENANT, archived=False, limit=9) == [ROW]
        assert await certifications.page(conn, TENANT, archived=True, limit=9) == [gone]
        assert await certifications.page(conn, TENANT, limit=1) == [ROW]


async def test_the_rules_see_published_versions_only(stage: Stage) -> None:
    published = replace(DRAFT, state="published", published_at=MONDAY)
    async with transaction(stage.engine) as conn:
        await certifications.insert(conn, TENANT, ROW)
        await versions.insert(conn, TENANT, published)
        await versions.insert(conn, TENANT, replace(DRAFT, number=2))
        found = await certifications.load_by_ids(conn, TENANT, [CERTIFICATION, ELSEWHERE])
        assert await certifications.load_by_ids(conn, TENANT, []) == {}
    assert list(found) == [CERTIFICATION]
    certification = found[CERTIFICATION]
    assert [version.number for version in certification.versions] == [1]
    assert certification.automatic == ROW.automatic
    assert (certification.hidden, certification.acceptance_required) == (True, True)


async def test_a_draft_may_be_replaced_until_it_is_published(stage: Stage) -> None:
    other = definition(grace="P10D")
    async with transaction(stage.engine) as conn:
        assert await versions.next_number(conn, TENANT, CERTIFICATION) == 1
        await versions.insert(conn, TENANT, DRAFT)
        assert await versions.next_number(conn, TENANT, CERTIFICATION) == 2
        one = (conn, TENANT, CERTIFICATION, 1)
        assert await versions.get(*one, lock=True) == DRAFT
        assert await versions.update_draft(*one, other, MONDAY + days(1))
        assert await versions.publish(*one, MONDAY + days(2))
        assert not await versions.publish(*one, MONDAY + days(3))
        assert not await versions.update_draft(*one, definition(), MONDAY + days(3))
        kept = await versions.get(*one)
        assert kept == replace(
            DRAFT,
            state="published",
            definition=other,
            published_at=MONDAY + days(2),
            updated_at=MONDAY + days(2),
        )
        await versions.insert(conn, TENANT, replace(DRAFT, number=2))
        listed = await versions.page(conn, TENANT, CERTIFICATION, limit=9)
        assert [version.number for version in listed] == [1, 2]
        assert await versions.page(conn, TENANT, CERTIFICATION, after=2, limit=9) == []
        assert await versions.get(conn, TENANT, CERTIFICATION, 3) is None


async def test_a_version_cannot_be_half_published(stage: Stage) -> None:
    with pytest.raises(Rejected):
        async with transaction(stage.engine) as conn:
            await versions.insert(conn, TENANT, replace(DRAFT, state="published"))


async def test_events_of_a_certification_are_kept_with_their_author(stage: Stage) -> None:
    row = EventRow(
        id=UUID(int=1),
        type="certification.published",
        effective_at=MONDAY,
        recorded_at=MONDAY,
        actor="key:boss",
        certification_id=CERTIFICATION,
        on_behalf_of="u-boss",
        reason="spring",
        data={"version": 1},
    )
    async with transaction(stage.engine) as conn:
        await events.insert(conn, TENANT, [row])
        await events.insert(conn, TENANT, [])
        assert await certificates.page(conn, TENANT, limit=5) == []
