"""What an LMS reports: for every learner the next course, passed; a thousand facts in a batch."""

from datetime import timedelta
from typing import Any

import orjson

from benchmarks.bench import Bench
from benchmarks.population.programmes import TENANT

BATCH = 1000
"""As many as the service takes at once."""

PATH = "/v1/evidence"
AGO = timedelta(hours=1)

_AWAITED = """
SELECT e.learner_id,
  CASE e.doc -> 'cycle' -> 'progress' -> 'steps' -> 0 ->> 'state'
    WHEN 'open' THEN 'C-1' ELSE 'C-3' END
FROM enrollments e WHERE e.tenant_id = $1
ORDER BY md5(e.id::text)"""


async def batches(connection: Any, bench: Bench) -> list[bytes]:
    """The documents that are sent, the learners in any order."""
    learners = await connection.fetch(_AWAITED, TENANT)
    began = bench.now - AGO
    items = [
        {
            "id": f"completion-{number:07}",
            "type": "course_completion",
            "learner_id": learner_id,
            "occurred_at": began + timedelta(milliseconds=number),
            "course_id": course_id,
            "outcome": "passed",
            "grade": 92.5,
        }
        for number, (learner_id, course_id) in enumerate(learners)
    ]
    return [
        orjson.dumps({"items": items[first : first + BATCH]}, option=orjson.OPT_UTC_Z)
        for first in range(0, len(items), BATCH)
    ]
