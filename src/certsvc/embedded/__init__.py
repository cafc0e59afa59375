"""An embedded PostgreSQL: started by itself when no database is named, stopped with its last user.

What a folder given as `data_dir` then holds:

    postgres/       the cluster, as initdb made it; the only thing worth a backup
    password        of the database's one role, readable by its owner alone
    port            the port of the last start, tried first at the next one
    postgres.log    what the server says
    *.lock          see locks.py

The server listens on 127.0.0.1 only, and asks for the password.
"""

from certsvc.embedded.cluster import Cluster
from certsvc.embedded.errors import EmbeddedPostgresError

__all__ = ["Cluster", "EmbeddedPostgresError"]
