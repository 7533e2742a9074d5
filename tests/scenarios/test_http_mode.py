"""HTTP mode: the bot answers at its request URL as it does over Socket Mode, and to nobody but Slack."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import httpx2
import pytest
from slack_sdk.signature import SignatureVerifier
from support.bot import bot_in_workspace
from support.http_bot import HttpScene, bot_over_http
from support.openai_server import OpenAIServer, failure, text

from bot.slack.connection import EVENTS_PATH


async def test_a_mention_is_answered_in_its_thread(tmp_path: Path) -> None:
    async with bot_over_http(tmp_path, model=OpenAIServer([text("Here.")])) as scene:
        assert await scene.answer(await scene.ada.say("#general", "@threadloop Where are you?")) == "Here."


async def test_a_direct_message_is_answered(tmp_path: Path) -> None:
    async with bot_over_http(tmp_path, model=OpenAIServer([text("Here.")])) as scene:
        room = await scene.ada.open_dm()
        assert await scene.answer(await scene.ada.say(room, "Where are you?"), room) == "Here."


async def test_a_command_is_answered_for_the_asker_and_shared_by_the_button(tmp_path: Path) -> None:
    async with bot_over_http(tmp_path, model=OpenAIServer([text("21:14")])) as scene:
        assert await scene.ada.command("/ask", "What time is it in Tokyo?", channel="#general")
        answer = await scene.playground.until(lambda: _shown(scene, "21:14"), what="the answer")
        assert await scene.ada.press("#general", answer[0]["ts"], "share_answer")
        room = scene.playground.workspace.channel("#general")
        await scene.playground.until(
            lambda: [message for message in room.messages.values() if "21:14" in message.text],
            what="the shared answer",
        )


async def test_a_question_that_slack_delivers_again_is_answered_once(tmp_path: Path) -> None:
    async with bot_over_http(tmp_path, model=OpenAIServer([text("Once.")])) as scene:
        ts = await scene.ada.say("#general", "@threadloop How often?")
        await scene.playground.redeliver()
        assert await scene.answer(ts) == "Once."
        await scene.playground.redeliver()
        assert len(scene.answers(ts)) == 1
        assert len(scene.playground.thread("#general", ts)) == 2


async def test_the_request_url_answers_slacks_challenge(tmp_path: Path) -> None:
    async with bot_over_http(tmp_path) as scene:
        assert await scene.playground.verify_request_url(scene.url + EVENTS_PATH)


@pytest.mark.parametrize(
    ("secret", "age_s", "status"),
    [("the right one", 0, 200), ("another", 0, 401), ("the right one", 301, 401)],
    ids=["signed", "signed-by-another", "stale"],
)
async def test_only_what_slack_signed_lately_is_taken(
    tmp_path: Path, secret: str, age_s: int, status: int
) -> None:
    async with bot_over_http(tmp_path) as scene:
        right = scene.playground.signing_secret
        stamp = str(int(time.time()) - age_s)
        response = await _post(scene, right if secret == "the right one" else secret, stamp)
        assert response.status_code == status


async def test_a_request_without_a_signature_is_refused(tmp_path: Path) -> None:
    async with bot_over_http(tmp_path) as scene, httpx2.AsyncClient(base_url=scene.url) as http:
        assert (await http.post(EVENTS_PATH, json={"type": "event_callback"})).status_code == 401
        assert (await http.get(EVENTS_PATH)).status_code == 405


async def test_the_health_routes_stand_beside_the_request_url(tmp_path: Path) -> None:
    async with bot_over_http(tmp_path) as scene:
        assert (await scene.get("/healthz")).json()["status"] == "ok"
        assert (await scene.get("/readyz")).json() == {"status": "ready"}
        assert (await scene.samples()).value("process_start_time_seconds") > 0


async def test_a_model_that_cannot_be_reached_makes_the_bot_unready_until_it_answers(tmp_path: Path) -> None:
    async with bot_over_http(tmp_path, model=OpenAIServer([failure(500), text("Back.")])) as scene:
        await scene.answer(await scene.ada.say("#general", "@threadloop Anything?"))
        response = await scene.get("/readyz")
        assert response.status_code == 503
        assert response.json()["reasons"] == {"model": "its last call ended in ModelUnreachable"}
        await scene.answer(await scene.ada.say("#general", "@threadloop And now?"))
        assert (await scene.get("/readyz")).status_code == 200


async def test_without_being_asked_to_a_bot_in_socket_mode_opens_no_port(tmp_path: Path) -> None:
    async with bot_in_workspace(tmp_path) as scene:
        assert scene.bot.port is None


async def _post(scene: HttpScene, secret: str, stamp: str) -> httpx2.Response:
    body = json.dumps({"type": "event_callback", "event": {"type": "reaction_added"}})
    signature = SignatureVerifier(secret).generate_signature(timestamp=stamp, body=body)
    headers = {
        "Content-Type": "application/json",
        "X-Slack-Request-Timestamp": stamp,
        "X-Slack-Signature": signature or "",
    }
    async with httpx2.AsyncClient(base_url=scene.url) as http:
        return await http.post(EVENTS_PATH, content=body, headers=headers)


def _shown(scene: HttpScene, words: str) -> list[dict[str, Any]]:
    return [shown for shown in scene.ada.ephemerals("#general") if words in shown["text"]]
