"""Exact arithmetic on an expression, in bounded time and space. Nothing is ever executed.

The syntax tree is walked with an allow-list. Numbers are fractions, so that 0.1 + 0.2 is 0.3; what has no exact
value, such as a sine, is a float.
"""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable
from decimal import Decimal, InvalidOperation, localcontext
from fractions import Fraction
from typing import TypeAlias

from tools._framework.errors import ToolFailed, ToolRetry
from tools._notation import PERCENT, to_python

Number: TypeAlias = Fraction | float

MAX_CHARS = 300
MAX_DEPTH = 50
MAX_BITS = 4_096
"""Size of a number's numerator and denominator: about 1,200 digits."""
_MOST_PLACES = 1_300
"""Places before or after the point in a number as it is written, before its bits are counted."""
MAX_FACTORIAL = 500
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
    source = to_python(expression, {*_FUNCTIONS, *_CONSTANTS})
    try:
        tree = ast.parse(source, mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ToolRetry(f"{expression!r} is not a complete expression. Write it like (2 + 3) * 4^2.") from error
    try:
        return _value(tree.body, MAX_DEPTH, source)
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


def _value(node: ast.expr, depth: int, source: str) -> Number:
    if depth == 0:
        raise ToolRetry(f"The expression is nested more than {MAX_DEPTH} levels deep. Split it up.")
    match node:
        case ast.Constant(value=int() | float()):
            # The digits of the text, of which a float would keep the first sixteen.
            return _literal(source[node.col_offset : node.end_col_offset])
        case ast.Name(id=name) if name in _CONSTANTS:
            return _CONSTANTS[name]
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_value(operand, depth - 1, source)
        case ast.UnaryOp(op=ast.UAdd(), operand=operand):
            return _value(operand, depth - 1, source)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
            return _bounded(
                _OPERATORS[type(op)](_value(left, depth - 1, source), _value(right, depth - 1, source))
            )
        case ast.Attribute(value=inner, attr=attribute) if attribute == PERCENT:
            return _value(inner, depth - 1, source) / 100
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]) if name in _FUNCTIONS:
            return _call(name, [_value(argument, depth - 1, source) for argument in arguments])
    raise ToolRetry(
        "Only numbers, + - * / // % ^, parentheses and known functions can be calculated; write * out."
    )


def _literal(digits: str) -> Number:
    try:
        decimal = Decimal(digits)
    except InvalidOperation as error:
        # Its exponent alone is beyond all bounds.
        raise ToolFailed(_TOO_LARGE) from error
    if abs(decimal.adjusted()) > _MOST_PLACES:
        raise ToolFailed(_TOO_LARGE)
    return _bounded(Fraction(decimal))


def _call(name: str, arguments: list[Number]) -> Number:
    function, fewest, most = _FUNCTIONS[name]
    if not fewest <= len(arguments) <= most:
        raise ToolRetry(f"{name} does not take {len(arguments)} numbers.")
    try:
        return _bounded(function(*map(_plain, arguments)))
    except ValueError as error:
        raise ToolFailed(f"{name}({', '.join(map(shown, arguments))}) has no real value.") from error


def _plain(number: Number) -> Number | int:
    # The functions of `math` take whole numbers of any size, but fractions only as far as floats reach.
    return number if isinstance(number, float) or number.denominator != 1 else number.numerator


def _bounded(number: Number | int) -> Number:
    if isinstance(number, float):
        return _finite(number)
    number = Fraction(number)
    if max(number.numerator.bit_length(), number.denominator.bit_length()) > MAX_BITS:
        raise ToolFailed(_TOO_LARGE)
    return number


def _finite(number: float) -> float:
    if isinstance(number, float) and not math.isfinite(number):
        raise ToolFailed(_TOO_LARGE)
    return number


def _power(base: Number, exponent: Number) -> Number:
    if base < 0 and exponent != int(exponent):
        raise ToolFailed("A negative number to a power that is not whole has no real value.")
    if isinstance(base, float) or exponent != int(exponent):
        power: float = float(base) ** float(exponent)
        return power
    size = max(base.numerator.bit_length(), base.denominator.bit_length())
    # One to any power is one; everything else grows by its size with each step.
    if size > 1 and size * abs(int(exponent)) > 2 * MAX_BITS:
        raise ToolFailed(_TOO_LARGE)
    exact: Fraction = base ** int(exponent)
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
    return _settled(math.sin(angle), angle)


def _cosine(angle: Number | int) -> float:
    return _settled(math.cos(angle), angle)


def _settled(value: float, angle: Number | int) -> float:
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
    "min": (lambda *numbers: min(numbers), 1, 50),
    "max": (lambda *numbers: max(numbers), 1, 50),
    "log": (_logarithm, 1, 2),
    "log10": (math.log10, 1, 1),
    "exp": (math.exp, 1, 1),
    "sin": (_sine, 1, 1),
    "cos": (_cosine, 1, 1),
    "tan": (lambda angle: _sine(angle) / _cosine(angle), 1, 1),
    "floor": (math.floor, 1, 1),
    "ceil": (math.ceil, 1, 1),
    "factorial": (_factorial, 1, 1),
}
