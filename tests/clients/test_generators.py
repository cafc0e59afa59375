"""What generators and linters have to say to the contract: nothing."""

import json
from pathlib import Path

import pytest

from tests.api.client import contract
from tests.clients import tools

OF_ITSELF = ("OpenAPI 3.1 support is still in beta", "Failed to get the schema name: null")
"""What openapi-generator says whenever it reads OpenAPI 3.1, and whenever `additionalProperties`
is true or false instead of a schema, as JSON Schema allows."""
OPTIONS = "openApiNullable=false,hideGenerationTimestamp=true,enumUnknownDefaultCase=true"
PACKAGES = "invokerPackage=certsvc,apiPackage=certsvc.api,modelPackage=certsvc.model"
BRIEFLY = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")
"""A virtual machine that lives for seconds has no use for its best compiler."""
ONLY_SOURCES = "apiTests=false,modelTests=false,apiDocs=false,modelDocs=false"


def test_a_strict_linter_finds_nothing(tmp_path: Path) -> None:
    linter = tools.script("@redocly/cli", "bin/cli.js")
    settings = str(tools.TYPESCRIPT / "redocly.yaml")
    done = tools.run(
        [*linter, "lint", "--config", settings, "--format", "json", str(tools.CONTRACT)], tmp_path
    )
    found = json.loads(done.stdout)
    assert found["problems"] == []
    assert found["totals"] == {"errors": 0, "warnings": 0, "ignored": 0}


@pytest.fixture(scope="module")
def java_client(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Java client; to generate it gave no cause to complain."""
    folder = tmp_path_factory.mktemp("java")
    made = tools.run(
        [
            *(str(tools.java()), *BRIEFLY, "-jar", str(tools.java_generator()), "generate"),
            *("--generator-name", "java", "--library", "native"),
            *("--input-spec", str(tools.CONTRACT), "--output", str(folder)),
            *("--additional-properties", f"{OPTIONS},{PACKAGES}"),
            *("--global-property", ONLY_SOURCES),
        ],
        folder,
    )
    said = (made.stdout + made.stderr).splitlines()
    complaints = [line for line in said if " WARN " in line or " ERROR " in line]
    assert [line for line in complaints if not any(text in line for text in OF_ITSELF)] == []
    return folder


def test_a_java_client_is_generated_with_a_class_for_every_schema_by_its_name(
    java_client: Path,
) -> None:
    made = {path.stem for path in java_client.glob("src/main/java/certsvc/model/*.java")}
    schemas = contract()["components"]["schemas"]
    maps = {name for name, one in schemas.items() if one.get("type") == "object"} - {
        name for name, one in schemas.items() if "properties" in one
    }
    assert set(schemas) - maps <= made
    assert made - set(schemas) == {"AbstractOpenApiSchema"} & made


def test_the_java_client_compiles(java_client: Path, tmp_path: Path) -> None:
    compiler = tools.javac()
    if compiler is None:
        pytest.skip(
            "this machine has no javac, and no package brings one: the client was only generated"
        )
    sources = [str(path) for path in java_client.glob("src/main/java/**/*.java")]
    beside = [str(path) for path in (tools.HERE / "java").rglob("*.java")]
    assert len(beside) == 2
    names = tmp_path / "sources.txt"
    names.write_text("\n".join([*sources, *beside]))
    classes = ["-cp", str(tools.java_generator()), "-d", str(tmp_path / "classes")]
    options = ["-nowarn", "-proc:none", *(f"-J{option}" for option in BRIEFLY)]
    tools.run([compiler, *options, *classes, f"@{names}"], tmp_path)
    assert (tmp_path / "classes" / "certsvc" / "model" / "Enrollment.class").exists()


def test_what_npm_installs_is_pinned_by_digest_and_names_no_place() -> None:
    lock = json.loads((tools.TYPESCRIPT / "package-lock.json").read_text())
    packages = {name: one for name, one in lock["packages"].items() if name}
    assert packages
    for name, one in packages.items():
        assert "resolved" not in one, name
        assert one["integrity"].startswith("sha512-"), name
