"""Exact arithmetic on an expression, in bounded time and space. Nothing is ever executed.

The syntax tree is walked with an allow-list. Numbers are fractions, so that 0.1 + 0.2 is 0.3; what has no exact
value, such as a sine, is a float.
"""

from __future__ import annotations

import ast
import functools
import math
import operator
from collections.abc import Callable
from decimal import Decimal, InvalidOperation, localcontext
from fractions import Fraction
from typing import TypeAlias

from tools._framework.errors import ToolFailed, ToolRetry
from tools._notation import MAX_SIGNS, POSTFIX, to_python

Number: TypeAlias = Fraction | float

MAX_CHARS = 2_000
MAX_DEPTH = 50
MAX_BITS = 4_096
"""Size of a number's numerator and denominator: about 1,200 digits."""
_MOST_BITS_IN_ALL = 24 * MAX_BITS
"""Of all numbers on the way, which bounds the time: the largest take a tenth of a millisecond each."""
_MOST_PLACES = 1_300
"""Places before or after the point in a number as it is written, before its bits are counted."""
MAX_FACTORIAL = 500
_LARGEST_ANGLE = 1e12
"""In radians; up to it, a float's error is less than a thousandth."""
_DIGITS = 15
"""Significant digits shown of a number that has no short exact form."""


def as_written(value: float) -> Fraction:
    """The number that somebody wrote in JSON: the shortest text that means this float makes 0.1 one tenth."""
    return Fraction(value) if isinstance(value, int) else Fraction(repr(value))


