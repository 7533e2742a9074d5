"""What a tool may know about the question it is called for."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field
from datetime import datetime

import httpx2


@dataclass(frozen=True, slots=True)
class Asker:
    """The person who asked."""

    id: str
    name: str
    timezone: str
    """The name of a time zone, such as `Europe/Paris`."""


@dataclass(frozen=True, slots=True)
class Context:
    """The surroundings of one call. A tool that wants them takes a parameter of this type."""

    asker: Asker
    channel: str
    http: httpx2.AsyncClient
    """Shared by all tools: never close it, and set a timeout of your own."""
    now: datetime
    """The time of the question, with its time zone. Tools ask this instead of the clock."""
    run_id: str
    config: Mapping[str, str] = field(default_factory=dict)
    """Settings for tools, such as `OPEN_METEO_URL`. A missing one means its public default."""
    sample_data: bool = False
    """Whether bundled sample data may stand in for a service that cannot be reached."""
    state: MutableMapping[str, object] = field(default_factory=dict)
    """What tools remember from call to call. One mapping for the whole process; begin a key with your tool's
    name. It may be empty at any time: keep nothing here that an answer depends on."""

    def setting(self, name: str, default: str) -> str:
        """The setting `name`, or `default` when it is missing or empty."""
        return self.config.get(name) or default
