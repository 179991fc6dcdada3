"""A small OpenAI-compatible server on this machine, with faults to order.

    python -m course_lib.scale.loopback --policy helpdesk/policy [--port 8000] [--faults 0.05]

It serves a policy of ours, so that ``course sample --engine server`` can be tried without vLLM. It
answers one request at a time and is no more than a stand-in. Like vLLM it gives candidate k of a
request the request's seed plus k.

With ``--faults`` that share of requests goes wrong, in a way drawn from a seed: see :data:`FAULTS`.
"""

import argparse
import contextlib
import hashlib
import json
import random
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol

from ..base import CourseError, Prompt, prompt_key, require, simplest

HOST = "127.0.0.1"
# what may go wrong with a request
FAULTS = {
    "429": "too many requests, without saying how long to wait",
    "429-after": "too many requests, with Retry-After",
    "500": "an internal error",
    "503": "not ready",
    "gone": "the connection is closed without an answer",
    "cut": "the connection is cut within the answer",
    "torn": "the answer is complete, its JSON is not",
    "slow": "the answer takes a while",
    "disorder": "choices in reverse order",
    "fewer": "half of the choices asked for",
    "duplicated": "the first choice twice, in place of the last",
    "empty": "no choices",
    "abort": "choices that were broken off",
}


@dataclass(frozen=True)
class Written:
    """One reply: its text, why it ended ("stop" or "length"), its tokens' log-probabilities."""

    text: str
    finish: str
    logprobs: Sequence[float]


class Writer(Protocol):
    """Who writes the replies."""

    name: str

    def write(self, prompt: Prompt, chat: bool, seeds: range, body: dict) -> list[Written]:
        """A reply for each seed."""


class Scribe:
    """Writes at once: a text that says which prompt and seed it is for, after ``wait`` seconds.

    For tests of the client, which then can tell where each text belongs.
    """

    name = "scribe"

    def __init__(self, wait: float = 0.0) -> None:
        self.wait = wait

    def write(self, prompt: Prompt, chat: bool, seeds: range, body: dict) -> list[Written]:
        """A reply for each seed."""
        time.sleep(self.wait)
        return [self.reply(prompt, seed) for seed in seeds]

    @staticmethod
    def reply(prompt: Prompt, seed: int) -> Written:
        """The one reply to ``prompt`` from ``seed``."""
        name = hashlib.blake2b(prompt_key(prompt).encode(), digest_size=6).hexdigest()
        chance = random.Random(seed)
        words = [chance.choice(("so", "it", "is", "ü", "🙂")) for _ in range(chance.randint(1, 12))]
        text = f"{name} {seed} {' '.join(words)}"
        finish = "length" if len(words) == 12 else "stop"
        return Written(text, finish, [-chance.random() for _ in range(len(words) + 2)])


class PolicyWriter:
    """A policy of ours. One request at a time: it is a stand-in."""

    def __init__(self, source: str) -> None:
        from ..assets import resolve
        from ..models import load_policy

        self.name = str(source)
        self.policy = load_policy(resolve(source))
        self.lock = threading.Lock()

    def write(self, prompt: Prompt, chat: bool, seeds: range, body: dict) -> list[Written]:
        """A reply for each seed; the settings are the request's."""
        from dataclasses import replace

        from ..models import sample

        policy = replace(self.policy, template="chat" if chat else "plain")
        # a stream of uniforms for each seed, whatever request it comes with
        high, low = divmod(seeds.start, 2**31)
        stop = body.get("stop")
        stop = [stop] if isinstance(stop, str) else stop
        with self.lock:
            pool = sample(
                policy,
                [prompt],
                n=len(seeds),
                temperature=body.get("temperature", 1.0),
                top_p=body.get("top_p", 1.0),
                top_k=max(0, body.get("top_k", 0)),
                max_tokens=body.get("max_tokens", 16),
                stop=[*stop, *policy.stop_ids] if stop else None,
                first_prompt=high,
                first_candidate=low,
            )
        assert pool.tokens is not None and pool.logprobs is not None
        return [
            Written(
                pool.texts[0][j],
                "length" if int(pool.finish[0, j]) else "stop",
                pool.logprobs[0, j][pool.tokens[0, j] >= 0].tolist(),
            )
            for j in range(pool.N)
        ]


