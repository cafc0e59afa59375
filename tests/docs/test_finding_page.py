"""The page about finding tells of every view, filter, order and index."""

from pathlib import Path

import certsvc.store.tables  # noqa: F401 - so that `metadata` knows them
from certsvc.api.schemas.enrollment import EnrollmentFilter
from certsvc.domain.views import VIEWS
from certsvc.store.enrollment_pages import Sort
from certsvc.store.schema import metadata

PAGE = (Path(__file__).parents[2] / "docs" / "finding.md").read_text()


def test_every_view_is_told_as_what_it_is() -> None:
    for row in VIEWS.values():
        kind = f"status `{row.status}`" if row.flag is None else f"flag `{row.flag}`"
        assert f"| `{row.view}` | {kind}: " in PAGE


def test_every_filter_and_order_is_told() -> None:
    for name in EnrollmentFilter.model_fields:
        assert f"`{name}`" in PAGE
    for sort in Sort:
        assert f"`{sort}`" in PAGE


def test_every_index_that_it_names_is_there() -> None:
    known = {index.name for table in metadata.tables.values() for index in table.indexes}
    named = {word.strip("`,;.:") for word in PAGE.replace("…", "enrollments").split()}
    for name in named:
        if name.startswith(("enrollments_", "assignments_")) and "<" not in name:
            assert name in known, name
