"""Humanloop's `.prompt` format, and the filling of its templates."""

from __future__ import annotations

import pytest

from bot.gateway import parse_prompt
from bot.gateway.chat import ImagePart, ImageUrl, Message, TextPart
from bot.gateway.errors import GatewayError, PromptFileError
from bot.gateway.template import populate

HEADER = "---\nmodel: m\n---\n"


def test_parameters_and_tools_are_the_front_matter() -> None:
    prompt = parse_prompt(
        '---\nmodel: gpt-4o\nprovider: openai\ntemperature: 0.7\ntools: [{"name": "f"}]\n---\n'
    )

    assert prompt == {
        "model": "gpt-4o",
        "provider": "openai",
        "temperature": 0.7,
        "tools": [{"name": "f"}],
        "template": [],
    }


def test_each_block_is_a_message_without_its_indentation() -> None:
    prompt = parse_prompt(HEADER + "<system>\n  You are {{who}}.\n    Indented.\n</system>\n<user>Hi</user>\n")

    assert prompt["template"] == [
        {"role": "system", "content": "You are {{who}}.\n  Indented."},
        {"role": "user", "content": "Hi"},
    ]


def test_text_and_images_are_parts_in_their_order() -> None:
    body = '<user><text>What is this?</text>\n  <image url="https://a.example/b.png" detail="low" /></user>'

    assert parse_prompt(HEADER + body)["template"][0]["content"] == [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": "https://a.example/b.png", "detail": "low"}},
    ]


def test_a_tools_call_and_its_result_are_told_apart() -> None:
    call = '<assistant>\n<tool name="f" id="c1">{"a": 1}</tool>\n</assistant>'
    body = f'{call}\n<tool name="f" id="c1">result</tool>'

    assert parse_prompt(HEADER + body)["template"] == [
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}
            ],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "result"},
    ]


@pytest.mark.parametrize(
    "text",
    [
        "Write <b>bold</b> if x < y and a <tag> is open.",
        "Say <user> for a name.",
        'Call <tool name="f" id="1">{}</tool> so.',
        "Dashes:\n---\nare text.",
    ],
)
def test_other_tags_and_odd_text_are_kept(text: str) -> None:
    assert parse_prompt(f"{HEADER}<system>{text}</system>")["template"] == [{"role": "system", "content": text}]


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("model: m", 1, "front matter"),
        ("---\nmodel: m\n", 1, "no end"),
        ("---\nprovider: openai\n---\n", 1, "model"),
        ("---\nmodel: m\ntools: [\n---\n", 4, "not valid YAML"),
        (HEADER + "<system>\nHello", 4, "</system>"),
        (HEADER + "<system>a</system>\n\nstray words\n", 6, "stray words"),
    ],
)
def test_a_broken_file_names_the_line_and_the_remedy(text: str, line: int, words: str) -> None:
    with pytest.raises(PromptFileError, match=f"line {line}") as caught:
        parse_prompt(text)
    assert words in str(caught.value)


def test_variables_are_filled_everywhere_but_in_images() -> None:
    image = ImagePart(ImageUrl("https://a.example/{{x}}"))
    template = [Message("system", "{{ x }} and {{x}}"), Message("user", (TextPart("{{y.z[0]}}"), image))]

    assert populate(template, {"x": r"\1 {{y}}", "y.z[0]": 3}) == (
        Message("system", r"\1 {{y}} and \1 {{y}}"),
        Message("user", (TextPart("3"), image)),
    )


def test_missing_inputs_are_all_named() -> None:
    with pytest.raises(GatewayError, match="`a`, `b`"):
        populate([Message("system", "{{b}} {{a}} {{c}}")], {"c": "", "b": None})
