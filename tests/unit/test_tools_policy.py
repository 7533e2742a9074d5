"""The policy: who may use which tool where, at the list and at the call, and what a wrong file is told."""

from __future__ import annotations

import textwrap
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from support.tool_context import NOON, tool_context

from tools import Access, Asker, BadPolicy, Outcome, Policy, Registry, read_policy, rules_for_nothing, tool

ROOT = Path(__file__).parents[2]
ANN = Access("U1", "C1")


@tool(open_to_guests=True)
def clock() -> str:
    """Say the time."""
    return "noon"


@tool
def salaries() -> str:
    """Say what people earn."""
    return "much"


@tool(read_only=False)
def github__merge() -> str:
    """Merge."""
    return "merged"


@tool
def github__read() -> str:
    """Read."""
    return "read"


@tool(channels=("C1", "C2"), users=("U1",))
def vault() -> str:
    """Open the vault."""
    return "gold"


EVERY = [clock, salaries, github__merge, github__read, vault]


def policy(text: str, folder: Path) -> Policy:
    path = folder / "policy.yaml"
    path.write_text(textwrap.dedent(text))
    return read_policy(path)


def names(registry: Registry, access: Access) -> set[str]:
    return {schema["name"] for schema in registry.schemas_for(access)}


async def call(registry: Registry, name: str, asker: Asker | None = None, **more: Any) -> Outcome:
    asker = asker or Asker("U1", "Ann", "UTC")
    async with tool_context(asker=asker, **more) as context:
        return await registry.call(name, "{}", context)


# What the tools say themselves


def test_without_a_policy_the_tools_own_options_hold() -> None:
    registry = Registry(EVERY)
    assert names(registry, ANN) == {"clock", "salaries", "github__merge", "github__read", "vault"}
    assert "vault" not in names(registry, Access("U2", "C1"))
    assert "vault" not in names(registry, Access("U1", "C3"))


@pytest.mark.parametrize("stranger", [Access("U1", "C1", is_guest=True), Access("U1", "C1", is_external=True)])
def test_guests_and_other_companies_get_only_what_is_open_to_them(stranger: Access) -> None:
    assert names(Registry(EVERY), stranger) == {"clock"}


async def test_the_call_is_checked_and_not_only_the_list() -> None:
    registry = Registry(EVERY)
    guest = Asker("U1", "Ann", "UTC", is_guest=True)
    for asker, channel, name, reason in [
        (guest, "C1", "salaries", "not open to guests"),
        (Asker("U2", "Bob", "UTC"), "C1", "vault", "not open to this person"),
        (Asker("U1", "Ann", "UTC"), "C3", "vault", "may not be used in this channel"),
    ]:
        outcome = await call(registry, name, asker, channel=channel)
        assert not outcome.ok
        assert reason in outcome.content
        assert "Do not repeat" in outcome.content
    assert (await call(registry, "clock", guest)).ok


async def test_a_wrong_name_reveals_only_the_tools_that_are_open() -> None:
    outcome = await call(Registry(EVERY), "salary", Asker("U1", "Ann", "UTC", is_guest=True))
    assert "The tools are: clock." in outcome.content


# What the file says


def test_a_rule_narrows_a_tool_to_channels_people_and_groups(tmp_path: Path) -> None:
    rules = """
        tools:
          salaries:
            channels: [C7]
            users: [U7]
            groups: [S7]
    """
    registry = Registry(EVERY, policy=policy(rules, tmp_path))
    assert "salaries" in names(registry, Access("U7", "C7"))
    assert "salaries" in names(registry, Access("U1", "C7", groups=frozenset({"S7"})))
    assert "salaries" not in names(registry, Access("U1", "C7"))
    assert "salaries" not in names(registry, Access("U7", "C1"))


def test_the_file_goes_before_the_tools_own_options(tmp_path: Path) -> None:
    rules = """
        tools:
          vault: {users: [U9]}
          salaries: {guests: allow}
          clock: {guests: deny}
          github__merge: {approval: never}
          github__read: {approval: always}
    """
    registry = Registry(EVERY, policy=policy(rules, tmp_path))
    assert "vault" not in names(registry, ANN)
    assert "vault" in names(registry, Access("U9", "C2"))
    assert names(registry, Access("U1", "C1", is_guest=True)) == {"salaries"}
    assert not registry.asks("github__merge")
    assert registry.asks("github__read")


