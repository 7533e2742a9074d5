"""Forms in `multipart/form-data` (RFC 7578), which Slack's clients use to send files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Part:
    """One field of a form."""

    name: str
    content: bytes
    is_file: bool


def is_multipart(content_type: str) -> bool:
    """Whether a body of this type is such a form."""
    return content_type.lower().startswith("multipart/form-data")


def parts(content_type: str, body: bytes) -> Iterator[Part]:
    """The fields of a form, in order; none where the boundary is missing."""
    boundary = re.search(r'boundary="?([^";\s]+)', content_type)
    if boundary is None:
        return
    # The line break before a boundary belongs to it; the first boundary may stand without one.
    sections = (b"\r\n" + body).split(b"\r\n--" + boundary[1].encode())
    for section in sections[1:-1]:
        head, _, content = section.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        name = re.search(rb'[;\s]name="([^"]*)"', head)
        yield Part(name[1].decode() if name else "", content, b"filename=" in head)
