"""Markdown as Slack's messages and files, rule by rule."""

from __future__ import annotations

import csv
import io
import time

import pytest
from support.shown_answer import composed

from bot.slack.guard import Allowed
from bot.slack.markdown import Append, NextMessage, Writer, compose
from bot.slack.text import escape

NOTHING = Allowed()


def messages(text: str, most_chars: int = 300, most_messages: int = 50) -> list[str]:
    return compose(text, NOTHING, most_chars=most_chars, most_messages=most_messages).messages


def message(text: str) -> str:
    return compose(text, NOTHING).messages[0]


# streaming


def written(*texts: str) -> list[str]:
    """What each of the texts adds to what is visible, and in the end what is left."""
    writer = Writer(NOTHING)
    steps = [*(writer.write(text) for text in texts), writer.close()]
    return ["".join(op.markdown for op in step if isinstance(op, Append)) for step in steps]


@pytest.mark.parametrize(
    ("texts", "visible"),
    [
        (["Hel", "lo wor", "ld. "], ["", "Hello ", "world. "]),
        (["a **bold", " word", "** b"], ["a ", "", "**bold word** ", "b"]),
        (["a `co", "de x` b"], ["a ", "`code x` ", "b"]),
        (["a [lab", "el](https://x.example", "/) b"], ["a ", "", "label (`https://x.example/`) ", "b"]),
        (["```py\nx =", " 1\ny", " = 2\n``", "`\n"], ["", "```py\nx = 1\n", "y = 2\n", "```\n"]),
        (["| a |\n|-", "--|\n| 1 |\n", "\nb"], ["", "", "| a |\n| --- |\n| 1 |\n\n", "b"]),
        (["東京の天気は、", "晴れで", "す。気", "温は"], ["", "東京の天気は、", "晴れです。", ""]),
        (["*斜体*で", "す「は", "い。」", "\n次"], ["", "", "", "*斜体*です「はい。」\n"]),
        (["a <di", "v> b"], ["a ", "`<div>` ", "b"]),
    ],
)
def test_text_is_shown_at_word_borders_and_constructs_when_they_are_complete(
    texts: list[str], visible: list[str]
) -> None:
    assert written(*texts)[: len(visible)] == visible


def test_what_never_ends_is_shown_as_plain_signs_when_its_paragraph_does() -> None:
    assert written("a **b c\n\nd", " e") == [r"a \*\*b c" + "\n\n", "d ", "e"]


def test_nothing_is_waited_for_longer_than_a_thousand_characters() -> None:
    assert "".join(written("**" + "word " * 250)[:1]).startswith(r"\*\*word word")


def test_a_new_message_in_the_midst_of_code_closes_and_reopens_the_fence() -> None:
    writer = Writer(NOTHING)
    operations = [
        *writer.write("```python\na = 1\n"),
        *writer.turn_over(),
        *writer.write("b = 2\n```\nDone."),
        *writer.close(),
    ]
    assert operations[1:3] == [Append("```\n"), NextMessage()]
    assert composed(operations).messages == ["```python\na = 1\n```\n", "```python\nb = 2\n```\nDone."]


# messages


def test_a_short_text_is_one_message() -> None:
    assert messages("  Hello.\n") == ["  Hello."]


def test_a_text_without_spaces_is_shown_as_it_is() -> None:
    text = "これは日本語の段落です。東京の天気は、晴れでしょう。" * 150
    shown = messages(text, most_chars=1_000)
    assert "".join(shown) == text
    assert all(part.endswith(("。", "、")) and len(part) > 900 for part in shown[:-1])


@pytest.mark.parametrize("border", ["\n\n", "\n", " "])
def test_a_message_ends_at_the_best_border_near_its_end(border: str) -> None:
    sentence = "word " * 8 + "end."
    shown = messages(border.join([sentence] * 40))
    assert all(part.endswith("end.") for part in shown) or border == " "
    assert all(len(part) > 200 for part in shown[:-1])


def test_no_word_link_or_code_is_divided() -> None:
    shown = messages("[a label](https://x.example/abcdefghi) `some code` **two words** " * 30)
    assert all(part.count("`") % 2 == 0 and part.count("**") % 2 == 0 for part in shown)
    assert " ".join(shown).count("a label (`https://x.example/abcdefghi`)") == 30


def test_a_word_longer_than_a_message_is_divided() -> None:
    shown = messages("a" * 700)
    assert "".join(shown) == "a" * 700
    assert len(shown) == 3


def test_the_limit_holds_for_what_is_sent_escaped() -> None:
    assert all(len(escape(part)) <= 300 for part in messages("a < b && c > d " * 100))


def test_an_open_fence_is_closed_and_opened_again_with_its_language() -> None:
    parts = messages("```python\n" + "x = 1\n" * 100 + "```")
    assert len(parts) > 2
    assert all(part.startswith("```python\n") and part.endswith("\n```") for part in parts)


