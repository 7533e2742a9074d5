"""How an answer looks in Slack."""

from __future__ import annotations

import asyncio
from pathlib import Path

from support.bot import bot_in_workspace
from support.openai_server import OpenAIServer, text

LIMIT = 4_000  # chat.update's, in characters of `text`


async def test_the_question_is_heard_before_it_is_answered(tmp_path: Path) -> None:
    thinking = asyncio.Event()
    model = OpenAIServer([text("Done.", wait=thinking)])
    async with bot_in_workspace(tmp_path, model=model) as scene:
        ts = await scene.ada.say("#general", "@threadloop Are you thinking?")
        await scene.playground.until(lambda: len(scene.playground.thread("#general", ts)) == 2)
        (placeholder,) = scene.playground.thread("#general", ts)[1:]
        assert placeholder["text"] == "…"
        thinking.set()
        assert await scene.answer(ts) == "Done."
        (answer,) = scene.playground.thread("#general", ts)[1:]
        assert answer["ts"] == placeholder["ts"]


async def test_markdown_is_rendered_by_slack(tmp_path: Path) -> None:
    model = OpenAIServer([text("**Bold** and `code`, a < b & c")])
    async with bot_in_workspace(tmp_path, model=model) as scene:
        ts = await scene.ada.say("#general", "@threadloop Show me")
        assert await scene.answer(ts) == "**Bold** and `code`, a < b & c"
        update = scene.calls("chat.update")[-1]
        assert update["blocks"] == [{"type": "markdown", "text": "**Bold** and `code`, a < b & c"}]
        assert update["text"] == "**Bold** and `code`, a &lt; b &amp; c"


async def test_a_long_answer_is_split_within_slacks_limits_and_nothing_is_lost(tmp_path: Path) -> None:
    long = "\n\n".join(f"Paragraph {number} <&> " + "word " * 60 for number in range(60))
    async with bot_in_workspace(tmp_path, model=OpenAIServer([text(long)])) as scene:
        ts = await scene.ada.say("#general", "@threadloop At length, please")
        answer = await scene.answer(ts)
        parts = [message["text"] for message in scene.answers(ts)]
    assert len(parts) > 4
    assert all(len(part) < LIMIT for part in parts)
    assert answer.split() == long.split()


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
    async with bot_in_workspace(tmp_path, model=OpenAIServer([text(said)])) as scene:
        ts = await scene.ada.say("#general", "@threadloop Call everybody")
        answer = await scene.answer(ts)
        sent = [*scene.calls("chat.postMessage"), *scene.calls("chat.update")]
    assert answer == "Hi @channel, @here, @everyone, @devs and @Ada @here!here"
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
