"""A lane knows whether there is more for its endpoint, also of what came while it was claiming."""

from uuid import UUID

from certsvc.usecases.webhooks.lanes import BEGINNING, Lane

ID = UUID(int=1)


def test_a_claim_that_comes_back_short_ends_the_looking() -> None:
    lane = Lane(ID, ID, 8)
    lane.look_again()
    assert lane.low
    lane.took([], 8, 1.0)
    assert lane.idle


def test_what_came_to_be_due_during_a_claim_is_looked_for() -> None:
    lane = Lane(ID, ID, 8)
    lane.look_again()
    lane.tell()
    lane.took([], 8, 1.0)
    assert lane.low
    assert lane.behind == BEGINNING
    lane.news = False  # as the next claim begins
    lane.took([], 8, 2.0)
    assert lane.idle
