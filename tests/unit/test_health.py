"""The health routes and the probes behind them."""

from __future__ import annotations

import asyncio
from importlib.metadata import version
from pathlib import Path

import httpx2
import pytest
from support.patience import PATIENCE_S
from support.slack_app import app_of

from bot.playground import Playground, Seed
from bot.slack.connection import SocketMode
from bot.storage import database
from bot.telemetry.health import Readiness, create_app
from bot.telemetry.probes import LastCall, Probe, database_probe


async def well() -> str | None:
    return None


async def broken() -> str | None:
    return "it is away"


async def falling_over() -> str | None:
    raise RuntimeError("with a password in it")


async def get(path: str, **probes: Probe) -> httpx2.Response:
    app = create_app(Readiness(probes, within_s=PATIENCE_S), lambda: b"up 1\n")
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://bot") as http:
        return await http.get(path)


async def test_the_process_is_healthy_whatever_it_depends_on() -> None:
    response = await get("/healthz", slack=broken)
    assert response.status_code == 200
    assert response.json()["version"] == version("threadloop")
    assert response.json()["uptime_s"] >= 0


async def test_a_bot_with_all_it_needs_is_ready() -> None:
    response = await get("/readyz", slack=well, database=well)
    assert (response.status_code, response.json()) == (200, {"status": "ready"})


async def test_a_bot_that_is_not_ready_says_why() -> None:
    response = await get("/readyz", slack=broken, database=well, model=falling_over)
    assert response.status_code == 503
    assert response.json()["reasons"] == {"slack": "it is away", "model": "it failed with RuntimeError"}


async def test_a_probe_that_hangs_is_a_reason_and_is_not_asked_again_meanwhile() -> None:
    asked, release = 0, asyncio.Event()

    async def hanging() -> str | None:
        nonlocal asked
        asked += 1
        await release.wait()
        return None

    readiness = Readiness({"database": hanging}, within_s=0.01)
    for _ in range(2):
        assert await readiness.faults() == {"database": "no answer within 0.01 s"}
    assert asked == 1
    release.set()
    assert await readiness.faults() == {}
    assert asked == 2


async def test_metrics_are_prometheus_text() -> None:
    response = await get("/metrics")
    assert response.headers["content-type"].startswith("text/plain; version=")
    assert response.text == "up 1\n"


@pytest.mark.parametrize("path", ["/", "/health", "/slack/events"])
async def test_other_paths_are_not_found(path: str) -> None:
    assert (await get(path)).status_code == 404


async def test_a_database_that_answers_is_well(tmp_path: Path) -> None:
    engine = database.create_engine(f"sqlite:///{tmp_path}/bot.db")
    assert await database_probe(engine)() is None
    engine.dispose()


async def test_a_database_that_is_away_is_a_fault_without_its_address(tmp_path: Path) -> None:
    (tmp_path / "bot.db").mkdir()
    engine = database.create_engine(f"sqlite:///{tmp_path}/bot.db")
    assert await database_probe(engine)() == "it does not answer (OperationalError)"
    engine.dispose()


async def test_the_last_calls_failure_is_a_fault_until_the_next_success() -> None:
    model = LastCall()
    assert await model.fault() is None
    model.failed("it is away")
    assert await model.fault() == "it is away"
    model.succeeded()
    assert await model.fault() is None


async def test_an_old_failure_is_forgotten_since_a_bot_without_questions_makes_no_calls() -> None:
    now = 1000.0
    model = LastCall(forget_after_s=30, clock=lambda: now)
    model.failed("it is away")
    now += 29.9
    assert await model.fault() == "it is away"
    now += 0.2
    assert await model.fault() is None


async def test_socket_mode_is_well_only_while_it_is_connected() -> None:
    playground = Playground(Seed.default())
    async with playground.serve():
        connection = SocketMode(app_of(playground), playground.app_token)
        assert await connection.fault() == "the Socket Mode connection is down"
        async with connection:
            assert await connection.fault() is None
        assert await connection.fault() == "the Socket Mode connection is down"
