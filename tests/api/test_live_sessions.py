"""Live sessions over HTTP: seats taken, handed on, lost; the unregistered list in its order.

The sandbox starts on Monday, 5 January 2026, 09:00 UTC. C-7 is a class with live sessions.
"""

from typing import Any

import pytest

from tests.api.world import House, at, course
from tests.support.classroom import ONLY_COURSE
from tests.support.programmes import SESSION, definition, path

Json = Any
CLASS = "/v1/courses/C-7"


async def classroom(house: House, *, overbooking: bool = False, **switches: Any) -> None:
    """A programme whose path needs a seat in C-7, and the course C-1."""
    await house.lms.put(CLASS, {"title": "First aid", "overbooking": overbooking})
    await house.programme("forklift", definition(path(SESSION, ONLY_COURSE)), **switches)


async def session(house: House, id: str = "S-1", **fields: Any) -> Json:
    """The LMS tells of a session."""
    return await house.lms.put(f"{CLASS}/sessions/{id}", {"capacity": 1, **fields})


async def line(house: House) -> list[str]:
    """Who stands in line, in order."""
    listed = await house.reader.get(f"{CLASS}/unregistered-learners")
    return [item["learner_id"] for item in listed["items"]]


async def seat(house: House, enrolled: Json) -> tuple[str, str | None]:
    """Where the work is, and in which session there is a seat."""
    now = await house.reader.get(f"/v1/enrollments/{enrolled['id']}")
    places = [place["session_id"] for place in now["seats"]]
    return now["work"], places[0] if places else None


async def types(house: House, enrolled: Json) -> list[str]:
    """What was told of the enrollment."""
    history = await house.reader.get(f"/v1/enrollments/{enrolled['id']}/history", limit=200)
    return [item["type"] for item in history["items"]]


async def test_who_comes_first_gets_the_seat_and_the_next_one_waits(house: House) -> None:
    await classroom(house)
    told = await session(house)
    assert (told["seats_taken"], told["seats_free"]) == (0, 1)
    first, second = await house.enroll("first"), await house.enroll("second")
    assert (first["work"], first["seats"][0]["session_id"]) == ("not_started", "S-1")
    assert (second["work"], second["flags"]) == ("waiting", ["awaiting_session"])
    assert await line(house) == ["second"]
    assert "session.waiting" not in await types(house, first)
    assert (await types(house, first))[-2:] == ["session.seat_taken", "enrollment.opened"]


async def test_a_seat_that_is_given_up_goes_to_the_next_in_line(house: House) -> None:
    await classroom(house)
    await session(house)
    first = await house.enroll("first")
    second, third = await house.enroll("second"), await house.enroll("third")
    await house.act(first, "cancel", reason="Left the company")
    assert await seat(house, second) == ("not_started", "S-1")
    assert await seat(house, third) == ("waiting", None)
    assert (await types(house, first))[-1] == "session.seat_given_up"
    assert await line(house) == ["third"]


async def test_a_session_that_grows_takes_those_in_line_in_their_order(house: House) -> None:
    await classroom(house)
    people = []
    for number in range(5):
        people.append(await house.enroll(f"p{number}"))
        await house.travel(f"2026-01-05T1{number}:00")
    assert await line(house) == ["p0", "p1", "p2", "p3", "p4"]
    await session(house, capacity=2)
    assert await line(house) == ["p2", "p3", "p4"]
    grown = await session(house, capacity=4)
    assert (grown["seats_taken"], grown["seats_free"]) == (4, 0)
    assert await line(house) == ["p4"]
    opened = [(await house.reader.get(f"/v1/enrollments/{one['id']}"))["cycle"] for one in people]
    assert [cycle["opened_at"] for cycle in opened] == [at("2026-01-05T14:00")] * 4 + [None]


async def test_a_session_that_shrinks_takes_no_seat_away_and_gives_none(house: House) -> None:
    await classroom(house)
    await session(house, capacity=3)
    people = [await house.enroll(f"p{number}") for number in range(3)]
    small = await session(house, capacity=1)
    assert (small["seats_taken"], small["seats_free"]) == (3, 0)
    await house.act(people[0], "cancel")
    late = await house.enroll("late")
    assert await seat(house, late) == ("waiting", None)