@pytest.mark.parametrize("lead", ["- top\n  - mid\n", "1. top\n\n   paragraph\n", "```\nx\n```\n"])
def test_no_message_begins_as_code_does(lead: str) -> None:
    items = "".join(f"{' ' * (4 + number % 3)}- item {number} with *some* words\n" for number in range(90))
    shown = messages(lead + items)
    assert len(shown) > 5
    assert not any(part.startswith(("    ", "\t")) for part in shown)
    assert all("- item" in part.splitlines()[0] for part in shown[1:])
    assert shown[1].splitlines()[1].startswith(("- ", " - ", "  - "))


def test_a_quote_goes_on_as_a_quote() -> None:
    assert all(part.startswith("> ") for part in messages("> " + "word " * 200))


def test_what_is_too_long_for_the_messages_is_attached_and_the_last_one_says_so() -> None:
    whole = compose("```\n" + "line\n" * 300 + "```\n", NOTHING, most_chars=300, most_messages=2)
    assert len(whole.messages) == 2
    assert whole.messages[1].endswith("```\n\n\n_The rest is in the attached file `answer.md`._")
    assert [file.filename for file in whole.files] == ["answer.md"]
    assert whole.files[0].content.startswith("```\nline\n")
    assert "".join([*whole.messages, whole.files[0].content]).count("line") == 300


# tables

TABLE = "| a | b |\n|---|:-:|\n| 1 | `x` |\n"


def test_a_table_is_passed_on_and_kept_apart_from_what_follows() -> None:
    assert message(f"{TABLE}after") == "| a | b |\n| --- | :-: |\n| 1 | `x` |\n\nafter"


def test_a_second_table_goes_into_the_next_message() -> None:
    assert [part.count("---") for part in messages(f"{TABLE}\n{TABLE}")] == [1, 1]


@pytest.mark.parametrize("line_end", ["\r\n", "\r"])
def test_other_line_ends_are_line_ends(line_end: str) -> None:
    text = f"{TABLE}\n```\nx\n```\n- a\n- b\n"
    other = text.replace("\n", line_end)
    assert messages(other) == messages(text)
    assert "".join(written(*other)) == "".join(written(text))


def test_a_row_with_more_cells_than_the_head_loses_none() -> None:
    assert message("| a |\n|---|\n| 1 | 2 |") == "| a |  |\n| --- | --- |\n| 1 | 2 |"


def test_a_table_of_too_many_columns_is_text_in_columns_if_that_can_be_read() -> None:
    row = "|" + " x |" * 25
    assert message(f"{row}\n{'|---' * 25}|\n{row}").splitlines()[1] == "  ".join("x" * 25)


def test_a_table_that_is_too_wide_or_too_long_is_attached() -> None:
    rows = [["name", "text"], *([str(number), "long, " * 30] for number in range(90))]
    lines = [f"| {' | '.join(row)} |" for row in rows]
    whole = compose("\n".join([lines[0], "|---|---|", *lines[1:], "", "Done."]), NOTHING)
    assert whole.messages == ["_The table is in the attached file `table-1.csv`._\n\nDone."]
    assert list(csv.reader(io.StringIO(whole.files[0].content))) == [
        [cell.strip() for cell in row] for row in rows
    ]


def test_a_long_table_goes_on_in_the_next_messages_under_its_head() -> None:
    rows = "".join(f"| row {number} | {'x' * 12} |\n" for number in range(205))
    whole = compose(f"Here:\n\n| a | b |\n|---|:-:|\n{rows}\nDone.", NOTHING)
    assert whole.files == []
    assert [part.count("| row") for part in whole.messages] == [99, 99, 7]
    assert all("| a | b |\n| --- | :-: |\n| row" in part for part in whole.messages)
    assert whole.messages[-1].endswith("|\n\nDone.")


def test_a_table_with_more_parts_than_there_are_messages_left_is_attached() -> None:
    rows = "".join(f"| row {number} | {'x' * 60} |\n" for number in range(5))
    whole = compose(f"| a | b |\n|---|---|\n{rows}\nDone.", NOTHING, most_chars=300, most_messages=1)
    assert whole.messages == ["_The table is in the attached file `table-1.csv`._\n\nDone."]


def test_aligned_text_is_not_divided() -> None:
    row = "|" + " x |" * 25 + "\n"
    shown = messages(f"{'word ' * 44}\n\n{row}{'|---' * 25}|\n{row}", most_chars=400)
    assert shown[1].startswith("```\nx  x")
    assert shown[1].endswith("x\n```")


WIDE = f"| a |\n|---|\n| {'w' * 120} {{}} |\n\n"


