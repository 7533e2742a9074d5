"""When a failing service is left alone, and who finds out whether it is back."""

from __future__ import annotations

from datetime import timedelta

from support.tool_context import NOON

from tools._services.circuit import Circuit

LATER = NOON + timedelta(seconds=61)


def failing(times: int) -> Circuit:
    circuit = Circuit()
    for _ in range(times):
        circuit.failed(RuntimeError("500"), NOON, patience=3)
    return circuit


def test_a_few_failures_are_forgiven() -> None:
    assert failing(2).admits(NOON)


def test_failures_in_a_row_close_it() -> None:
    assert not failing(3).admits(NOON)


def test_an_answer_in_between_begins_a_new_row() -> None:
    circuit = failing(2)
    circuit.worked()
    circuit.failed(RuntimeError("500"), NOON, patience=3)
    assert circuit.admits(NOON)


def test_after_a_rest_one_call_tries_it_and_the_others_wait_for_that() -> None:
    circuit = failing(3)
    assert [circuit.admits(LATER) for _ in range(3)] == [True, False, False]
    circuit.worked()
    assert [circuit.admits(LATER) for _ in range(3)] == [True, True, True]


def test_a_try_that_fails_begins_another_rest() -> None:
    circuit = failing(3)
    assert circuit.admits(LATER)
    circuit.failed(RuntimeError("still"), LATER, patience=3)
    assert not circuit.admits(LATER + timedelta(seconds=59))
    assert str(circuit.last_failure) == "still"
    assert circuit.admits(LATER + timedelta(seconds=60))


def test_a_try_that_never_ends_does_not_keep_the_service_away_for_ever() -> None:
    circuit = failing(3)
    assert circuit.admits(LATER)
    assert circuit.admits(LATER + timedelta(seconds=61))
