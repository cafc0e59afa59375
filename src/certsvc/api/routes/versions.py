"""Versions of a certification: draft, list, read, replace, publish."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import Path
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.responses import Response

from certsvc.api.answers import Answer, answer
from certsvc.api.exchange import Call, Exchange
from certsvc.api.outcomes import no_answer, not_publishable
from certsvc.api.paging import DEFAULT_LIMIT, Cursor, Limit, after_number, digest, page
from certsvc.api.routes.certifications import Named
from certsvc.api.routing import Operations
from certsvc.api.schemas.certification import (
    Publication,
    PublishedVersion,
    Version,
    VersionDraft,
    VersionPage,
)
from certsvc.store.api_keys import Role
from certsvc.usecases import versions
from certsvc.usecases.answers import NotFound
from certsvc.usecases.versions import NotPublishable, Published, VersionView

router = Operations("versions")
Number = Annotated[int, Path(ge=1, le=2**31 - 1, description="The version's number.")]