def test_of_many_tables_that_are_too_wide_only_some_are_files() -> None:
    tables = "".join(WIDE.format("|" * 40 + f" cell {number}") for number in range(8))
    whole = compose(tables, NOTHING)
    assert [file.filename for file in whole.files] == [f"table-{number}.csv" for number in range(1, 6)]
    assert whole.messages[0].count("```csv\n") == 3
    assert [f"cell {number}" in whole.messages[0] for number in range(8)] == [False] * 5 + [True] * 3


def test_behind_the_last_message_a_table_goes_into_the_file_with_the_rest() -> None:
    text = "word " * 100 + f"\n\n{WIDE.format('|' * 40)}The end."
    whole = compose(text, NOTHING, most_chars=300, most_messages=1)
    assert [file.filename for file in whole.files] == ["answer.md"]
    assert "| a |\n| --- |\n| www" in whole.files[0].content
    assert whole.files[0].content.endswith("\n\nThe end.\n")


def test_what_only_looks_like_a_table_makes_none() -> None:
    assert message("a | b\n---|---\n1 | 2") == "a | b\n`---|---`\n1 | 2"


# other constructs


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (
            "# Title\n\n- a\n  - [x] b\n1. c\n\n> quote\n\n---",
            "# Title\n\n- a\n  - [x] b\n1. c\n\n> quote\n\n---",
        ),
        ("a < b && c > d", "a < b && c > d"),
        ("a <b and c> d", "a `<b and c>` d"),
        ("List<T> and Map<K, List<V>>", "`List<T>` and `Map<K, List<V>>`"),
        ("<details>\n<b>x</b>", "`<details>`\n`<b>`x`</b>`"),
        ("one<br>two", "one\ntwo"),
        ("one\\\ntwo", "one\ntwo"),
        ("&lt;div&gt; &amp; &copy;", "`<div>` & ©"),
        ("$a_1 * b_2$ and $x^2$ for $5 or $6", "`$a_1 * b_2$` and $x^2$ for $5 or $6"),
        (r"\(a_1\) and \[b_1\]", r"`\(a_1\)` and `\[b_1\]`"),
        ("2*3, snake_case, ~5 and `", "2\\*3, snake_case, ~5 and \u02cb"),
        ("***a*** __b__ _c_ ~~d~~", "***a*** __b__ _c_ ~~d~~"),
        ("- step:\n  ```sh\n  ls\n    -a\n  ```\n", "- step:\n```sh\nls\n  -a\n```"),
        ("> ```\n> x\n> ```\nafter", "```\nx\n```\nafter"),
        (">> ```\n>> x\n>> ```\n>> **after**", "```\nx\n```\n>> **after**"),
        ("> | a | b |\n> |---|---|\n> | 1 | 2 |\n> after", "| a | b |\n| --- | --- |\n| 1 | 2 |\n\n> after"),
        (">> | a |\n>> |---|\n>> | 1 |\n| 2 |", "| a |\n| --- |\n| 1 |\n\n| 2 |"),
        ("~~~\n```\nx\n```\n~~~", "````\n```\nx\n```\n````"),
        (
            "So:\n\n    def f(**kw):\n\n        return [x](y)\n\nand",
            "So:\n\n```\ndef f(**kw):\n\n    return [x](y)\n```\n\nand",
        ),
        ("    List<int> x\n    ```\nand", "```\nList<int> x\n\u200b```\n```\nand"),
        ("\tx = a*b*c", "```\nx = a*b*c\n```"),
        ("So\n    on", "So\n    on"),
        ("- a\n\n      - *b*\n\n    c", "- a\n\n      - *b*\n\n    c"),
        ("main.py is in Node.js/src", "main.py is in Node.js/src"),
    ],
)
def test_a_construct_is_shown_so(text: str, shown: str) -> None:
    assert message(text) == shown


# costs


@pytest.mark.parametrize(
    "sign", ["[", "*", "<", "`", "**a ", "_a ", "[a](", "\\(", "`a ``b ", "&amp;", "a", "| a\n", "> "]
)
def test_hostile_text_takes_linear_time(sign: str) -> None:
    def seconds(length: int) -> float:
        began = time.process_time()
        compose((sign * length)[:length], NOTHING)
        return time.process_time() - began

    # Ten times the text takes a hundred times as long where each sign is compared with every other.
    assert seconds(100_000) < 40 * max(seconds(10_000), 0.01)


@pytest.mark.parametrize("head", ["|{}\n|---|\n", "|a|\n|{}|\n", "|a|\n|---|\n|{}\n"])
def test_a_table_with_one_very_long_line_takes_linear_time(head: str) -> None:
    def seconds(length: int) -> float:
        began = time.process_time()
        compose(head.format("|" * length) + "|a|\n" * length, NOTHING)
        return time.process_time() - began

    assert seconds(5_000) < 40 * max(seconds(500), 0.01)
