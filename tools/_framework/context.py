"""What a tool may know about the question it is called for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

import httpx2

from tools._framework.elicitation import Elicit

if TYPE_CHECKING:
    from slack_sdk.web.async_client import AsyncWebClient


@dataclass(frozen=True, slots=True)
class Asker:
    """A person: the one who asked, or another of the thread."""

    id: str
    name: str
    timezone: str
    """The name of a time zone, such as `Europe/Paris`."""
    locale: str = ""
    """Language and country, such as `en-US`; empty if it is not known."""
    is_guest: bool = False
    """Whether they are a guest of the workspace, who sees only some channels."""
    is_external: bool = False
    """Whether they belong to another company and meet the bot in a channel that is shared with it."""
    groups: tuple[str, ...] = ()
    """The ids of the Slack user groups they are in, such as `S0123`."""


def _nowhere(text: str) -> None:
    """Progress that nobody watches."""


@dataclass(frozen=True, slots=True)
class Context:
    """The surroundings of one call. A tool that wants them takes a parameter of this type."""

    asker: Asker
    channel: str
    http: httpx2.AsyncClient
    """Shared by all tools: never close it, and set a timeout of your own."""
    now: datetime
    """The time of the question, with its time zone: the same in every attempt at it, also after an approval.
    Tools ask this instead of the clock."""
    run_id: str
    """Names the question, and its revision if it was edited."""
    config: Mapping[str, str] = field(default_factory=dict)
    """Settings for tools, such as `OPEN_METEO_URL`. A missing one means its public default."""
    sample_data: bool = False
    """Whether bundled sample data may stand in for a service that cannot be reached."""
    state: MutableMapping[str, object] = field(default_factory=dict)
    """What tools remember from call to call. One mapping for the whole process; begin a key with your tool's
    name. It may be empty at any time: keep nothing here that an answer depends on."""
    call_id: str = ""
    """Names this call within the run: by the model's id for it, and by what is called with which arguments."""
    thread_ts: str = ""
    """The thread's root in Slack; empty where there is no thread."""
    participants: tuple[Asker, ...] = ()
    """The people of the thread, the asker included."""
    progress: Callable[[str], None] = _nowhere
    """Say in a few words how far the tool is: `context.progress("3 of 10 pages")`. People see the latest."""
    elicit: Elicit | None = None
    """Ask the person and wait for the answer; `None` where nobody can be asked. The tool's time rests."""
    slack: AsyncWebClient | None = None
    """Slack as the bot, with its retries and rate limits; `None` outside of Slack."""
    action_token: str = ""
    """Slack's leave to search as the asker, from the question's event. Empty if it came without one."""

    @property
    def idempotency_key(self) -> str:
        """The same for every attempt at this call, also after a restart, and different for every other call."""
        return f"{self.run_id}:{self.call_id}"

    def setting(self, name: str, default: str) -> str:
        """The setting `name`, or `default` when it is missing or empty."""
        return self.config.get(name) or default
