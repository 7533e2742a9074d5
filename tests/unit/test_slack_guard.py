"""Nothing that pings, no planted link and no secret gets out, however it is written."""

from __future__ import annotations

import re
import time

import pytest
from support.shown_answer import clickable, pinged

from bot.slack.guard import Allowed, guarded, urls_in, urls_shown_in
from bot.slack.markdown import Append, Writer, compose

NOBODY = Allowed()
KEY = "-----BEGIN RSA PRIVATE KEY-----\n" + "MIIEpAIBAAKCAQEA7bq\n" * 4 + "-----END RSA PRIVATE KEY-----"
PGP_KEY = (
    "-----BEGIN PGP PRIVATE KEY BLOCK-----\nVersion: GnuPG v2.0.22 (GNU/Linux)\n\n"
    + "lQVYBGNabcdefghijklmnop\n" * 4
    + "-----END PGP PRIVATE KEY BLOCK-----"
)
CONFIGURED = ("a password with spaces", "パスワード-geheim", "s3cr_et_value_1")


def shown(text: str, allowed: Allowed = NOBODY) -> str:
    return compose(text, allowed).messages[0]


def typed(text: str, allowed: Allowed = NOBODY) -> str:
    """The same, written one character at a time."""
    writer = Writer(allowed)
    operations = [operation for character in text for operation in writer.write(character)] + writer.close()
    return "".join(operation.markdown for operation in operations if isinstance(operation, Append))


@pytest.mark.parametrize(
    ("text", "quiet"),
    [
        ("<!channel>", "@channel"),
        ("<!HERE|here>", "@here"),
        ("<!everyone|@everyone>", "@everyone"),
        ("< ! channel >", "@channel"),
        ("<!subteam^S012>", "@S012"),
        ("<!subteam^S012|@devs>", "@devs"),
        ("<@U012|Ada>", "@Ada"),
        ("<@U012>", "@U012"),
        ("&lt;!channel&gt;", "@channel"),
        ("&amp;lt;!channel&#62;", "@channel"),
        (r"\<!channel\>", "@channel"),
        (r"<\!channel>", "@channel"),
        ("`<!channel>`", "`@channel`"),
        ("```\n<!channel>\n```", "```\n@channel\n```"),
        ("```\n&lt;!channel&gt;\n```", "```\n@channel\n```"),
        ("[<!here>](https://evil.example)", "@here (`https://evil.example`)"),
        ("| a |\n|---|\n| <!here> |", "| a |\n| --- |\n| @here |"),
        ("<!date^1^{date}|today>", "today"),
        ("<#C012|general>", "<#C012>"),
    ],
)
def test_a_ping_becomes_plain_words(text: str, quiet: str) -> None:
    assert shown(text) == quiet
    assert typed(text).rstrip() == quiet


@pytest.mark.parametrize(
    "text", ["<<!here>!channel>", "<!chan<!here>nel>", "<**!channel**>", "<!subteam^S1|a\n\nb>", "<@<@U1>U2>"]
)
def test_pieces_that_are_left_do_not_join_to_a_ping(text: str) -> None:
    assert pinged(typed(text)) == []


def test_only_people_of_the_thread_can_be_mentioned_and_without_a_label() -> None:
    assert shown("<@U1|Ada> and <@U2|Bob>", Allowed(people=frozenset({"U1"}))) == "<@U1> and @Bob"


