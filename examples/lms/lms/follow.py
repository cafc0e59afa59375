"""React to what happened: courses go onto lists, learners get mails."""

from collections.abc import Callable, Iterator

from certsvc_client import AuthenticatedClient

from lms.feed import A_MOMENT, AS_LONG_AS_ALLOWED, CURSOR, Event, News, unheard
from lms.records import Records

Say = Callable[[str], None]
OPENINGS = {"enrollment.opened", "recertification.opened"}
MAILS = {
    "enrollment.opened": "You have training to do.",
    "enrollment.due_soon": "Your training is due soon.",
    "enrollment.overdue": "Your training is overdue.",
    "enrollment.reminder": "Please remember your training.",
    "certificate.issued": "Congratulations: you are certified.",
    "certificate.expiring": "Your certificate is about to expire.",
    "certificate.expired": "Your certificate has expired.",
    "recertification.opened": "It is time to recertify: your courses are on your list.",
    "enrollment.suspended": "Your certificate is suspended.",
}
"""Whatever is not here needs no mail; types that are not known yet are passed over like these."""


def follow(client: AuthenticatedClient, records: Records, say: Say, wait: int = A_MOMENT) -> None:
    """Take in what is new. What was done about it and the cursor are kept in one transaction: cut
    off anywhere, it goes on where it was."""
    taken = 0
    for news in unheard(client, records, wait):
        with records.transaction():
            _react(records, news)
        taken += len(news.events)
    say(f"heard {taken} events")


def listen(client: AuthenticatedClient, records: Records, say: Say) -> None:
    """The same, for ever: the service answers as soon as something happens."""
    while True:
        follow(client, records, say, AS_LONG_AS_ALLOWED)


def _react(records: Records, news: News) -> None:
    for event in news.events:
        for course in _courses_to_assign(event):
            records.assign_course(event.learner_id, course, event.id)
        text = MAILS.get(event.type)
        if text is not None and not event.stale:
            records.mail(event.learner_id, text, event.id)
    records.keep(CURSOR, news.cursor)


def _courses_to_assign(event: Event) -> Iterator[str]:
    """Where a cycle opens, the event names the courses of its steps: what the LMS has to put on
    the learner's list, or to reset there."""
    if event.type in OPENINGS:
        for step in event.data["cycle"]["steps"]:
            yield from step["course_ids"]
