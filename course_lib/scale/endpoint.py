"""One address that answers JSON over HTTP, and what its refusals mean.

The standard library's client is enough here: a request is one JSON object, and so is its answer.
"""

import base64
import http.client
import json
import os
import re
import socket
import ssl
import threading
import time
import urllib.request
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

from ..base import CourseError, require

AT_ONCE_GONE = (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError)
# everything else above 399 will be refused again
PASSING = (408, 409, 424, 425, 429, 500, 502, 503, 504, 520, 522, 524, 529)
WORDS = 400  # characters of a server's own words that are shown
LARGEST = 256 * 2**20  # bytes of an answer
PORTS = {"http": 80, "https": 443}


class FailedError(Exception):
    """A request that may well succeed later: the server was busy, or the answer was broken.

    ``after``: seconds that the server asks to wait, or None.
    """

    def __init__(self, reason: str, after: float | None = None) -> None:
        super().__init__(reason)
        self.after = after


class RefusedError(Exception):
    """A request that will be refused however often it is sent. ``words`` are the server's."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(f"{status}: {words}")
        self.status = status
        self.words = words


class GivenUpError(CourseError):
    """One prompt is given up; others may well succeed."""


class Endpoint:
    """An address such as ``http://localhost:8000/v1``, and the connections to it, one a thread.

    ``key`` goes into the header ``Authorization`` and nowhere else. ``timeout``: seconds without
    a byte from the server until a request is given up. The proxy that the environment names is
    used, but never for this machine itself.
    """

    def __init__(self, url: str, key: str | None = None, timeout: float = 600) -> None:
        self.parts = _checked(url)
        self.url = url.rstrip("/")
        self.key = _checked_key(key)
        self.timeout = timeout
        self.proxy = _proxy_for(self.parts)
        self.own = threading.local()  # this thread's connection

    def __repr__(self) -> str:
        return f"Endpoint({self.url!r})"

    def get(self, path: str) -> Any:
        """The JSON at ``path``. Raises :class:`FailedError` or :class:`RefusedError`."""
        return self._asked("GET", path, None)

    def post(self, path: str, body: dict[str, Any]) -> Any:
        """The JSON that answers ``body``. Raises as :meth:`get` does."""
        return self._asked("POST", path, json.dumps(body).encode())

    def close(self) -> None:
        """Close this thread's connection."""
        connection = getattr(self.own, "connection", None)
        self.own.connection = None
        if connection is not None:
            connection.close()

    def _asked(self, method: str, path: str, body: bytes | None) -> Any:
        try:
            status, headers, answer = self._exchanged(method, path, body)
        except ssl.SSLCertVerificationError as error:
            raise CourseError(
                f"the certificate of {self.url} is not trusted ({error.verify_message}). Name the "
                "file of its authority in the environment variable SSL_CERT_FILE."
            ) from None
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise FailedError(_why(error)) from None
        words = self._words(answer)
        if status in PASSING and b"insufficient_quota" not in answer:
            raise FailedError(f"HTTP {status}: {words}", _wait(headers.get("Retry-After")))
        if 300 <= status < 400:
            words = self._words(f"it redirects to {headers.get('Location', 'nowhere')}".encode())
        if status != 200:
            raise RefusedError(status, words)
        try:
            return json.loads(answer)
        except (ValueError, RecursionError):
            raise FailedError("an answer that is no complete JSON") from None

    def _exchanged(self, method: str, path: str, body: bytes | None) -> tuple[int, Any, bytes]:
        """Status, headers and bytes of one answer."""
        used = getattr(self.own, "connection", None) is not None
        try:
            return self._once(method, path, body)
        except AT_ONCE_GONE:
            # a server closes connections that were idle: that is no failure of this request
            self.close()
            if not used:
                raise
            return self._once(method, path, body)

    def _once(self, method: str, path: str, body: bytes | None) -> tuple[int, Any, bytes]:
        connection = getattr(self.own, "connection", None)
        if connection is None:
            connection = self.own.connection = self._connected()
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if self.key is not None:
            headers["Authorization"] = f"Bearer {self.key}"
        target = self.parts.path.rstrip("/") + path
        if self.proxy is not None and self.parts.scheme == "http":
            target = f"http://{self.parts.netloc}{target}"
            headers |= _allowed_by(self.proxy)
        connection.request(method, target, body, headers)
        answer = connection.getresponse()
        data = answer.read(LARGEST + 1)
        if len(data) > LARGEST:
            raise http.client.HTTPException(f"an answer of more than {LARGEST} bytes")
        if answer.length:  # of an answer that was cut, read() gives what there is
            raise http.client.IncompleteRead(data, answer.length)
        if answer.will_close:
            self.close()
        return answer.status, answer.headers, data

    def _connected(self) -> http.client.HTTPConnection:
        # without a port http.client would take the end of an IPv6 address for one
        host, port = self.parts.hostname or "", self.parts.port or PORTS[self.parts.scheme]
        near = (host, port)
        if self.proxy is not None:
            near = self.proxy.hostname or "", self.proxy.port or PORTS["http"]
        if self.parts.scheme == "http":
            connection = http.client.HTTPConnection(*near, timeout=self.timeout)
        else:
            safe = ssl.create_default_context()
            connection = http.client.HTTPSConnection(*near, timeout=self.timeout, context=safe)
            if self.proxy is not None:
                connection.set_tunnel(host, port, _allowed_by(self.proxy))
        connection.connect()
        # a request is two small writes, and the second must not wait for an acknowledgement
        connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def _words(self, answer: bytes) -> str:
        """What a refusal says, in one line, without the key should the server repeat it."""
        text = answer.decode("utf-8", "replace")
        try:
            said = json.loads(text)
            said = said.get("error") or said.get("message") or said.get("detail") or said
            said = said.get("message", said) if isinstance(said, dict) else said
            text = said if isinstance(said, str) else json.dumps(said)
        except (ValueError, AttributeError, RecursionError):
            pass
        if self.key:
            text = text.replace(self.key, "(the key)")
        return re.sub(r"\s+", " ", text).strip()[:WORDS] or "(without words)"


