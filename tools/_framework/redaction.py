"""Take secrets out of a text before a model, a person or a log sees it."""

from __future__ import annotations

import re
from collections.abc import Mapping

from tools._framework.secret_shapes import without_credentials

_SECRET_SETTING = re.compile(r"(KEY|TOKEN|SECRET|PASSWORD)$")


def redact(text: str, config: Mapping[str, str]) -> str:
    """`text` without the secrets of `config`, and without what looks like one."""
    return without_credentials(text, secrets_in(config))


def secrets_in(config: Mapping[str, str]) -> list[str]:
    """The values of `config` that are secret by their variables' names."""
    return [value for name, value in config.items() if value and _SECRET_SETTING.search(name)]
