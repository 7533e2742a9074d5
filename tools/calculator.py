"""Sums, without any code being run."""

from __future__ import annotations

from tools import tool
from tools._arithmetic import evaluate, is_exact, shown


@tool(title="Calculating {expression}", open_to_guests=True)
def calculate(expression: str) -> dict[str, str]:
    """Calculate a sum exactly. Use it for every calculation instead of doing it in your head.

    Operators are + - * / // % and ^ for powers. Functions are sqrt, abs, round(x, places), min, max, sum, avg,
    pow, mod, ln, log(x, base) (natural without a base), log2, log10, exp, sin, cos and tan and their inverses
    asin, acos and atan (in radians), floor, ceil, factorial. Constants are pi and e. 15% is 0.15, and
    "15% of 80" is 12; 200 less 15 % is 200 * (1 - 15%).

    Args:
        expression: The sum, of at most 2000 characters, e.g. (2 + 3) * 4^2
    """
    number = evaluate(expression)
    written = " ".join(expression.split()).rstrip("=? ")
    result = shown(number)
    return {"result": result, "summary": f"{written} {'=' if is_exact(number) else '≈'} {result}"}
