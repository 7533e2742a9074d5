"""What the bot's messages are made of: Markdown, buttons, and no unfurling."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from bot.conversation import Question
from bot.errors import RunError
from bot.slack.guard import neutralise
from bot.slack.markdown import split
from bot.slack.text import escape, unescape

Block: TypeAlias = Mapping[str, Any]

SHARE_ACTION = "share_answer"
RETRY_ACTION = "retry_answer"

# chat.update refuses a longer `text` (https://docs.slack.dev/reference/methods/chat.update).
MOST_CHARS = 3_900


def content(text: str, buttons: Sequence[Block] = ()) -> dict[str, Any]:
    """The arguments that show `text`, which is Markdown and already neutralised."""
    blocks: list[Block] = [{"type": "markdown", "text": text}]
    if buttons:
        blocks.append({"type": "actions", "elements": list(buttons)})
    return {"text": escape(text), "blocks": blocks}


def new_message(text: str, buttons: Sequence[Block] = ()) -> dict[str, Any]:
    """The arguments that post `text`. A link planted in it must not be fetched by Slack on its own."""
    return {"unfurl_links": False, "unfurl_media": False, **content(text, buttons)}


def parts(text: str) -> list[str]:
    """A model's Markdown as the texts of messages: without pings, and split within Slack's limits."""
    return split(neutralise(text), MOST_CHARS)


def failure(error: RunError, run_id: str) -> str:
    """What the asker reads in place of an answer."""
    return f"{error.sentence}\n\n_Run `{run_id}`_"


def shared(question: Question, asker: str, answer: str) -> list[dict[str, Any]]:
    """The messages that show a slash command's answer to its channel."""
    asked = f"**{asker} asked:** {unescape(question.text)}"
    return [new_message(part) for part in parts(f"{asked}\n\n{answer}")]


def share_button(run_id: str) -> Block:
    """Shares a slash command's answer to its channel."""
    return _button(SHARE_ACTION, "Share to channel", run_id)


def retry_button(run_id: str) -> Block:
    """Asks the question of a failed run anew."""
    return _button(RETRY_ACTION, "Retry", run_id)


def _button(action: str, label: str, value: str) -> Block:
    return {
        "type": "button",
        "action_id": action,
        "text": {"type": "plain_text", "text": label},
        "value": value,
    }
