from __future__ import annotations

from pathlib import Path

import pytest

from bot.errors import SeedError
from bot.playground import Playground, Seed

USERS = "users:\n  - {handle: ada, name: Ada Lovelace}\n"


def test_the_bundled_workspace_has_its_people_channels_and_history() -> None:
    playground = Playground(Seed.default())
    assert {user.name for user in playground.workspace.users.values()} == {
        *("ada", "grace", "linus", "deploybot", "threadloop")
    }
    members = {channel.name: channel.members for channel in playground.workspace.channels.values()}
    assert [name for name, people in members.items() if playground.bot_user_id in people] == ["general", "ops"]
    root = playground.workspace.channel("general").top_level()[0]
    assert [message["text"] for message in playground.thread("#general", root.ts)][1:] == [
        "Portland, until Friday.",
        "London all week. Bring an umbrella.",
    ]


def test_ids_and_tokens_are_the_same_each_time() -> None:
    first, second = Playground(Seed.default()), Playground(Seed.default())
    assert (first.bot_token, first.app_token) == (second.bot_token, second.app_token)
    assert list(first.workspace.users) == list(second.workspace.users)
    assert first.bot_token.startswith("xoxb-")
    assert first.app_token.startswith("xapp-1-A")


def test_a_file_of_ones_own_is_loaded(tmp_path: Path) -> None:
    path = tmp_path / "seed.yaml"
    path.write_text(USERS + "channels:\n  - {name: lab, private: true, members: [ada, threadloop]}\n", "utf-8")
    playground = Playground(Seed.load(path))
    assert playground.workspace.channel("#lab").kind == "group"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (USERS + "chanels: []\n", r"seed:3: chanels: Extra inputs"),
        ("users:\n  - {handle: ada}\n", r"seed:2: users.0.name: Field required"),
        (
            "users:\n  - handle: ada\n    name: Ada\n    tz: Mars/Base\n",
            r"seed:4: users.0.tz: 'Mars/Base' is no time zone",
        ),
        (
            USERS + "channels:\n  - {name: lab, members: [eve]}\n",
            r"#lab names eve, whom nobody knows; add them",
        ),
        (USERS + USERS.removeprefix("users:\n"), r"ada is there twice"),
        (USERS + "channels: [{name: lab}, {name: lab}]\n", r"#lab is there twice"),
        (USERS + "channels:\n  - {name: Lab!}\n", r"seed:4: channels.0.name: String should match"),
        ("users: []\n", r"seed:1: users: "),
        ("users: [\n", r"seed:2: this is not YAML"),
        ("users: \x07\n", r"seed:1: this is not YAML"),
        ("", r"seed:1: the file: "),
        ("- just\n- a list\n", r"seed:1: the file: "),
    ],
)
def test_a_wrong_seed_is_told_with_line_and_remedy(text: str, complaint: str) -> None:
    with pytest.raises(SeedError, match=complaint):
        Seed.parse(text, name="seed")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SeedError, match=r"nowhere\.yaml: cannot be read"):
        Seed.load(tmp_path / "nowhere.yaml")


async def test_whoever_is_unknown_is_told_with_those_who_are_known() -> None:
    playground = Playground(Seed.default())
    with pytest.raises(LookupError, match="'eve': there are ada, deploybot, grace"):
        playground.person("eve")
    with pytest.raises(LookupError, match="'#lab': there are #general, #ops, #random"):
        playground.thread("#lab", "1.000001")
    with pytest.raises(LookupError, match="linus is not in #ops"):
        await playground.person("linus").say("#ops", "hello")


async def test_strangers_and_guests_are_recognisable() -> None:
    seed = "users: [{handle: eve, name: Eve, stranger: true}, {handle: bob, name: Bob, guest: true}]"
    playground = Playground(Seed.parse(seed, name="seed"))
    eve, bob = playground.person("eve").user, playground.person("bob").user
    assert eve.is_stranger
    assert eve.team != playground.team_id
    assert bob.is_restricted