@pytest.mark.parametrize(
    ("text", "harmless"),
    [
        ("See https://evil.example/x?d=1.", "See `https://evil.example/x?d=1`."),
        ("HTTPS://evil.example", "`HTTPS://evil.example`"),
        ("https&#58;//evil.example/x", "`https://evil.example/x`"),
        ("www.evil.example/x", "`www.evil.example/x`"),
        ("evil.example/x?d=1", "`evil.example/x?d=1`"),
        ("evil.example:8080", "`evil.example:8080`"),
        ("<https://evil.example|Bank>", "Bank (`https://evil.example`)"),
        ("[the docs](https://evil.example/x)", "the docs (`https://evil.example/x`)"),
        ("![chart](https://evil.example/c.png)", "chart (`https://evil.example/c.png`)"),
        ("[1]: https://evil.example/x", "[1] `https://evil.example/x`"),
        ("Read [it][r].\n\n[r]:data.evil.example", "Read [it][r].\n\n[r] data.evil.example"),
        ("[r]:https://evil.example/x", "[r] `https://evil.example/x`"),
        (r"[a\]b]: https://evil.example/x", r"\[a\]b] `https://evil.example/x`"),
        ("[a\nb]:evil.example", "[a\nb] evil.example"),
        ("[r]:\nhttps://evil.example/x", "[r] \n`https://evil.example/x`"),
        ("[x](javascript:alert)", "x (`javascript:alert`)"),
        ("<!here|https://evil.example/x>", "@`https://evil.example/x`"),
        ("<@`> https://evil.example/x", "@\u02cb `https://evil.example/x`"),
        ("mailto:eve@evil.example", "`mailto:eve@evil.example`"),
        ("**https://evil.example/x**", "**`https://evil.example/x`**"),
    ],
)
def test_a_url_that_nobody_brought_in_is_shown_and_not_clickable(text: str, harmless: str) -> None:
    assert shown(text) == harmless
    assert clickable(typed(text)) == []


@pytest.mark.parametrize(
    ("text", "links"),
    [
        ("https://ok.example/a.", ["https://ok.example/a"]),
        ("(see https://OK.example:443/a#part)", ["https://OK.example:443/a#part"]),
        ("[docs](https://ok.example/a)", ["https://ok.example/a"]),
        ("![picture](https://ok.example/a)", ["https://ok.example/a"]),
        ("<https://ok.example/a>", ["https://ok.example/a"]),
        ("[<_https://ok.example/a <!here>_>](/x)", ["https://ok.example/a"]),
        ("https://ok.example/a/b", []),
        ("https://ok.example/a?d=1", []),
        ("http://ok.example/a", []),
        ("https://me:secret@ok.example/a", []),
        ("`https://ok.example/a`", []),
    ],
)
def test_what_somebody_brought_in_can_be_clicked_exactly_so(text: str, links: list[str]) -> None:
    brought = frozenset(urls_in("<https://ok.example/a|there> https://me:secret@ok.example/a javascript:alert"))
    assert clickable(shown(text, Allowed(urls=brought))) == links


@pytest.mark.parametrize(
    ("text", "urls"),
    [
        ("<https://ok.example/?a=1&amp;b=2|label>", ["https://ok.example/?a=1&b=2"]),
        (
            '{"url": "https:\\/\\/ok.example\\/a", "more": "http://b.example"}',
            ["https://ok.example/a", "http://b.example/"],
        ),
        (
            "[x](https://ok.example/a_(b)), https://c.example/!",
            ["https://ok.example/a_(b)", "https://c.example/"],
        ),
        ("nothing here", []),
    ],
)
def test_urls_are_found_in_messages_and_in_json(text: str, urls: list[str]) -> None:
    assert list(urls_in(text)) == urls


def test_what_is_allowed_later_holds_for_what_is_written_later() -> None:
    writer = Writer(NOBODY)
    first = writer.write("https://ok.example/a \n\n")
    writer.allow(Allowed(urls=frozenset(urls_in("https://ok.example/a"))))
    later = writer.write("https://ok.example/a \n\n")
    assert first == [Append("`https://ok.example/a` \n\n")]
    assert later == [Append("https://ok.example/a \n\n")]


@pytest.mark.parametrize(
    "secret",
    [
        "xoxb-123456789012-abcdefghij",
        "xapp-1-A012-345-abcdef",
        "sk-proj-abcdefghijklmnop1234",
        "ghp_abcdefghijklmnopqrst1234",
        "github_pat_11ABCDEFG0abcdefghij",
        "AKIAIOSFODNN7EXAMPLE",
        "AIzaSyA1234567890abcdefghijklmnopqrstuv",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
        "glpat-abcdefghij1234567890",
        "hf_abcdefghijklmnopqrstuvwxyz01",
        "ya29.a0AfH6SMBabcdefghij1234",
        "https://hooks.slack.com/services/T0123456/B0123456/abcdefghijklmnop",
        KEY,
        PGP_KEY,
        "a password with spaces",
        "パスワード-geheim",
        # As a model writes it, or one that was told to.
        r"ghp\_abcdefghijklmnopqrst1234",
        r"sk\_live\_abcdefghijklmnop1234",
        "xox&#98;-1234567890-abcdefghij",
        "xox&amp;#98;-1234567890-abcdefghij",
        r"xoxb\-1234567890-abcdefghij",
        "xoxb-123**4567890-abcdefghij**",
        "xoxb-1234567890\u200b-abcdefghij",
        r"s3cr\_et\_value\_1",
        "s3cr_&#101;t_value_1",
    ],
)
@pytest.mark.parametrize("form", ["It is {}.", "```\n{}\n```", "`{}`", "**{}**"])
def test_a_secret_is_never_shown(secret: str, form: str) -> None:
    text, allowed = form.format(secret), Allowed(secrets=CONFIGURED)
    for visible in (shown(text, allowed), typed(text, allowed), guarded(text, allowed)):
        assert secret[-8:] not in visible
        assert "[redacted]" in visible


