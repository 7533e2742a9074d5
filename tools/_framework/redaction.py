"""Take secrets out of a text before a model, a person or a log sees it."""

from __future__ import annotations

import re
from collections.abc import Mapping

_GONE = "[redacted]"
_SECRET_SETTING = re.compile(r"(KEY|TOKEN|SECRET|PASSWORD)$")
_SECRETS = (
    (
        re.compile(r"(?i)\b(api[_-]?key|access[_-]?token|token|secret|password|signature)=[^&\s\"']+"),
        rf"\1={_GONE}",
    ),
    (re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}"), rf"\1 {_GONE}"),
    (re.compile(r"://[^/\s:@]+:[^/\s@]+@"), f"://{_GONE}@"),
    (re.compile(r"\b(?:xox[a-z]|xapp|sk|pk|ghp|hl)[-_][A-Za-z0-9_-]{8,}"), _GONE),
)


def redact(text: str, config: Mapping[str, str]) -> str:
    """`text` without the secrets of `config`, and without what looks like one."""
    for value in secrets_in(config):
        text = text.replace(value, _GONE)
    for pattern, replacement in _SECRETS:
        text = pattern.sub(replacement, text)
    return text


def secrets_in(config: Mapping[str, str]) -> list[str]:
    """The values of `config` that are secret by their variables' names."""
    return [value for name, value in config.items() if value and _SECRET_SETTING.search(name)]
