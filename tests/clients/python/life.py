"""One learner's whole life, lived with the generated Python client.

Needs the client `certsvc_client`, CERTSVC_URL, the key of a sandbox in CERTSVC_KEY, and in
RECEIVER_URL where webhooks are heard. Says what it sees, one line of JSON for each step. `life.ts`
beside it in typescript/ lives the same.
"""

import json
import os
from datetime import datetime
from typing import Any, TypeVar

from certsvc_client import AuthenticatedClient, Client
from certsvc_client.api.actions import list_actions, suspend
from certsvc_client.api.api_keys import create_api_key
from certsvc_client.api.certifications import create_certification, get_certification
from certsvc_client.api.enrollments import enroll_learner, get_enrollment, list_history
from certsvc_client.api.events import list_events
from certsvc_client.api.evidence import record_evidence
from certsvc_client.api.test_clock import advance_test_clock, get_test_clock
from certsvc_client.api.verification import verify_certificate
from certsvc_client.api.versions import create_version, publish_version
from certsvc_client.api.webhook_endpoints import (
    create_webhook_endpoint,
    delete_webhook_endpoint,
    get_webhook_endpoint,
    list_webhook_endpoints,
    update_webhook_endpoint,
)
from certsvc_client.models import (
    ApiKeyRequest,
    CertificationDraft,
    ClockAdvance,
    Enrollment,
    EnrollmentRequest,
    EvidenceBatch,
    EvidenceInput,
    ExamInput,
    LocalisedText,
    PathInput,
    PolicyInput,
    Problem,
    Publication,
    StepInput,
    SuspendBody,
    ValidityInput,
    VersionDraft,
    WayInput,
    WebhookEndpointPatch,
    WebhookEndpointRequest,
)
from certsvc_client.types import UNSET, Unset

T = TypeVar("T")
URL = os.environ["CERTSVC_URL"]


def told(answer: T | Problem | None) -> T:
    """What was asked for, and no problem."""
    assert answer is not None, "a status that is not in the contract"
    assert not isinstance(answer, Problem), answer
    return answer


def see(step: str, **saw: Any) -> None:
    """Say what is seen at a step."""
    print(json.dumps({"step": step, **saw}, sort_keys=True))


def see_enrollment(step: str, enrollment: Enrollment) -> None:
    """Say where the learner stands."""
    through = None if enrollment.certificate is None else enrollment.certificate.valid_through
    see(
        step,
        status=enrollment.status.value,
        standing=enrollment.standing.value,
        through=None if through is None else through.isoformat(),
        cycle=None if enrollment.cycle is None else enrollment.cycle.kind.value,
    )


def connected(key: str) -> AuthenticatedClient:
    """A client that speaks with a key."""
    return AuthenticatedClient(base_url=URL, token=key)


def programme(admin: AuthenticatedClient) -> None:
    """A certification is drafted and published."""
    draft = CertificationDraft(
        key="forklift",
        title=LocalisedText.from_dict({"en": "Forklift operator"}),
        automatic_recertification=True,
    )
    told(create_certification.sync(client=admin, body=draft))
    path = PathInput(
        steps=[
            StepInput(
                key="safety",
                title="Safety 101",
                ways=[WayInput(type_="course", course_id="C-1", minimum_grade=80)],
            )
        ],
        exam=ExamInput(exam_id="X-1", passing_score=70, max_attempts=3),
    )
    policy = PolicyInput(
        time_zone="UTC",
        validity=ValidityInput(period="P1Y", anchor="previous_expiry"),
        renewal_opens="P60D",
        grace="P30D",
    )
    body = VersionDraft(initial=path, policy=policy)
    version = told(create_version.sync("forklift", client=admin, body=body))
    body_of_publication = Publication(reason="Ready")
    published = publish_version.sync(
        "forklift", version.number, client=admin, body=body_of_publication
    )
    see("published", version=told(published).number, state=told(published).state)
    certification = told(get_certification.sync("forklift", client=admin))
    see("certification", title=certification.title["en"], active=certification.active)


def report(lms: AuthenticatedClient, year: str) -> None:
    """The LMS tells that course and exam were passed."""
    now = told(get_test_clock.sync(client=lms)).now
    items = [
        EvidenceInput(
            id=f"course-{year}",
            type_="course_completion",
            learner_id="u-17",
            occurred_at=now,
            course_id="C-1",
            outcome="completed",
            grade=92,
        ),
        EvidenceInput(
            id=f"exam-{year}",
            type_="exam_attempt",
            learner_id="u-17",
            occurred_at=now,
            exam_id="X-1",
            grade=75,
        ),
    ]
    answer = told(record_evidence.sync(client=lms, body=EvidenceBatch(items=items)))
    see("evidence", results=[item.result for item in answer.items])


