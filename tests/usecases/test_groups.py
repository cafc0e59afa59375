"""Groups put into effect: whoever is in a targeted group is assigned, and nobody else."""

import asyncio
from collections.abc import Iterable
from random import Random
from typing import Any
from uuid import UUID

import pytest

from certsvc import clock
from certsvc.domain.actions import Action
from certsvc.domain.certification import Certification
from certsvc.domain.commands import Act, Enroll
from certsvc.domain.enrollment import Source
from certsvc.domain.status import Status
from certsvc.settings import Settings
from certsvc.store import enrollments
from certsvc.store.author import Author
from certsvc.store.db import driver, transaction
from certsvc.store.enrollments import Locked
from certsvc.usecases import act as act_module
from certsvc.usecases import apply, certifications, group_work, groups
from certsvc.usecases.act import act
from certsvc.usecases.answers import Acted
from certsvc.usecases.certifications import CertificationChange
from certsvc.usecases.command import command_one
from certsvc.usecases.decide import decide_one
from certsvc.usecases.enroll import Enrolled, EnrollRequest, enroll
from certsvc.usecases.groups import ChangedMembers, ClosedCourses, GroupState, Target
from certsvc.usecases.unassign import unassign
from certsvc.worker import duties
from tests.support.programmes import CERTIFICATION, ELSEWHERE
from tests.support.stage import BOSS, MONDAY, Stage
from tests.support.statements import counted

SETTINGS = Settings(_env_file=None)


async def change(stage: Stage, group: str, verb: str, given: Any) -> ChangedMembers:
    """The change alone, as if the process died before doing its work."""
    async with transaction(stage.engine) as conn:
        done: ChangedMembers = await getattr(groups, verb)(
            conn, stage.tenant, MONDAY, group, given, BOSS
        )
        return done


async def put(stage: Stage, group: str, *learners: str) -> ChangedMembers:
    """Replace all, as a request does."""
    changed = await change(stage, group, "replace_members", learners)
    await group_work.do_for_request(stage.engine, stage.tenant, group)
    return changed


async def target(stage: Stage, group: str, certification: UUID = CERTIFICATION) -> None:
    async with transaction(stage.engine) as conn:
        made = await groups.target(conn, stage.tenant, MONDAY, certification, group, BOSS)
        assert isinstance(made, Target), made
    await group_work.do_for_request(stage.engine, stage.tenant, group)


async def untarget(stage: Stage, group: str, certification: UUID = CERTIFICATION) -> None:
    async with transaction(stage.engine) as conn:
        await groups.untarget(conn, stage.tenant, MONDAY, certification, group, BOSS)
    await group_work.do_for_request(stage.engine, stage.tenant, group)


async def switch(stage: Stage, **switches: Any) -> None:
    async with transaction(stage.engine) as conn:
        wanted = CertificationChange(**switches)
        await certifications.change(conn, stage.tenant, MONDAY, CERTIFICATION, wanted, BOSS)


async def everybody(stage: Stage) -> dict[tuple[UUID, str], Locked]:
    async with transaction(stage.engine) as conn:
        ids = [r[0] for r in await driver(conn).fetch("SELECT id FROM enrollments ORDER BY id")]
        rows = await enrollments.read(conn, stage.tenant.id, ids)
    return {(row.enrollment.certification_id, row.enrollment.learner_id): row for row in rows}


async def assigned(stage: Stage, certification: UUID = CERTIFICATION) -> dict[str, set[str]]:
    """The groups that assign each learner; learners without any are left out."""
    found = {
        learner: {a.group or "" for a in row.enrollment.assignments if a.source is Source.GROUP}
        for (id, learner), row in (await everybody(stage)).items()
        if id == certification
    }
    return {learner: named for learner, named in found.items() if named}


async def left_over(stage: Stage) -> int:
    async with transaction(stage.engine) as conn:
        number: int = await driver(conn).fetchval("SELECT count(*) FROM group_work")
        return number


async def events(stage: Stage) -> int:
    async with transaction(stage.engine) as conn:
        number: int = await driver(conn).fetchval("SELECT count(*) FROM events")
        return number


