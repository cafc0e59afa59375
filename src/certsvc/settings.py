"""The settings of a running certsvc, from the environment (prefix CERTSVC_) or a .env file.

.env.example lists every one of them; a test keeps the two alike.
"""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, PositiveFloat, PositiveInt
from pydantic_settings import BaseSettings, SettingsConfigDict

DRIVER = "postgresql+asyncpg://"


def _with_driver(url: str) -> str:
    """Take the URL as operators write it; with no driver named, SQLAlchemy would pick another."""
    for scheme in (DRIVER, "postgresql://", "postgres://"):
        if url.startswith(scheme):
            return DRIVER + url.removeprefix(scheme)
    raise ValueError("must begin with postgresql+asyncpg://, postgresql:// or postgres://")


DatabaseUrl = Annotated[str, AfterValidator(_with_driver)]


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

    # The scheduler
    scheduler: bool = True
    tick_seconds: PositiveFloat = 5.0
    batch_size: int = Field(default=2000, ge=1, le=20_000)
    max_advance_days: PositiveInt = 7320

    # What it says about itself
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["auto", "json", "console"] = "auto"
