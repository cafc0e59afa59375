"""What a person at a desk does to one enrollment: as they see it, or not at all."""

from certsvc_client import AuthenticatedClient
from certsvc_client.api.actions import suspend as suspend_enrollment
from certsvc_client.api.enrollments import list_enrollments
from certsvc_client.models import Enrollment, SuspendBody

from lms.service import answered


def look_up(client: AuthenticatedClient, learner: str, certification: str) -> Enrollment:
    """What the screen shows."""
    found = list_enrollments.sync(
        client=client, certification=[certification], learner_id=[learner], limit=1
    )
    (enrollment,) = answered(found).items
    return enrollment


def suspend(client: AuthenticatedClient, seen: Enrollment, clerk: str, reason: str) -> Enrollment:
    """Suspend what the clerk saw. Has it changed since, the answer is 412 `stale_revision`, and the
    screen is shown anew instead of deciding on something that nobody looked at."""
    body = SuspendBody(reason=reason, on_behalf_of=clerk, expected_revision=seen.revision)
    return answered(suspend_enrollment.sync(seen.id, client=client, body=body))
