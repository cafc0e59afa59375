"""The tables of what the LMS tells about its own world: groups, courses, live sessions, seats."""

from sqlalchemy import Boolean, Integer, PrimaryKeyConstraint, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from certsvc.domain.course import CourseState
from certsvc.store.schema import Instant, index, member, metadata, needed, optional

groups = Table(
    "groups",
    metadata,
    needed("tenant_id", Uuid),
    needed("id", Text),
    needed("member_count", Integer),
    needed("created_at", Instant),
    needed("updated_at", Instant),
    PrimaryKeyConstraint("tenant_id", "id"),
)

group_members = Table(
    "group_members",
    metadata,
    needed("tenant_id", Uuid),
    needed("group_id", Text),
    needed("learner_id", Text),
    needed("joined_at", Instant),
    PrimaryKeyConstraint("tenant_id", "group_id", "learner_id"),
)
index(group_members, "group_members_of_learner", "tenant_id", "learner_id", "group_id")

# The groups that a certification targets.
certification_groups = Table(
    "certification_groups",
    metadata,
    needed("tenant_id", Uuid),
    needed("certification_id", Uuid),
    needed("group_id", Text),
    needed("targeted_at", Instant),
    PrimaryKeyConstraint("tenant_id", "certification_id", "group_id"),
)
index(certification_groups, "certifications_of_group", "tenant_id", "group_id", "certification_id")

# What a change of members or of targets leaves to be done, written together with the change: one
# row for each learner in each certification, which says whether the group's assignment is to
# stand. Whoever does it deletes the row in the transaction that assigns.
group_work = Table(
    "group_work",
    metadata,
    needed("tenant_id", Uuid),
    needed("certification_id", Uuid),
    needed("learner_id", Text),
    needed("group_id", Text),
    needed("assigned", Boolean),
    needed("since", Instant),
    needed("actor", Text),
    optional("on_behalf_of", Text),
    optional("reason", Text),
    PrimaryKeyConstraint("tenant_id", "group_id", "certification_id", "learner_id"),
)
index(group_work, "group_work_in_order", "tenant_id", "since")

# The histories are (since, value) pairs, as the rules read them.
courses = Table(
    "courses",
    metadata,
    needed("tenant_id", Uuid),
    needed("id", Text),
    optional("title", Text),
    needed("state", Text),
    optional("groups", ARRAY(Text)),
    needed("overbooking", Boolean),
    needed("archived_history", JSONB),
    needed("overbooking_history", JSONB),
    needed("revisions", JSONB),
    optional("metadata", JSONB),
    needed("created_at", Instant),
    needed("updated_at", Instant),
    PrimaryKeyConstraint("tenant_id", "id"),
    member("state", CourseState),
)

# Which published versions name which courses.
certification_courses = Table(
    "certification_courses",
    metadata,
    needed("tenant_id", Uuid),
    needed("course_id", Text),
    needed("certification_id", Uuid),
    needed("version", Integer),
    PrimaryKeyConstraint("tenant_id", "course_id", "certification_id", "version"),
)

# `freed_at` is when the session last had more free seats than before.
sessions = Table(
    "sessions",
    metadata,
    needed("tenant_id", Uuid),
    needed("course_id", Text),
    needed("id", Text),
    optional("title", Text),
    optional("starts_at", Instant),
    optional("ends_at", Instant),
    optional("capacity", Integer),
    optional("metadata", JSONB),
    needed("freed_at", Instant),
    optional("cancelled_at", Instant),
    needed("created_at", Instant),
    needed("updated_at", Instant),
    PrimaryKeyConstraint("tenant_id", "course_id", "id"),
)

# One row for each seat that a cycle needs, from the instant at which it was due. `since` is when
# it was taken, or since when the learner stands in line. `told` says that the enrollment knows.
seats = Table(
    "seats",
    metadata,
    needed("tenant_id", Uuid),
    needed("enrollment_id", Uuid),
    needed("cycle", Integer),
    needed("course_id", Text),
    needed("certification_id", Uuid),
    needed("learner_id", Text),
    needed("wanted_at", Instant),
    optional("session_id", Text),
    needed("since", Instant),
    needed("told", Boolean),
    PrimaryKeyConstraint("tenant_id", "enrollment_id", "cycle", "course_id"),
)
index(
    seats,
    "seats_in_line",
    "tenant_id",
    "course_id",
    "wanted_at",
    "enrollment_id",
    where="session_id IS NULL",
)
index(
    seats,
    "seats_of_session",
    "tenant_id",
    "course_id",
    "session_id",
    where="session_id IS NOT NULL",
)
index(seats, "seats_untold", "tenant_id", "enrollment_id", where="NOT told")
