"""What secrets look like, wherever they come from."""

from __future__ import annotations

import re
from collections.abc import Iterable

GONE = "[redacted]"

TOKEN = re.compile(
    r"xox[a-z](?:\.xox[a-z])?-[A-Za-z0-9-]{8,}"
    r"|(?<![A-Za-z0-9])(?:xapp-[A-Za-z0-9-]{8,}"
    r"|sk[-_][A-Za-z0-9_-]{16,}"
    r"|gh[pousr]_[A-Za-z0-9]{16,}"
    r"|glpat-[A-Za-z0-9_-]{16,}"
    r"|hf_[A-Za-z0-9]{16,}"
    r"|ya29\.[A-Za-z0-9_-]{16,}"
    r"|hooks\.slack\.com/(?:services|workflows|triggers)/[A-Za-z0-9/_-]{16,}"
    r"|github_pat_[A-Za-z0-9_]{16,}"
    r"|A(?:KIA|SIA)[A-Z0-9]{16}"
    r"|AIza[A-Za-z0-9_-]{30,}"
    r"|eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*"
    r")"
)

PRIVATE_KEY_MARK = "-----BEGIN"
PRIVATE_KEY = re.compile(
    r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----(?:\s{1,3}(?:Version|Comment): [^\n]{1,80}){0,3}"
    r"(?=(?:\s|\\n|>){0,9}(?:[A-Za-z0-9+/]{16}|Proc-Type|DEK-Info))[A-Za-z0-9+/=\s\\,:>-]*"
)
PRIVATE_KEY_END = re.compile(r"-----END [A-Z0-9 ]{0,40}-----")

# "Bearer authentication" is no secret: it takes a digit, or more letters than a word has.
_CREDENTIALS = r"(?=[A-Za-z._~+/=\\&#;-]{0,200}\d|[A-Za-z._~+/=-]{24})[A-Za-z0-9._~+/=\\&#;-]{8,}"
_BEARER = re.compile(rf"(?<![A-Za-z0-9_])(bearer\s+){_CREDENTIALS}", re.IGNORECASE)
# These stand in requests, which errors and logs repeat. In an answer they may be an example's.
_IN_REQUESTS = (
    (re.compile(rf"\b(basic\s+){_CREDENTIALS}", re.IGNORECASE), rf"\1{GONE}"),
    (
        re.compile(r"(?i)\b(api[_-]?key|access[_-]?token|token|secret|password|signature)=[^&\s\"']+"),
        rf"\1={GONE}",
    ),
    (re.compile(r"://[^/\s:@]+:[^/\s@]+@"), f"://{GONE}@"),
)


def without_secrets(text: str, secrets: Iterable[str]) -> str:
    """`text` without `secrets`, and without what can only be a token or a private key."""
    for secret in secrets:
        text = text.replace(secret, GONE)
    if PRIVATE_KEY_MARK in text and PRIVATE_KEY.search(text):
        text = PRIVATE_KEY_END.sub("", PRIVATE_KEY.sub(GONE, text))
    return TOKEN.sub(GONE, _BEARER.sub(rf"\1{GONE}", text))


def without_credentials(text: str, secrets: Iterable[str]) -> str:
    """The same, and without the credentials of requests: for errors and logs."""
    text = without_secrets(text, secrets)
    for pattern, replacement in _IN_REQUESTS:
        text = pattern.sub(replacement, text)
    return text