async def test_who_loses_a_seat_with_a_cancelled_session_keeps_the_old_place(house: House) -> None:
    await classroom(house)
    await session(house)
    early = await house.enroll("early")
    await house.travel("2026-01-06T09:00")
    late = await house.enroll("late")
    cancelled = await house.lms.delete(f"{CLASS}/sessions/S-1")
    assert (cancelled["cancelled_at"], cancelled["seats_free"]) == (at("2026-01-06T09:00"), 0)
    assert await line(house) == ["early", "late"]
    now = await house.reader.get(f"/v1/enrollments/{early['id']}")
    assert (now["work"], now["flags"]) == ("not_started", ["awaiting_session"])
    await session(house, "S-2")
    assert await seat(house, early) == ("not_started", "S-2")
    assert await seat(house, late) == ("waiting", None)
    assert (await types(house, early))[-2:] == ["session.waiting", "session.seat_taken"]


async def test_a_cancelled_session_that_is_told_again_is_on_again(house: House) -> None:
    await classroom(house)
    await session(house)
    enrolled = await house.enroll()
    await house.lms.delete(f"{CLASS}/sessions/S-1")
    again = await session(house)
    assert (again["cancelled_at"], again["seats_taken"]) == (None, 1)
    assert await seat(house, enrolled) == ("not_started", "S-1")


async def test_the_first_session_with_room_is_filled_first(house: House) -> None:
    await classroom(house)
    await session(house, "S-b", starts_at=at("2026-02-01T09:00"))
    await session(house, "S-a", starts_at=at("2026-03-01T09:00"))
    await session(house, "S-0", starts_at=at("2026-01-05T08:00"))
    people = [await house.enroll(f"p{number}") for number in range(3)]
    assert [(await seat(house, one))[1] for one in people] == ["S-b", "S-a", None]


async def test_with_overbooking_the_cycle_opens_and_the_list_is_for_the_next_seat(
    house: House,
) -> None:
    await classroom(house, overbooking=True)
    enrolled = await house.enroll()
    assert (enrolled["work"], enrolled["flags"]) == ("not_started", ["awaiting_session"])
    assert await line(house) == ["u-17"]
    await session(house)
    assert await seat(house, enrolled) == ("not_started", "S-1")
    assert await line(house) == []


async def test_turning_overbooking_on_opens_the_cycles_of_those_in_line(house: House) -> None:
    await classroom(house)
    people = [await house.enroll(f"p{number}") for number in range(3)]
    changed = await house.lms.put(CLASS, {"overbooking": True})
    assert changed["effect"]["opened"] == 3
    assert {(await seat(house, one))[0] for one in people} == {"not_started"}
    assert await line(house) == ["p0", "p1", "p2"]


async def test_recertification_at_the_window_takes_seats_in_the_order_of_the_windows(
    house: House,
) -> None:
    await classroom(house, automatic_recertification=True)
    await session(house, capacity=None, starts_at=at("2026-06-01T09:00"))
    people = []
    for number in range(3):
        people.append(one := await house.enroll(f"p{number}"))
        now = (await house.reader.get("/v1/test-clock"))["now"]
        attended = {
            "id": f"there-{number}",
            "type": "session_attendance",
            "learner_id": f"p{number}",
            "occurred_at": now,
            "course_id": "C-7",
            "session_id": "S-1",
            "outcome": "attended",
        }
        await house.record(attended, course(f"c-{number}", f"p{number}", now))
        assert (await house.reader.get(f"/v1/enrollments/{one['id']}"))["status"] == "certified"
        await house.travel(f"2026-01-0{6 + number}T09:00")
    await session(house, "S-2", capacity=2, starts_at=at("2027-06-01T09:00"))
    await house.travel("2026-12-31T00:00")
    assert [await seat(house, one) for one in people] == [
        ("not_started", "S-2"),
        ("not_started", "S-2"),
        ("waiting", None),
    ]
    last = await house.reader.get(f"/v1/enrollments/{people[2]['id']}")
    assert (last["status"], last["flags"]) == ("certified", ["expiring", "awaiting_session"])
    await house.travel("2027-01-15T00:00")
    assert (await house.reader.get(f"/v1/enrollments/{people[2]['id']}"))["status"] == (
        "recertifying"
    )


async def test_who_was_there_before_the_lms_told_of_the_class_stands_in_line_for_it(
    house: House,
) -> None:
    await house.programme("forklift", definition(path(SESSION, ONLY_COURSE)))
    people = [await house.enroll(f"p{number}") for number in range(2)]
    assert [await seat(house, one) for one in people] == [("not_started", None)] * 2
    await session(house)
    assert [await seat(house, one) for one in people] == [
        ("not_started", "S-1"),
        ("not_started", None),
    ]
    assert await line(house) == ["p1"]


