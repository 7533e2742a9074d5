from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from bot.playground.markup import escape, from_markdown, from_mrkdwn, to_mrkdwn, typed, unescape

USERS, CHANNELS = {"ada": "U1", "ada.b": "U2"}, {"general": "C1"}


@pytest.mark.parametrize(
    ("said", "sent"),
    [
        ("Hi @ada!", "Hi <@U1>!"),
        ("Hi @ada.b.", "Hi <@U2>."),
        ("Hi @nobody, mail ada@ada", "Hi @nobody, mail ada@ada"),
        ("see #general, not #other", "see <#C1|general>, not #other"),
        ("@here and @channel", "<!here> and <!channel>"),
        ("3 < 4 & 5 > 4", "3 &lt; 4 &amp; 5 &gt; 4"),
        ("(https://x.org/a?b=1&c=2).", "(<https://x.org/a?b=1&amp;c=2>)."),
        ("https://x.org/#general @ada", "<https://x.org/#general> <@U1>"),
    ],
)
def test_what_people_type_becomes_slacks_tokens(said: str, sent: str) -> None:
    assert typed(said, USERS, CHANNELS) == sent


def leaves(text: str) -> list[dict[str, Any]]:
    """The elements of a text's only paragraph."""
    (block,) = from_mrkdwn(text)
    (section,) = block["elements"]
    elements: list[dict[str, Any]] = section["elements"]
    return elements


@pytest.mark.parametrize(
    ("text", "leaf"),
    [
        ("<@U1>", {"type": "user", "user_id": "U1"}),
        ("<@U1|ada>", {"type": "user", "user_id": "U1"}),
        ("<#C1|general>", {"type": "channel", "channel_id": "C1"}),
        ("<!here>", {"type": "broadcast", "range": "here"}),
        ("<!subteam^S1|@crew>", {"type": "usergroup", "usergroup_id": "S1"}),
        ("<!date^7^{date}|then>", {"type": "date", "timestamp": 7, "format": "{date}", "fallback": "then"}),
        ("<https://x.org?a&amp;b|a &lt; b>", {"type": "link", "url": "https://x.org?a&b", "text": "a < b"}),
        ("<mailto:a@x.org|a@x.org>", {"type": "link", "url": "mailto:a@x.org", "text": "a@x.org"}),
        (":eyes:", {"type": "emoji", "name": "eyes"}),
        ("*b*", {"type": "text", "text": "b", "style": {"bold": True}}),
        ("_i_", {"type": "text", "text": "i", "style": {"italic": True}}),
        ("~s~", {"type": "text", "text": "s", "style": {"strike": True}}),
        ("`a &lt; b`", {"type": "text", "text": "a < b", "style": {"code": True}}),
        ("*_both_*", {"type": "text", "text": "both", "style": {"bold": True, "italic": True}}),
        ("2*3*4 snake_case_name 10:30:15", {"type": "text", "text": "2*3*4 snake_case_name 10:30:15"}),
    ],
)
def test_tokens_and_styles_become_rich_text(text: str, leaf: dict[str, Any]) -> None:
    assert leaves(text) == [leaf]


def test_paragraphs_lists_quotes_and_code_are_elements_of_their_own() -> None:
    (block,) = from_mrkdwn("see\n• one\n• two\n&gt; said\n```\nif a &lt; b:\n    pass\n```\nend")
    kinds = [element["type"].removeprefix("rich_text_") for element in block["elements"]]
    assert kinds == ["section", "list", "quote", "preformatted", "section"]
    assert block["elements"][3]["elements"][0]["text"] == "if a < b:\n    pass"