def evaluate(expression: str) -> Number:
    """The value of an expression, within milliseconds.

    Raises:
        ToolRetry: it cannot be read.
        ToolFailed: it has no value, or a value beyond the bounds.
    """
    if len(expression) > MAX_CHARS:
        raise ToolRetry(f"The expression has {len(expression)} characters, more than {MAX_CHARS}. Split it up.")
    source = to_python(expression, {*_FUNCTIONS, *_CONSTANTS, "sum", "avg"})
    try:
        tree = ast.parse(source, mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ToolRetry(f"{expression!r} is not a complete expression. Write it like (2 + 3) * 4^2.") from error
    try:
        return _Walk(source).value(tree.body)
    except ZeroDivisionError as error:
        raise ToolFailed("It divides by zero, so it has no value.") from error
    except OverflowError as error:
        raise ToolFailed(_TOO_LARGE) from error


def shown(number: Number, digits: int = _DIGITS) -> str:
    """A number for people: whole numbers in full, others with up to so many significant digits."""
    if isinstance(number, Fraction) and number.denominator == 1:
        return str(number.numerator)
    with localcontext(prec=digits):
        decimal = _decimal(number).normalize()
    return f"{decimal:f}" if -7 <= decimal.adjusted() < digits else f"{decimal:e}"


def is_exact(number: Number, digits: int = _DIGITS) -> bool:
    """Whether `shown` tells the whole value."""
    return isinstance(number, Fraction) and Fraction(shown(number, digits)) == number


def _decimal(number: Number) -> Decimal:
    if isinstance(number, Fraction):
        return Decimal(number.numerator) / Decimal(number.denominator)
    return +Decimal(repr(number))


class _Walk:
    """One walk over the tree of `source`, with bounds on what its numbers may cost together."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._bits_left = _MOST_BITS_IN_ALL

    def value(self, node: ast.expr, depth: int = MAX_DEPTH) -> Number:
        if depth == 0:
            raise ToolRetry(f"The expression is nested more than {MAX_DEPTH} levels deep. Split it up.")
        # The tree of a sum leans to the left, as deep as it has terms, and yet nests nothing.
        steps: list[ast.BinOp] = []
        while isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
            steps.append(node)
            node = node.left
        value, in_percent = self._operand(node, depth), _is_percentage(node)
        for step in reversed(steps):
            right = self.value(step.right, depth - 1)
            adds, of_percent = isinstance(step.op, ast.Add | ast.Sub), _is_percentage(step.right)
            if adds and of_percent and not in_percent and value != 1:
                raise ToolRetry(_two_ways(value, "+" if isinstance(step.op, ast.Add) else "-", right))
            in_percent = in_percent and of_percent and adds
            value = self._bounded(_OPERATORS[type(step.op)](value, right))
        return value

    def _operand(self, node: ast.expr, depth: int) -> Number:
        match node:
            case ast.Constant(value=int() | float()):
                # The digits of the text, of which a float would keep the first sixteen.
                return self._bounded(_literal(self._source[node.col_offset : node.end_col_offset]))
            case ast.Name(id=name) if name in _CONSTANTS:
                return _CONSTANTS[name]
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return -self.value(operand, depth - 1)
            case ast.UnaryOp(op=ast.UAdd(), operand=operand):
                return self.value(operand, depth - 1)
            case ast.Attribute(value=inner, attr=name) if name in POSTFIX.values():
                return self._call(name, [self.value(inner, depth - 1)])
            case ast.Call(func=ast.Name(id="sum" | "avg" as name), args=[_, *_] as arguments, keywords=[]):
                # Bounded at each step, since denominators multiply.
                numbers = [self.value(argument, depth - 1) for argument in arguments]
                total = functools.reduce(lambda so_far, number: self._bounded(so_far + number), numbers)
                return total if name == "sum" else total / len(numbers)
            case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]) if name in _FUNCTIONS:
                return self._call(name, [self.value(argument, depth - 1) for argument in arguments])
        raise ToolRetry(
            "Only numbers, + - * / // % ^, parentheses and known functions can be calculated; write * out."
        )

    def _call(self, name: str, arguments: list[Number]) -> Number:
        function, fewest, most = _FUNCTIONS.get(name) or _POSTFIX_FUNCTIONS[name]
        if not fewest <= len(arguments) <= most:
            raise ToolRetry(f"{name} does not take {len(arguments)} numbers.")
        try:
            return self._bounded(function(*map(_plain, arguments)))
        except ValueError as error:
            raise ToolFailed(f"{name}({', '.join(map(shown, arguments))}) has no real value.") from error

    def _bounded(self, number: Number | int) -> Number:
        if isinstance(number, float):
            if not math.isfinite(number):
                raise ToolFailed(_TOO_LARGE)
            return number
        number = Fraction(number)
        bits = max(number.numerator.bit_length(), number.denominator.bit_length())
        self._bits_left -= bits
        if bits > MAX_BITS or self._bits_left < 0:
            raise ToolFailed(_TOO_LARGE)
        return number


def _is_percentage(node: ast.expr) -> bool:
    match node:
        case ast.Attribute(attr=name):
            return name == POSTFIX["%"]
        case ast.UnaryOp(operand=operand):
            return _is_percentage(operand)
        case ast.BinOp(left=left, op=ast.Add() | ast.Sub(), right=right):
            return _is_percentage(right) and _is_percentage(left)
    return False


def _two_ways(number: Number, sign: str, share: Number) -> str:
    # To a pocket calculator 200 - 15% is 170, by the rules of sums 199.85.
    whole, percent, part = shown(number), shown(share * 100), shown(share)
    return (
        f"{whole} {sign} {percent}% can be read in two ways. Write {whole} * (1 {sign} {percent}%) if it is "
        f"{percent}% of {whole}, or {whole} {sign} {part}."
    )


def _literal(digits: str) -> Fraction:
    try:
        decimal = Decimal(digits)
    except InvalidOperation as error:
        # Its exponent alone is beyond all bounds.
        raise ToolFailed(_TOO_LARGE) from error
    if abs(decimal.adjusted()) > _MOST_PLACES:
        raise ToolFailed(_TOO_LARGE)
    return Fraction(decimal)


def _plain(number: Number) -> Number | int:
    # The functions of `math` take whole numbers of any size, but fractions only as far as floats reach.
    return number if isinstance(number, float) or number.denominator != 1 else number.numerator


def _power(base: Number | int, exponent: Number | int) -> Number:
    if base < 0 and exponent != int(exponent):
        raise ToolFailed("A negative number to a power that is not whole has no real value.")
    if isinstance(base, float) or exponent != int(exponent):
        power: float = float(base) ** float(exponent)
        return power
    size = max(base.numerator.bit_length(), base.denominator.bit_length())
    # One to any power is one; everything else grows by its size with each step.
    if size > 1 and size * abs(int(exponent)) > 2 * MAX_BITS:
        raise ToolFailed(_TOO_LARGE)
    exact: Fraction = Fraction(base) ** int(exponent)
    return exact


def _square_root(number: Number | int) -> Number:
    if isinstance(number, int | Fraction) and number >= 0:
        root = Fraction(math.isqrt(number.numerator), math.isqrt(number.denominator))
        if root * root == number:
            return root
    return math.sqrt(number)


def _round(number: Number | int, places: Number | int = 0) -> Number:
    """Halves go away from zero, as in school."""
    if abs(Fraction(places)) > 100 or int(places) != places:
        raise ValueError(places)
    scale = Fraction(10) ** int(places)
    rounded = Fraction(math.floor(abs(Fraction(number)) * scale + Fraction(1, 2))) / scale
    return rounded if number >= 0 else -rounded


def _logarithm(number: Number | int, base: Number | int = math.e) -> float:
    return math.log(number) if base == math.e else math.log(number) / math.log(base)


def _factorial(number: Number | int) -> int:
    if number != int(number) or number < 0:
        raise ValueError(number)
    if number > MAX_FACTORIAL:
        raise ToolFailed(f"factorial takes whole numbers up to {MAX_FACTORIAL}.")
    return math.factorial(int(number))


def _sine(angle: Number | int) -> float:
    return _settled(math.sin, angle)


def _cosine(angle: Number | int) -> float:
    return _settled(math.cos, angle)


def _settled(function: Callable[[float], float], angle: Number | int) -> float:
    if not -_LARGEST_ANGLE <= angle <= _LARGEST_ANGLE:
        raise ToolFailed(
            f"Angles beyond {_LARGEST_ANGLE:.0e} are too large to tell where in the circle they are."
        )
    value = function(float(angle))
    if not isinstance(angle, float):
        return value
    # pi itself is rounded, which leaves sin(pi) at 1e-16: less than the error of its argument is nothing.
    return 0.0 if abs(value) < 4e-16 * abs(float(angle)) else value


_TOO_LARGE = f"The numbers get too large: results have at most about {MAX_BITS * 3 // 10} digits."
_CONSTANTS: dict[str, float] = {"pi": math.pi, "e": math.e}
_OPERATORS: dict[type[ast.operator], Callable[[Number, Number], Number]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: _power,
}
_FUNCTIONS: dict[str, tuple[Callable[..., Number | int], int, int]] = {
    # with the fewest and the most numbers each takes
    "sqrt": (_square_root, 1, 1),
    "abs": (abs, 1, 1),
    "round": (_round, 1, 2),
    "min": (lambda *numbers: min(numbers), 1, MAX_SIGNS),
    "max": (lambda *numbers: max(numbers), 1, MAX_SIGNS),
    "pow": (_power, 2, 2),
    "mod": (operator.mod, 2, 2),
    "ln": (_logarithm, 1, 1),
    "log2": (math.log2, 1, 1),
    "log": (_logarithm, 1, 2),
    "log10": (math.log10, 1, 1),
    "exp": (math.exp, 1, 1),
    "sin": (_sine, 1, 1),
    "cos": (_cosine, 1, 1),
    "tan": (lambda angle: _sine(angle) / _cosine(angle), 1, 1),
    "asin": (math.asin, 1, 1),
    "acos": (math.acos, 1, 1),
    "atan": (math.atan, 1, 1),
    "floor": (math.floor, 1, 1),
    "ceil": (math.ceil, 1, 1),
    "factorial": (_factorial, 1, 1),
}
_POSTFIX_FUNCTIONS: dict[str, tuple[Callable[..., Number | int], int, int]] = {
    "percent": (lambda number: number * Fraction(1, 100), 1, 1),
    "squared": (lambda number: number * number, 1, 1),
    "cubed": (lambda number: _power(number, 3), 1, 1),
}
