"""The mock's words: tool results as Markdown, and what it says when it has none."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from bot.gateway.providers.mock.dialogue import ToolResult
from bot.gateway.providers.mock.planning import Call

SIGN_OFF = (
    "_No language model is configured, so I answered by pattern. "
    "Set `OPENAI_API_KEY` or `ANTHROPIC_API_KEY` (see .env.example) and restart me._"
)
WHICH_PLACE = "Which place do you mean? Ask me, for example: *What's the weather in Boston tonight?*"
_EXAMPLES = {
    "get_current_weather": "the weather now: *What's the weather in Paris, Rome and San Francisco, CA?*",
    "get_weather_forecast": "a forecast: *Will it rain in both Boston and London tonight?*",
    "current_time": "the time somewhere: *What time is it in Tokyo?*",
    "calculate": "a sum or a conversion: *What is 15% of 80?* or *Convert 72 F to celsius*",
}
_PLAIN_MAX = 1_500


def from_results(results: Sequence[ToolResult], planned: Sequence[Call]) -> str:
    """What the tools found, a line for each, and where it comes from."""
    parsed = [(result, _parsed(result.content)) for result in results]
    lines = [_line(result, data, planned) for result, data in parsed]
    text = lines[0] if len(lines) == 1 else "\n".join(f"- {line}" for line in lines)
    sources = dict.fromkeys(str(data["source"]) for _, data in parsed if data.get("source"))
    if sources:
        text += f"\n\nSource: {'; '.join(sources)}."
    return text


def abilities(offered: Collection[str]) -> str:
    """What can be asked of the mock with these tools."""
    examples = [text for tool, text in _EXAMPLES.items() if tool in offered]
    if not examples:
        return "Without a language model and without tools that I know, there is nothing I can answer."
    return "\n".join(["I can't answer that without a language model. What I can look up:", *_listed(examples)])


def _listed(lines: Iterable[str]) -> list[str]:
    return [f"- {line}" for line in lines]


def _line(result: ToolResult, data: dict[str, Any], planned: Sequence[Call]) -> str:
    if error := data.get("error"):
        return f"{_subject(result)}: that did not work. {error}"
    if result.tool == "calculate" and data.get("result") is not None:
        return _calculated(result, data, planned)
    if summary := data.get("summary"):
        return str(summary)
    plain = result.content.strip()
    return plain if len(plain) <= _PLAIN_MAX else plain[:_PLAIN_MAX] + " …"


def _calculated(result: ToolResult, data: dict[str, Any], planned: Sequence[Call]) -> str:
    for call in planned:
        if call.sum and call.sum.expression == result.arguments.get("expression"):
            return f"{call.sum.words} = **{_rounded(str(data['result']), call.sum.unit)}**"
    return str(data.get("summary") or data["result"])


def _rounded(number: str, unit: str) -> str:
    """A sum's result as it is; a conversion's to six digits, with its unit."""
    if not unit:
        return number
    try:
        return f"{float(number.replace(',', '')):,.6g} {unit}"
    except ValueError:
        return f"{number} {unit}"


def _subject(result: ToolResult) -> str:
    named = [
        str(result.arguments[key]) for key in ("location", "place", "expression") if key in result.arguments
    ]
    return f"**{named[0]}**" if named else f"`{result.tool}`"


def _parsed(content: str) -> dict[str, Any]:
    try:
        data = json.loads(content)
    except ValueError:
        return {}
    return data if isinstance(data, dict) else {}
