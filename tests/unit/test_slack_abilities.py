"""What is remembered of Slack's refusals: where, and for how long."""

from __future__ import annotations

import pytest

from bot.errors import MissingScope, SlackRefused, SlackUnreachable
from bot.slack.status import Abilities

METHOD = "chat.startStream"


@pytest.mark.parametrize(
    "error",
    [SlackRefused("Slack refused with unknown_method."), MissingScope("Slack refused with missing_scope.")],
)
def test_what_the_app_does_not_get_is_not_tried_in_conversations_of_that_kind(error: SlackRefused) -> None:
    abilities = Abilities()
    abilities.learn(METHOD, "C1", error)
    assert [abilities.can(METHOD, channel) for channel in ("C1", "C2", "D1")] == [False, False, True]
    assert abilities.can("chat.stopStream", "C1")


def test_any_other_refusal_holds_for_its_conversation_for_an_hour() -> None:
    now = [0.0]
    abilities = Abilities(lambda: now[0])
    abilities.learn(METHOD, "C1", SlackRefused("Slack refused with restricted_action."))
    assert [abilities.can(METHOD, channel) for channel in ("C1", "C2")] == [False, True]
    now[0] += 3_601
    assert abilities.can(METHOD, "C1")


@pytest.mark.parametrize(
    "error", [SlackRefused("Slack refused with message_not_found."), SlackUnreachable("No connection.")]
)
def test_what_says_nothing_of_the_method_is_not_remembered(error: SlackRefused) -> None:
    abilities = Abilities()
    abilities.learn(METHOD, "C1", error)
    assert abilities.can(METHOD, "C1")


def test_no_more_refusals_are_remembered_than_there_is_room_for() -> None:
    abilities = Abilities()
    for number in range(2_000):
        abilities.learn(METHOD, f"C{number}", SlackRefused("Slack refused with restricted_action."))
    assert abilities.can(METHOD, "C0")
    assert not abilities.can(METHOD, "C1999")
    assert len(abilities._refused) == 1_000
