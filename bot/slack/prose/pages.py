"""The messages of an answer: where one ends and the next begins, chosen as the text comes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from bot.slack.prose.inline import in_code
from bot.slack.prose.operations import Append, Attach, NextMessage, Operation, size

REST = "answer.md"
_NOTE = f"\n\n_The rest is in the attached file `{REST}`._"
_NOTE_WITHOUT_FILE = "\n\n_The rest did not fit. Ask in a thread to get it all._"

# How full a message is before it ends at a blank line, at a line's end, at a space.
_FULL_AT_BLANK = 0.75
_FULL_AT_LINE = 0.88
_FULL_AT_SPACE = 0.96

_LINE_ENDS = 4
_INDENT_OF_CODE = 4
_MOST_INDENT = 1 << 30

_MARKUP = re.compile(r"[*_`~\[\]<>\\]")
_BEGINS_BLOCK = re.compile(r"[-+*#>|=]|\d+[.)](?:\s|\Z)")


@dataclass(slots=True)
class Pages:
    """Fills messages with pieces that belong together, and collects what is to be done."""

    most_chars: int
    most_messages: int
    attaches: bool = True
    """Whether what has no place becomes a file; otherwise it is left out, with a note."""
    operations: list[Operation] = field(default_factory=list)
    _used: int = 0
    _number: int = 1
    _is_full: bool = False
    _has_table: bool = False
    _in_line: bool = False
    _line_indent: int = 0
    _page_indent: int = _MOST_INDENT
    _blank: bool = False
    _fence: tuple[str, str] | None = None
    _fence_is_open: bool = False
    _rest: list[str] | None = None

    # what is added

    def words(self, text: str, lead: str = "", quote: str = "") -> None:
        """Add something that is not to be divided, with the white space behind it, in its line."""
        core = text.rstrip()
        if not core and not lead and (self._is_full or not self._used):
            self._in_line = not text.endswith("\n")
            return
        if not self._in_line:
            self._line_indent = _indentation(lead)
        if self._is_full and not (self._in_line and _BEGINS_BLOCK.match(core)):
            self._turn()
        if size(lead + text) > self._room() and self._used:
            self._turn()
        if self._in_line and not self._used:
            lead = quote
        lead = self._outdented(lead)
        if size(lead + text) > self._room():
            self._divide(lead, core, text[len(core) :], quote)
        else:
            self._put(lead + text)
        self._in_line = not text.endswith("\n")
        self._judge(text)

    def blank(self) -> None:
        """Add an empty line."""
        if self._used and not self._blank:
            self._put("\n" if not self._in_line else "\n\n")
            self._in_line = False
            self._blank = True
            self._is_full = self._is_full or self._used >= _FULL_AT_BLANK * self._most()

    @property
    def is_over(self) -> bool:
        """Whether what comes goes into a file, where there is room for anything."""
        return self._rest is not None

    @property
    def most_table_chars(self) -> int:
        """The characters of a table that every message has room for."""
        return self.most_chars - _LINE_ENDS - len(self._note) - 2

    def have_room_for(self, tables: Sequence[str]) -> bool:
        """Whether there are messages enough, which take one table each. A single one may go into the file."""
        fits_here = not (self._has_table or self._is_full) and size(tables[0]) + 2 <= self._room()
        return len(tables) == 1 or self._number + len(tables) - fits_here <= self.most_messages

    def table(self, markdown: str) -> None:
        """Add one of Slack's tables, which has at most `most_table_chars`."""
        if self._has_table or self._is_full or size(markdown) + 2 > self._room():
            self._turn()
        self._end_line()
        self._put(markdown)
        self._has_table = self._rest is None
        # Without an empty line, what follows would be one more row.
        self.blank()

    def undivided_code(self, text: str) -> bool:
        """Add lines of code that belong into one message; whether one has room for them."""
        code = f"```\n{text}```\n"
        if size(code) + 1 > self._most():
            return False
        if self._is_full or size(code) + 1 > self._room():
            self._turn()
        self._end_line()
        self._put(code)
        return True

    def attach(self, file: Attach) -> None:
        """Add a file."""
        self.operations.append(file)

    # code

    def begin_code(self, marks: str, info: str) -> None:
        """A fence; it is shown with its first line."""
        self._end_line()
        self._fence, self._fence_is_open = (marks, info), False

    def code(self, line: str, *, ends_line: bool = True) -> None:
        """Add a line of code."""
        if self._is_full or (size(line) + 1 > self._room_for_code() and self._used):
            self._turn()
        while size(line) + 1 > self._room_for_code():
            head = _fitting(line, self._room_for_code() - 1)
            self._put_code(f"{head}\n")
            self._in_line = False
            line = line[len(head) :]
            self._turn()
        self._put_code(f"{line}\n" if ends_line else line)
        self._in_line = not ends_line
        if ends_line:
            self._judge("\n\n" if not line.strip() else " ")

    def end_code(self) -> None:
        """The other fence."""
        if self._fence and self._fence_is_open:
            self._put(("\n" if self._in_line else "") + f"{self._fence[0]}\n")
        self._fence, self._fence_is_open, self._in_line = None, False, False

    def _put_code(self, text: str) -> None:
        if self._fence and not self._fence_is_open:
            text = f"{self._fence[0]}{self._fence[1]}\n{text}"
            self._fence_is_open = True
        self._put(text)

    def _room_for_code(self) -> int:
        marks, info = self._fence or ("", "")
        opening = 0 if self._fence_is_open else len(marks) + size(info) + 1
        return self._room() - opening

    # messages

    def turn_over(self) -> None:
        """Begin a new message now."""
        if self._rest is None:
            self._turn_page()

    def close(self) -> None:
        """Add the file with what had no place."""
        if self._rest is not None and self.attaches:
            self.operations.append(Attach(REST, "".join(self._rest).strip() + "\n", "The rest of the answer"))

    def _turn(self) -> None:
        if self._rest is not None or not self._used:
            self._is_full = False
            return
        if self._number < self.most_messages:
            self._number += 1
            self._turn_page()
            return
        self._shut_fence()
        self._append(self._note)
        self._rest, self._is_full = [], False

    def _turn_page(self) -> None:
        self._shut_fence()
        self.operations.append(NextMessage())
        self._used, self._is_full, self._has_table, self._blank = 0, False, False, False
        self._page_indent = _MOST_INDENT

    def _shut_fence(self) -> None:
        if self._fence and self._fence_is_open:
            self._append(("\n" if self._in_line else "") + f"{self._fence[0]}\n")
            self._fence_is_open = False

    def _outdented(self, lead: str) -> str:
        """The lead as far to the left as the first line of its message, which would be code otherwise."""
        self._page_indent = min(self._page_indent, self._line_indent)
        if self._page_indent < _INDENT_OF_CODE or self._in_line:
            return lead
        return lead.expandtabs(_INDENT_OF_CODE)[self._page_indent :]

    def _end_line(self) -> None:
        if self._in_line and self._used:
            self._put("\n")
        self._in_line = False

    def _judge(self, text: str) -> None:
        """Whether the message is full, seen from what it ends in."""
        if not text[-1:].isspace():
            return
        share = (
            _FULL_AT_BLANK
            if text.endswith("\n\n")
            else _FULL_AT_LINE
            if text.endswith("\n")
            else _FULL_AT_SPACE
        )
        self._is_full = self._used >= share * self._most()

    @property
    def _note(self) -> str:
        return _NOTE if self.attaches else _NOTE_WITHOUT_FILE

    def _most(self) -> int:
        """The characters of the present message; the last one keeps room for saying that there is more."""
        return self.most_chars - _LINE_ENDS - (len(self._note) if self._number >= self.most_messages else 0)

    def _room(self) -> int:
        if self._rest is not None:
            return 1 << 60
        closing = len(self._fence[0]) + 2 if self._fence else 0
        return self._most() - self._used - closing

    def _divide(self, lead: str, core: str, space: str, quote: str) -> None:
        """Add what is too long for a whole message."""
        pieces = core if not _MARKUP.search(core) else in_code(core)[1:-1]
        fence = "" if pieces is core else "`"
        while pieces:
            head = _fitting(pieces, self._room() - size(lead) - 2)
            self._put(f"{lead}{fence}{head}{fence}")
            pieces, lead = pieces[len(head) :], quote
            if pieces:
                self._turn()
        self._put(space[:1])

    def _put(self, text: str) -> None:
        self._blank = False
        if self._rest is not None:
            self._rest.append(text)
        else:
            self._append(text)

    def _append(self, text: str) -> None:
        self._used += size(text)
        last = self.operations[-1] if self.operations else None
        if isinstance(last, Append):
            text = last.markdown + text
            self.operations.pop()
        self.operations.append(Append(text))


def _indentation(lead: str) -> int:
    """By how many columns the line is indented."""
    lead = lead.expandtabs(_INDENT_OF_CODE)
    return len(lead) - len(lead.lstrip())


def _fitting(text: str, room: int) -> str:
    """The beginning of `text` that fits into `room` once escaped; one character at least."""
    used = 0
    for index, character in enumerate(text):
        used += size(character)
        if used > room:
            return text[: max(index, 1)]
    return text
