"""`certsvc import`: what goes in, and what is refused and why."""

import json
from collections.abc import Iterable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from certsvc.cli.program import app
from tests.cli.place import Place
from tests.support.programmes import utc
from tests.support.stage import MONDAY

EXAMPLE = Path(__file__).parents[2] / "examples" / "import.csv"


def test_people_and_their_certificates_go_in(place: Place) -> None:
    path = place.file(
        "certification,learner_id,certified_at,valid_from,expires_at,due_at,group,source",
        "forklift,u-1,2024-03-10T09:00:00+01:00,,2099-03-11,,,",
        "forklift,u-2,,,,2099-06-30T12:00:00Z,G1,group",
        "018cc251-f400-7000-8000-00000000c001,u-3,2020-01-10,2020-02-01,,,,",
    )
    told = place.told(path)
    assert (told["complete"], told["rows"], told["succeeded"], told["report"]) == (True, 3, 3, None)
    people = place.enrollments()
    held = people["u-1"].certificate
    assert held is not None
    assert (held.certified_at, held.expires_at) == (
        utc("2024-03-10T08:00"),
        utc("2099-03-11T00:00"),
    )
    assert people["u-1"].status == "certified"
    assert {(a.source, a.group) for a in people["u-2"].assignments} == {("group", "G1")}
    assert people["u-2"].cycle is not None
    assert people["u-2"].cycle.due_at == utc("2099-06-30T12:00")
    past = people["u-3"].certificate
    assert past is not None
    assert (past.valid_from, past.expires_at) == (utc("2020-02-01T00:00"), utc("2021-01-11T00:00"))
    assert people["u-3"].status == "lapsed"


def test_an_import_is_a_bulk_operation_whose_events_carry_its_id(place: Place) -> None:
    told = place.told(place.people(7))
    operation = place.operation()
    assert str(operation.id) == told["operation_id"]
    assert (operation.action, operation.state, operation.total) == ("enroll", "completed", 7)
    assert (operation.done, operation.actor, operation.reason) == (7, "cli", "import of people.csv")
    others = "SELECT count(*) FROM events WHERE bulk_operation_id IS DISTINCT FROM $$ID$$"
    assert place.value(others.replace("$$ID$$", f"'{operation.id}'")) == 0
    ends = "SELECT count(*) FROM events WHERE type = 'bulk_operation.completed'"
    assert place.value(ends) == 1


def test_every_row_that_is_refused_is_named_with_its_reason(place: Place) -> None:
    path = place.file(
        "learner_id;certification;certified_at;expires_at;when;due_at",
        "u-1;forklift;2025-01-10;2099-01-01;;",
        ";forklift;2025-01-10;;;",
        "u 3;forklift;;;;",
        "u-4;juggling;;;;",
        "u-5;forklift;10.01.2025;;;",
        "u-6;forklift;2025-02-30;;;",
        "u-7;forklift;2199-01-10;;;",
        "",
        ";;;;;",
        "u-10;forklift;2025-01-10;2025-01-01;;",
        "u-11;forklift;;2025-01-01;;",
        'u-12;"forklift;;;;',
        "u-13;forklift;;;;;;more",
        "u-14;forklift",
        "u-15;forklift;2025-01-10;;sometimes;",
        "u-16;forklift;;;;2025-01-10T09:00:00",
        "u-17;forklift;2025-01-10;2099-01-01;if_newer;",
    )
    told = place.told(path, code=2)
    counts = {name: told[name] for name in ("rows", "succeeded", "refused", "not_found", "failed")}
    assert counts == {"rows": 15, "succeeded": 2, "refused": 12, "not_found": 1, "failed": 0}
    assert Path(told["report"]) == place.report
    named = [(int(one["row"]), one["learner_id"], one["code"]) for one in place.refused()]
    assert named == [
        (3, "", "missing"),
        (4, "u 3", "string_pattern_mismatch"),
        (5, "u-4", "certification_not_found"),
        (6, "u-5", "instant"),
        (7, "u-6", "instant"),
        (8, "u-7", "invalid_parameter"),
        (11, "u-10", "invalid_parameter"),
        (12, "u-11", "missing"),
        (13, "", "not_csv"),
        (14, "u-13", "fields"),
        (15, "u-14", "fields"),
        (16, "u-15", "unknown_word"),
        (17, "u-16", "instant"),
    ]
    assert all(one["detail"] for one in place.refused())
    assert [one["certification"] for one in place.refused()][2] == "juggling"
    assert set(place.enrollments()) == {"u-1", "u-17"}


def test_what_the_rules_forbid_is_refused_row_by_row(place: Place) -> None:
    place.value("UPDATE certifications SET active = false, revision = revision + 1")
    told = place.told(place.people(3), code=2)
    assert (told["refused"], told["succeeded"]) == (3, 0)
    assert {one["code"] for one in place.refused()} == {"certification_inactive"}
    place.value("UPDATE certifications SET active = true, revision = revision + 1")
    told = place.told(place.folder / "people.csv", "--again")
    assert (told["refused"], told["succeeded"], told["report"]) == (0, 3, None)
    # The report of the run before is not left to mislead.
    assert place.refused() == []


