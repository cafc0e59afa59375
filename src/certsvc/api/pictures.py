"""Pictures of reports, drawn beside the event loop.

The plotting library is loaded with the first picture, not with the service, and keeps state of its
own that only one thread at a time may touch: so one thread draws all pictures.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Final

from certsvc.api.answers import Answer
from certsvc.usecases.reports import Report

MEDIA_TYPES: Final = {"svg": "image/svg+xml", "png": "image/png"}

# Styles within the picture are all that an SVG may use, wherever it is opened.
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"


async def picture(report: Report, format: str) -> Answer:
    """The report as a picture of that format."""
    loop = asyncio.get_running_loop()
    body = await loop.run_in_executor(_drawing_thread(), _drawn, report, format)
    return Answer(200, body, MEDIA_TYPES[format], {"content-security-policy": _POLICY})


@cache
def _drawing_thread() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=1, thread_name_prefix="drawing")


def _drawn(report: Report, format: str) -> bytes:
    from certsvc.api.charts.drawing import drawn  # noqa: PLC0415 - loads the plotting library

    return drawn(report, format)
