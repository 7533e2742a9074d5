"""What is taken out of errors and logs: the values of secret settings, and what looks like a secret."""

from __future__ import annotations

import pytest

from tools._framework.redaction import redact


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("key ghp_abcdefghijklmnopqrst1234 refused", "key [redacted] refused"),
        ("key AKIAIOSFODNN7EXAMPLE refused", "key [redacted] refused"),
        ("key eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl!", "key [redacted]!"),
        ("-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0B\n-----END PRIVATE KEY-----", "[redacted]"),
        ("Bearer abcdef0123456789", "Bearer [redacted]"),
        ("Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "Authorization: Basic [redacted]"),
        ("GET /?q=pens&api_key=abc&x=1", "GET /?q=pens&api_key=[redacted]&x=1"),
        ("postgres://ann:hunter2@db:5432", "postgres://[redacted]@db:5432"),
    ],
)
def test_what_looks_like_a_secret_is_taken_out(text: str, left: str) -> None:
    assert redact(text, {}) == left


@pytest.mark.parametrize("text", ["Basic authentication is off", "no sk-learn here", "a bearer of bad news"])
def test_words_stay(text: str) -> None:
    assert redact(text, {}) == text


@pytest.mark.parametrize(
    "name", ["SHOP_KEY", "shopToken", "GITHUB_PAT", "DB_PASS", "GOOGLE_CREDENTIALS", "x-auth"]
)
def test_what_is_secret_by_its_name_is_taken_out(name: str) -> None:
    assert redact("b'pens4all\\n' is wrong", {name: "pens4all\n"}) == "b'[redacted]\\n' is wrong"


@pytest.mark.parametrize("name", ["WIKI_URL", "COMPAT", "BYPASS", "PATH"])
def test_other_settings_stay(name: str) -> None:
    assert redact("pens4all", {name: "pens4all"}) == "pens4all"


def test_a_secret_that_holds_another_and_one_of_many_lines_leave_nothing() -> None:
    config = {"A_KEY": "pens4", "B_KEY": "pens4all", "C_KEY": "{\n quill4all\n}"}
    assert redact("pens4all, {quill4all}", config) == "[redacted], {[redacted]}"
