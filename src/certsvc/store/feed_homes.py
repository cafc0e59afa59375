"""Where the database has been, so that the feed goes on behind what it has told.

Places in the feed count transactions, and every server counts its own. A database that was
restored elsewhere, or to an earlier instant, goes on with smaller numbers: new events would come
to stand before old ones. So each home has a number, which stands above the transaction's in every
place: events of a later home stand behind those of all earlier ones, and so behind whatever
readers were told there. Nothing that is stored has to change, and no cursor.
"""

from datetime import datetime
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from certsvc.store.db import driver
from certsvc.store.feed import HOME_BITS
from certsvc.store.feed_tables import TURN, WRITER

# A home is a server's cluster, on one course of its history: a restore to an instant and a
# standby that took over begin another. `ahead` is an event that this home cannot have counted
# yet, as when only the rows were brought over.
_LOOK: Final = f"""
SELECT here.home, last.number, last.home IS NOT DISTINCT FROM here.home AS known,
  newest.xid >> {HOME_BITS} AS highest,
  newest.xid >= pg_snapshot_xmax(pg_current_snapshot())::text::bigint
    + (coalesce(last.number, 0)::bigint << {HOME_BITS}) AS ahead
FROM (
  SELECT system_identifier || '/' || left(pg_walfile_name(pg_current_wal_lsn()), 8) AS home
  FROM pg_control_system()
) AS here
LEFT JOIN (
  SELECT number, home FROM feed_homes ORDER BY number DESC LIMIT 1
) AS last ON true
CROSS JOIN (
  SELECT max(of_tenant.xid) AS xid
  FROM tenants t
  CROSS JOIN LATERAL (
    SELECT e.xid FROM events e WHERE e.tenant_id = t.id
    ORDER BY e.xid DESC, e.position DESC LIMIT 1
  ) AS of_tenant
) AS newest"""

# Who writes events is waited for and kept waiting: no transaction may go on to number its events by
# the old home once another one numbers them by the new.
_ALONE: Final = "LOCK TABLE feed_homes IN SHARE ROW EXCLUSIVE MODE"
_HUSHED: Final = "LOCK TABLE events IN ACCESS EXCLUSIVE MODE"

_MOVE: Final = "INSERT INTO feed_homes (number, home, since) VALUES ($1, $2, $3)"


def _at_home(seen: Any) -> bool:
    return bool(seen["known"] and not seen["ahead"])


async def settle(conn: AsyncConnection, now: datetime, *, restored: bool = False) -> bool:
    """Let the feed go on in this home. Whether the database came from another one; to be asked
    before anybody writes events here. `restored` says that it did, where nobody could tell: a
    copy of a server's files looks like the server."""
    raw = driver(conn)
    if _at_home(await raw.fetchrow(_LOOK)) and not restored:
        return False
    await raw.execute(_ALONE)
    seen = await raw.fetchrow(_LOOK)
    if _at_home(seen) and not restored:
        return False
    if seen["number"] is None and not seen["ahead"] and not restored:
        await raw.execute(_MOVE, 0, seen["home"], now)
        return False
    await raw.execute(_HUSHED)
    number: int = max(seen["number"] or 0, seen["highest"] or 0) + 1
    await raw.execute(_MOVE, number, seen["home"], now)
    added = number << HOME_BITS
    await raw.execute(
        f"ALTER TABLE events ALTER COLUMN written_by SET DEFAULT {WRITER} + {added},"
        f" ALTER COLUMN xid SET DEFAULT {TURN} + {added}"
    )
    return True
