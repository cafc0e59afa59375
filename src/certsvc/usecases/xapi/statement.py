"""An xAPI statement (IEEE 9274.1.1, and 1.0.x before it) read for what matters here. Pure.

What does not matter is not looked at: whether a statement is sound as a whole is the Learning
Record Store's to judge. What is read holds nothing that a database could not.
"""

import json
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from hashlib import blake2b
from typing import Any, Final
from uuid import UUID

from certsvc.usecases.xapi.result import Result, WrongResult, read_result
from certsvc.usecases.xapi.verbs import Says, said_by

CATEGORY: Final = "https://w3id.org/xapi/cmi5/context/categories/cmi5"
SESSION: Final = "https://w3id.org/xapi/cmi5/context/extensions/sessionid"
LONGEST_ACTIVITY_ID: Final = 2000
"""In bytes; a longer one cannot be given a meaning."""

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", re.ASCII)
_LMS_ID = re.compile(r"[A-Za-z0-9._:@+\-]{1,128}", re.ASCII)
_IRI = re.compile("[A-Za-z][A-Za-z0-9+.-]*:[^\\s\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]+")
_EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)
_LATEST = datetime(9000, 1, 1, tzinfo=UTC)


class Reason(StrEnum):
    """Why a statement that is sound comes to nothing."""

    MEANINGLESS_VERB = "verb_without_meaning"
    NO_RESULT = "no_result"
    UNKNOWN_ACTIVITY = "unknown_activity"
    AMBIGUOUS_ACTIVITY = "ambiguous_activity"
    NO_ACTIVITY = "object_is_no_activity"
    GROUP = "actor_is_a_group"
    NO_ACCOUNT = "actor_without_account"
    FOREIGN_ACCOUNT = "foreign_account"
    NO_LEARNER_ID = "account_is_no_learner_id"
    VOIDED = "voided"
    UNKNOWN_STATEMENT = "unknown_statement"
    VOIDING_IS_FINAL = "voiding_is_final"


class Mailbox(StrEnum):
    """What of an actor's mailbox is the learner's id."""

    ADDRESS = "address"
    LOCAL_PART = "local_part"


