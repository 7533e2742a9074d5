"""An answer on its way into Slack: text comes in bits, and what shows it goes out."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from bot.slack.prose.blocks import Blank, Block, Blocks, CodeBegins, CodeEnds, CodeLine, Prose, TableLines
from bot.slack.prose.inline import in_code, pieces
from bot.slack.prose.links import Allowed
from bot.slack.prose.operations import Append, Attach, NextMessage, Operation
from bot.slack.prose.pages import Pages
from bot.slack.prose.pings import without_pings
from bot.slack.prose.redaction import Redaction
from bot.slack.prose.tables import Table

_QUOTE = re.compile(r"[ \t]*(?:>[ \t]*)+")
_LINE_END = re.compile(r"\r\n?")
# Each upload takes two calls of Slack's.
_MOST_FILES = 5


class Writer:
    """Turns a model's Markdown into what Slack can show, as it comes.

    What comes out depends on the text alone, not on how it was divided: so an answer that is streamed and one
    that is posted whole are the same. Nothing half is shown: no half word, link or table, no emphasis without
    its end. Only a fence may be open, which every reader of Markdown takes for code.

    Args:
        allowed: whom the answer may mention, which of its links may be clicked, and what it may not tell.
        most_chars: of a message, as escaped for Slack's `text` field.
        most_messages: what is longer becomes a file.
        files: whether there may be files. Without them a table is written out, and what is longer is left out.
    """

    def __init__(
        self, allowed: Allowed, *, most_chars: int = 3_900, most_messages: int = 5, files: bool = True
    ) -> None:
        self._allowed = allowed
        self._redaction = Redaction(allowed.secrets)
        self._blocks = Blocks()
        self._pages = Pages(most_chars, most_messages, files)
        self._most_files = _MOST_FILES if files else 0
        self._return = ""
        self._quote = ""
        self._tables = 0

    def allow(self, more: Allowed) -> None:
        """Allow more in what is written from now on."""
        self._allowed |= more
        self._redaction.know(self._allowed.secrets)

    def write(self, text: str) -> list[Operation]:
        """What can be shown for certain after `text`."""
        return self._written(text, last=False)

    def close(self) -> list[Operation]:
        """The rest."""
        rest = self._written("", last=True)
        self._pages.close()
        return rest + self._taken()

    def turn_over(self) -> list[Operation]:
        """Begin a new message now, whatever is open."""
        self._pages.turn_over()
        return self._taken()

    def _written(self, text: str, *, last: bool) -> list[Operation]:
        certain = self._with_line_ends(self._redaction.feed(text, last=last), last)
        if certain or last:
            for block in self._blocks.feed(certain, last=last):
                self._add(block)
        return self._taken()

    def _with_line_ends(self, text: str, last: bool) -> str:
        """`text` with line feeds only. A carriage return at its end may be half of a line's end."""
        if not self._return and "\r" not in text:
            return text
        text, self._return = self._return + text, ""
        if text.endswith("\r") and not last:
            text, self._return = text[:-1], "\r"
        return _LINE_END.sub("\n", text)

    def _taken(self) -> list[Operation]:
        operations, self._pages.operations = self._pages.operations, []
        return operations

    def _add(self, block: Block) -> None:
        match block:
            case Prose():
                self._prose(block)
            case Blank():
                self._pages.blank()
            case CodeBegins(marks, info):
                self._pages.begin_code(marks, info)
            case CodeLine(text, ends_line):
                self._pages.code(without_pings(text), ends_line=ends_line)
            case CodeEnds():
                self._pages.end_code()
            case TableLines(lines):
                self._table(Table.of(lines))

    def _prose(self, prose: Prose) -> None:
        lead = prose.lead
        if prose.starts_line:
            quote = _QUOTE.match(lead)
            self._quote = quote[0].lstrip() if quote else ""
        if prose.is_verbatim:
            found = [in_code(prose.source) + "\n"]
        else:
            found = pieces(prose.source, self._allowed, starts_line=prose.starts_line, joins=prose.joins)
        if prose.is_cut:
            # What is cut apart must not become something together.
            found[-1] += " "
        for piece in found or [""]:
            self._pages.words(piece, lead, self._quote)
            lead = ""

    def _table(self, table: Table) -> None:
        if self._pages.is_over:
            self._pages.table(table.markdown(self._allowed))
            return
        native = table.native(self._allowed, self._pages.most_table_chars)
        if native is not None and self._pages.have_room_for(native):
            for each in native:
                self._pages.table(each)
            return
        aligned = table.aligned()
        if aligned is not None and self._pages.undivided_code(aligned):
            return
        if self._tables == self._most_files:
            self._pages.begin_code("```", "csv")
            for line in table.csv().splitlines():
                # A line of back-ticks would end the code.
                self._pages.code(f"\u200b{line}" if line.startswith("`") else line)
            self._pages.end_code()
            return
        self._tables += 1
        name = f"table-{self._tables}.csv"
        self._pages.words(f"_The table is in the attached file `{name}`._\n")
        self._pages.blank()
        self._pages.attach(Attach(name, table.csv(), f"Table {self._tables}"))


@dataclass(slots=True)
class Composed:
    """A whole answer as messages, and files beside them."""

    messages: list[str] = field(default_factory=list)
    files: list[Attach] = field(default_factory=list)


def compose(
    text: str, allowed: Allowed, *, most_chars: int = 3_900, most_messages: int = 5, files: bool = True
) -> Composed:
    """The messages and files that show `text`, which is there as a whole. The arguments are a `Writer`'s."""
    writer = Writer(allowed, most_chars=most_chars, most_messages=most_messages, files=files)
    composed = Composed([""])
    for operation in [*writer.write(text), *writer.close()]:
        match operation:
            case Append(markdown):
                composed.messages[-1] += markdown
            case NextMessage():
                composed.messages.append("")
            case Attach():
                composed.files.append(operation)
    composed.messages = [message.rstrip() for message in composed.messages]
    return composed
