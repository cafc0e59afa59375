"""`certsvc import`, stopped and repeated: nothing is lost, and nothing is done twice."""

import asyncio
import json
import os
import random
import signal
import time
from typing import Any

import pytest

from certsvc.store import bulk_operations
from certsvc.store.db import driver, open_engine
from certsvc.usecases.bulk import importing
from certsvc.usecases.bulk.doing import do
from certsvc.usecases.bulk.running import run_due
from tests.cli.place import Place
from tests.support.stage import TENANT


def test_a_file_that_is_complete_creates_nothing_twice(place: Place) -> None:
    path = place.people(7)
    first = place.told(path)
    events = place.value("SELECT count(*) FROM events")
    again = place.run(path)
    assert again.exit_code == 0
    assert "was complete" in again.stderr
    second = json.loads(again.stdout)
    assert {**first, "seconds": 0} == {**second, "seconds": 0}
    renamed = path.rename(place.folder / "renamed.csv")
    assert place.told(renamed)["operation_id"] == first["operation_id"]
    assert place.value("SELECT count(*) FROM events") == events


def test_the_same_people_once_more_are_left_as_they_are(place: Place) -> None:
    path = place.people(7)
    place.told(path)
    with path.open("a") as file:
        file.write("u-7,forklift,2025-01-10,2099-01-01\n")
    more = place.told(path)
    assert (more["succeeded"], more["unchanged"]) == (1, 7)
    events = place.value("SELECT count(*) FROM events")
    whole = place.told(path, "--again")
    assert (whole["unchanged"], whole["operation_id"] != more["operation_id"]) == (8, True)
    # That the operation is over is told.
    assert place.value("SELECT count(*) FROM events") == events + 1


def test_an_import_killed_at_any_moment_loses_and_repeats_nothing(place: Place) -> None:
    people = 400
    path = place.people(people)
    with path.open("a") as file:
        file.write("u-x,nothing\nu-0,forklift,2025-01-10,2099-01-01\n")
    chance = random.Random()
    kills = 0
    while True:
        process = place.started(path)
        done = place.operation().done if kills else 0
        place.wait_for(done + chance.randrange(1, 150), process)
        time.sleep(chance.random() * 0.05)
        process.kill()
        process.communicate(timeout=60)
        if process.returncode == -signal.SIGKILL:
            kills += 1
        if kills == 3 or process.returncode != -signal.SIGKILL:
            break
    assert kills
    told = place.told(path, code=2)
    assert (told["succeeded"], told["unchanged"], told["refused"]) == (people, 1, 1)
    assert place.value("SELECT count(*) FROM bulk_operations") == 1
    assert place.value("SELECT count(*) FROM enrollments") == people
    assert place.value("SELECT count(*) FROM certificates") == people
    created = "SELECT count(*) FROM events WHERE type = 'enrollment.created'"
    assert place.value(created) == people
    assert [one["row"] for one in place.refused()] == [str(people + 2)]


def test_an_import_that_is_told_to_stop_says_how_to_go_on(place: Place) -> None:
    path = place.people(400)
    process = place.started(path)
    place.wait_for(20, process)
    process.send_signal(signal.SIGINT)
    printed, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    told = json.loads(printed)
    assert (told["complete"], told["rows"]) == (False, 400)
    assert 20 <= told["done"] < 400
    assert "The same command goes on" in said
    gone_on = place.run(path)
    assert f"Going on behind the first {told['done']} rows" in gone_on.stderr
    assert json.loads(gone_on.stdout)["succeeded"] == 400


def test_an_import_that_is_told_twice_does_not_wait(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def endless(*_: Any) -> Any:
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.sleep(0.05)
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.sleep(3600)

    monkeypatch.setattr(importing, "do", endless)
    stopped = place.run(place.people(3))
    assert (stopped.exit_code, stopped.stdout) == (130, "")
    assert "0 rows are taken; the same command" in stopped.stderr
    monkeypatch.setattr(importing, "do", do)
    assert place.told(place.folder / "people.csv")["succeeded"] == 3


def test_an_import_that_was_cancelled_stops_and_may_begin_again(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CERTSVC_BATCH_SIZE", "5")

    async def cancelling(*given: Any) -> Any:
        conn, _, now, operation = given[:4]
        await bulk_operations.cancel(conn, TENANT, operation.id, now)
        return await do(*given)

    monkeypatch.setattr(importing, "do", cancelling)
    stopped = place.run(place.people(12))
    assert (stopped.exit_code, "was cancelled" in stopped.stderr) == (1, True)
    assert place.operation().done == 5
    monkeypatch.setattr(importing, "do", do)
    told = place.told(place.folder / "people.csv")
    assert (told["unchanged"], told["succeeded"]) == (5, 7)


def test_a_connection_that_is_cut_is_replaced(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CERTSVC_BATCH_SIZE", "5")
    cuts = 0

    async def cutting(*given: Any) -> Any:
        nonlocal cuts
        done = await do(*given)
        cuts += 1
        if cuts in (2, 3):
            await driver(given[0]).execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        return done

    monkeypatch.setattr(importing, "do", cutting)
    assert place.told(place.people(22))["succeeded"] == 22
    created = "SELECT count(*) FROM events WHERE type = 'enrollment.created'"
    assert place.value(created) == 22


def test_one_file_is_imported_by_one_command_at_a_time(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("certsvc.cli.importing.WAIT_SECONDS", 0.1)
    path = place.people(400)
    process = place.started(path)
    place.wait_for(10, process)
    second = place.run(path)
    assert (second.exit_code, "somebody else" in second.stderr) == (1, True)
    process.communicate(timeout=60)
    assert process.returncode == 0
    assert place.value("SELECT count(*) FROM enrollments") == 400


def test_the_scheduler_leaves_an_import_to_whoever_reads_the_file(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: Any) -> None:
        raise RuntimeError("the power is cut")

    monkeypatch.setattr("certsvc.cli.importing.finish", away)
    assert isinstance(place.run(place.people(3)).exception, RuntimeError)

    async def scheduler() -> None:
        engine = open_engine(place.url)
        try:
            await run_due(engine, 100)
        finally:
            await engine.dispose()

    asyncio.run(scheduler())
    assert place.operation().state == "running"
    monkeypatch.undo()
    monkeypatch.setenv("CERTSVC_DATABASE_URL", place.url)
    assert place.told(place.folder / "people.csv")["succeeded"] == 3
    assert place.operation().state == "completed"


def test_a_row_that_cannot_be_saved_fails_alone(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:

    async def stumbling(*given: Any) -> Any:
        if any(item.learner_id == "u-5" for item in given[4]):
            raise ZeroDivisionError
        return await do(*given)

    monkeypatch.setattr(importing, "do", stumbling)
    told = place.told(place.people(12), code=2)
    assert (told["succeeded"], told["failed"]) == (11, 1)
    assert [(one["row"], one["code"]) for one in place.refused()] == [("7", "internal_error")]