@dataclass(frozen=True, slots=True)
class Rules:
    """Whose statements count: accounts on these home pages (none: on any); and mailboxes, if so
    said."""

    home_pages: frozenset[str] = frozenset()
    mailbox: Mailbox | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What a statement says. `activities` are the object's id, and after it ids under which cmi5
    knows the object too; `voids` is the statement that it voids; `at` None: not said; `kept` is
    what nothing is decided by; the digest tells the same statement from another."""

    id: str
    verb: str
    says: Says
    learner_id: str = ""
    activities: tuple[str, ...] = ()
    voids: str | None = None
    at: datetime | None = None
    grade: float | None = None
    attempt_id: str | None = None
    kept: dict[str, Any] = field(default_factory=dict)
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Ignored:
    """A sound statement that comes to nothing here."""

    id: str
    reason: Reason


@dataclass(frozen=True, slots=True)
class Wrong:
    """What is wrong with a statement, and where; its id, if that can be read."""

    id: str | None
    code: str
    detail: str
    pointer: str


class _NoError(Exception):
    """Ends the reading of a statement."""

    def __init__(self, no: Ignored | Wrong) -> None:
        self.no = no


def read(value: Any, rules: Rules) -> Statement | Ignored | Wrong:
    """The statement that JSON says."""
    if not isinstance(value, dict):
        return Wrong(None, "not_a_statement", "A statement is an object.", "")
    given = value.get("id")
    if given is None:
        return Wrong(None, "statement_id_missing", "A forwarded statement has its id.", "/id")
    if not _is_uuid(given):
        return Wrong(None, "statement_id", "The id of a statement is a UUID.", "/id")
    try:
        return _Reader(given.lower(), value, rules).read()
    except _NoError as no:
        return no.no


def _is_uuid(value: Any) -> bool:
    return isinstance(value, str) and _UUID.fullmatch(value) is not None


class _Reader:
    """Reads one statement whose id is sound."""

    def __init__(self, id: str, value: dict[str, Any], rules: Rules) -> None:
        self._id = id
        self._value = value
        self._rules = rules

    def read(self) -> Statement:
        verb = self._object("verb").get("id")
        if not isinstance(verb, str):
            raise self._wrong("verb", "A verb has an id.", "/verb/id")
        says = said_by(verb)
        if says is None:
            raise self._ignored(Reason.MEANINGLESS_VERB)
        if says is Says.VOIDED:
            voids = self._voided()
            digest = _digest(str(says), voids)
            at = self._at()
            return Statement(id=self._id, verb=verb, says=says, voids=voids, at=at, digest=digest)
        learner_id = self._learner_id()
        activities = self._activities()
        result = self._result()
        at = self._at()
        said = at and at.isoformat()
        return Statement(
            id=self._id,
            verb=verb,
            says=result.settled(says),
            learner_id=learner_id,
            activities=activities,
            at=at,
            grade=result.grade,
            attempt_id=self._session(),
            kept={**self._registration(), **result.kept},
            digest=_digest(learner_id, str(says), activities[0], said, *result.compared),
        )

    def _wrong(self, code: str, detail: str, pointer: str) -> _NoError:
        return _NoError(Wrong(self._id, code, detail, pointer))

    def _ignored(self, reason: Reason) -> _NoError:
        return _NoError(Ignored(self._id, reason))

    def _object(self, name: str) -> dict[str, Any]:
        found = self._value.get(name)
        if not isinstance(found, dict):
            raise self._wrong(name, f"A statement has its {name}, an object.", f"/{name}")
        return found

    def _voided(self) -> str:
        ref = self._object("object")
        if ref.get("objectType") != "StatementRef" or not _is_uuid(ref.get("id")):
            raise self._wrong("object", "What is voided is named by a StatementRef.", "/object")
        return str(ref["id"]).lower()

    def _learner_id(self) -> str:
        actor = self._object("actor")
        if actor.get("objectType") == "Group":
            raise self._ignored(Reason.GROUP)
        account, mailbox = actor.get("account"), actor.get("mbox")
        if isinstance(account, dict):
            home_page, name = account.get("homePage"), account.get("name")
            if not isinstance(home_page, str) or not isinstance(name, str):
                detail = "An account has a homePage and a name."
                raise self._wrong("account", detail, "/actor/account")
            known = self._rules.home_pages
            if known and home_page.removesuffix("/") not in known:
                raise self._ignored(Reason.FOREIGN_ACCOUNT)
        elif self._rules.mailbox is not None and isinstance(mailbox, str):
            name = mailbox.removeprefix("mailto:")
            if self._rules.mailbox is Mailbox.LOCAL_PART:
                name = name.rpartition("@")[0]
        else:
            raise self._ignored(Reason.NO_ACCOUNT)
        if _LMS_ID.fullmatch(name) is None:
            raise self._ignored(Reason.NO_LEARNER_ID)
        return name

    def _activities(self) -> tuple[str, ...]:
        about = self._object("object")
        if about.get("objectType", "Activity") != "Activity":
            raise self._ignored(Reason.NO_ACTIVITY)
        own = about.get("id")
        if not isinstance(own, str) or _IRI.fullmatch(own) is None:
            raise self._wrong("activity_id", "An activity's id is an IRI.", "/object/id")
        if CATEGORY not in _ids(self._context_activities().get("category")):
            return (own,)
        return (own, *_ids(self._context_activities().get("grouping")))

    def _result(self) -> Result:
        try:
            return read_result(self._value.get("result"))
        except WrongResult as wrong:
            raise self._wrong(wrong.code, wrong.detail, f"/result{wrong.pointer}") from wrong

    def _at(self) -> datetime | None:
        """When it happened; else, when the store heard of it."""
        for name in ("timestamp", "stored"):
            text = self._value.get(name)
            if text is not None:
                return self._instant(text, name)
        return None

    def _instant(self, text: Any, name: str) -> datetime:
        detail = "A timestamp is an ISO 8601 instant with an offset."
        try:
            at = datetime.fromisoformat(text)
            if at.tzinfo is not None and _EARLIEST <= at < _LATEST:
                return at.astimezone(UTC)
        except (TypeError, ValueError, OverflowError) as error:
            raise self._wrong("timestamp", detail, f"/{name}") from error
        raise self._wrong("timestamp", detail, f"/{name}")

    def _context(self) -> dict[str, Any]:
        found = self._value.get("context")
        return found if isinstance(found, dict) else {}

    def _context_activities(self) -> dict[str, Any]:
        found = self._context().get("contextActivities")
        return found if isinstance(found, dict) else {}

    def _session(self) -> str | None:
        """cmi5's session joins the beginning of an attempt to its end. A registration does not: it
        may span many attempts."""
        extensions = self._context().get("extensions")
        session = extensions.get(SESSION) if isinstance(extensions, dict) else None
        sound = isinstance(session, str) and _LMS_ID.fullmatch(session) is not None
        return session if sound else None

    def _registration(self) -> dict[str, str]:
        found = self._context().get("registration")
        return {"registration": str(UUID(found))} if _is_uuid(found) else {}


def _ids(activities: Any) -> list[str]:
    """The ids of context activities: a list of them, or in older statements a single one."""
    listed = activities if isinstance(activities, list) else [activities]
    ids = [one.get("id") for one in listed if isinstance(one, dict)]
    return [id for id in ids if isinstance(id, str) and _IRI.fullmatch(id) is not None]


def _digest(*parts: object) -> str:
    return blake2b(json.dumps(parts).encode(), digest_size=12).hexdigest()