def key_in(variable: str | None) -> str | None:
    """The key in an environment variable, None where no variable is named."""
    if variable is None:
        return None
    key = os.environ.get(variable, "").strip()
    require(
        key,
        f"the environment variable {variable[:60]} is not set or empty. Put the server's key into "
        "it (export NAME=...), or leave --api-key-env out. It takes the variable's name, never the "
        "key itself.",
    )
    return key


def _checked(url: str) -> SplitResult:
    require(
        not set(url) & set("@?#"),
        "the URL holds a name, a password or settings (one of @, ? and #): leave them out. A key "
        "goes into an environment variable; name that with --api-key-env.",
    )
    try:
        parts = urlsplit(url.strip())
        host = (parts.hostname or "").encode("idna")
        good = parts.scheme in PORTS and host and (parts.port or True)
        good = good and re.fullmatch("[!-~]*", parts.path) is not None
    except ValueError:  # a port that is no number, half an IPv6 address, a host without a name
        good = False
    require(good, f"a server's URL is like http://localhost:8000/v1; got {url[:200]!r}.")
    return parts


def _checked_key(key: str | None) -> str | None:
    good = key is None or (key.isascii() and key.isprintable() and " " not in key)
    require(good, "the key holds blanks or characters that no header may hold; check the variable.")
    return key


def _proxy_for(parts: SplitResult) -> SplitResult | None:
    """The environment's proxy for this address; none for this machine."""
    host = parts.hostname or ""
    if host in ("localhost", "::1") or host.startswith("127."):
        return None
    named = urllib.request.getproxies().get(parts.scheme)
    if not named or urllib.request.proxy_bypass(host):
        return None
    return urlsplit(named if "://" in named else f"http://{named}")


def _allowed_by(proxy: SplitResult) -> dict[str, str]:
    """The header with the name and password that the proxy's address holds."""
    if proxy.username is None:
        return {}
    pair = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
    return {"Proxy-Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}


def _why(error: Exception) -> str:
    """A network's failure in a few words."""
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, http.client.IncompleteRead):
        return "the connection was cut within an answer"
    if isinstance(error, AT_ONCE_GONE):
        return "the connection was closed without an answer"
    return f"{type(error).__name__}: {error}"[:WORDS]


def _wait(header: str | None) -> float | None:
    """The seconds in ``Retry-After``: a number, or a date."""
    if header is None:
        return None
    try:
        return max(0.0, float(header))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(header).timestamp() - time.time())
    except (ValueError, TypeError, OverflowError):
        return None


def explained(error: RefusedError, endpoint: Endpoint, model: str | None) -> CourseError:
    """What to say of a refusal that stays one."""
    advice = {
        401: "Name the variable that holds the server's key with --api-key-env.",
        403: "The key does not allow this; check it, or ask who runs the server.",
        404: "Check the URL: it mostly ends in /v1."
        if model is None
        else f"Check the URL (it mostly ends in /v1) and the model's name ({model!r}): "
        f"{endpoint.url}/models lists what is served.",
        405: "Check the URL: it mostly ends in /v1.",
    }.get(error.status, "Change what it names, and run the same command again.")
    # of a prompt that is too long, say; anything else would be refused of all of them
    kind = GivenUpError if error.status in (400, 413, 422) else CourseError
    return kind(
        f"the server at {endpoint.url} refused a request for good (HTTP {error.status}): "
        f"{error.words} {advice}"
    )