@dataclass
class Behaviour:
    """How the stand-in behaves.

    Attributes
    ----------
    faults : the share of requests that go wrong.
    kinds : in which ways, names of :data:`FAULTS`.
    seed : of the draws.
    key : the key that it asks for, or None.
    most : choices that it gives at most, as TGI gives one; None is as many as asked for.
    refuses : names of settings that it refuses with 400.
    one_seed : whether all choices of a request have one seed, as with SGLang.
    logprobs : whether it gives log-probabilities.
    after : seconds in Retry-After.
    slow : seconds that a slow answer takes.
    """

    faults: float = 0.0
    kinds: Sequence[str] = tuple(FAULTS)
    seed: int = 0
    key: str | None = None
    most: int | None = None
    refuses: Sequence[str] = ()
    one_seed: bool = False
    logprobs: bool = True
    after: float = 1
    slow: float = 0.3
    served: list[dict[str, Any]] = field(default_factory=list)  # what was given, and how
    drawn: dict[str, int] = field(default_factory=dict)  # how often each fault was
    lock: Any = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        unknown = sorted(set(self.kinds) - set(FAULTS))
        require(not unknown, f"no faults {', '.join(unknown)}; there are {', '.join(FAULTS)}.")
        self.chance = random.Random(self.seed)

    def fault(self) -> str | None:
        """What goes wrong with the next request."""
        with self.lock:
            if not self.kinds or self.chance.random() >= self.faults:
                return None
            kind = self.chance.choice(list(self.kinds))
            self.drawn[kind] = self.drawn.get(kind, 0) + 1
            return kind

    def note(self, **facts: Any) -> None:
        """Write down what was given."""
        with self.lock:
            self.served.append(facts)