def test_the_most_specific_rule_that_has_a_word_decides_it(tmp_path: Path) -> None:
    rules = """
        tools:
          github__merge: {users: [U2]}
          "github__*": {users: [U1], groups: [S1], approval: always}
          "*": {channels: [C1], approval: never}
    """
    registry = Registry(EVERY, policy=policy(rules, tmp_path))
    assert names(registry, Access("U1", "C3")) == set()
    assert "github__read" in names(registry, Access("U9", "C1", groups=frozenset({"S1"})))
    # The group of the pattern does not join the people of the exact name.
    assert "github__merge" not in names(registry, Access("U9", "C1", groups=frozenset({"S1"})))
    assert "github__merge" in names(registry, Access("U2", "C1"))
    assert registry.asks("github__merge")
    assert not registry.asks("clock")


def test_approvers_are_nobody_unless_named(tmp_path: Path) -> None:
    rules = "tools: {github__merge: {approvers: {users: [U5], groups: [S5]}}}"
    registry = Registry(EVERY, policy=policy(rules, tmp_path))
    named = registry.approvers("github__merge")
    assert (named.users, named.groups) == (("U5",), ("S5",))
    assert registry.approvers("clock").users == ()
    assert registry.approvers("nothing").users == ()


def test_approvers_come_from_the_most_specific_rule_that_names_some(tmp_path: Path) -> None:
    rules = """
        tools:
          github__merge: {approval: always}
          "github__*": {approvers: {users: [U5]}}
          "*": {approvers: {users: [U6]}}
    """
    registry = Registry(EVERY, policy=policy(rules, tmp_path))
    assert registry.approvers("github__merge").users == ("U5",)
    assert registry.approvers("github__of_a_server_that_is_away").users == ("U5",)
    assert registry.approvers("clock").users == ("U6",)


def test_trusted_servers_are_listed(tmp_path: Path) -> None:
    assert policy("mcp: {trusted: [github, wiki]}", tmp_path).mcp.trusted == ("github", "wiki")


# Budgets


async def test_a_person_has_so_many_calls_a_day(tmp_path: Path) -> None:
    registry = Registry(EVERY, policy=policy("tools: {clock: {calls_per_day: {each_person: 2}}}", tmp_path))
    assert [(await call(registry, "clock")).ok for _ in range(3)] == [True, True, False]
    assert "Today's 2 calls of clock by U1 are used up" in (await call(registry, "clock")).content
    assert (await call(registry, "clock", Asker("U2", "Bob", "UTC"))).ok
    assert (await call(registry, "salaries")).ok
    assert (await call(registry, "clock", now=NOON + timedelta(days=1))).ok


async def test_all_tools_and_all_people_share_a_budget(tmp_path: Path) -> None:
    rules = """
        calls_per_day: {each_person: 2, everyone: 3}
        tools: {salaries: {calls_per_day: {everyone: 0}}}
    """
    registry = Registry(EVERY, policy=policy(rules, tmp_path))
    assert "Today's 0 calls of salaries are used up" in (await call(registry, "salaries")).content
    assert [(await call(registry, name)).ok for name in ("clock", "github__read", "clock")] == [
        True, True, False,
    ]  # fmt: skip
    bob = Asker("U2", "Bob", "UTC")
    assert [(await call(registry, "clock", bob)).ok for _ in range(2)] == [True, False]


async def test_a_call_that_does_not_fit_costs_nothing(tmp_path: Path) -> None:
    registry = Registry(EVERY, policy=policy("calls_per_day: {everyone: 1}", tmp_path))
    async with tool_context() as context:
        assert not (await registry.call("clock", '{"x": 1}', context)).ok
        assert (await registry.call("clock", "{}", context)).ok


