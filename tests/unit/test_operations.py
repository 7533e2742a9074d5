"""What is written for those who run the bot says what the code does: compose.yaml and docs/operations.md."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.settings import Settings
from bot.slack.connection import EVENTS_PATH
from bot.telemetry.metrics import Metrics

_ROOT = Path(__file__).parents[2]
# Read by others than the bot: PostgreSQL's client library.
_FOREIGN = {"PGPASSWORD"}


@pytest.fixture
def services() -> dict[str, Any]:
    return dict(_compose()["services"])


def _compose() -> dict[str, Any]:
    return dict(yaml.safe_load((_ROOT / "compose.yaml").read_text(encoding="utf-8")))


def test_the_replicas_get_variables_that_exist(services: dict[str, Any]) -> None:
    assert {name.lower() for name in services["bot"]["environment"].keys() - _FOREIGN} <= set(
        Settings.model_fields
    )


def test_the_replicas_share_a_database_and_speak_http(services: dict[str, Any]) -> None:
    environment = services["bot"]["environment"]
    assert services["bot"]["deploy"]["replicas"] > 1
    assert environment["DATABASE_URL"].startswith("postgresql://threadloop@postgres/")
    assert environment["SLACK_APP_TOKEN"] == ""


def test_the_proxy_lets_slack_through_to_the_replicas_port(services: dict[str, Any]) -> None:
    port = services["bot"]["environment"]["PORT"]
    proxy = _compose()["configs"]["proxy"]["content"]
    assert f"handle {EVENTS_PATH} {{" in proxy
    assert f"dynamic a bot {port} " in proxy
    assert f"127.0.0.1:{port}/healthz" in services["bot"]["healthcheck"]["test"][-1]


def test_a_replica_is_given_the_time_to_finish(services: dict[str, Any]) -> None:
    grace_s = float(services["bot"]["stop_grace_period"].removesuffix("s"))
    assert grace_s > Settings.model_fields["shutdown_grace_s"].default


def test_no_secret_stands_in_the_file(services: dict[str, Any]) -> None:
    variables = [pair for service in services.values() for pair in service.get("environment", {}).items()]
    secrets = {value for name, value in variables if "PASSWORD" in name}
    assert secrets == {"${POSTGRES_PASSWORD:?put it into .env}"}


def test_the_metrics_to_watch_exist() -> None:
    watched = set(re.findall(r"`(threadloop_\w+)", _operations()))
    assert watched
    assert watched <= _metrics()


def test_the_variables_of_the_document_exist() -> None:
    named = set(re.findall(r"`([A-Z]+(?:_[A-Z]+)+)(?:=[^`]*)?`", _operations())) - {"APPLICATION_VERSION"}
    assert {"DATABASE_URL", "SHUTDOWN_GRACE_S"} <= named
    assert {name.lower() for name in named} <= set(Settings.model_fields)


def _operations() -> str:
    return (_ROOT / "docs" / "operations.md").read_text(encoding="utf-8")


def _metrics() -> set[str]:
    metrics = Metrics()
    metrics.count_runs(lambda: 0, lambda: 0)
    names: set[str] = set(re.findall(r"^# TYPE (\w+)", metrics.exposition().decode(), re.MULTILINE))
    return names
