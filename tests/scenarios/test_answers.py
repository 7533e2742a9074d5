"""How an answer looks in Slack."""

from __future__ import annotations

import asyncio
from pathlib import Path

from support.bot import bot_in_workspace
from support.openai_server import OpenAIServer, text
from support.patience import UNSTREAMED

from bot.conversation import Event, Question, TextDelta

LIMIT = 4_000  # chat.update's, in characters of `text`


async def test_the_question_is_heard_before_it_is_answered(tmp_path: Path) -> None:
    thinking = asyncio.Event()
    model = OpenAIServer([text("Done.", wait=thinking)])
    async with bot_in_workspace(tmp_path, model=model) as scene:
        ts = await scene.ada.say("#general", "@threadloop Are you thinking?")
        await scene.playground.until(lambda: scene.status(ts) == "is thinking…", what="the status")
        assert scene.shown(ts) == []
        thinking.set()
        assert await scene.answer(ts) == "Done."
        assert len(scene.shown(ts)) == 1
        assert scene.status(ts) == ""


async def test_a_quick_answer_is_one_post(tmp_path: Path) -> None:
    async with bot_in_workspace(tmp_path, model=OpenAIServer([text("Quick.")]), timing=UNSTREAMED) as scene:
        await scene.answer(await scene.ada.say("#general", "@threadloop Quick?"))
        assert len(scene.calls("chat.postMessage")) == 1
        assert not scene.calls("chat.startStream")
        assert not scene.calls("chat.update")


async def test_halves_of_characters_come_together_or_are_replaced(tmp_path: Path) -> None:
    """Some providers divide an emoji between two chunks."""
    begun = asyncio.Event()
    model = OpenAIServer([text("Fine \ud83d", "\ude00, it is \ud83d", hold=begun)])

    def observe(_question: Question, event: Event) -> None:
        if isinstance(event, TextDelta):
            begun.set()

    async with bot_in_workspace(tmp_path, model=model, observe=observe) as scene:
        ts = await scene.ada.say("#general", "@threadloop How is \ud83d\ude00 or \ud83d?")
        assert await scene.answer(ts) == "Fine \U0001f600, it is \ufffd"
    assert model.requests[0]["messages"][1]["content"] == "Ada Lovelace: How is \U0001f600 or \ufffd?"


async def test_markdown_is_rendered_by_slack(tmp_path: Path) -> None:
    model = OpenAIServer([text("**Bold** and `code`, a < b & c")])
    async with bot_in_workspace(tmp_path, model=model, timing=UNSTREAMED) as scene:
        ts = await scene.ada.say("#general", "@threadloop Show me")
        assert await scene.answer(ts) == "**Bold** and `code`, a < b & c"
        post = scene.calls("chat.postMessage")[-1]
        assert post["blocks"][0] == {"type": "markdown", "text": "**Bold** and `code`, a < b & c"}
        assert post["text"] == "**Bold** and `code`, a &lt; b &amp; c"


async def test_a_long_answer_is_split_within_slacks_limits_and_nothing_is_lost(tmp_path: Path) -> None:
    long = "\n\n".join(f"Paragraph {number} <&> " + "word " * 60 for number in range(40))
    async with bot_in_workspace(tmp_path, model=OpenAIServer([text(long)])) as scene:
        ts = await scene.ada.say("#general", "@threadloop At length, please")
        answer = await scene.answer(ts)
        parts = [message["text"] for message in scene.answers(ts)]
    assert len(parts) > 4
    assert all(len(part) < LIMIT for part in parts)
    # A `<` gets some room, so that it begins no token of Slack's.
    assert "".join(answer.split()) == "".join(long.split())


async def test_what_does_not_fit_into_five_messages_is_in_a_file(tmp_path: Path) -> None:
    long = "\n\n".join(f"Paragraph {number} " + "word " * 60 for number in range(90))
    async with bot_in_workspace(tmp_path, model=OpenAIServer([text(long)])) as scene:
        ts = await scene.ada.say("#general", "@threadloop At great length, please")
        answer = await scene.answer(ts)
        files = [file for message in scene.shown(ts) for file in message.get("files", ())]
        rest = scene.playground.workspace.contents[files[0]["id"]].decode()
    assert len(scene.answers(ts)) == 5
    assert [file["name"] for file in files] == ["answer.md"]
    assert "The rest is in the attached file `answer.md`" in answer
    said = answer.replace("_The rest is in the attached file `answer.md`._", "")
    assert (said + rest).split() == long.split()


async def test_a_code_block_that_is_split_is_closed_and_opened_again(tmp_path: Path) -> None:
    code = "```python\n" + "\n".join(f"print({number})" for number in range(600)) + "\n```"
    async with bot_in_workspace(tmp_path, model=OpenAIServer([text(code)])) as scene:
        ts = await scene.ada.say("#general", "@threadloop Code, please")
        await scene.answer(ts)
        parts = [message["text"] for message in scene.answers(ts)]
    assert len(parts) > 1
    assert all(part.startswith("```python\n") for part in parts)
    assert all(part.endswith("\n```") for part in parts)


async def test_nothing_in_an_answer_pings_or_unfurls(tmp_path: Path) -> None:
    said = "Hi <!channel>, <!here|here>, <! everyone >, <!subteam^S012|@devs> and <@U012|Ada> <<!here>!here>"
    async with bot_in_workspace(tmp_path, model=OpenAIServer([text(said)]), timing=UNSTREAMED) as scene:
        ts = await scene.ada.say("#general", "@threadloop Call everybody")
        answer = await scene.answer(ts)
        sent = [*scene.calls("chat.postMessage"), *scene.calls("chat.update")]
        assert scene.playground.pings == []
        assert scene.playground.unfurled == []
    assert answer.startswith("Hi @channel, @here, @everyone, @devs and @Ada @here")
    assert all("<!" not in str(arguments) and "<@U" not in str(arguments) for arguments in sent)
    posts = scene.calls("chat.postMessage")
    assert all(post["unfurl_links"] is False and post["unfurl_media"] is False for post in posts)
    assert not any("link_names" in arguments for arguments in sent)


async def test_every_part_of_an_answer_says_which_question_it_answers(tmp_path: Path) -> None:
    async with bot_in_workspace(tmp_path, model=OpenAIServer([text("word " * 2_000)])) as scene:
        ts = await scene.ada.say("#general", "@threadloop At length, please")
        await scene.answer(ts)
        payloads = [message["metadata"]["event_payload"] for message in scene.answers(ts)]
    assert [payload["part"] for payload in payloads] == list(range(len(payloads)))
    assert {payload["run_id"].split(":")[2] for payload in payloads} == {ts}