async def test_members_of_a_targeted_group_are_enrolled_and_others_are_not(stage: Stage) -> None:
    await stage.certification()
    await stage.certification(id=ELSEWHERE, key="other")
    assert await put(stage, "G1", "ann", "bob", "ann") == ChangedMembers(2, 0)
    assert await everybody(stage) == {}
    await target(stage, "G1")
    assert await put(stage, "G1", "bob", "eve") == ChangedMembers(1, 1)
    assert await assigned(stage) == {"bob": {"G1"}, "eve": {"G1"}}
    assert await assigned(stage, ELSEWHERE) == {}
    rows = await everybody(stage)
    assert rows[CERTIFICATION, "ann"].enrollment.status is Status.REMOVED
    assert rows[CERTIFICATION, "eve"].enrollment.status is Status.NOT_STARTED


async def test_who_leaves_before_being_enrolled_leaves_no_trace(stage: Stage) -> None:
    await stage.certification()
    await target(stage, "G1")
    await change(stage, "G1", "replace_members", ["ann"])
    await change(stage, "G1", "remove_member", "ann")
    before = await events(stage)
    assert await group_work.do_some(stage.engine, stage.tenant) == 1
    assert await everybody(stage) == {}
    assert await events(stage) == before
    assert await left_over(stage) == 0


async def test_the_author_of_the_change_is_the_author_of_the_assignment(stage: Stage) -> None:
    await stage.certification()
    await target(stage, "G1")
    author = Author("key:lms", "u-2", "Transferred")
    async with transaction(stage.engine) as conn:
        await groups.add_members(conn, stage.tenant, MONDAY, "G1", ["ann"], author)
    await group_work.do_all(stage.engine)
    async with transaction(stage.engine) as conn:
        rows = await driver(conn).fetch(
            "SELECT DISTINCT actor, on_behalf_of, reason FROM events WHERE type LIKE 'enrollment.%'"
        )
    assert [tuple(row) for row in rows] == [("key:lms", "u-2", "Transferred")]


async def test_the_same_members_again_change_nothing(stage: Stage) -> None:
    await stage.certification()
    await target(stage, "G1")
    await put(stage, "G1", "ann", "bob")
    before = await everybody(stage), await events(stage)
    for _ in range(2):
        assert await put(stage, "G1", "bob", "ann") == ChangedMembers(0, 0)
        await target(stage, "G1")
    assert (await everybody(stage), await events(stage)) == before


async def test_the_statements_of_a_change_do_not_grow_with_it(stage: Stage) -> None:
    await stage.certification()
    await stage.certification(id=ELSEWHERE, key="other")
    for certification in (CERTIFICATION, ELSEWHERE):
        await target(stage, "G1", certification)

    async def statements(*learners: str) -> int:
        with counted(stage.engine) as heard:
            await put(stage, "G1", *learners)
        return len(heard.work)

    few = await statements("u-0")
    many = await statements(*(f"u-{n}" for n in range(1, 120)))
    again = await statements(*(f"u-{n}" for n in range(1, 120)))
    # Leaving takes a few more than joining alone, and doing nothing next to none.
    assert many <= few + 6
    assert again <= 5
    assert len(await assigned(stage)) == 119


async def test_untargeting_takes_every_assignment_of_the_group_done_or_still_to_be(
    stage: Stage,
) -> None:
    await stage.certification()
    await target(stage, "G1")
    await put(stage, "G1", "ann")
    await change(stage, "G1", "add_members", ["bob"])
    await untarget(stage, "G1")
    assert await assigned(stage) == {}
    assert await left_over(stage) == 0
    await target(stage, "G1")
    assert await assigned(stage) == {"ann": {"G1"}, "bob": {"G1"}}


async def test_who_was_unassigned_by_hand_stays_out_when_the_switch_is_turned(
    sandbox: Stage,
) -> None:
    await sandbox.certification()
    await target(sandbox, "G1")
    await put(sandbox, "G1", "ann", "bob")
    row = (await everybody(sandbox))[CERTIFICATION, "ann"].enrollment
    async with transaction(sandbox.engine) as conn:
        (assignment,) = row.assignments
        await unassign(conn, sandbox.tenant, MONDAY, row.id, assignment.id, BOSS)
    await switch(sandbox, active=False)
    await put(sandbox, "G1", "ann", "bob", "eve")
    assert await assigned(sandbox) == {"bob": {"G1"}}
    await switch(sandbox, active=True)
    assert await assigned(sandbox) == {"bob": {"G1"}, "eve": {"G1"}}
    assert await left_over(sandbox) == 0