class _Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    writer: Writer
    behaviour: Behaviour

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        """The list of models."""
        if self.path != "/v1/models":
            self._refuse(404, "Not Found")
        elif self._may():
            self._send(200, {"object": "list", "data": [{"id": self.writer.name}]})

    def do_POST(self) -> None:
        """Replies to a prompt."""
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length))
        chat = self.path == "/v1/chat/completions"
        if not chat and self.path != "/v1/completions":
            return self._refuse(404, "Not Found")
        if not self._may():
            return None
        if body.get("model") != self.writer.name:
            return self._refuse(404, f"The model `{body.get('model')}` does not exist.")
        for name in self.behaviour.refuses:
            if name in body and (name != "n" or body["n"] > 1):
                return self._refuse(400, f"{name}: Extra inputs are not permitted")
        try:
            self._answer(body, chat)
        except CourseError as error:
            self._refuse(400, str(error))
        return None

    def _may(self) -> bool:
        key = self.behaviour.key
        if key is None or self.headers.get("Authorization") == f"Bearer {key}":
            return True
        given = self.headers.get("Authorization", "").removeprefix("Bearer ")
        self._refuse(401, f"Incorrect API key provided: {given}.")
        return False

    def _answer(self, body: dict[str, Any], chat: bool) -> None:
        how, fault = self.behaviour, self.behaviour.fault()
        if fault in ("429", "429-after", "500", "503"):
            headers = {"Retry-After": f"{how.after:g}"} if fault == "429-after" else {}
            return self._refuse(int(fault[:3]), FAULTS[fault], headers)
        if fault == "gone":
            self.close_connection = True
            return None
        if fault == "slow":
            time.sleep(how.slow)
        prompt = simplest(body["messages"]) if chat else body["prompt"]
        count = body.get("n", 1)
        given = count if how.most is None else min(count, how.most)
        if fault == "fewer":
            given = max(1, given // 2)
        seed = body.get("seed", 0)
        seeds = range(seed, seed + given)
        if how.one_seed:
            replies = self.writer.write(prompt, chat, range(seed, seed + 1), body) * given
        else:
            replies = self.writer.write(prompt, chat, seeds, body)
        wanted = how.logprobs and body.get("logprobs") not in (None, False)
        choices = [_choice(j, reply, chat, wanted) for j, reply in enumerate(replies)]
        how.note(prompt=prompt, seeds=seeds, texts=[r.text for r in replies], fault=fault)
        tokens = sum(len(reply.logprobs) for reply in replies)
        answer = {
            "object": "chat.completion" if chat else "text_completion",
            "model": self.writer.name,
            "choices": _spoilt(choices, fault),
            "usage": {"completion_tokens": tokens},
        }
        return self._send(200, answer, fault=fault)

    def _refuse(self, status: int, words: str, headers: dict[str, str] | None = None) -> None:
        self._send(status, {"error": {"message": words}}, headers)

    def _send(
        self,
        status: int,
        value: Any,
        headers: dict[str, str] | None = None,
        fault: str | None = None,
    ) -> None:
        data = json.dumps(value).encode()
        if fault == "torn":
            data = data[: len(data) // 2]
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        for name, text in (headers or {}).items():
            self.send_header(name, text)
        self.end_headers()
        if fault == "cut":
            data = data[: len(data) // 2]
            self.close_connection = True
        self.wfile.write(data)


def _choice(j: int, reply: Written, chat: bool, logprobs: bool) -> dict[str, Any]:
    choice: dict[str, Any] = {"index": j, "finish_reason": reply.finish, "logprobs": None}
    if chat:
        choice["message"] = {"role": "assistant", "content": reply.text}
    else:
        choice["text"] = reply.text
    if logprobs and chat:
        choice["logprobs"] = {"content": [{"token": "?", "logprob": p} for p in reply.logprobs]}
    elif logprobs:
        choice["logprobs"] = {"token_logprobs": list(reply.logprobs)}
    return choice


def _spoilt(choices: list[dict[str, Any]], fault: str | None) -> list[dict[str, Any]]:
    """The choices with a fault in them."""
    if fault == "disorder":
        return choices[::-1]
    if fault == "duplicated":
        return [choices[0], *choices[:-1]]
    if fault == "empty":
        return []
    if fault == "abort":
        return [{**choice, "finish_reason": "abort"} for choice in choices]
    return choices


class _Listener(ThreadingHTTPServer):
    """A thread a connection; clients that are gone are no error."""

    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients are killed in tests."""


def listening(writer: Writer, behaviour: Behaviour, port: int = 0) -> ThreadingHTTPServer:
    """A server on this machine's own address, not yet answering; port 0 takes a free one."""
    handler = type("Handler", (_Handler,), {"writer": writer, "behaviour": behaviour})
    try:
        return _Listener((HOST, port), handler)
    except OSError as error:
        raise CourseError(
            f"port {port} cannot be taken ({error.strerror}); give --port 0."
        ) from None


def url_of(server: ThreadingHTTPServer) -> str:
    """What a client is given."""
    return f"http://{HOST}:{server.server_address[1]}/v1"


@contextlib.contextmanager
def serving(writer: Writer, behaviour: Behaviour | None = None) -> Iterator[str]:
    """Serve in a thread, and give the URL."""
    server = listening(writer, behaviour or Behaviour())
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield url_of(server)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def main(argv: Sequence[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--policy", default="helpdesk/policy", help="a folder or a hub name")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--faults", type=float, default=0.0, help="share of requests that fail")
    parser.add_argument("--seed", type=int, default=0, help="of the faults")
    args = parser.parse_args(argv)
    behaviour = Behaviour(faults=args.faults, seed=args.seed)
    server = listening(PolicyWriter(args.policy), behaviour, args.port)
    with contextlib.suppress(KeyboardInterrupt):
        print(f"{args.policy} is served at {url_of(server)} (end with Ctrl+C)", flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
