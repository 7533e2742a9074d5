"""PostgreSQL under the bot: how it is reached, what is said if it can't be, and the gateway's logs in it."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from support.gateways import WAYS, humanloop_client, running_gateway
from support.postgres import PASSWORD, PostgresServer

from bot.errors import DatabaseUnusable
from bot.storage.database import create_engine
from bot.storage.migrations import migrate


@pytest.fixture
def engine(postgres_url: str) -> Iterator[sa.Engine]:
    engine = create_engine(postgres_url)
    yield engine
    engine.dispose()


def refusal(url: sa.URL) -> str:
    """What is said of a database that can't be used, with everything that a log would show."""
    engine = create_engine(url.render_as_string(hide_password=False))
    with pytest.raises(DatabaseUnusable, match="DATABASE_URL") as refused:
        migrate(engine)
    engine.dispose()
    shown = "".join(traceback.format_exception(refused.value))
    assert str(url.password) not in shown
    return str(refused.value)


def test_a_connection_says_who_it_is_and_has_limits(engine: sa.Engine) -> None:
    with engine.connect() as connection:
        shown = [
            connection.scalar(sa.text(f"SHOW {name}"))
            for name in ("application_name", "statement_timeout", "idle_in_transaction_session_timeout")
        ]
    assert shown == ["threadloop", "1min", "1min"]


def test_parameters_of_the_url_win(postgres_url: str) -> None:
    url = sa.make_url(postgres_url).update_query_dict({"application_name": "mine", "sslmode": "disable"})
    engine = create_engine(url.render_as_string(hide_password=False))
    with engine.connect() as connection:
        assert connection.scalar(sa.text("SHOW application_name")) == "mine"
    engine.dispose()


def test_a_server_that_dropped_its_connections_is_asked_again(
    engine: sa.Engine, postgres: PostgresServer
) -> None:
    with engine.connect() as connection:
        process = connection.scalar(sa.text("SELECT pg_backend_pid()"))
    postgres.execute(f"SELECT pg_terminate_backend({process}, 5000)")
    with engine.connect() as connection:
        assert connection.scalar(sa.text("SELECT pg_backend_pid()")) != process


def test_a_wrong_password_is_told_without_it(postgres_url: str) -> None:
    message = refusal(sa.make_url(postgres_url).set(password="hunter2"))
    assert "password authentication failed" in message
    assert "threadloop:***@127.0.0.1" in message


def test_a_password_among_the_parameters_is_not_told_either(postgres: PostgresServer) -> None:
    engine = create_engine(f"postgresql://threadloop@127.0.0.1:{postgres.url.port}/postgres?password=hunter2")
    with pytest.raises(DatabaseUnusable, match="password authentication failed") as refused:
        migrate(engine)
    engine.dispose()
    assert "hunter2" not in "".join(traceback.format_exception(refused.value))


def test_a_server_that_is_away_is_told(postgres: PostgresServer) -> None:
    assert "Connection refused" in refusal(postgres.url.set(port=9))


def test_a_database_that_does_not_exist_is_told(postgres: PostgresServer) -> None:
    assert 'database "nowhere" does not exist' in refusal(postgres.url.set(database="nowhere"))


def test_a_user_who_may_not_create_tables_is_told(postgres: PostgresServer, postgres_url: str) -> None:
    postgres.execute(f"CREATE ROLE visitor LOGIN PASSWORD '{PASSWORD}'")
    try:
        message = refusal(sa.make_url(postgres_url).set(username="visitor"))
    finally:
        postgres.execute("DROP ROLE visitor")
    assert "permission denied for schema public" in message
    assert "create tables" in message


async def test_the_gateway_keeps_its_logs_in_postgresql(engine: sa.Engine) -> None:
    migrate(engine)
    prompt: Any = {"model": "offline", "provider": "mock"}
    messages: Any = [{"role": "user", "content": "Ann: hello \N{WAVING HAND SIGN}"}]
    async with running_gateway(engine) as gateway, humanloop_client(gateway, WAYS[0]) as client:
        flow = await client.flows.log(path="questions", flow={"attributes": {}}, log_status="incomplete")
        call = await client.prompts.call(path="bot", prompt=prompt, messages=messages, trace_parent_id=flow.id)
        await client.tools.log(path="tools/calculate", output="2", trace_parent_id=flow.id)
        await client.flows.update_log(flow.id, output="The end.", log_status="complete")
        log: Any = await client.logs.get(flow.id)
        page = [item.id async for item in await client.logs.list(file_id=call.prompt.id)]

    assert (log["output"], log["log_status"]) == ("The end.", "complete")
    assert log["trace_children"][0]["id"] == call.id
    assert log["trace_children"][0]["messages"][0]["content"].endswith("\N{WAVING HAND SIGN}")
    assert len(log["trace_children"]) == 2
    assert page == [call.id]
