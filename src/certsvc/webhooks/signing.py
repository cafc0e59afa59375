"""Signs a message as the Standard Webhooks specification says: with every secret that holds."""

import base64
import secrets as randomness
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache

from standardwebhooks import Webhook

SECRET_BYTES = 32

Headers = list[tuple[bytes, bytes]]


def new_secret() -> str:
    """A new secret: `whsec_` and 32 random bytes in base64."""
    return "whsec_" + base64.b64encode(randomness.token_bytes(SECRET_BYTES)).decode()


def headers_of(id: str, at: datetime, body: bytes, secrets: Sequence[str]) -> Headers:
    """webhook-id, webhook-timestamp, and webhook-signature with a signature for every secret.

    `at` is the instant of this attempt. The body is signed byte for byte; it is UTF-8.
    """
    if "." in id:
        raise ValueError("what is signed is put together with dots, so an id has none")
    if not secrets:
        raise ValueError("a message is signed with at least one secret")
    text = body.decode()
    signatures = " ".join(_signer(secret).sign(id, at, text) for secret in secrets)
    return [
        (b"webhook-id", id.encode("ascii")),
        (b"webhook-timestamp", b"%d" % int(at.timestamp())),
        (b"webhook-signature", signatures.encode("ascii")),
    ]


@lru_cache(maxsize=4096)
def _signer(secret: str) -> Webhook:
    """Kept, because a secret is decoded once and signs many messages."""
    return Webhook(secret)
