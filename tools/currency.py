"""What an amount of money is worth in another currency."""

from __future__ import annotations

import datetime
import math
from decimal import ROUND_HALF_EVEN, Decimal

from pydantic import BaseModel, Field

from tools import Context, ToolFailed, ToolRetry, tool
from tools._currencies import currency_code, decimals
from tools._days import in_words
from tools._services.service import Refused, ServiceError, fetch

_URL = "https://api.frankfurter.dev"
_MOST = 1e15
_CACHE_S = 3600.0
# What is worth less than this is shown to so many significant digits instead of cents.
_SMALL = Decimal(1)
_DIGITS = 4


class _Rate(BaseModel):
    date: datetime.date
    rate: Decimal = Field(gt=0, lt=10**9)


@tool(
    title="Converting {from_currency} to {to_currency}",
    open_to_guests=True,
    cache_s=_CACHE_S,
    cache_by="everyone",
)
async def convert_currency(
    amount: float, from_currency: str, to_currency: str, context: Context, date: str | None = None
) -> dict[str, object]:
    """Convert an amount of money to another currency, by daily reference rates of central banks.

    Always tell the date of the rate. Banks charge other rates.

    Args:
        amount: How much of from_currency.
        from_currency: Its code, e.g. USD
        to_currency: The code of the currency to convert to, e.g. EUR
        date: A past day as YYYY-MM-DD. Leave it out for the latest rate.
    """
    if not math.isfinite(amount) or abs(amount) > _MOST:
        raise ToolRetry(f"The amount must be a number up to {_MOST:g}.")
    source, target = currency_code(from_currency), currency_code(to_currency)
    if source == target:
        raise ToolRetry(f"Both currencies are {source}: name two that differ.")
    found = await _rate(context, source, target, _read_date(date, context))
    given = Decimal(repr(amount))
    result = _rounded(given * found.rate, target)
    day = in_words(found.date)
    return {
        "result": f"{result:f}",
        "currency": target,
        "rate": f"{found.rate.normalize():f}",
        "rate_date": found.date.isoformat(),
        "sources": [{"title": "Frankfurter", "url": "https://frankfurter.dev/"}],
        "summary": f"{_plain(given)} {source} ≈ {result:,f} {target}, at the reference rate of {day} "
        f"(1 {source} = {found.rate.normalize():f} {target}; source: Frankfurter).",
    }


async def _rate(context: Context, source: str, target: str, day: datetime.date | None) -> _Rate:
    """The rate of a day, or of the last day before it that has one.

    Protocol: frankfurter.dev. Unknown currencies are answered with 404 or 422 and a `message`.
    """
    url = context.setting("FRANKFURTER_URL", _URL).rstrip("/")
    params = {"date": day.isoformat()} if day else {}
    try:
        return await fetch(context, "Frankfurter", f"{url}/v2/rate/{source}/{target}", params, _Rate)
    except Refused as error:
        when = f" on {day}" if day else ""
        raise ToolRetry(
            f"There is no rate from {source} to {target}{when} ({error}). Check the codes."
        ) from error
    except ServiceError as error:
        raise ToolFailed(f"The rate from {source} to {target} is not available: {error}.") from error


def _read_date(text: str | None, context: Context) -> datetime.date | None:
    if not text:
        return None
    try:
        day = datetime.date.fromisoformat(text)
    except ValueError as error:
        raise ToolRetry(f"{text[:40]!r} is not a date. Write it as YYYY-MM-DD, or leave it out.") from error
    if day > context.now.date():
        raise ToolRetry(
            f"{text} is in the future, and its rates are not known. Leave the date out for the latest."
        )
    return day


def _rounded(value: Decimal, currency: str) -> Decimal:
    """To cents or what is the currency's smallest; small amounts to as many digits as tell something."""
    if abs(value) >= _SMALL or not value:
        return value.quantize(Decimal(1).scaleb(-decimals(currency)), ROUND_HALF_EVEN)
    return value.quantize(Decimal(1).scaleb(value.adjusted() - _DIGITS + 1)).normalize()


def _plain(value: Decimal) -> str:
    text = f"{value:,f}"
    return text.removesuffix(".0")
