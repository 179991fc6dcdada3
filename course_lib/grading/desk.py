"""The marking page, served by this machine to itself.

The server listens on 127.0.0.1 alone. Its address holds a random token, without which nothing is
answered; the Host header must name this machine (so that no other site's name can be made to point
here), a POST must come from this page as JSON. The page has no script but its own, and nothing from
outside.
"""

import hmac
import json
import secrets
import tempfile
import threading
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from ..base import CourseError, require
from ..classroom.web import still
from .feedback import digest
from .marking import Desk

HERE = Path(__file__).parent
MOST_BYTES = 64_000  # of a POST
POLICY = (
    "default-src 'none'; script-src '{script}'; style-src '{style}'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
PAGE = (
    '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
    '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
    "<title>{title}</title>\n<style>{style}</style>\n</head>\n"
    '<body>\n<main class="ck-still" id="desk"></main>\n'
    '<script type="application/json" id="data">{data}</script>\n'
    "<script>{script}</script>\n</body>\n</html>\n"
)


@cache
def _parts() -> tuple[str, str]:
    """(style, script) of the page."""
    style, _, _ = still("", "check").removeprefix("<style>").partition("</style>")
    style += (HERE / "desk.css").read_text(encoding="utf-8")
    return style, (HERE / "desk.js").read_text(encoding="utf-8")


def page(desk: Desk) -> str:
    """The page with all answers and the marks so far."""
    style, script = _parts()
    data = {
        "exercise": desk.exercise,
        "questions": [asdict(q) | {"most": q.most} for q in desk.questions.values()],
        "answers": [asdict(answer) for answer in desk.answers()],
    }
    # "<" would end the element, or begin a comment in it
    text = json.dumps(data).replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    title = f"{desk.exercise}: written answers"
    return PAGE.format(title=title, style=style, script=script, data=text)


class Handler(BaseHTTPRequestHandler):
    """Answers GET of the page and POST of a mark, to who knows the token."""

    server: "Server"
    timeout = 60
    server_version, sys_version = "course", ""

    def do_GET(self) -> None:
        """The page."""
        if self._refused(""):
            return
        style, script = _parts()
        policy = POLICY.format(script=digest(script), style=digest(style))
        try:
            text = page(self.server.desk)
        except CourseError as error:
            self._say(500, str(error))
            return
        self._send(200, "text/html; charset=utf-8", text, policy)

    def do_POST(self) -> None:
        """A mark: ``key``, ``points`` and ``note`` as JSON."""
        if self._refused("mark"):
            return
        kind = self.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        origin = self.headers.get("Origin")
        if kind != "application/json" or origin not in (None, *self.server.origins):
            self._say(403, "a mark comes from the page, as JSON.")
            return
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > MOST_BYTES:
            self._say(413, f"a mark has at most {MOST_BYTES} bytes.")
            return
        try:
            told = json.loads(self.rfile.read(int(length)))
            require(isinstance(told, dict), "a mark is an object.")
            key, points, note = (told.get(name) for name in ("key", "points", "note"))
            require(isinstance(key, str), "a mark names its answer.")
            with self.server.lock:
                self.server.desk.mark(key, points, note or "")
        except CourseError as error:
            self._say(400, str(error))
        except (ValueError, RecursionError):
            self._say(400, "this is no JSON.")
        else:
            self._send(200, "application/json", json.dumps({"saved": key}))

    def _refused(self, place: str) -> bool:
        """Whether this request is not the page's own; then it has been answered."""
        host = self.headers.get("Host", "")
        if host not in self.server.hosts:
            self._say(403, "this address is for this machine alone.")
            return True
        given, wanted = self.path.encode(), f"/{self.server.token}/{place}".encode()
        if not hmac.compare_digest(given, wanted):
            self._say(404, "there is nothing here. Use the whole address that was printed.")
            return True
        return False

    def _say(self, status: int, words: str) -> None:
        self.close_connection = True
        self._send(status, "application/json", json.dumps({"error": words}))

    def _send(self, status: int, kind: str, text: str, policy: str = "default-src 'none'") -> None:
        data = text.encode()
        self.send_response(status)
        for name, value in (
            ("Content-Type", kind),
            ("Content-Length", str(len(data))),
            ("Content-Security-Policy", policy),
            ("Cache-Control", "no-store"),
            ("Referrer-Policy", "no-referrer"),
            ("X-Content-Type-Options", "nosniff"),
            ("Cross-Origin-Resource-Policy", "same-origin"),
            ("Cross-Origin-Opener-Policy", "same-origin"),
        ):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: a log would hold the token."""


class Server(ThreadingHTTPServer):
    """A :class:`~.marking.Desk` on 127.0.0.1."""

    daemon_threads = True

    def __init__(self, desk: Desk, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.desk = desk
        self.token = secrets.token_urlsafe(32)
        self.lock = threading.Lock()
        self.hosts = {f"{name}:{self.server_port}" for name in ("127.0.0.1", "localhost")}
        self.origins = {f"http://{host}" for host in self.hosts}

    @property
    def address(self) -> str:
        """Where the page is, with the token."""
        return f"http://127.0.0.1:{self.server_port}/{self.token}/"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that goes away in the middle is nothing to speak of."""


@contextmanager
def served(desk: Desk, port: int = 0) -> Iterator[Server]:
    """A running :class:`Server`, stopped at the end. Raises where the port is in use."""
    try:
        server = Server(desk, port)
    except (OSError, OverflowError) as error:
        raise CourseError(
            f"cannot listen on port {port} ({error}). Give another --port, or none."
        ) from None
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def opened(address: str) -> Iterator[None]:
    """A browser at ``address``.

    It is sent there by a file that this user alone can read: others of the machine see what a
    program is started with.
    """
    with tempfile.TemporaryDirectory(prefix="course-mark-") as folder:
        file = Path(folder) / "open.html"
        file.touch(0o600)
        file.write_text(f'<meta http-equiv="refresh" content="0; url={address}">', "utf-8")
        webbrowser.open(file.as_uri())
        yield
