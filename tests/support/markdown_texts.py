"""Markdown of every kind, for property tests: nested, hostile, broken; and the CommonMark specification's."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import strategies as st

_SPECIFICATION = Path(__file__).parents[1] / "contracts/node/node_modules/commonmark-spec/spec.txt"
_EXAMPLE = re.compile(r"^`{32} example\n(.*?)^\.\n.*?^`{32}$", re.MULTILINE | re.DOTALL)

_PLAIN = ["word", "x", "it's", "é", "日本", "5", "1.", "-", "#", "|", "!", "&", "@here"]
_BROKEN = ["<", "a<b", "\\", "`", "*", "**", "_", "~~", "[", "]", "(", ")", "a_b", "2*3", "$5"]
_HTML = ["&amp;", "&lt;", "<br>", "<div>", "</p>", "List<T>", "<!-- x -->"]
_PINGS = [
    "<!channel>",
    "<!here|x>",
    "<@U1>",
    "<@U9|Bob>",
    "<!subteam^S1>",
    "&lt;!here&gt;",
    "< ! channel >",
    r"\< !here>",
    r"\&lt; @U9>",
]
_LINKS = ["https://ok.example/a", "https://evil.example/x?d=1", "www.evil.example/a", "evil.example/q"]
_SECRETS = [
    "xoxb-1234567890ab",
    r"ghp\_abcdefghijklmnop1",
    "xox&#98;-1234567890ab",
    "鍵xoxb-12**34567890**鍵",
    "Bearer abcdef12",
]
_OTHERS = ["$a_1$", "日本語、*斜体*です。", "「**太字**」。`x`、", "語、https://evil.example/語、x"]
words = st.sampled_from(_PLAIN + _BROKEN + _HTML + _PINGS + _LINKS + _SECRETS + _OTHERS)
_DEFINITIONS = [
    "[r]: https://evil.example/r",
    "[r]:https://evil.example/r",
    "[r]:evil.example",
    "[r]:/x",
    "[r]:\nhttps://evil.example/r",
    r"[r\]]: https://evil.example/r",
    "[r\nr]:evil.example",
    "[word]:evil.example 'word'",
]
_targets = st.sampled_from(
    [
        "https://ok.example/a",
        "https://evil.example/x",
        "<https://evil.example/>",
        "/rel",
        "",
        "javascript:alert(1)",
    ]
)


def _around(form: str, inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return inner.map(form.format)


def _nested_inline(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    forms = ["**{}**", "*{}*", "_{}_", "~~{}~~", "`{}`", "``{}``", "<b>{}</b>", "<{}>", "$${}$$", "\\({}\\)"]
    return st.one_of(
        *(_around(form, inner) for form in forms),
        st.builds("[{}]({})".format, inner, _targets),
        _around("![{}](https://evil.example/i.png)", inner),
        *(st.builds(form.format, inner, inner) for form in ("{} {}", "{}{}", "{}\n{}")),
    )


inline = st.recursive(st.lists(words, min_size=1, max_size=5).map(" ".join), _nested_inline, max_leaves=5)


def _table(rows: list[list[str]]) -> str:
    lines = [rows[0], ["---"] * len(rows[0]), *rows[1:]]
    return "\n".join(f"| {' | '.join(cell.replace(chr(10), ' ') for cell in cells)} |" for cells in lines)


def _indented(first: str, others: str) -> Callable[[str], str]:
    return lambda text: first + text.replace("\n", f"\n{others}")


def _long_table(rows: int, columns: int, word: str) -> str:
    row = "|" + f" {word} |" * columns
    return "\n".join([row, "|---|", *[f"{row} {number} |" if number % 2 else "| a" for number in range(rows)]])


_fences = st.builds(
    "{0}{1}\n{2}\n{0}".format,
    st.sampled_from(["```", "````", "~~~"]),
    st.sampled_from(["", "python", " js x=1"]),
    st.one_of(inline, st.just("```py\nx\n```"), st.text("ab \n<`&", max_size=200)),
)
_leaf_blocks = st.one_of(
    inline,
    st.builds("{} {}".format, st.sampled_from(["#", "######"]), inline),
    _fences,
    st.lists(st.lists(inline, min_size=1, max_size=3), min_size=1, max_size=4).map(_table),
    st.builds(
        _long_table, st.integers(0, 120), st.sampled_from([1, 2, 21, 40]), st.sampled_from(["x", "word" * 9])
    ),
    st.sampled_from(["---", "[word][r]", "[word]", *_DEFINITIONS]),
    _around("<div>\n{}\n</div>", inline),
    _around("a | {}\n--|--\n", inline),
)
_blocks = st.recursive(
    _leaf_blocks,
    lambda block: st.one_of(
        block.map(_indented("- ", "  ")),
        block.map(_indented("1. ", "   ")),
        block.map(_indented("> ", "> ")),
        block.map(_indented(">> ", ">> ")),
        block.map(_indented("- [ ] ", "      ")),
        block.map(_indented("    ", "    ")),
        block.map(_indented("\t- ", "\t  ")),
        st.lists(block, min_size=1, max_size=3).map("\n".join),
    ),
    max_leaves=4,
)
_noise = st.text(st.sampled_from("ab1 \n\r*_`[](){}<>!@#|~$\\&;:/.-+^="), max_size=300)
_of_unix = st.one_of(
    st.lists(_blocks, max_size=3).map("\n\n".join),
    _noise,
    st.lists(st.one_of(_blocks, _noise, words), max_size=4).map("".join),
)

texts = st.one_of(_of_unix, _of_unix.map(lambda text: text.replace("\n", "\r\n")))


def specification() -> list[str]:
    """The examples of the CommonMark specification. `npm ci` in `tests/contracts/node` installs them."""
    if not _SPECIFICATION.exists():
        reason = "run `npm ci` in tests/contracts/node first"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    found = _EXAMPLE.findall(_SPECIFICATION.read_text())
    return [example.replace("→", "\t") for example in found]
