"""What the model is told besides the thread: the prompt file, filled in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from humanloop.prompt_utils import populate_prompt_template

from bot.conversation import ChatMessage, History
from bot.gateway import parse_prompt

_FILE = Path(__file__).parents[1] / "prompts" / "assistant.prompt"
_HUMANLOOP_PATH = "threadloop/assistant"
# An answer may begin late: after an approval, a retry, or a time without a connection.
_LATE = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Prompt:
    """The prompt file in two parts, so that what changes stands after the thread and caches can hit."""

    path: str
    """Where Humanloop files the prompt's logs."""
    parameters: Mapping[str, Any]
    """Model, provider, temperature and the like, by Humanloop's names."""
    template: Sequence[Mapping[str, Any]]
    """The messages that never change; Humanloop puts them before the thread."""
    context: Sequence[Mapping[str, Any]]
    """The messages with `{{variables}}`, which are filled in and put after the thread."""

    @classmethod
    def load(cls, provider_and_model: tuple[str, str] | None) -> Prompt:
        """Read the prompt file, and put another provider and model in place of the file's.

        Raises:
            PromptFileError: the file can't be read; the message names the line.
        """
        parameters = parse_prompt(_FILE.read_text(encoding="utf-8"))
        messages = parameters.pop("template")
        if provider_and_model:
            parameters["provider"], parameters["model"] = provider_and_model
        return cls(
            path=_HUMANLOOP_PATH,
            parameters=parameters,
            template=[message for message in messages if "{{" not in message["content"]],
            context=[message for message in messages if "{{" in message["content"]],
        )

    @property
    def model(self) -> str:
        """The model's name, as its provider calls it."""
        return str(self.parameters.get("model", ""))

    @property
    def provider(self) -> str:
        """The provider's name, as Humanloop calls it."""
        return str(self.parameters.get("provider", ""))

    def with_tools(self, schemas: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
        """The `prompt` object of a call."""
        return {**self.parameters, "template": list(self.template), "tools": list(schemas)}

    def filled_in(self, history: History, asked_at: datetime) -> Iterator[ChatMessage]:
        """The messages that tell who asks, where and when, in the zone of `asked_at`."""
        now = datetime.now(asked_at.tzinfo)
        is_late = now - asked_at > _LATE
        inputs = {
            "now": _in_words(now),
            "asker": history.asker.name,
            "timezone": history.asker.timezone,
            "channel": history.place,
            "when": f" on {_in_words(asked_at)}; tools count from then" if is_late else "",
        }
        for message in self.context:
            yield ChatMessage(message["role"], populate_prompt_template(message["content"], inputs))


def _in_words(moment: datetime) -> str:
    return f"{moment:%A}, {moment.day} {moment:%B %Y, %H:%M}"
