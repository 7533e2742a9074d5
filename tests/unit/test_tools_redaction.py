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
