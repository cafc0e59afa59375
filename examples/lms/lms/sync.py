"""Tell the service of courses, live sessions and groups. The same again changes nothing."""

from collections.abc import Callable

from certsvc_client import AuthenticatedClient
from certsvc_client.api.courses import put_course
from certsvc_client.api.groups import replace_group_members
from certsvc_client.api.sessions import cancel_session, put_session
from certsvc_client.models import CourseUpdate, MemberList, SessionInput

from lms.records import Course, Records, Session
from lms.service import answered

Say = Callable[[str], None]


def sync(client: AuthenticatedClient, records: Records, say: Say) -> None:
    """Every night, or whenever something was edited: courses before who has to take them."""
    for course in records.courses():
        tell_course(client, course, say)
    for session in records.sessions():
        tell_session(client, session)
    for group, members in records.groups().items():
        tell_group(client, group, members, say)


def tell_course(client: AuthenticatedClient, course: Course, say: Say) -> None:
    """A course, its state and its revision; the answer says whom an archived one holds up."""
    update = CourseUpdate(
        title=course.title,
        state=course.state,
        revision=course.revision,
        overbooking=course.overbooking,
    )
    told = answered(put_course.sync(course.id, client=client, body=update))
    blocked = [one.key for one in told.certifications if one.blocked]
    say(f"course {course.id}: {told.state}" + (f", blocks {', '.join(blocked)}" if blocked else ""))


def tell_session(client: AuthenticatedClient, session: Session) -> None:
    """A live session and its seats, or that it will not take place."""
    if session.cancelled:
        answered(cancel_session.sync(session.course_id, session.id, client=client))
        return
    told = SessionInput(starts_at=session.starts_at, capacity=session.capacity)
    answered(put_session.sync(session.course_id, session.id, client=client, body=told))


def tell_group(client: AuthenticatedClient, group: str, members: list[str], say: Say) -> None:
    """Who is in a group now. Where a certification targets it, this enrols and releases people."""
    told = answered(
        replace_group_members.sync(group, client=client, body=MemberList(learner_ids=members))
    )
    say(f"group {group}: {told.member_count} people, {told.added} new, {told.removed} gone")
    if told.pending:
        say(f"  {told.pending} assignments are still being made by the service")
