"""What a call gave: a text for the model, and what people see of it."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import pydantic_core
from pydantic import BaseModel

from tools._framework.limits import brief, cut
from tools._framework.redaction import redact

_MOST_SUMMARY_CHARS = 200
_MOST_TITLE_CHARS = 150
_MOST_SOURCES = 10
_MOST_ERROR_CHARS = 2_000
_ADDRESS = re.compile(r"https?://[^\s<>|\"]{1,2000}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Source:
    """A page that a result rests on."""

    title: str
    url: str
    """An `http` or `https` address."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a call gave."""

    content: str
    """The result's text, or `{"error", "advice"}` as JSON, for the model to read."""
    ok: bool
    summary: str = ""
    """The result in a line for people."""
    sources: tuple[Source, ...] = ()

    @classmethod
    def of(cls, result: object, max_chars: int) -> Outcome:
        """What a tool returned: text as it is, anything else as compact JSON.

        Raises:
            pydantic_core.PydanticSerializationError: JSON cannot carry it.
        """
        text = scrubbed(result) if isinstance(result, str) else _to_json(result)
        said = _member(result, "summary")
        first_line = text.strip().partition("\n")[0]
        summary = brief(scrubbed(said) if isinstance(said, str) else first_line, _MOST_SUMMARY_CHARS)
        return cls(cut(text, max_chars), True, summary, tuple(_sources(result))[:_MOST_SOURCES])

    @classmethod
    def refusal(
        cls, message: str, advice: str, config: Mapping[str, str], *, summary: str | None = None
    ) -> Outcome:
        """Why there is no result, without the secrets of `config`. The `summary` is for people instead."""
        error = cut(scrubbed(redact(message, config)), _MOST_ERROR_CHARS)
        content = json.dumps({"error": error, "advice": advice}, ensure_ascii=False)
        return cls(content, False, brief(error if summary is None else summary, _MOST_SUMMARY_CHARS))


def scrubbed(text: str) -> str:
    """`text` without lone surrogates, which no later step could encode."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _to_json(result: object) -> str:
    return pydantic_core.to_json(result, inf_nan_mode="null").decode()


def _sources(result: object) -> Iterator[Source]:
    listed = _member(result, "sources")
    entries: Iterable[object] = listed if isinstance(listed, list | tuple) else (result,)
    for entry in entries:
        title, name, url = (_member(entry, key) for key in ("title", "source", "url"))
        address = url if url is not None else name
        if address is not None and _ADDRESS.fullmatch(str(address)):
            words = next((text for text in (title, name) if isinstance(text, str) and text != address), "")
            shown = brief(scrubbed(words), _MOST_TITLE_CHARS) or urlsplit(str(address)).netloc
            yield Source(shown, str(address))


def _member(result: object, name: str) -> object:
    """The value called `name` of a mapping, a pydantic model or a dataclass; `None` if there is none."""
    if isinstance(result, Mapping):
        return result.get(name)
    if isinstance(result, BaseModel) or dataclasses.is_dataclass(result):
        return getattr(result, name, None)
    return None
