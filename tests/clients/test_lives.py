"""Clients that were generated from the contract live one learner's whole life, against a service
that runs, and see the same."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest

from tests.api.client import assert_valid, contract
from tests.clients import tools
from tests.clients.receiver import Receiver
from tests.clients.service import Service

TYPES = [
    "certification.published",
    "enrollment.created",
    "enrollment.assigned",
    "enrollment.opened",
    "exam.attempted",
    "enrollment.started",
    "enrollment.progressed",
    "certificate.issued",
    "recertification.opened",
    "exam.attempted",
    "enrollment.started",
    "enrollment.progressed",
    "certificate.superseded",
    "certificate.issued",
    "recertification.opened",
    "certificate.expiring",
    "enrollment.due_soon",
    "certificate.expiring",
    "enrollment.overdue",
    "certificate.expired",
    "certificate.lapsed",
]
PATIENCE = 60.0


def stands(step: str, status: str, standing: str, through: str | None, cycle: str | None) -> Any:
    """Where the learner stands at a step."""
    where = {"status": status, "standing": standing, "through": through, "cycle": cycle}
    return {"step": step, **where}


LIFE: list[dict[str, Any]] = [
    {"step": "key", "role": "lms"},
    {"step": "endpoint", "types": ["certificate.issued"], "enabled": False, "secret": "whsec_"},
    {"step": "changed", "types": ["certificate.expired"], "count": 2},
    {"step": "deleted", "status": 204, "code": "webhook_endpoint_not_found"},
    {"step": "published", "version": 1, "state": "published"},
    {"step": "certification", "title": "Forklift operator", "active": True},
    stands("enrolled", "not_started", "none", None, "initial"),
    {"step": "once", "same": True, "revision": 1},
    {"step": "evidence", "results": ["recorded", "recorded"]},
    stands("certified", "certified", "valid", "2027-01-05", None),
    stands("due", "recertifying", "valid", "2027-01-05", "recertification"),
    {"step": "evidence", "results": ["recorded", "recorded"]},
    stands("recertified", "certified", "valid", "2028-01-05", None),
    stands("expired", "recertifying", "grace", "2028-01-05", "recertification"),
    stands("lapsed", "recertifying", "lapsed", "2028-01-05", "recertification"),
    {"step": "verified", "state": "superseded", "certification": "Forklift operator"},
    {
        "step": "actions",
        "allowed": [
            "cancel",
            "certify",
            "change-dates",
            "change-next-recertification",
            "mark-not-completed",
            "move-to-version",
            "override-exam",
            "override-training",
            "remind",
            "reset-exam",
            "revoke",
        ],
    },
    {"step": "refused", "code": "stale_revision", "status": 412, "retryable": False},
    {"step": "history", "gapless": True},
    {"step": "feed", "types": TYPES},
]


@dataclass(frozen=True, slots=True)
class Stage:
    """Where a client lives: a service, a sandbox in it, and somebody who hears its webhooks."""

    service: Service
    receiver: Receiver

    def lived(self, tenant: str, command: list[str], folder: Path, **more: str) -> list[Any]:
        """What a client saw in its life."""
        done = tools.run(
            command,
            folder,
            CERTSVC_URL=self.service.url,
            CERTSVC_KEY=self.service.sandbox(tenant),
            RECEIVER_URL=self.receiver.url,
            **more,
        )
        return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture
def stage(service: Service) -> Iterator[Stage]:
    receiver = Receiver()
    try:
        yield Stage(service, receiver)
    finally:
        receiver.stop()


def test_a_python_client_lives_a_life_and_every_webhook_of_it_is_as_the_contract_says(
    stage: Stage, tmp_path: Path
) -> None:
    generator = tools.installed(tools.PYTHON_TOOLS / "openapi-python-client", "client")
    settings = tools.ROOT / "examples" / "lms" / "generator.yaml"
    made = tools.run(
        [
            *(str(generator), "generate", "--fail-on-warning", "--meta", "none"),
            *("--path", str(tools.CONTRACT), "--config", str(settings)),
            *("--output-path", str(tmp_path / "certsvc_client")),
        ],
        tmp_path,
    )
    assert "warning" not in (made.stdout + made.stderr).lower()
    life = [str(tools.PYTHON_TOOLS / "python"), str(tools.HERE / "python" / "life.py")]
    assert stage.lived("python", life, tmp_path, PYTHONPATH=str(tmp_path)) == LIFE
    expect_deliveries(stage.receiver)


def expect_deliveries(receiver: Receiver) -> None:
    """Everything that the feed told was delivered, as the section on webhooks has it."""
    until = monotonic() + PATIENCE
    while len(receiver.heard) < len(TYPES) and monotonic() < until:
        sleep(0.05)
    assert sorted(body["type"] for _, body in receiver.heard) == sorted(TYPES)
    for headers, body in receiver.heard:
        told = contract()["webhooks"][body["type"]]["post"]
        for parameter in told["parameters"]:
            assert parameter["$ref"].rpartition("/")[2] in headers
        schema = told["requestBody"]["content"]["application/json"]["schema"]
        assert_valid(schema["$ref"].rpartition("/")[2], body)
        assert headers["webhook-id"] == body["data"]["id"]


def test_a_typescript_client_passes_the_type_checker_and_lives_the_same_life(
    stage: Stage, tmp_path: Path
) -> None:
    for name in ("life.ts", "package.json", "tsconfig.json"):
        shutil.copy(tools.TYPESCRIPT / name, tmp_path)
    tools.node()
    (tmp_path / "node_modules").symlink_to(tools.NODE_PACKAGES)
    generate = tools.script("openapi-typescript", "bin/cli.js")
    out = str(tmp_path / "schema.d.ts")
    options = ["--default-non-nullable=false", "--output", out]
    tools.run([*generate, str(tools.CONTRACT), *options], tmp_path)
    tools.run([*tools.script("typescript", "bin/tsc"), "--project", "."], tmp_path)
    assert stage.lived("typescript", [str(tools.node()), "life.ts"], tmp_path) == LIFE
