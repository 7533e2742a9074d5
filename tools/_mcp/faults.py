"""Why a connection failed, in words."""

from __future__ import annotations


def leaf(error: BaseException) -> BaseException:
    """The first cause inside of groups, into which the SDK's task groups wrap what happens in them."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def in_words(error: BaseException, last_words: str) -> str:
    """The cause, and what the server itself said before."""
    cause = leaf(error)
    text = str(cause) or type(cause).__name__
    return f"{text}; it last said: {last_words}" if last_words else text
