"""What the LMS itself knows: people, courses, groups, results, and how far it has listened.

One SQLite file stands for an LMS's database. What is to be told stays marked until the service has
confirmed it, and what was heard is written in the transaction that acts on it: either may be cut
off anywhere and started again.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

CAMPUS = Path(__file__).with_name("campus.json")
SCHEMA = """
CREATE TABLE people (id TEXT PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE courses (
  id TEXT PRIMARY KEY, title TEXT, state TEXT, revision TEXT, overbooking INTEGER);
CREATE TABLE sessions (
  course_id TEXT, id TEXT, starts_at TEXT, capacity INTEGER, cancelled INTEGER DEFAULT 0,
  PRIMARY KEY (course_id, id));
CREATE TABLE groups (id TEXT PRIMARY KEY);
CREATE TABLE members (group_id TEXT, learner_id TEXT, PRIMARY KEY (group_id, learner_id));
CREATE TABLE results (
  id TEXT PRIMARY KEY, fact TEXT NOT NULL, occurred_at TEXT NOT NULL,
  became TEXT, problem TEXT);
CREATE TABLE assigned (
  learner_id TEXT, course_id TEXT, event_id TEXT, PRIMARY KEY (learner_id, course_id, event_id));
CREATE TABLE mails (event_id TEXT PRIMARY KEY, learner_id TEXT, text TEXT);
CREATE TABLE kept (name TEXT PRIMARY KEY, value TEXT);
"""

Fact = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Course:
    """A course as the LMS keeps it."""

    id: str
    title: str
    state: str
    revision: str
    overbooking: bool


@dataclass(frozen=True, slots=True)
class Session:
    """A live session of a course."""

    course_id: str
    id: str
    starts_at: datetime
    capacity: int
    cancelled: bool


class Records:
    """The LMS's database."""

    def __init__(self, file: Path | str) -> None:
        self._db = sqlite3.connect(file, isolation_level=None)
        self._db.row_factory = sqlite3.Row
        if not self._rows("SELECT name FROM sqlite_master"):
            self._db.executescript(SCHEMA)
            self._fill(json.loads(CAMPUS.read_text()))

    def _fill(self, campus: dict[str, Any]) -> None:
        with self.transaction():
            self._many("INSERT INTO people VALUES (?, ?)", campus["people"].items())
            self._many(
                "INSERT INTO courses VALUES (:id, :title, :state, :revision, :overbooking)",
                campus["courses"],
            )
            self._many(
                "INSERT INTO sessions (course_id, id, starts_at, capacity)"
                " VALUES (:course_id, :id, :starts_at, :capacity)",
                campus["sessions"],
            )
            for group, members in campus["groups"].items():
                self._db.execute("INSERT INTO groups VALUES (?)", [group])
                self.put_members(group, members)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All of it, or nothing."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def name(self, learner: str) -> str:
        """What a person is called."""
        rows = self._rows("SELECT name FROM people WHERE id = ?", learner)
        return str(rows[0]["name"]) if rows else learner

    def courses(self) -> list[Course]:
        """Every course."""
        return [
            Course(row["id"], row["title"], row["state"], row["revision"], bool(row["overbooking"]))
            for row in self._rows("SELECT * FROM courses ORDER BY id")
        ]

    def sessions(self) -> list[Session]:
        """Every live session."""
        return [
            Session(
                row["course_id"],
                row["id"],
                datetime.fromisoformat(row["starts_at"]),
                row["capacity"],
                bool(row["cancelled"]),
            )
            for row in self._rows("SELECT * FROM sessions ORDER BY course_id, id")
        ]

    def groups(self) -> dict[str, list[str]]:
        """The members of every group, of empty ones too."""
        found: dict[str, list[str]] = {row["id"]: [] for row in self._rows("SELECT * FROM groups")}
        for row in self._rows("SELECT * FROM members ORDER BY group_id, learner_id"):
            found[row["group_id"]].append(row["learner_id"])
        return found

    def put_members(self, group: str, learners: Iterable[str]) -> None:
        """Somebody edited a group."""
        self._db.execute("DELETE FROM members WHERE group_id = ?", [group])
        self._many("INSERT INTO members VALUES (?, ?)", ((group, one) for one in learners))

    def add_result(self, fact: Fact) -> None:
        """A learner finished something; `fact` is what the service will be told."""
        self._db.execute(
            "INSERT INTO results (id, fact, occurred_at) VALUES (?, ?, ?)",
            [fact["id"], json.dumps(fact), fact["occurred_at"]],
        )

    def correct_result(self, id: str, **corrected: Any) -> None:
        """Somebody saw why a result was rejected; it is told again."""
        (row,) = self._rows("SELECT fact FROM results WHERE id = ?", id)
        fact = {**json.loads(row["fact"]), **corrected}
        self._db.execute(
            "UPDATE results SET fact = ?, occurred_at = ?, became = NULL, problem = NULL"
            " WHERE id = ?",
            [json.dumps(fact), fact["occurred_at"], id],
        )

    def untold_results(self, limit: int) -> list[Fact]:
        """Results that the service has not confirmed, in the order in which they came about."""
        sql = "SELECT fact FROM results WHERE became IS NULL ORDER BY occurred_at, id LIMIT ?"
        return [json.loads(row["fact"]) for row in self._rows(sql, limit)]

    def confirm_results(self, became: Iterable[tuple[str, str, str | None]]) -> None:
        """What became of results: recorded, duplicate, or rejected and why."""
        with self.transaction():
            self._many(
                "UPDATE results SET became = ?2, problem = ?3 WHERE id = ?1",
                became,
            )

    def rejected_results(self) -> dict[str, str]:
        """Results that somebody has to look at, and why."""
        sql = "SELECT id, problem FROM results WHERE became = 'rejected' ORDER BY id"
        return {row["id"]: row["problem"] for row in self._rows(sql)}

    def assign_course(self, learner: str, course: str, event: str) -> None:
        """Put a course on a learner's list, or on it again for another cycle."""
        self._db.execute(
            "INSERT OR IGNORE INTO assigned VALUES (?, ?, ?)", [learner, course, event]
        )

    def assigned(self, course: str) -> list[str]:
        """Who has had a course on the list, once for each time."""
        sql = "SELECT learner_id FROM assigned WHERE course_id = ? ORDER BY learner_id"
        return [row["learner_id"] for row in self._rows(sql, course)]

    def mail(self, learner: str, text: str, event: str) -> None:
        """Send a mail: once for an event, however often it is heard of."""
        self._db.execute("INSERT OR IGNORE INTO mails VALUES (?, ?, ?)", [event, learner, text])

    def mails(self) -> list[tuple[str, str]]:
        """To whom what was sent."""
        rows = self._rows("SELECT learner_id, text FROM mails ORDER BY rowid")
        return [(row["learner_id"], row["text"]) for row in rows]

    def kept(self, name: str) -> str | None:
        """A value that was kept."""
        rows = self._rows("SELECT value FROM kept WHERE name = ?", name)
        return rows[0]["value"] if rows else None

    def keep(self, name: str, value: str) -> None:
        """Keep a value."""
        self._db.execute("INSERT OR REPLACE INTO kept VALUES (?, ?)", [name, value])

    def _rows(self, sql: str, *values: Any) -> list[sqlite3.Row]:
        return self._db.execute(sql, values).fetchall()

    def _many(self, sql: str, rows: Iterable[Any]) -> None:
        self._db.executemany(sql, list(rows))
