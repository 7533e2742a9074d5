"""Money in other currencies, against a local server that speaks Frankfurter's shapes."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from support.ports import unreachable
from support.rates_server import RatesServer
from support.tool_context import NOON, tool_context

from tools import Context, Registry, ToolRetry
from tools._currencies import currency_code, decimals
from tools.currency import convert_currency


async def ask(context: Context, amount: float, source: str, target: str, **more: Any) -> dict[str, Any]:
    arguments = {"amount": amount, "from_currency": source, "to_currency": target, **more}
    outcome = await Registry([convert_currency]).call("convert_currency", json.dumps(arguments), context)
    answer: dict[str, Any] = json.loads(outcome.content)
    assert outcome.ok == ("error" not in answer)
    return answer


async def test_the_answer_names_the_rate_its_day_and_its_source() -> None:
    async with RatesServer() as rates, tool_context(rates.config) as context:
        answer = await ask(context, 100, "USD", "EUR")
    assert answer == {
        "result": "87.60",
        "currency": "EUR",
        "rate": "0.87596",
        "rate_date": "2026-11-20",
        "sources": [{"title": "Frankfurter", "url": "https://frankfurter.dev/"}],
        "summary": "100 USD ≈ 87.60 EUR, at the reference rate of Friday, 20 November 2026 "
        "(1 USD = 0.87596 EUR; source: Frankfurter).",
    }
    assert rates.requests == [("/v2/rate/USD/EUR", {})]


async def test_a_past_day_has_its_own_rate() -> None:
    async with RatesServer() as rates, tool_context(rates.config) as context:
        answer = await ask(context, 1234.5, "euros", "$", date="2024-02-29")
    assert rates.requests == [("/v2/rate/EUR/USD", {"date": "2024-02-29"})]
    assert answer["summary"].startswith("1,234.5 EUR ≈ 1,409.31 USD, at the reference rate of Thursday, 29 Feb")


async def test_small_amounts_keep_the_digits_that_tell_something() -> None:
    async with RatesServer() as rates, tool_context(rates.config) as context:
        assert (await ask(context, 25, "IDR", "EUR"))["result"] == "0.00125"
        assert (await ask(context, 0, "IDR", "EUR"))["result"] == "0.00"


async def test_amounts_have_the_decimal_places_of_their_currency() -> None:
    async with RatesServer() as rates, tool_context(rates.config) as context:
        answer = await ask(context, 1234.5, "USD", "JPY")
    assert "." not in answer["result"]
    assert f"{int(answer['result']):,} JPY" in answer["summary"]
    assert [decimals(code) for code in ("JPY", "KWD", "EUR")] == [0, 3, 2]


async def test_a_rate_is_asked_for_once_an_hour() -> None:
    registry = Registry([convert_currency])
    arguments = '{"amount": 1, "from_currency": "USD", "to_currency": "EUR"}'
    async with RatesServer() as rates, tool_context(rates.config) as context:
        for _ in range(3):
            await registry.call("convert_currency", arguments, context)
        assert len(rates.requests) == 1


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("usd", "USD"), ("EUR", "EUR"), ("euros", "EUR"), ("$", "USD"), ("US dollars", "USD"),
        ("dollars", "USD"),
        ("£", "GBP"), ("pounds", "GBP"), ("pounds sterling", "GBP"), ("Swiss francs", "CHF"), ("yen", "JPY"),
        ("Canadian dollars", "CAD"), ("A$", "AUD"), ("RMB", "CNY"), ("zloty", "PLN"), ("rupiah", "IDR"),
        ("Indian rupees", "INR"), ("XYZ", "XYZ"),
    ],
)  # fmt: skip
def test_a_currency_has_many_names(name: str, code: str) -> None:
    assert currency_code(name) == code


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("pesos", r"several currencies.*MXN \(mexican peso\) or ARS"),
        ("kr", "SEK .* or NOK"),
        ("¥", "JPY .* or CNY"),
        ("rupees", "INR"),
        ("crowns", "CZK"),
        ("dolars", r"Did you mean USD"),
        ("galactic credits", "not a known currency"),
        ("", "not a known currency"),
        ("USD/../../admin", "not a known currency"),
        ("€" * 500, "not a known currency"),
    ],
)
def test_a_name_of_several_or_none_is_explained(name: str, told: str) -> None:
    with pytest.raises(ToolRetry, match=told):
        currency_code(name)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((1, "BTC", "EUR", {}), "no rate from BTC to EUR (Frankfurter answered 422: invalid currency: BTC)"),
        ((1, "EUR", "euro", {}), "Both currencies are EUR"),
        ((1e16, "EUR", "USD", {}), "up to 1e+15"),
        ((float("nan"), "EUR", "USD", {}), "must be a number"),
        ((1, "EUR", "USD", {"date": "tomorrow"}), "YYYY-MM-DD"),
        ((1, "EUR", "USD", {"date": "2026-11-23"}), "in the future"),
    ],
)
async def test_what_has_no_rate_is_explained(
    arguments: tuple[float, str, str, dict[str, str]], told: str
) -> None:
    amount, source, target, more = arguments
    async with RatesServer() as rates, tool_context(rates.config) as context:
        assert told in (await ask(context, amount, source, target, **more))["error"]


@pytest.mark.parametrize(
    ("failure", "told"),
    [
        ({"status": 500}, "answered 500"),
        ({"status": 503, "body": b"<html>busy</html>"}, "answered 503"),
        ({"status": 429}, "too many requests"),
        ({"status": 200, "body": b"<html>"}, "not JSON"),
        ({"status": 200, "body": b""}, "not JSON"),
        ({"status": 200, "body": b"[]"}, "cannot be read"),
        ({"status": 200, "body": b"{}"}, "cannot be read"),
        ({"status": 200, "body": b'{"date": "2026-11-20", "rate": 0}'}, "cannot be read"),
        ({"status": 200, "body": b'{"date": "2026-11-20", "rate": NaN}'}, "cannot be read"),
        ({"status": 200, "body": b'{"date": "2026-11-20", "rate": 1e300}'}, "cannot be read"),
        ({"status": 200, "body": b'{"date": "someday", "rate": 1}'}, "cannot be read"),
        ({"status": 200, "body": b"[" * 100_000}, "not JSON"),
        ({"status": 200, "body": b" " * 3_000_000}, "more than 2 MB"),
    ],
    ids=lambda value: value if isinstance(value, str) else f"{value['status']} {value.get('body', b'')[:40]!r}",
)
async def test_a_service_that_fails_is_told_with_its_reason(failure: dict[str, Any], told: str) -> None:
    async with RatesServer() as rates, tool_context(rates.config) as context:
        rates.fail(**failure)
        answer = await ask(context, 1, "USD", "EUR")
    assert answer["error"].startswith("The rate from USD to EUR is not available: Frankfurter")
    assert told in answer["error"]


async def test_a_missing_network_is_told() -> None:
    async with tool_context({"FRANKFURTER_URL": unreachable()}) as context:
        assert "Frankfurter cannot be reached" in (await ask(context, 1, "USD", "EUR"))["error"]


async def test_a_service_that_hangs_ends_in_the_tools_time_limit() -> None:
    registry = Registry([convert_currency], timeout_s=0.1)
    async with RatesServer() as rates, tool_context(rates.config) as context:
        rates.fail(hangs=True)
        arguments = '{"amount": 1, "from_currency": "USD", "to_currency": "EUR"}'
        assert "within 0.1 seconds" in (await registry.call("convert_currency", arguments, context)).content


async def test_a_service_that_keeps_failing_is_not_asked_for_a_minute() -> None:
    async with RatesServer() as rates, tool_context(rates.config) as context:
        rates.fail(status=500)
        told = [(await ask(context, 1, "USD", "EUR"))["error"] for _ in range(4)]
        assert len(rates.requests) == 3
        assert "answered 500, and is not asked again for a minute" in told[-1]
        await ask(replace(context, now=NOON + timedelta(seconds=61)), 1, "USD", "EUR")
        assert len(rates.requests) == 4
