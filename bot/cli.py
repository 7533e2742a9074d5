"""The command `threadloop`."""

from __future__ import annotations

import argparse
import asyncio
import gc
import logging
import sys
from collections.abc import Sequence

import uvloop

from bot.commands.signals import until_stopped
from bot.errors import ThreadloopError
from bot.settings import load
from bot.telemetry import configure_logging


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command and exit: 0 when it did what it should, 1 with the reason when not, 2 for wrong usage."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.command == "ask" and not options.question.strip():
        parser.error('write a question: make ask Q="What time is it in Tokyo?"')
    if options.command == "tools" and (options.action == "list") != (options.name is None):
        parser.error("write `threadloop tools`, or call or new with the name of one tool")
    if options.command == "runs" and (options.action == "list") != (options.run is None):
        parser.error("write `threadloop runs`, or show, cancel or retry with the id of one run")
    try:
        match options.command:
            case "ask":
                asyncio.run(_ask(options.question, options.thread))
            case "runs":
                _runs(options.action, options.run or "")
            case "tools":
                _tools(options)
            case "doctor":
                asyncio.run(_doctor())
            case "gallery":
                with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                    runner.run(until_stopped(_gallery()))
            case _:
                with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                    runner.run(until_stopped(_run()))
    except ThreadloopError as error:
        sys.exit(f"threadloop: {error}")
    except KeyboardInterrupt:
        sys.exit(130)


# The commands import the bot: that takes seconds, which --help and a mistyped option need not wait for.


async def _run() -> None:
    """Answer in Slack until cancelled; without Slack tokens, in an embedded workspace."""
    settings = load()
    if settings.mode == "embedded":
        from bot.commands import demo

        configure_logging("ERROR", settings.secrets())
        await demo.run(settings)
        return
    from bot.app import build

    configure_logging(settings.log_level, settings.secrets())
    async with build(settings, serve_health=True):
        _calm_garbage_collection()
        logging.getLogger(__name__).info("Connected to Slack (%s mode).", settings.mode)
        await asyncio.Event().wait()


def _calm_garbage_collection() -> None:
    """Keep collections from holding up the event loop: what start-up made stays, and is not looked at again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)


async def _ask(question: str, thread_path: str | None) -> None:
    """Answer one question in an embedded workspace of its own."""
    from bot.commands import demo

    settings = load()
    configure_logging("ERROR", settings.secrets())
    await demo.ask(settings, question, thread_path)


def _runs(action: str, run_id: str) -> None:
    """List runs, or show, cancel or retry one."""
    from bot.commands import runs

    settings = load()
    configure_logging("ERROR", settings.secrets())
    runs.run(settings, action, run_id)


def _tools(options: argparse.Namespace) -> None:
    """List the tools, call one, or begin a new one."""
    from bot.commands import tools

    settings = load()
    configure_logging("ERROR", settings.secrets())
    tools.run(settings, options.action, options.name or "", options.arguments, yes=options.yes)


async def _doctor() -> None:
    """Look at everything that the bot needs."""
    from bot.commands import doctor

    settings = load()
    configure_logging("ERROR", settings.secrets())
    await doctor.run(settings)


async def _gallery() -> None:
    """Show one of each kind of answer in an embedded workspace."""
    from bot.commands import gallery

    settings = load()
    configure_logging("ERROR", settings.secrets())
    await gallery.run(settings)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="threadloop", description="A teammate in Slack that answers with tools."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser(
        "run",
        help="answer in Slack, or in an embedded workspace when no Slack token is set",
        description="Connects to Slack with the tokens in the environment or .env. Without any, it starts a "
        "workspace of its own on 127.0.0.1:PORT and shows a question being answered there.",
    )
    ask = commands.add_parser(
        "ask",
        help="answer one question here, the way it would be answered in Slack",
        description="Prints the answer to standard output and the tool calls to standard error.",
    )
    ask.add_argument("question", help='the question, such as "What time is it in Tokyo?"')
    ask.add_argument(
        "--thread",
        metavar="FILE",
        help='earlier messages of the thread, as JSON Lines: {"user": "ada", "text": "…"}',
    )
    runs = commands.add_parser(
        "runs",
        help="list what was asked and what became of it; show, cancel or retry one run",
        description="Reads the database of DATABASE_URL, also while a bot works with it.",
    )
    runs.add_argument("action", nargs="?", choices=["list", "show", "cancel", "retry"], default="list")
    runs.add_argument("run", nargs="?", metavar="ID", help="a run's id, as the list and every failure show it")
    tools = commands.add_parser(
        "tools",
        help="list the tools; call one, or begin a new one",
        description="A call runs the tool here, as a model would; `new` writes a file and its test.",
    )
    tools.add_argument("action", nargs="?", choices=["list", "call", "new"], default="list")
    tools.add_argument("name", nargs="?", metavar="NAME", help="the tool's name")
    tools.add_argument(
        "arguments", nargs="?", default="{}", metavar="JSON", help="""'{"location": "Boston"}'"""
    )
    tools.add_argument("--yes", action="store_true", help="approve the call of a tool that asks first")
    commands.add_parser(
        "doctor",
        help="look at everything the bot needs: Slack, the model, the database, the tools, MCP servers",
        description="Writes a line about each; exits with 1 if something is wrong.",
    )
    commands.add_parser(
        "gallery",
        help="show one of each kind of answer in an embedded workspace",
        description="Posts headings, tables, code, long answers, steps and failures, and stays up for eyes.",
    )
    return parser