# A wrong file


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("tools:\n  clock:\n    chanels: [C1]\n", r":3: tools.clock.chanels means nothing here; did you mean"),
        ("rules: {}", r":1: rules means nothing here; known are tools, calls_per_day, mcp"),
        ("approval: always", r":1: approval means nothing here; it belongs under tools and a tool's name"),
        ("clock: {approval: always}", r":1: .*; what holds for one tool belongs under tools"),
        ("tools:\n  a: {each_person: 1}", r":2: .*; it belongs under calls_per_day"),
        ("mcp: {trust: [a]}", r":1: mcp.trust means nothing here; did you mean trusted\?"),
        ("tools: &a\n  x: *a", r": something in it holds itself"),
        ("tools:\n  clock:\n    channels: C1\n", r':3: tools.clock.channels: must be a list, and is "C1"'),
        ("tools:\n  a:\n    users:\n      - U1\n      - '#x'", r":5: tools.a.users.1: must be a person's id"),
        ("tools:\n  a:\n    channels: ['#general']", r":3: .*must be a channel's id, such as C0123ABCD"),
        ("tools:\n  a:\n    groups: [admins]", r":3: .*must be a user group's id"),
        ("tools:\n  a:\n    users: []", r":3: .*must not be an empty list: leave it out"),
        ("tools:\n  a:\n    approval: maybe", r":3: .*must be 'never', 'writes' or 'always', and is \"maybe\""),
        ("tools:\n  a:\n    guests: yes", r":3: .*must be 'allow' or 'deny', and is true"),
        ("tools:\n  a:\n    calls_per_day:\n      everyone: -1", r":4: .*must be greater than or equal to 0"),
        ("tools:\n  a:\n    calls_per_day:\n      everyone: many", r":4: .*must be a valid integer"),
        ("tools:\n  a: 5", r":2: tools.a: must be a mapping of names to values, and is 5"),
        ("- a", r":1: the file: must be a mapping"),
        ("tools:\n  a: {}\n  a: {}", r":3: a is there twice"),
        ("tools:\n  a: [", r":2: "),
        ("tools:\n\t- a", r":2: found character"),
        ("tools: {1: {}}", r":1: "),
        (
            "tools:\n  a:\n    approval:   # soon",
            r":3: approval is empty: write a value, or leave the line out",
        ),
        ("tools:\n  a:\n    approvers: ~", r":3: approvers is empty"),
        ("tools:\n  a:\n    approvers: {}", r":3: .*approvers: must name somebody under users or groups"),
        ("tools:\n  a:\n    approvers: {users: []}", r":3: .*must name somebody under users or groups"),
    ],
)
def test_a_wrong_file_is_refused_with_the_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(BadPolicy, match=r"policy.yaml" + message):
        policy(text, tmp_path)


def test_every_fault_of_a_file_is_named_at_once(tmp_path: Path) -> None:
    with pytest.raises(BadPolicy) as caught:
        policy("tools:\n  a: {guests: no}\n  b: {users: U1}", tmp_path)
    assert len(str(caught.value).splitlines()) == 2


def test_a_list_with_a_wrong_entry_is_not_called_empty(tmp_path: Path) -> None:
    with pytest.raises(BadPolicy) as caught:
        policy("tools:\n  a: {users: [ada]}", tmp_path)
    assert str(caught.value).endswith(
        ':2: tools.a.users.0: must be a person\'s id, such as U0123ABCD, and is "ada".'
    )


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadPolicy, match=r"none.yaml: it cannot be read"):
        read_policy(tmp_path / "none.yaml")


def test_an_empty_file_is_a_policy_without_rules(tmp_path: Path) -> None:
    assert policy("# nothing yet\n", tmp_path) == Policy()


def test_a_rule_for_no_tool_is_a_warning_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    rules = policy('tools:\n  clock: {}\n  clok: {}\n  "git*": {}\n  jira__*: {}\n', tmp_path)
    known = ["clock", "github__read"]
    assert list(rules_for_nothing(path, rules, known, servers=[])) == [
        f"{path}:3: there is no tool called clok now. Did you mean clock?",
        f"{path}:5: there is no tool called jira__* now.",
    ]


def test_the_example_is_a_policy_and_names_bundled_tools() -> None:
    path = ROOT / "policy.example.yaml"
    rules = read_policy(path)
    assert rules.tools
    bundled = Registry.discover().names
    servers = [pattern for pattern in rules.tools if "__" in pattern]
    known = [*bundled, *(name.replace("*", "x") for name in servers)]
    assert list(rules_for_nothing(path, rules, known, servers=["wiki"])) == []


def test_trust_in_no_server_is_a_warning_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    rules = policy("mcp:\n  trusted:\n    - pens\n    - pnes\n", tmp_path)
    assert list(rules_for_nothing(path, rules, [], servers=["pens", "wiki"])) == [
        f"{path}:4: no MCP server is called pnes; there are pens, wiki."
    ]
    assert len(list(rules_for_nothing(path, rules, [], servers=[]))) == 2
