"""What is sent to a receiver, and what became of it."""

from dataclasses import dataclass
from enum import StrEnum


class Failure(StrEnum):
    """Why an attempt failed. Codes are stable; they are stored and shown."""

    REFUSED_ADDRESS = "refused_address"  # the URL, or an address of its name, is not allowed
    NAME_NOT_FOUND = "name_not_found"
    CONNECTION_FAILED = "connection_failed"
    TLS_FAILED = "tls_failed"
    TIMED_OUT = "timed_out"
    BAD_RESPONSE = "bad_response"  # not HTTP, cut off, or headers without end
    REDIRECT = "redirect"  # 3xx; never followed
    HTTP_ERROR = "http_error"  # any other status than 2xx
    GONE = "gone"  # 410: the receiver wants nothing more


@dataclass(frozen=True, slots=True)
class Message:
    """One webhook as it is to be sent; the body goes out byte for byte."""

    url: str
    id: str
    body: bytes
    secrets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt. It succeeded if there is no error, which means a status of 2xx."""

    status: int | None = None
    error: Failure | None = None
    duration_ms: int = 0
    response: bytes = b""
    retry_after: float | None = None
    gone: bool = False

    @property
    def succeeded(self) -> bool:
        return self.error is None
