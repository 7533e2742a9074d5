"""The routes by which files come and go."""

from __future__ import annotations

import mimetypes
from collections.abc import Callable
from dataclasses import replace
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from bot.playground import multipart
from bot.playground.workspace import Workspace

_LOGIN_PAGE = "<!DOCTYPE html><html><head><title>Sign in | Slack</title></head><body>Sign in</body></html>"


def guessed_type(name: str) -> str:
    """The media type that a file's name suggests."""
    return mimetypes.guess_type(name)[0] or "application/octet-stream"


class Storage:
    """Serves `url_private` and takes uploads. `may_read(authorization, file_id)` decides who reads a file."""

    def __init__(self, workspace: Workspace, may_read: Callable[[str, str], bool]) -> None:
        self._workspace = workspace
        self._may_read = may_read

    def routes(self) -> list[Route]:
        """The routes of this store."""
        return [
            Route("/upload/v1/{file}", self.upload, methods=["POST"]),
            Route("/files-pri/{place}/{name:path}", self.download),
        ]

    async def upload(self, request: Request) -> Response:
        """Take a file's bytes, raw or as a form, at the URL that `files.getUploadURLExternal` gave."""
        file = self._workspace.files.get(request.path_params["file"])
        if file is None or file.id in self._workspace.contents:
            return PlainTextResponse("Not found", 404)
        content, kind = await request.body(), request.headers.get("content-type", "")
        if multipart.is_multipart(kind):
            content = next((part.content for part in multipart.parts(kind, content) if part.is_file), b"")
        self._workspace.contents[file.id] = content
        self._workspace.files[file.id] = replace(file, size=len(content))
        return PlainTextResponse(f"OK - {len(content)}")

    async def download(self, request: Request) -> Response:
        """A file's bytes for a bearer of a good token; anybody else gets a sign-in page, as in Slack."""
        file_id = request.path_params["place"].rpartition("-")[2]
        if not self._may_read(request.headers.get("authorization", ""), file_id):
            return HTMLResponse(_LOGIN_PAGE)
        file, content = self._workspace.files[file_id], self._workspace.contents[file_id]
        disposition = f"attachment; filename*=UTF-8''{quote(file.name)}"
        return Response(content, media_type=file.mimetype, headers={"content-disposition": disposition})
