"""Look things up on Wikipedia."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from tools import Context, ToolFailed, ToolRetry, tool
from tools._services.service import ServiceError, Unreachable
from tools._wikipedia import Entry, Summary, find_entries, read_summary

_LANGUAGE = re.compile(r"[a-z]{2,3}(-[a-z]{2,10}){0,2}|simple")
_MOST_TOPIC_CHARS = 200
_MOST_ENTRIES = 6
_LICENCE = "CC BY-SA 4.0"


@tool(
    title="Looking up {topic} on Wikipedia",
    cache_s=3600,
    cache_by="everyone",
    open_to_guests=True,
)
async def look_up_on_wikipedia(topic: str, context: Context, language: str = "en") -> dict[str, Any]:
    """Get the beginning of the Wikipedia article about a topic. For the whole article, fetch_page its url.

    Args:
        topic: A person, place, thing or event; for one of several meanings add it: Mercury (planet).
        language: The Wikipedia to look in, by its language code, such as en, de or pt.
    """
    topic, language = " ".join(topic.split()), language.strip().lower()
    if not topic or len(topic) > _MOST_TOPIC_CHARS:
        raise ToolRetry("Name a topic in a few words.")
    if not _LANGUAGE.fullmatch(language):
        raise ToolRetry(f"{language[:40]!r} is not the code of a language. Use one such as en, de or pt.")
    try:
        entries = await find_entries(context, topic, language, _MOST_ENTRIES)
        if not entries:
            raise ToolRetry(
                f"Wikipedia ({language}) has nothing about {topic!r}. Try other words, or language en."
            )
        article = await read_summary(context, entries[0].key, language)
    except Unreachable as error:
        hint = "" if language == "en" else f" Perhaps there is no Wikipedia in {language!r}."
        raise ToolFailed(f"{topic!r} cannot be looked up: {error}.{hint}") from error
    except ServiceError as error:
        raise ToolFailed(f"{topic!r} cannot be looked up: {error}.") from error
    others = [entry for entry in entries if entry.title != article.title]
    if article.type == "disambiguation":
        raise ToolRetry(f"{article.title} may mean several things. Ask for one of them: {_listed(others)}.")
    return _report(article, others)


def _report(article: Summary, others: Sequence[Entry]) -> dict[str, Any]:
    described = f"{article.title}: {article.description}" if article.description else article.title
    return {
        "summary": described,
        "title": article.title,
        "extract": article.extract,
        "also": [entry.title for entry in others],
        "url": article.url,
        "licence": f"Wikipedia, {_LICENCE}: name and link the page",
        "sources": [{"title": f"{article.title} (Wikipedia, {_LICENCE})", "url": article.url}],
    }


def _listed(entries: Sequence[Entry]) -> str:
    return (
        "; ".join(
            f"{entry.title} ({entry.description})" if entry.description else entry.title for entry in entries
        )
        or "write the meaning in parentheses, as in Mercury (planet)"
    )
