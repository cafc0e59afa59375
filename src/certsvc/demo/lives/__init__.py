"""Who lives in the demo: a handful of people in each programme, and a whole agency in one."""

from certsvc.demo.lives import (
    administrators,
    agency,
    analysts,
    hospital,
    kitchen,
    producers,
    warehouse,
)
from certsvc.demo.script import Life, Revision

BEGINNING = "2026-01-01 06:00"
END = "2032-04-01 06:00"

REVISIONS: tuple[Revision, ...] = hospital.REVISIONS


def everybody(cohort: int) -> tuple[Life, ...]:
    """All lives; `cohort` people share the one date of the agency."""
    return (
        *warehouse.LIVES,
        *hospital.LIVES,
        *kitchen.LIVES,
        *analysts.LIVES,
        *administrators.LIVES,
        *agency.lives(cohort),
        *producers.LIVES,
    )