def travel(admin: AuthenticatedClient, moment: str) -> None:
    """Time passes."""
    body = ClockAdvance(to=datetime.fromisoformat(moment.replace("Z", "+00:00")))
    told(advance_test_clock.sync(client=admin, body=body))


def feed(lms: AuthenticatedClient) -> None:
    """Everything that happened, read to its end in small stretches."""
    types: list[str] = []
    after: str | Unset = UNSET
    while True:
        page = told(list_events.sync(client=lms, after=after, limit=7))
        types += [event.type_ for event in page.items]
        after = page.next_cursor
        if not page.more:
            break
    see("feed", types=types)


def refusal(admin: AuthenticatedClient, enrollment: Enrollment) -> None:
    """A no is told with its code, and what is possible instead."""
    possible = told(list_actions.sync(enrollment.id, client=admin))
    see("actions", allowed=sorted(one.action for one in possible.items if one.allowed))
    stale = SuspendBody(reason="Too late", expected_revision=0)
    problem = suspend.sync(enrollment.id, client=admin, body=stale)
    assert isinstance(problem, Problem)
    see("refused", code=problem.code, status=problem.status, retryable=problem.retryable)


def listen(admin: AuthenticatedClient) -> None:
    """One endpoint hears of everything; another is made, changed and deleted."""
    hears = WebhookEndpointRequest(url=os.environ["RECEIVER_URL"])
    told(create_webhook_endpoint.sync(client=admin, body=hears))
    other = WebhookEndpointRequest(
        url="https://127.0.0.1:9/hooks", types=["certificate.issued"], enabled=False
    )
    made = told(create_webhook_endpoint.sync(client=admin, body=other))
    see("endpoint", types=made.types, enabled=made.enabled, secret=made.secret[:6])
    patch = WebhookEndpointPatch(types=["certificate.expired"])
    changed = told(update_webhook_endpoint.sync(made.id, client=admin, body=patch))
    listed = told(list_webhook_endpoints.sync(client=admin))
    see("changed", types=changed.types, count=len(listed.items))
    gone = delete_webhook_endpoint.sync_detailed(made.id, client=admin)
    problem = get_webhook_endpoint.sync(made.id, client=admin)
    assert isinstance(problem, Problem)
    see("deleted", status=gone.status_code.value, code=problem.code)


def main() -> None:
    """Live."""
    admin = connected(os.environ["CERTSVC_KEY"])
    key = told(create_api_key.sync(client=admin, body=ApiKeyRequest(name="LMS", role="lms")))
    see("key", role=key.role)
    lms = connected(key.key)
    listen(admin)
    programme(admin)
    request = EnrollmentRequest(certification="forklift", learner_id="u-17")
    enrolled = told(enroll_learner.sync(client=lms, body=request, idempotency_key="once"))
    again = told(enroll_learner.sync(client=lms, body=request, idempotency_key="once"))
    see_enrollment("enrolled", enrolled)
    see("once", same=again.id == enrolled.id, revision=again.revision)
    report(lms, "2026")
    certified = told(get_enrollment.sync(enrolled.id, client=lms))
    see_enrollment("certified", certified)
    assert certified.certificate is not None
    for step, moment in (("due", "2026-11-20T09:00:00Z"), ("recertified", "2026-12-01T09:00:00Z")):
        travel(admin, moment)
        if step == "recertified":
            report(lms, "2027")
        see_enrollment(step, told(get_enrollment.sync(enrolled.id, client=lms)))
    for step, moment in (("expired", "2028-01-06T00:00:00Z"), ("lapsed", "2028-03-01T00:00:00Z")):
        travel(admin, moment)
        see_enrollment(step, told(get_enrollment.sync(enrolled.id, client=lms)))
    public = Client(base_url=URL)
    shown = told(verify_certificate.sync(certified.certificate.code, client=public))
    see("verified", state=shown.state, certification=shown.certification_title["en"])
    refusal(admin, enrolled)
    history = told(list_history.sync(enrolled.id, client=lms, limit=200))
    sequences = [line.sequence for line in history.items]
    see("history", gapless=sequences == list(range(1, len(sequences) + 1)))
    feed(lms)


if __name__ == "__main__":
    main()
