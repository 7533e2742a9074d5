"""Currencies by the names that people use."""

from __future__ import annotations

import difflib
import re

from tools._framework.errors import ToolRetry

# With the countries' adjectives, where a name needs one: "canadian dollars".
_NAMES = {
    "USD": "us dollar", "EUR": "euro", "GBP": "pound sterling", "JPY": "yen", "CHF": "swiss franc",
    "AUD": "australian dollar", "CAD": "canadian dollar", "NZD": "new zealand dollar",
    "HKD": "hong kong dollar", "SGD": "singapore dollar", "TWD": "taiwan dollar", "CNY": "yuan",
    "KRW": "south korean won", "INR": "indian rupee", "PKR": "pakistani rupee", "LKR": "sri lankan rupee",
    "NPR": "nepalese rupee", "SEK": "swedish krona", "NOK": "norwegian krone", "DKK": "danish krone",
    "ISK": "icelandic krona", "CZK": "czech koruna", "PLN": "zloty", "HUF": "forint", "RON": "leu",
    "BGN": "lev", "UAH": "hryvnia", "RUB": "russian ruble", "TRY": "turkish lira", "ILS": "shekel",
    "EGP": "egyptian pound", "ZAR": "rand", "NGN": "naira", "KES": "kenyan shilling", "GHS": "cedi",
    "MAD": "moroccan dirham", "AED": "uae dirham", "SAR": "saudi riyal", "QAR": "qatari riyal",
    "KWD": "kuwaiti dinar", "BHD": "bahraini dinar", "JOD": "jordanian dinar", "RSD": "serbian dinar",
    "THB": "baht", "VND": "dong", "IDR": "rupiah", "MYR": "ringgit", "PHP": "philippine peso",
    "BDT": "taka", "BRL": "real", "MXN": "mexican peso", "ARS": "argentine peso", "CLP": "chilean peso",
    "COP": "colombian peso", "UYU": "uruguayan peso", "PEN": "sol",
}  # fmt: skip
_ALIASES = {
    "$": "USD", "us$": "USD", "dollar": "USD", "american dollar": "USD", "buck": "USD", "€": "EUR",
    "£": "GBP", "pound": "GBP", "british pound": "GBP", "sterling": "GBP", "quid": "GBP", "franc": "CHF",
    "a$": "AUD", "c$": "CAD", "nz$": "NZD", "hk$": "HKD", "s$": "SGD", "nt$": "TWD", "r$": "BRL",
    "reais": "BRL", "japanese yen": "JPY", "rmb": "CNY", "renminbi": "CNY", "chinese yuan": "CNY",
    "₩": "KRW", "won": "KRW", "korean won": "KRW", "₹": "INR", "zł": "PLN", "złoty": "PLN",
    "polish zloty": "PLN", "hungarian forint": "HUF", "romanian leu": "RON", "lei": "RON",
    "czech crown": "CZK", "kč": "CZK", "koruna": "CZK", "₽": "RUB", "rouble": "RUB", "ruble": "RUB",
    "₴": "UAH", "₺": "TRY", "₪": "ILS", "israeli shekel": "ILS", "south african rand": "ZAR", "₦": "NGN",
    "฿": "THB", "thai baht": "THB", "₫": "VND", "₱": "PHP", "brazilian real": "BRL", "lira": "TRY",
    "swedish crown": "SEK", "norwegian crown": "NOK", "danish crown": "DKK",
}  # fmt: skip
_SEVERAL = {
    "¥": ("JPY", "CNY"), "kr": ("SEK", "NOK", "DKK", "ISK"), "krone": ("NOK", "DKK"),
    "kroner": ("NOK", "DKK"), "krona": ("SEK", "ISK"), "crown": ("SEK", "NOK", "DKK", "CZK"),
    "rupee": ("INR", "PKR", "LKR", "NPR"), "peso": ("MXN", "ARS", "CLP", "COP", "PHP", "UYU"),
    "dinar": ("KWD", "BHD", "JOD", "RSD"), "dirham": ("AED", "MAD"), "riyal": ("SAR", "QAR"),
    "shilling": ("KES", "TZS", "UGX"),
}  # fmt: skip
# ISO 4217's decimal places, where there are not two.
_WITHOUT_CENTS = frozenset({
    "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF",
    "XPF",
})  # fmt: skip
_IN_THOUSANDTHS = frozenset({"BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"})
_CODE = re.compile(r"[a-z]{3}")


def currency_code(text: str) -> str:
    """The ISO 4217 code of a currency by its code, sign or name.

    Raises:
        ToolRetry: it is unknown, or the name of several.
    """
    name = " ".join(text.lower().replace(".", "").split())
    singular = re.sub(r"(?<=[a-z])s( sterling)?$", r"\1", name)
    codes = _by_name()
    if code := codes.get(name) or codes.get(singular):
        return code
    if several := _SEVERAL.get(name) or _SEVERAL.get(singular):
        raise ToolRetry(
            f"{text!r} is the name of several currencies. Take the code of one: {_listed(several)}."
        )
    if _CODE.fullmatch(name):
        return name.upper()
    near = [codes[known] for known in difflib.get_close_matches(singular[:30], codes, n=3)]
    hint = f" Did you mean {_listed(tuple(dict.fromkeys(near)))}?" if near else ""
    raise ToolRetry(f"{text[:40]!r} is not a known currency.{hint} Its code always works, such as USD.")


def decimals(code: str) -> int:
    """How many decimal places amounts of a currency have."""
    return 0 if code in _WITHOUT_CENTS else 3 if code in _IN_THOUSANDTHS else 2


def _by_name() -> dict[str, str]:
    return {name: code for code, name in _NAMES.items()} | _ALIASES


def _listed(codes: tuple[str, ...]) -> str:
    return " or ".join(f"{code} ({_NAMES[code]})" if code in _NAMES else code for code in codes)
