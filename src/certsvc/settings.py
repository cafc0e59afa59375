"""The settings of a running certsvc, from the environment (prefix CERTSVC_) or a .env file.

.env.example lists every one of them; a test keeps the two alike.
"""

import re
from base64 import urlsafe_b64decode
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PositiveFloat,
    PositiveInt,
    SecretStr,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

DRIVER = "postgresql+asyncpg://"


def _with_driver(url: str) -> str:
    """Take the URL as operators write it; with no driver named, SQLAlchemy would pick another."""
    for scheme in (DRIVER, "postgresql://", "postgres://"):
        if url.startswith(scheme):
            return DRIVER + url.removeprefix(scheme)
    raise ValueError("must begin with postgresql+asyncpg://, postgresql:// or postgres://")


DatabaseUrl = Annotated[str, AfterValidator(_with_driver)]


def _without_slash(url: str) -> str:
    """The URL that paths are put behind."""
    if not url.startswith(("https://", "http://")):
        raise ValueError("must begin with https:// or http://")
    return url.rstrip("/")


PublicUrl = Annotated[str, AfterValidator(_without_slash)]

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
LONGEST_PAUSE = timedelta(days=7)


def _items(written: object) -> object:
    """Lists are written with commas."""
    if isinstance(written, str):
        return tuple(item for item in (part.strip() for part in written.split(",")) if item)
    return written


def _pauses(written: object) -> object:
    items = _items(written)
    return tuple(map(_pause, items)) if isinstance(items, tuple | list) else items


def _pause(item: object) -> object:
    """5s, 30m, 2h or 1d."""
    if not isinstance(item, str):
        return item
    said = re.fullmatch(r"(\d{1,6})([smhd])", item)
    if said is None:
        raise ValueError("a pause is written as 5s, 30m, 2h or 1d")
    return timedelta(seconds=int(said[1]) * _SECONDS[said[2]])


def _growing(pauses: tuple[timedelta, ...]) -> tuple[timedelta, ...]:
    """A receiver that is down gets more time, not less."""
    if any(not timedelta(seconds=1) <= pause <= LONGEST_PAUSE for pause in pauses):
        raise ValueError("a pause lasts from a second to seven days")
    if list(pauses) != sorted(pauses):
        raise ValueError("no pause may be shorter than the one before it")
    return pauses


def _key(written: SecretStr) -> SecretStr:
    """32 bytes in base64, as 44 characters that are safe in a URL."""
    try:
        if len(urlsafe_b64decode(written.get_secret_value())) == 32:
            return written
    except ValueError:
        pass
    raise ValueError("a key is 32 random bytes in base64, with - and _")


SecretKeys = Annotated[
    tuple[Annotated[SecretStr, AfterValidator(_key)], ...],
    NoDecode,
    BeforeValidator(_items),
    Field(max_length=10),
]
Networks = Annotated[
    tuple[IPv4Network | IPv6Network, ...], NoDecode, BeforeValidator(_items), Field(max_length=100)
]
Pauses = Annotated[
    tuple[timedelta, ...],
    NoDecode,
    BeforeValidator(_pauses),
    AfterValidator(_growing),
    Field(min_length=1, max_length=50),
]
RETRIES: tuple[timedelta, ...] = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    *(timedelta(hours=hours) for hours in (2, 5, 10, 14, 20, 24)),
)
"""Those of the Standard Webhooks specification: ten attempts over three days."""


class Settings(BaseSettings):
    """Read once at the start and handed on; never changed."""

    model_config = SettingsConfigDict(
        env_prefix="CERTSVC_",
        env_file=".env",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
    )

    # Where the data is
    database_url: DatabaseUrl | None = Field(default=None, repr=False)
    data_dir: Path = Path(".certsvc")
    pg_bin: Path | None = None
    pool_size: PositiveInt = 20
    max_overflow: int = Field(default=0, ge=0)
    pool_timeout_seconds: PositiveFloat = 5.0

    # The HTTP interface
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    body_limit_bytes: PositiveInt = 5 * 1024 * 1024
    requests_per_second: float = Field(default=0.0, ge=0)
    requests_at_once: PositiveInt = 100
    idempotency_hours: int = Field(default=24, ge=24)
    docs_base_url: str = "https://certsvc.example/docs"
    public_url: PublicUrl | None = None

    # The scheduler
    scheduler: bool = True
    tick_seconds: PositiveFloat = 5.0
    batch_size: int = Field(default=2000, ge=1, le=20_000)
    max_advance_days: PositiveInt = 7320

    # Webhooks
    webhook_retries: Pauses = RETRIES
    webhook_deadline_seconds: float = Field(default=15.0, gt=0, le=60)
    webhook_connect_seconds: float = Field(default=5.0, gt=0, le=60)
    webhook_response_bytes: int = Field(default=16 * 1024, ge=0, le=1024 * 1024)
    webhook_allow: Networks = ()
    webhook_local: bool = False
    webhook_ca_file: Path | None = None
    webhook_in_flight: int = Field(default=8, ge=1, le=100)
    webhook_disable_after_days: int = Field(default=5, ge=1, le=365)
    webhook_keep_days: int = Field(default=30, ge=1)
    webhook_secret_keys: SecretKeys = Field(default=(), repr=False)

    # What it says about itself
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["auto", "json", "console"] = "auto"