async def test_unarchiving_brings_in_who_joined_meanwhile(stage: Stage) -> None:
    await stage.certification()
    await target(stage, "G1")
    async with transaction(stage.engine) as conn:
        await certifications.archive(conn, stage.tenant, MONDAY, CERTIFICATION, BOSS)
    await put(stage, "G1", "ann")
    assert await assigned(stage) == {}
    async with transaction(stage.engine) as conn:
        await certifications.unarchive(conn, stage.tenant, MONDAY, CERTIFICATION, BOSS)
    assert await assigned(stage) == {"ann": {"G1"}}


async def test_a_switch_moves_some_at_once_and_the_scheduler_the_rest(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(group_work, "AT_ONCE", 5)
    await stage.certification()
    await target(stage, "G1")
    await switch(stage, active=False)
    learners = [f"u-{n:02}" for n in range(12)]
    await put(stage, "G1", *learners)
    await switch(stage, active=True)
    assert len(await assigned(stage)) == 5
    assert await duties.do_group_work(stage.engine, SETTINGS, asyncio.Event()) == 7
    assert await assigned(stage) == {learner: {"G1"} for learner in learners}


async def test_in_a_sandbox_a_switch_moves_all_at_once(
    sandbox: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(group_work, "AT_ONCE", 5)
    await sandbox.certification()
    await target(sandbox, "G1")
    await switch(sandbox, active=False)
    await put(sandbox, "G1", *(f"u-{n}" for n in range(12)))
    await switch(sandbox, active=True)
    assert len(await assigned(sandbox)) == 12


async def test_work_that_was_cut_off_is_done_by_the_scheduler_and_once_only(stage: Stage) -> None:
    await stage.certification()
    await target(stage, "G1")
    await put(stage, "G1", "ann")
    await change(stage, "G1", "replace_members", ["bob", "eve"])
    assert await assigned(stage) == {"ann": {"G1"}}
    assert await duties.do_group_work(stage.engine, SETTINGS, asyncio.Event()) == 3
    after = await everybody(stage), await events(stage)
    assert await assigned(stage) == {"bob": {"G1"}, "eve": {"G1"}}
    assert await duties.do_group_work(stage.engine, SETTINGS, asyncio.Event()) == 0
    assert (await everybody(stage), await events(stage)) == after


async def test_the_scheduler_ends_between_batches(stage: Stage) -> None:
    await stage.certification()
    await target(stage, "G1")
    await change(stage, "G1", "add_members", ["ann"])
    stop = asyncio.Event()
    stop.set()
    assert await group_work.do_all(stage.engine, stop=stop) == 0
    assert await group_work.do_all(stage.engine, deadline=clock.monotonic()) == 0
    assert await left_over(stage) == 1


async def test_two_schedulers_at_once_do_the_work_once(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(group_work, "AT_ONCE", 10)
    await stage.certification()
    await target(stage, "G1")
    learners = [f"u-{n}" for n in range(100)]
    await change(stage, "G1", "replace_members", learners)
    done = await asyncio.gather(*(group_work.do_all(stage.engine) for _ in range(4)))
    assert sum(done) == 100
    rows = await everybody(stage)
    assert {row.enrollment.revision for row in rows.values()} == {1}
    assert len(rows) == 100


async def test_a_learner_who_cannot_be_decided_keeps_nobody_else_waiting(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    await stage.certification()
    await target(stage, "G1")

    def failing(ask: Any, now: Any) -> Any:
        if ask.enrollment.learner_id == "cursed":
            raise RuntimeError("no rule for this")
        return decide_one(ask, now)

    monkeypatch.setattr(apply, "decide_one", failing)
    await put(stage, "G1", "ann", "cursed", "zoe")
    assert await assigned(stage) == {"ann": {"G1"}, "zoe": {"G1"}}
    assert await left_over(stage) == 1
    assert await group_work.do_all(stage.engine) == 0, "it is put off"
    # Nor does it keep a certification from being changed.
    await switch(stage, active=False)
    await put(stage, "G1", "ann", "cursed", "zoe", "eve")
    await switch(stage, active=True)
    monkeypatch.undo()
    assert await group_work.do_all(stage.engine) == 2
    assert set(await assigned(stage)) == {"ann", "cursed", "eve", "zoe"}


async def test_several_groups_of_one_learner_are_done_in_one_batch(stage: Stage) -> None:
    await stage.certification()
    for group in ("G1", "G2", "G3"):
        await target(stage, group)
    await put(stage, "G1", "ann")
    await change(stage, "G1", "replace_members", [])
    for group in ("G2", "G3"):
        await change(stage, group, "replace_members", ["ann"])
    assert await group_work.do_some(stage.engine, stage.tenant) == 3
    assert await assigned(stage) == {"ann": {"G2", "G3"}}
    async with transaction(stage.engine) as conn:
        told = await driver(conn).fetch("SELECT type FROM events WHERE type LIKE '%removed'")
    assert told == [], "from one group to another nothing pauses"


async def barred(stage: Stage) -> UUID:
    """Ann was assigned by hand, and is permanently barred."""
    await stage.certification()
    async with transaction(stage.engine) as conn:
        request = EnrollRequest(certification="forklift", learner_id="ann")
        (answer,) = await enroll(conn, stage.tenant, MONDAY, [request], BOSS)
    assert isinstance(answer, Enrolled)
    id = answer.enrollment.id
    await stage.act(id, Act(action=Action.CERTIFY))
    await stage.act(id, Act(action=Action.PERMANENT_REVOKE))
    return id


async def restored(stage: Stage, id: UUID) -> Acted:
    async with transaction(stage.engine) as conn:
        answer = await act(
            conn, stage.tenant, MONDAY, id, Act(action=Action.RESTORE), BOSS, privileged=True
        )
    assert isinstance(answer, Acted)
    return answer


async def test_a_barred_learner_stays_out_and_restore_finds_the_memberships(
    sandbox: Stage,
) -> None:
    id = await barred(sandbox)
    await target(sandbox, "G1")
    for group in ("G1", "G2"):
        await put(sandbox, group, "ann")
    assert await assigned(sandbox) == {}
    answer = await restored(sandbox, id)
    assert answer.refusal is None
    assert [a.group for a in answer.enrollment.assignments] == [None, "G1"]


async def test_leaving_at_the_moment_of_a_restore_is_not_lost(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    id = await barred(stage)
    await target(stage, "G1")
    await put(stage, "G1", "ann")
    leaving: list[asyncio.Task[Any]] = []

    async def interrupted(*given: Any, **more: Any) -> Any:
        leaving.append(asyncio.create_task(put(stage, "G1")))
        await asyncio.sleep(0.3)
        return await command_one(*given, **more)

    monkeypatch.setattr(act_module, "command_one", interrupted)
    answer = await restored(stage, id)
    assert [a.group for a in answer.enrollment.assignments] == [None, "G1"]
    await asyncio.gather(*leaving)
    assert await assigned(stage) == {}


async def test_a_group_to_which_a_course_is_closed_cannot_be_targeted(stage: Stage) -> None:
    await stage.certification()
    async with transaction(stage.engine) as conn:
        await driver(conn).execute(
            """
            INSERT INTO courses (tenant_id, id, state, groups, overbooking, archived_history,
              overbooking_history, revisions, created_at, updated_at)
            VALUES ($1, 'C-1', 'published', '{G2}', false, $2, $2, '[]', $3, $3)""",
            stage.tenant.id,
            b'[["0001-01-01T00:00:00+00:00", false]]',
            MONDAY,
        )
    await target(stage, "G2")
    async with transaction(stage.engine) as conn:
        made = await groups.target(conn, stage.tenant, MONDAY, "forklift", "G1", BOSS)
    assert made == ClosedCourses(("C-1",))


@pytest.mark.parametrize("seed", range(6))
async def test_in_the_end_whoever_is_in_a_targeted_group_is_assigned_by_it(
    sandbox: Stage, seed: int
) -> None:
    random = Random(seed)
    await sandbox.certification()
    await sandbox.certification(id=ELSEWHERE, key="other")
    learners, names = ["ann", "bob", "eve"], ["G1", "G2"]
    members: dict[str, set[str]] = {name: set() for name in names}
    targeted: set[tuple[UUID, str]] = set()
    for _ in range(60):
        group = random.choice(names)
        some = random.sample(learners, random.randint(0, 3))
        certification = random.choice([CERTIFICATION, ELSEWHERE])
        match random.choice(["replace", "add", "remove", "target", "untarget", "do"]):
            case "replace":
                await change(sandbox, group, "replace_members", some)
                members[group] = set(some)
            case "add":
                await change(sandbox, group, "add_members", some)
                members[group] |= set(some)
            case "remove":
                await change(sandbox, group, "remove_member", some[0] if some else "ann")
                members[group] -= {some[0] if some else "ann"}
            case "target":
                async with transaction(sandbox.engine) as conn:
                    await groups.target(conn, sandbox.tenant, MONDAY, certification, group, BOSS)
                targeted.add((certification, group))
            case "untarget":
                async with transaction(sandbox.engine) as conn:
                    await groups.untarget(conn, sandbox.tenant, MONDAY, certification, group, BOSS)
                targeted.discard((certification, group))
            case _:
                await group_work.do_for_request(sandbox.engine, sandbox.tenant, group)
    for group in names:
        await group_work.do_for_request(sandbox.engine, sandbox.tenant, group)
    for certification in (CERTIFICATION, ELSEWHERE):
        expected = {
            learner: found
            for learner in learners
            if (
                found := {
                    group
                    for group in names
                    if learner in members[group] and (certification, group) in targeted
                }
            )
        }
        assert await assigned(sandbox, certification) == expected
    assert await left_over(sandbox) == 0
    async with transaction(sandbox.engine) as conn:
        for group in names:
            state = await groups.state(conn, sandbox.tenant, group)
            assert state == GroupState(len(members[group]), 0)


def said(learners: Iterable[str]) -> dict[str, set[str]]:
    return {learner: {"G1"} for learner in learners}


async def test_two_replacements_at_once_are_one_after_the_other(stage: Stage) -> None:
    await stage.certification()
    await target(stage, "G1")
    odd, even = (tuple(f"u-{n}" for n in range(start, 40, 2)) for start in (1, 0))
    for _ in range(4):
        await asyncio.gather(put(stage, "G1", *odd), put(stage, "G1", *even, "u-1"))
        assert await assigned(stage) in (said(odd), said((*even, "u-1")))
        assert await left_over(stage) == 0


async def test_the_same_replacement_twice_at_once_is_done_once(stage: Stage) -> None:
    await stage.certification()
    await target(stage, "G1")
    learners = tuple(f"u-{n}" for n in range(40))
    changed = await asyncio.gather(*(put(stage, "G1", *learners) for _ in range(4)))
    assert sorted(one.added for one in changed) == [0, 0, 0, 40]
    assert await assigned(stage) == said(learners)
    rows = await everybody(stage)
    assert {row.enrollment.revision for row in rows.values()} == {1}


async def test_members_targets_and_switches_at_once_pass_nobody_by(stage: Stage) -> None:
    await stage.certification()
    for round in range(5):
        await switch(stage, active=False)
        await untarget(stage, "G1")
        learners = [f"u-{round}-{n}" for n in range(10)]
        await asyncio.gather(
            put(stage, "G1", *learners),
            target(stage, "G1"),
            switch(stage, active=True),
        )
        await group_work.do_all(stage.engine)
        assert await assigned(stage) == said(learners)


async def test_a_switch_waits_for_a_change_of_members_and_does_not_pass_it_by(
    stage: Stage,
) -> None:
    await stage.certification()
    await target(stage, "G1")
    await switch(stage, active=False)
    async with transaction(stage.engine) as conn:
        await groups.add_members(conn, stage.tenant, MONDAY, "G1", ["ann"], BOSS)
        turning = asyncio.create_task(switch(stage, active=True))
        await asyncio.sleep(0.1)
        assert not turning.done()
    await turning
    assert await assigned(stage) == said(["ann"])


async def test_enrolling_by_hand_and_by_group_at_once_gives_one_enrollment(stage: Stage) -> None:
    certification: Certification = await stage.certification()
    await target(stage, "G1")

    async def by_hand(learner: str) -> None:
        async with transaction(stage.engine) as conn:
            call = apply.Call(certification.id, learner, Enroll(source=Source.MANUAL), BOSS)
            await apply.apply_to_learners(conn, stage.tenant, clock.now(), [call])

    learners = [f"u-{n}" for n in range(12)]
    await asyncio.gather(put(stage, "G1", *learners), *(by_hand(one) for one in learners))
    rows = await everybody(stage)
    assert len(rows) == 12
    for row in rows.values():
        assert {a.source for a in row.enrollment.assignments} == {Source.MANUAL, Source.GROUP}
