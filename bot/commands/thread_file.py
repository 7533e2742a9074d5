"""Files of earlier messages for `threadloop ask --thread`: JSON Lines of `{"user": …, "text": …}`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bot.errors import SeedError
from bot.playground import Seed


class Line(BaseModel):
    """One message. A user that the workspace doesn't know becomes a new member; `threadloop` is the bot."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    user: str = Field(min_length=1)
    text: str = Field(min_length=1)

    @property
    def handle(self) -> str:
        """The user as a Slack handle: `Grace Hopper` is `grace.hopper`."""
        return re.sub(r"[^a-z0-9]+", ".", self.user.lower()).strip(".") or "somebody"


def read(path: Path) -> list[Line]:
    """The messages of a file, oldest first. Blank lines are passed over.

    Raises:
        SeedError: the file can't be read; the message names the line.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise SeedError(f"{path} can't be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise SeedError(f"{path} can't be read: it is not UTF-8 text.") from error
    return [_read_line(path, number, line) for number, line in enumerate(lines, 1) if line.strip()]


def _read_line(path: Path, number: int, line: str) -> Line:
    try:
        return Line.model_validate_json(line)
    except ValidationError as error:
        problem = error.errors()[0]
        where = "".join(f"{name}: " for name in problem["loc"])
        raise SeedError(
            f'{path}, line {number}: {where}{problem["msg"]}. Write {{"user": "ada", "text": "…"}}.'
        ) from error


def with_speakers(seed: Seed, lines: Sequence[Line], channel: str) -> Seed:
    """The seed with everybody who speaks as a member of `channel`."""
    known = {user.handle for user in seed.users} | {seed.app.handle}
    names = {line.handle: line.user for line in lines if line.handle not in known}
    handles = dict.fromkeys(line.handle for line in lines if line.handle != seed.app.handle)
    data = seed.model_dump()
    data["users"] = [*data["users"], *({"handle": handle, "name": name} for handle, name in names.items())]
    for room in data["channels"]:
        if room["name"] == channel:
            room["members"] = list(dict.fromkeys([*room["members"], *handles]))
    return Seed.model_validate(data)
