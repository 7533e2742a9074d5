"""Names under which MCP tools are offered, and what their results look like to a model."""

from __future__ import annotations

import base64
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcp.types import CallToolResult

from tools._mcp.content import result_of, text_of_resource
from tools._mcp.names import offered_names, prefix_of

TEN_BYTES = base64.b64encode(b"x" * 10).decode()
TEXT = {"type": "text", "text": "hello"}
LINK = {"type": "resource_link", "uri": "pen:1", "name": "one", "title": "The first"}
EMBEDDED = {"type": "resource", "resource": {"uri": "pen:2", "text": "a pen"}}
BLOB = {"type": "resource", "resource": {"uri": "pen:3", "blob": TEN_BYTES, "mimeType": "image/gif"}}


def result(content: list[dict[str, Any]], structured: object = None) -> object:
    return result_of(CallToolResult.model_validate({"content": content, "structuredContent": structured}))


@pytest.mark.parametrize(
    ("content", "structured", "read"),
    [
        ([TEXT, TEXT], None, "hello\n\nhello"),
        ([], None, "It finished without a result."),
        ([{"type": "text", "text": ""}], None, "It finished without a result."),
        ([{"type": "image", "data": TEN_BYTES, "mimeType": "image/png"}], None, "[image: image/png, 10 bytes]"),
        ([{"type": "audio", "data": "A" * 40_000, "mimeType": "audio/wav"}], None, "[audio: audio/wav, 30 kB]"),
        ([LINK], None, "[resource: The first — pen:1]"),
        ([EMBEDDED], None, "a pen"),
        ([BLOB], None, '[file: "pen:3", image/gif, 10 bytes]'),
        ([TEXT], {"pens": 3}, {"pens": 3}),
        ([TEXT], {"result": "hello"}, "hello"),
        ([TEXT], {"result": 5}, {"result": 5}),
        ([TEXT], {"result": "hello", "more": 1}, {"result": "hello", "more": 1}),
    ],
)
def test_results_become_what_a_model_can_read(
    content: list[dict[str, Any]], structured: object, read: object
) -> None:
    assert result(content, structured) == read


def test_a_resource_without_contents_says_so() -> None:
    assert text_of_resource([]) == "It finished without a result."


@given(st.lists(st.text(max_size=80), unique=True, max_size=20), st.sampled_from(["pens", "x" * 40]))
def test_any_names_are_offered_as_unique_ones_that_providers_take(names: list[str], prefix: str) -> None:
    offered = offered_names(prefix, names)
    assert offered.keys() == {*names}
    assert len({*offered.values()}) == len(names)
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{1,64}", name) for name in offered.values())
    assert all(name.startswith(f"{prefix}__") for name in offered.values())


def test_a_good_name_is_kept_whatever_else_there_is() -> None:
    assert offered_names("pens", ["a_b", "a.b", "a/b"])["a_b"] == "pens__a_b"
    assert offered_names("pens", ["a.b"]) == {"a.b": "pens__a_b"}


@given(st.text())
def test_a_prefix_holds_no_separator(server: str) -> None:
    assert re.fullmatch(r"([A-Za-z0-9-]+_)*[A-Za-z0-9-]+|", prefix_of(server))
