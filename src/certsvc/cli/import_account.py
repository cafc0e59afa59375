"""What an import came to: the report of the rows that did not go in, and the summary.

Both are written from the database, where every row's reason was put in the transaction that judged
it: a report has each row once, however often the import was stopped.
"""

import csv
import json
from pathlib import Path
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine

from certsvc.cli.surroundings import Failure
from certsvc.store.bulk_operations import OperationRow
from certsvc.store.bulk_tables import BulkState
from certsvc.store.db import transaction
from certsvc.store.tenants import Tenant
from certsvc.usecases.bulk.importing import left_out

HEADER = ("row", "learner_id", "certification", "code", "reason_code", "detail")
PAGE = 1000


async def write_report(
    engine: AsyncEngine, tenant: Tenant, id: UUID, path: Path, *, any_rows: bool
) -> Path | None:
    """Name every row that did not go in. Without any, there is no report; one that is there from
    before is emptied."""
    if not any_rows and not _is_there(path):
        return None
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(HEADER)
            after = 0
            while any_rows:
                async with transaction(engine) as conn:
                    page = await left_out(conn, tenant, id, after, PAGE)
                if not page:
                    break
                after = page[-1].number
                for one in page:
                    named = (one.parameters or {}).get("certification")
                    reason = one.code, one.reason_code, one.detail
                    writer.writerow((one.number, one.learner_id, named, *reason))
    except OSError as error:
        raise Failure(f"The report {path} cannot be written: {error.strerror}.") from error
    return path if any_rows else None


def _is_there(path: Path) -> bool:
    return path.is_file()


def summary(operation: OperationRow, report: Path | None, seconds: float) -> str:
    """The import as JSON, in one line: all that was counted since its beginning, and how many
    seconds this command took."""
    counts = {outcome.value: count for outcome, count in operation.counts.items()}
    document = {
        "operation_id": str(operation.id),
        "complete": operation.state is BulkState.COMPLETED,
        "rows": operation.total,
        "done": operation.done,
        **counts,
        "seconds": round(seconds, 3),
        "report": None if report is None else str(report),
    }
    return json.dumps(document)