@pytest.mark.parametrize(
    ("delimiter", "option"),
    [(",", ()), (";", ()), ("\t", ()), (";", ("--delimiter", ";")), ("\t", ("--delimiter", "tab"))],
)
def test_delimiters_are_seen_or_said(place: Place, delimiter: str, option: tuple[str, ...]) -> None:
    rows = ("Learner_ID|certification", "u-1|forklift", '"u-2"|"forklift"')
    path = place.file(*(row.replace("|", delimiter) for row in rows))
    assert place.told(path, *option)["succeeded"] == 2
    assert set(place.enrollments()) == {"u-1", "u-2"}


def test_a_byte_order_mark_and_the_line_ends_of_windows_are_no_content(place: Place) -> None:
    path = place.file("learner_id,certification\r", "u-1,forklift\r", encoding="utf-8-sig")
    assert place.told(path)["succeeded"] == 1
    assert set(place.enrollments()) == {"u-1"}


def test_a_row_that_is_not_utf8_is_refused_alone(place: Place) -> None:
    path = place.file(
        "learner_id,certification,group", "u-1,forklift,Öl", "u-2,forklift,", encoding="latin-1"
    )
    assert place.told(path, code=2)["succeeded"] == 1
    assert [(one["row"], one["code"]) for one in place.refused()] == [("2", "not_utf8")]


def test_a_date_is_the_beginning_of_its_day_in_the_zone(place: Place) -> None:
    path = place.file("learner_id,certification,due_at", "u-1,forklift,2098-07-01")
    assert place.told(path, "--time-zone", "Europe/Berlin")["succeeded"] == 1
    cycle = place.enrollments()["u-1"].cycle
    assert cycle is not None
    assert cycle.due_at == utc("2098-06-30T22:00")
    # Read in another zone, it is another import.
    assert place.told(path)["unchanged"] == 1


def test_several_certificates_of_one_person_all_go_in(place: Place) -> None:
    path = place.file(
        "learner_id,certification,certified_at,expires_at",
        "u-1,forklift,2024-05-01,2025-05-01",
        "u-1,forklift,2025-04-20,2099-05-01",
        "u-1,forklift,2023-05-01,2024-05-01",
    )
    assert place.told(path)["succeeded"] == 3
    one = place.enrollments()["u-1"]
    assert len(one.issued) == 3
    assert one.certificate is not None
    assert one.certificate.certified_at == utc("2025-04-20T00:00")


@pytest.mark.parametrize(
    ("lines", "options", "said"),
    [
        (("learner_id,certification,shoe_size", "u-1,forklift,9"), (), "'shoe_size'"),
        (("learner_id,group", "u-1,G1"), (), "column certification"),
        (("learner_id,certification,learner_id", "u-1,forklift,u-1"), (), "twice"),
        ((), (), "must name the columns"),
        (("learner_id,certification",), ("--time-zone", "Mars/Olympus"), "not a time zone"),
        (("learner_id,certification",), ("--tenant", "nobody"), "no tenant"),
        (("learner_id,certification",), ("--report", "/nowhere/there.csv"), "cannot be written"),
        (("learner_id,certification", "x" * 70_000), (), "no row of a CSV"),
    ],
    ids=range(8),
)
def test_a_file_that_cannot_be_read_changes_nothing(
    place: Place, lines: Iterable[str], options: tuple[str, ...], said: str
) -> None:
    failed = place.run(place.file(*lines), *options)
    assert (failed.exit_code, failed.stdout) == (1, "")
    assert said in failed.stderr
    assert place.value("SELECT count(*) FROM bulk_operations") == 0


def test_neither_a_missing_file_nor_the_file_itself_is_written_to(place: Place) -> None:
    missing = place.run(place.folder / "nowhere.csv")
    assert (missing.exit_code, "cannot be read" in missing.stderr) == (1, True)
    path = place.people(2)
    assert place.run(path, "--report", str(path)).exit_code == 1
    assert place.run(path, "--delimiter", "|").exit_code == 2


def test_a_file_may_come_through_a_pipe(place: Place) -> None:
    content = place.people(7).read_bytes()
    report = place.folder / "left.csv"
    first = place.run("-", "--report", str(report), stdin=content)
    assert (first.exit_code, json.loads(first.stdout)["succeeded"]) == (0, 7)
    # The content is what counts, however it comes.
    again = place.told(place.folder / "people.csv")
    assert again["operation_id"] == json.loads(first.stdout)["operation_id"]


def test_two_tenants_ask_for_a_name(place: Place) -> None:
    assert CliRunner().invoke(app, ["tenant", "create", "other"]).exit_code == 0
    path = place.people(2)
    assert place.run(path).exit_code == 1
    assert place.told(path, "--tenant", "acme")["succeeded"] == 2
    # The same file for another tenant is another import; there the certification is unknown.
    assert place.told(path, "--tenant", "other", code=2)["not_found"] == 2


def test_in_a_sandbox_its_clock_says_what_lies_ahead(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.value("UPDATE tenants SET sandbox = true, clock_at = '2026-01-05T09:00Z'")
    path = place.file(
        "learner_id,certification,certified_at",
        "u-1,forklift,2026-01-05T09:00:00Z",
        "u-2,forklift,2026-01-05T09:00:01Z",
    )
    assert place.told(path, code=2)["succeeded"] == 1
    assert place.enrollments()["u-1"].enrolled_at == MONDAY
    assert place.operation().finished_at == MONDAY


def test_the_example_goes_in(place: Place) -> None:
    report = place.folder / "report.csv"
    assert place.told(EXAMPLE, "--report", str(report))["refused"] == 0
