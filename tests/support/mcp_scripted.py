"""An MCP server over stdio without an SDK, so that it can also do what no SDK would let it do.

    python mcp_scripted.py '{"tools": [["add"], ["subtract"]], "stderr": "hello"}'

Its one argument says how it behaves; see `Behaviour`. It is a program of its own, and so
uses only the standard library.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from typing import Any, NoReturn, TypedDict


class Behaviour(TypedDict, total=False):
    """What is missing is done properly."""

    tools: list[list[str | dict[str, Any]]]
    """Pages of tools: their names, or whole definitions."""
    resources: list[list[str]]
    """Pages of URIs."""
    stderr: str
    """Said at the start."""
    stdout: str
    """Said at the start where only messages belong."""
    dies: bool
    """At the start, with exit status 3."""
    hangs: bool
    """Never answers anything."""
    waits_for: str
    """A named pipe: it does nothing until somebody opens it for writing."""
    is_stubborn: bool
    """Stays when its input ends."""
    is_modern: bool
    """Knows only the protocol of 2026-07-28."""
    pid_file: str
    """Where to write its process id."""


class Server:
    """One process's server. Tools do what their name says; an unknown one names itself."""

    def __init__(self, behaviour: Behaviour) -> None:
        self.behaviour = behaviour
        self.pages = behaviour.get("tools", [["echo"]])
        self.waiting: dict[str, Any] = {}
        self.cancelled: list[Any] = []

    def run(self) -> None:
        for line in sys.stdin:
            if not self.behaviour.get("hangs"):
                self.receive(json.loads(line))
        while self.behaviour.get("is_stubborn"):
            time.sleep(1)

    def receive(self, message: dict[str, Any]) -> None:
        method, id_ = message.get("method"), message.get("id")
        if method is None:  # the answer to a question of ours
            call = self.waiting.pop(str(id_))
            self.reply(call, {"content": [{"type": "text", "text": json.dumps(message["result"])}]})
        elif method == "notifications/cancelled":
            self.cancelled.append(message["params"]["requestId"])
        elif id_ is not None:
            self.answer(id_, method, message.get("params") or {})

    def answer(self, id_: Any, method: str, params: dict[str, Any]) -> None:
        modern = self.behaviour.get("is_modern")
        capabilities = {"tools": {"listChanged": True}}
        if "resources" in self.behaviour:
            capabilities["resources"] = {}
        match method:
            case "initialize" if not modern:
                info = {"name": "scripted", "version": "1"}
                version = params["protocolVersion"]
                self.reply(id_, {"protocolVersion": version, "capabilities": capabilities, "serverInfo": info})
            case "server/discover" if modern:
                self.reply(id_, {"supportedVersions": ["2026-07-28"], "capabilities": capabilities})
            case "initialize":
                supported = {"supported": ["2026-07-28"], "requested": params["protocolVersion"]}
                self.refuse(id_, -32022, "unsupported protocol version", supported)
            case "tools/list":
                self.page(id_, "tools", [[definition(tool) for tool in page] for page in self.pages], params)
            case "resources/list":
                pages = [[{"uri": uri, "name": uri} for uri in page] for page in self.behaviour["resources"]]
                self.page(id_, "resources", pages, params)
            case "tools/call":
                self.call(id_, params["name"], params.get("arguments") or {}, params)
            case _:
                self.refuse(id_, -32601, f"no method {method}")

    def page(self, id_: Any, key: str, pages: list[list[dict[str, Any]]], params: dict[str, Any]) -> None:
        number = int(params.get("cursor") or 0)
        more = {"nextCursor": str(number + 1)} if number + 1 < len(pages) else {}
        self.reply(id_, {key: pages[number], **more})

    def call(self, id_: Any, name: str, arguments: dict[str, Any], params: dict[str, Any]) -> None:
        match name:
            case "die":
                os._exit(3)
            case "wait":
                token = params["_meta"]["progressToken"]
                self.notify("progress", {"progressToken": token, "progress": 1, "message": "waiting"})
                return
            case "ask":
                self.waiting[f"q{id_}"] = id_
                schema = {"type": "object", "properties": {"size": {"type": "string"}}}
                question = {"message": "Which size?", "requestedSchema": schema}
                self.send({"id": f"q{id_}", "method": "elicitation/create", "params": question})
                return
            case "fail":
                self.reply(id_, {"content": [{"type": "text", "text": "no such pen"}], "isError": True})
                return
            case "refuse":
                self.refuse(id_, -32603, "out of pens")
                return
            case "grow":
                self.pages[-1].append("grown")
                self.notify("tools/list_changed", {})
        texts = {
            "environment": json.dumps(dict(os.environ)),
            "cancelled": json.dumps(len(self.cancelled)),
            "pid": str(os.getpid()),
        }
        text = texts.get(name, f"{name} {json.dumps(arguments)}")
        self.reply(id_, {"content": [{"type": "text", "text": text}]})

    def reply(self, id_: Any, result: dict[str, Any]) -> None:
        if self.behaviour.get("is_modern"):
            result |= {"resultType": "complete", "ttlMs": 0, "cacheScope": "private"}
        self.send({"id": id_, "result": result})

    def refuse(self, id_: Any, code: int, message: str, data: dict[str, Any] | None = None) -> None:
        self.send({"id": id_, "error": {"code": code, "message": message, "data": data or {}}})

    def notify(self, method: str, params: dict[str, Any]) -> None:
        self.send({"method": f"notifications/{method}", "params": params})

    def send(self, message: dict[str, Any]) -> None:
        print(json.dumps({"jsonrpc": "2.0", **message}), flush=True)


def definition(tool: str | dict[str, Any]) -> dict[str, Any]:
    if isinstance(tool, str):
        return {"name": tool, "inputSchema": {"type": "object"}}
    return {"inputSchema": {"type": "object"}, **tool}


def main(behaviour: Behaviour) -> NoReturn:
    if pid_file := behaviour.get("pid_file"):
        with open(pid_file, "w") as file:  # noqa: PTH123 - quicker to start without pathlib
            file.write(str(os.getpid()))
    if pipe := behaviour.get("waits_for"):
        open(pipe).close()  # noqa: PTH123 - as above
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    print(behaviour.get("stderr", ""), end="", file=sys.stderr, flush=True)
    print(behaviour.get("stdout", ""), end="", flush=True)
    if behaviour.get("dies"):
        sys.exit(3)
    Server(behaviour).run()
    sys.exit(0)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
