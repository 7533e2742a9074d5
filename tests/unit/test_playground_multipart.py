from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some

from bot.playground.multipart import Part, is_multipart, parts


@given(content=some.binary(max_size=200))
def test_any_bytes_come_through(content: bytes) -> None:
    body = (
        b'--edge\r\nContent-Disposition: form-data; filename="a.bin"; name="file"\r\n\r\n'
        + content
        + b"\r\n--edge--\r\n"
    )
    assert list(parts("multipart/form-data; boundary=edge", body)) == [Part("file", content, True)]


@pytest.mark.parametrize("boundary", ["edge", '"edge"'])
def test_fields_and_files_are_told_apart(boundary: str) -> None:
    body = (
        b'--edge\r\nContent-Disposition: form-data; name="title"\r\n\r\nNotes\r\n'
        b'--edge\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\nhello\r\n--edge--\r\n'
    )
    found = list(parts(f"multipart/form-data; boundary={boundary}", body))
    assert found == [Part("title", b"Notes", False), Part("file", b"hello", True)]


def test_a_form_without_a_boundary_has_no_fields() -> None:
    assert is_multipart("multipart/form-data")
    assert list(parts("multipart/form-data", b"anything")) == []
