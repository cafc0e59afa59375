"""Calendars as iCalendar files (RFC 5545): the same contents give the same bytes."""

from datetime import timedelta
from typing import Final

from icalendar import Calendar, Event, vText

from certsvc.domain.agenda import DateKind
from certsvc.usecases.calendars import Contents, Line

MEDIA_TYPE: Final = "text/calendar"
REFRESH: Final = timedelta(hours=6)

_OWN: Final = {
    DateKind.DUE: ("{title}: due", "To be completed by the end of this day."),
    DateKind.OPENS: ("{title}: recertification opens", "From now on it can be renewed."),
    DateKind.EXPIRES: ("{title}: certificate expires", "The certificate is valid until then."),
    DateKind.LAPSES: ("{title}: certificate lapses", "The last chance to renew it ends."),
}
_MANY: Final = {
    DateKind.DUE: ("{title}: 1 learner is due", "{title}: {count} learners are due"),
    DateKind.OPENS: ("{title}: 1 window opens", "{title}: {count} windows open"),
    DateKind.EXPIRES: ("{title}: 1 certificate expires", "{title}: {count} certificates expire"),
    DateKind.LAPSES: ("{title}: 1 certificate lapses", "{title}: {count} certificates lapse"),
}


def calendar_file(contents: Contents) -> bytes:
    """The file. The library escapes the texts and folds the lines."""
    calendar = Calendar()
    calendar.add("PRODID", "-//certsvc//certsvc//EN")
    calendar.add("VERSION", "2.0")
    calendar.add("CALSCALE", "GREGORIAN")
    for name in ("NAME", "X-WR-CALNAME"):
        # The library takes these for values of an unknown kind, which it would not escape.
        calendar.add(name, vText(contents.name), encode=False)
    for name in ("REFRESH-INTERVAL", "X-PUBLISHED-TTL"):
        calendar.add(name, REFRESH, parameters={"VALUE": "DURATION"})
    for line in contents.lines:
        calendar.add_component(_event(line))
    content: bytes = calendar.to_ical(sorted=False)
    return content


def _event(line: Line) -> Event:
    """A day is an event of that day, without a time; an instant is one of no length."""
    summary, description = _words(line)
    event = Event()
    event.add("UID", f"{line.uid}@certsvc")
    event.add("DTSTAMP", line.updated_at)
    event.add("LAST-MODIFIED", line.updated_at)
    event.add("SEQUENCE", line.sequence)
    event.add("DTSTART", line.point)
    event.add("SUMMARY", summary)
    if description is not None:
        event.add("DESCRIPTION", description)
    event.add("CATEGORIES", [line.kind.value])
    event.add("TRANSP", "TRANSPARENT")
    return event


def _words(line: Line) -> tuple[str, str | None]:
    """Summary and description."""
    if line.count is None:
        summary, description = _OWN[line.kind]
        return summary.format(title=line.title), description
    one, many = _MANY[line.kind]
    return (one if line.count == 1 else many).format(title=line.title, count=line.count), None
