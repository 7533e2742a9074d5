"""A benchmark's figures beside their goals."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

Unit: TypeAlias = Literal["ms", "s", "MB", "%", ""]


@dataclass(frozen=True)
class Figure:
    """One measured value. Every goal is a most; `None` is a figure without one."""

    name: str
    value: float
    unit: Unit
    goal: float | None = None

    @property
    def missed(self) -> bool:
        """Whether the value is beyond the goal."""
        return self.goal is not None and self.value > self.goal


@dataclass
class Report:
    """The figures of a run."""

    figures: list[Figure] = field(default_factory=list)

    def add(self, name: str, value: float, unit: Unit, goal: float | None = None) -> None:
        """Take a figure and show it."""
        figure = Figure(name, value, unit, goal)
        self.figures.append(figure)
        aim = "" if goal is None else f"goal ≤ {goal:g} {unit}{'   MISSED' if figure.missed else ''}"
        print(f"{name:<58} {value:>9.1f} {unit:<3} {aim}", flush=True)

    @property
    def missed(self) -> bool:
        """Whether any goal was missed."""
        return any(figure.missed for figure in self.figures)