async def test_who_is_certified_by_hand_while_waiting_gets_the_next_seat_all_the_same(
    house: House,
) -> None:
    await classroom(house, automatic_recertification=True)
    waiting = await house.enroll()
    renewing = await house.act(
        waiting, "certify", reason="Old paper", certified_at=at("2025-01-20T09:00")
    )
    assert (renewing["standing"], renewing["work"]) == ("valid", "waiting")
    assert await line(house) == ["u-17"]
    await session(house)
    assert await seat(house, waiting) == ("not_started", "S-1")


async def test_a_seat_that_is_lost_and_found_again_is_taken_after_it_was_lost(
    house: House,
) -> None:
    await classroom(house)
    await session(house)
    await session(house, "S-2", starts_at=at("2026-06-01T09:00"))
    enrolled = await house.enroll()
    assert await seat(house, enrolled) == ("not_started", "S-2")
    await house.travel("2026-01-07T09:00")
    await house.lms.delete(f"{CLASS}/sessions/S-2")
    assert await seat(house, enrolled) == ("not_started", "S-1")
    history = await house.reader.get(f"/v1/enrollments/{enrolled['id']}/history", limit=200)
    last = history["items"][-1]
    assert (last["type"], last["effective_at"]) == ("session.seat_taken", at("2026-01-07T09:00"))


async def test_a_step_that_is_needed_again_comes_last_in_line(house: House) -> None:
    await classroom(house, overbooking=True)
    first = await house.enroll("first")
    done = {
        "id": "there",
        "type": "session_attendance",
        "learner_id": "first",
        "occurred_at": at("2026-01-05T09:00"),
        "course_id": "C-7",
        "outcome": "attended",
    }
    await house.record(done)
    await house.travel("2026-01-06T09:00")
    await house.enroll("second")
    await house.travel("2026-01-07T09:00")
    back = {**done, "id": "mistake", "type": "retraction", "retracts": "there"}
    for name in ("course_id", "outcome"):
        back.pop(name)
    await house.record(back)
    assert (await house.reader.get(f"/v1/enrollments/{first['id']}"))["flags"] == [
        "awaiting_session"
    ]
    assert await line(house) == ["second", "first"]


async def test_leaving_the_group_frees_the_seat(house: House) -> None:
    await classroom(house)
    await session(house)
    enrolled = await house.enroll("first")
    second = await house.enroll("second")
    (assignment,) = enrolled["assignments"]
    await house.lms.delete(f"/v1/enrollments/{enrolled['id']}/assignments/{assignment['id']}")
    assert await seat(house, second) == ("not_started", "S-1")


async def test_the_line_is_paged_in_its_order(house: House) -> None:
    await classroom(house)
    for number in range(7):
        await house.enroll(f"p{number}")
    path, seen, cursor = f"{CLASS}/unregistered-learners", [], None
    while True:
        query = {"limit": 3} | ({"cursor": cursor} if cursor else {})
        listed = await house.reader.get(path, **query)
        seen += [item["learner_id"] for item in listed["items"]]
        cursor = listed["next_cursor"]
        if cursor is None:
            break
    assert seen == [f"p{number}" for number in range(7)]


async def test_sessions_are_read_listed_and_told_again_without_a_change(house: House) -> None:
    told = await session(house, "S-1", title="Monday", metadata={"room": "4"})
    await house.travel("2026-01-06T09:00")
    assert await session(house, "S-1", title="Monday", metadata={"room": "4"}) == told
    assert await house.reader.get(f"{CLASS}/sessions/S-1") == told
    listed = await house.reader.get(f"{CLASS}/sessions")
    assert listed["items"] == [told]
    known = await house.reader.get(CLASS)
    assert (known["state"], known["overbooking"]) == ("published", False)


async def test_of_a_session_that_nobody_told_of_nothing_is_known(
    house: House, neighbour: House
) -> None:
    await session(house)
    problem = await neighbour.reader.get(f"{CLASS}/sessions/S-1", expect=404)
    assert problem["code"] == "session_not_found"
    assert (await neighbour.lms.delete(f"{CLASS}/sessions/S-1", expect=404))["code"] == (
        "session_not_found"
    )
    assert (await house.reader.get(f"{CLASS}/sessions/S-1"))["cancelled_at"] is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"capacity": -1},
        {"capacity": 1.5},
        {"capacity": "ten"},
        {"starts_at": "tomorrow"},
        {"starts_at": at("2026-02-02T00:00"), "ends_at": at("2026-02-01T00:00")},
        {"seats": 4},
    ],
    ids=str,
)
async def test_a_session_that_makes_no_sense_is_refused(house: House, wrong: Json) -> None:
    await house.lms.put(f"{CLASS}/sessions/S-1", wrong, expect=422)
    await house.reader.get(f"{CLASS}/sessions/S-1", expect=404)
