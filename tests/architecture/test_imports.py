"""Imports go one way, and the domain stays pure."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "certsvc"


def test_the_import_contracts_hold() -> None:
    program = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [program, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_domain_imports_itself_and_the_standard_library_only() -> None:
    for path in sorted((PACKAGE / "domain").rglob("*.py")):
        for module in _imported(path):
            own = module.startswith("certsvc.domain")
            assert own or module.partition(".")[0] in sys.stdlib_module_names, (path.name, module)


def test_the_docs_are_made_of_domain_api_and_settings_only() -> None:
    allowed = ("certsvc.docs", "certsvc.domain", "certsvc.api", "certsvc.settings")
    for path in sorted((PACKAGE / "docs").rglob("*.py")):
        for module in _imported(path):
            assert not module.startswith("certsvc.") or module.startswith(allowed), (path, module)


def test_nothing_that_serves_imports_the_docs() -> None:
    for path in sorted(PACKAGE.rglob("*.py")):
        if "docs" not in path.relative_to(PACKAGE).parts:
            assert not any(module.startswith("certsvc.docs") for module in _imported(path)), path


def test_the_database_is_talked_to_by_the_store_and_the_edges_only() -> None:
    """Verbs work over a connection that they are given; statements are the store's."""
    for folder in ("usecases", "worker", "api"):
        for path in sorted((PACKAGE / folder).rglob("*.py")):
            assert "asyncpg" not in {module.partition(".")[0] for module in _imported(path)}, path
            for module in _imported(path):
                if module.startswith("sqlalchemy"):
                    assert module.startswith("sqlalchemy.ext.asyncio"), (path, module)


def test_one_place_alone_is_an_http_client() -> None:
    """So that no request to a receiver goes past what refuses addresses; the demo plays an LMS."""
    clients = {"aiohttp", "http", "httpcore", "httpx", "requests", "urllib3"}
    found = {
        (str(path.relative_to(PACKAGE)), module.partition(".")[0])
        for path in PACKAGE.rglob("*.py")
        for module in _imported(path)
        if module.partition(".")[0] in clients or module == "urllib.request"
    }
    assert found == {
        ("demo/lms.py", "httpx"),
        ("webhooks/http.py", "httpcore"),
        ("webhooks/http.py", "httpx"),
        ("webhooks/wire.py", "httpcore"),
    }


def test_use_cases_never_commit() -> None:
    for path in sorted((PACKAGE / "usecases").rglob("*.py")):
        calls = {
            node.func.attr
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        }
        assert not calls & {"commit", "rollback"}, path


def _imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""
