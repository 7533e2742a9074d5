"""What people see of a result: a summary and its sources."""

from __future__ import annotations

from dataclasses import dataclass

import pydantic
import pytest

from tools import Outcome, Source


@dataclass
class Page:
    title: str
    url: str


class Report(pydantic.BaseModel):
    summary: str
    sources: list[Page]


@pytest.mark.parametrize(
    ("result", "summary"),
    [
        ({"summary": "It rains.", "other": 1}, "It rains."),
        ({"summary": "It\n  rains."}, "It rains."),
        ({"summary": 5}, '{"summary":5}'),
        ("first line\nsecond line", "first line"),
        ("\n\n  first words", "first words"),
        ("x" * 500, "x" * 199 + "…"),
        ([1, 2], "[1,2]"),
        ("", ""),
        (Report(summary="All well.", sources=[]), "All well."),
    ],
)
def test_a_result_has_a_line_for_people(result: object, summary: str) -> None:
    assert Outcome.of(result, 1000).summary == summary


@pytest.mark.parametrize(
    ("result", "sources"),
    [
        ({"sources": [{"title": "A", "url": "https://a.example/x"}]}, [Source("A", "https://a.example/x")]),
        (
            Report(summary="", sources=[Page("A", "http://a.example")]),
            [Source("A", "http://a.example")],
        ),
        ({"url": "https://a.example/x"}, [Source("a.example", "https://a.example/x")]),
        ({"source": "https://a.example/x"}, [Source("a.example", "https://a.example/x")]),
        (
            {"source": "The A Times", "url": "https://a.example/"},
            [Source("The A Times", "https://a.example/")],
        ),
        ({"title": " Two\nlines ", "url": "https://a.example/"}, [Source("Two lines", "https://a.example/")]),
        ({"source": "Open-Meteo"}, []),
        ({"sources": [{"url": "javascript:alert(1)"}, {"url": "file:///etc/passwd"}, "https://x", 7]}, []),
        ({"url": "https://a.example/|<!channel>"}, []),
        ({"sources": "https://a.example/"}, []),
        ("https://a.example/", []),
        (
            {"sources": [{"url": f"https://a.example/{n}"} for n in range(30)]},
            [Source("a.example", f"https://a.example/{n}") for n in range(10)],
        ),
    ],
)
def test_a_result_names_its_sources(result: object, sources: list[Source]) -> None:
    assert list(Outcome.of(result, 10_000).sources) == sources


def test_a_failure_has_a_short_line_as_well() -> None:
    outcome = Outcome.refusal("No key=s3cr3tvalue fits. " * 30, "Give up.", {"SHOP_KEY": "s3cr3tvalue"})
    assert not outcome.ok
    assert len(outcome.summary) == 200
    assert "s3cr3t" not in outcome.summary + outcome.content