@pytest.mark.parametrize(
    ("markdown", "text"),
    [
        ("**b** *i* ~~s~~ `c`", "*b* _i_ ~s~ `c`"),
        ("[here](https://x.org) and https://y.org", "<https://x.org|here> and <https://y.org>"),
        ("# Title\ntext", "*Title*\ntext"),
        ("1. a\n2. b\n   - c", "1. a\n2. b\n    • c"),
        ("a < b & c", "a &lt; b &amp; c"),
        ("```python\nx = 1\n```", "```\nx = 1\n```"),
        ("> said\n> twice", "&gt; said\n&gt; twice"),
        ("Hello <@U1>", "Hello <@U1>"),
        ("![a picture](https://x.org/p.png)", "<https://x.org/p.png|a picture>"),
        ("![a picture][p]\n\n[p]: https://x.org/p.png", "<https://x.org/p.png|a picture>"),
        ("[here](<https://x.org> 'title')", "<https://x.org|here>"),
        ("[a](https://x.org/a_(b))", "<https://x.org/a_(b)|a>"),
        (
            '[Here][X] and [x] and [y]\n[x]: <https://x.org> "title"',
            "<https://x.org|Here> and <https://x.org|x> and [y]",
        ),
        ("see (https://x.org/a.b).", "see (<https://x.org/a.b>)."),
        (
            "at www.x.org, x.org/a and HTTPS://X.org",
            "at <http://www.x.org|www.x.org>, <http://x.org/a|x.org/a> and <HTTPS://X.org>",
        ),
        ("main.py, e.g. v1.2/3 and a@x.org", "main.py, e.g. v1.2/3 and a@x.org"),
        ("<https://x.org> <b>bold</b>", "<https://x.org> &lt;b&gt;bold&lt;/b&gt;"),
        (
            "`https://x.org` ``a ` <!here>``",
            "`https://x.org` `a ` &lt;!here&gt;`",
        ),
        ("~~~~sh\n```\nhttps://x.org\n~~~~", "```\n```\nhttps://x.org\n```"),
        ("> ```\n> <!here>\n> ```\n> said", "```\n&lt;!here&gt;\n```\n&gt; said"),
        (r"\*not italic\* \[no\](link) a\_b", "*not italic* [no](link) a_b"),
        ("&lt;!here&gt;", "&lt;!here&gt;"),
    ],
)
def test_markdown_becomes_the_text_that_slack_shows(markdown: str, text: str) -> None:
    assert to_mrkdwn(from_markdown(markdown)) == text


@pytest.mark.parametrize(
    "markdown", ["<!here>", "**<!here>**", "- <!here>", "# <!here>", "> > <!here>", r"\<!here>"]
)
def test_a_broadcast_is_one_wherever_it_stands_in_prose(markdown: str) -> None:
    assert "<!here>" in to_mrkdwn(from_markdown(markdown))


def test_a_table_needs_a_rule_with_as_many_columns_and_its_cells_may_hold_escaped_pipes() -> None:
    assert [block["type"] for block in from_markdown("a | b\n---")] == ["rich_text"]
    (table,) = from_markdown("a | b\n--|--\n`x\\|y` | [c](https://x.org)")
    assert to_mrkdwn([table]).splitlines()[1] == "`x|y` | <https://x.org|c>"


def test_what_looks_like_a_definition_within_code_is_code() -> None:
    assert to_mrkdwn(from_markdown("```\n[x]: https://x.org\n```")) == "```\n[x]: https://x.org\n```"


def test_a_markdown_table_becomes_a_table_block() -> None:
    before, table, after = from_markdown("Weather:\n|City|°C|\n|:--|--:|\n|**Boston**|3|\nThat is all.")
    assert [block["type"] for block in (before, table, after)] == ["rich_text", "table", "rich_text"]
    assert [len(row) for row in table["rows"]] == [2, 2]
    assert table["rows"][1][0]["elements"][0]["elements"][0]["style"] == {"bold": True}


@given(some.text())
def test_escapes_are_undone(text: str) -> None:
    assert unescape(escape(text)) == text


@given(some.text(alphabet="ab*_~`<>[]()|#-+.:!@\n 1&;", max_size=80))
def test_any_text_can_be_read(text: str) -> None:
    assert isinstance(to_mrkdwn(from_markdown(text)), str)
    assert isinstance(to_mrkdwn(from_mrkdwn(escape(text))), str)
