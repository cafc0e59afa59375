"""The settings, and the page that lists them."""

import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from certsvc.settings import Settings

EXAMPLE = Path(__file__).parents[1] / ".env.example"


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"CERTSVC_{name.upper()}", raising=False)
    monkeypatch.chdir(tmp_path)


def test_the_example_lists_every_setting_in_order_and_no_other() -> None:
    listed = re.findall(r"^CERTSVC_(\w+)=", EXAMPLE.read_text(), re.MULTILINE)
    assert listed == [name.upper() for name in Settings.model_fields]


def test_the_example_as_it_stands_is_the_defaults(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(EXAMPLE.read_text())
    assert Settings() == Settings(_env_file=None)


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+asyncpg"])
def test_a_database_url_is_taken_as_operators_write_it(
    scheme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CERTSVC_DATABASE_URL", f"{scheme}://someone:secret@db:5432/certsvc")
    assert Settings().database_url == "postgresql+asyncpg://someone:secret@db:5432/certsvc"
    assert "secret" not in repr(Settings())


def test_a_wrong_database_url_is_refused_without_repeating_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CERTSVC_DATABASE_URL", "mysql://someone:secret@db/certsvc")
    with pytest.raises(ValidationError) as refused:
        Settings()
    assert "secret" not in str(refused.value)


def test_a_public_url_is_one_that_paths_are_put_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CERTSVC_PUBLIC_URL", "https://certs.example/api/")
    assert Settings().public_url == "https://certs.example/api"
    monkeypatch.setenv("CERTSVC_PUBLIC_URL", "certs.example")
    with pytest.raises(ValidationError):
        Settings()


def test_settings_never_change() -> None:
    with pytest.raises(ValidationError):
        Settings().port = 1  # type: ignore[misc]