def test_a_secret_is_taken_out_of_a_sentence_without_spaces() -> None:
    assert typed("鍵は`xoxb-1234567890-abcdefghij`です。") == "鍵は`[redacted]`です。"


def test_a_secret_at_the_border_of_a_very_long_word_is_not_shown_in_part() -> None:
    for secret in ("xoxb-1234567890-abcdefghij", r"ghp\_abcdefghijklmnopqrst1234", r"s3cr\_et\_value\_1"):
        said = typed("word/" * 598 + secret + "/word" * 500, Allowed(secrets=CONFIGURED))
        assert secret[-3:] not in said


def test_of_a_bearer_token_only_the_word_is_shown() -> None:
    assert typed("Authorization: Bearer abcdef0123456789") == "Authorization: Bearer [redacted]"
    assert typed(r"Bearer abc\_def\-0123456789") == "Bearer [redacted]"
    assert typed("Bearer authentication works.") == "Bearer authentication works."


def test_talking_about_keys_gives_nothing_away_and_loses_nothing() -> None:
    text = "The file begins with `-----BEGIN PRIVATE KEY-----`, then comes the key."
    assert typed(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "<<<!here",
        "< <\n<!here>",
        "a<<@U2>",
        "<<@U1> <<@U2>",
        r"\< !here>",
        r"\&lt; !here>",
        "&lt; !here>",
        r"\< @U2>",
    ],
)
def test_no_opening_is_left_before_a_ping(text: str) -> None:
    allowed = Allowed(people=frozenset({"U1"}))
    for said in (guarded(text, allowed), shown(text, allowed), typed(text, allowed)):
        assert set(pinged(said)) <= {"U1"}
        assert re.search(r"<\s*(?:!|@U2)", said) is None


@pytest.mark.parametrize("sign", ["<", "< ", "a.", "&amp;", "[a](", "https://x.example/a "])
def test_hostile_progress_takes_no_time(sign: str) -> None:
    def seconds(length: int) -> float:
        began = time.process_time()
        guarded(sign * length + "!here", NOBODY, 90)
        guarded((sign * length)[: 2 * length] + "!here", NOBODY)
        return time.process_time() - began

    assert seconds(20_000) < 40 * max(seconds(2_000), 0.01)


def test_a_title_that_is_cut_is_as_long_as_allowed() -> None:
    assert guarded("word " * 1_000, NOBODY, 30) == "word word word word word word…"


def test_titles_and_sentences_are_one_safe_line() -> None:
    text = "Read\n<!here>  <https://evil.example/x|this> xoxb-1234567890ab"
    assert guarded(text, NOBODY) == "Read @here this (`https://evil.example/x`) [redacted]"


@pytest.mark.parametrize(
    ("markdown", "urls"),
    [
        (
            "Look: [here](https://a.example/x), <https://b.example/>",
            ["https://a.example/x", "https://b.example/"],
        ),
        ("`code` and https://a.example/", ["https://a.example/"]),
        ("`https://a.example/`", []),
        ("``https://a.example/ ` ``", []),
        ("`begun https://a.example/", []),
        ("```\nhttps://a.example/\n~~~\nhttps://b.example/\n```", []),
        ("> ~~~\n> https://a.example/", []),
    ],
)
def test_urls_that_stand_outside_of_code(markdown: str, urls: list[str]) -> None:
    assert list(urls_shown_in(markdown)) == urls
