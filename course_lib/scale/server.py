"""Candidates from a server that others run: vLLM, SGLang, TGI, whatever speaks OpenAI's protocol.

**Seeds.** A request for the candidates from ``first`` on of prompt ``number`` carries
``request_seed(seed, number, first)``: a number of the prompt's own, plus ``first``. What a server
makes of it is the server's affair. So their sources say; none of them was run for this course:

- OpenAI's protocol promises "best effort", no more.
- vLLM gives candidate k of a request the seed plus k. So candidate j has one seed however its
  prompt's candidates are shared out among requests. The same seed gives the same reply as long as
  rounding does not change with what else is in the batch (``VLLM_BATCH_INVARIANT=1`` sees to that).
- SGLang reads a seed only under ``--enable-deterministic-inference``. It then gives *all*
  candidates of a request the same one, which makes them copies: ask with ``per_request=1``.
- TGI reads a seed, and ignores ``n``: a request brings one candidate, and the rest is asked for.

**Equal candidates are not promised** across servers, versions, hardware or load. What is promised:
a candidate that was kept is never drawn again, so a job that was cut off ends with one reply each.

**What is left out stays the server's.** vLLM and SGLang take ``top_p`` and ``top_k`` from the
model's ``generation_config.json`` where a request does not give them. So both are always sent,
``top_k`` as -1 where it is off; a server that refuses one of them is asked without it.

**Log-probabilities** are of the model itself only where temperature is 1 and nothing is filtered.
Elsewhere servers differ: vLLM's are the model's own by default (``--logprobs-mode raw_logprobs``,
since its engine V1), SGLang's are after the temperature (unless it runs with
``SGLANG_RETURN_ORIGINAL_LOGPROB``), TGI's after temperature and filters.
"""

import hashlib
import re
import threading
from dataclasses import dataclass, field
from typing import Any

from ..base import CourseError, Prompt, messages_of, no_key, number, require, transcript, whole
from ..models import Sampling
from .endpoint import Endpoint, RefusedError, explained
from .patience import Patience
from .replies import Reply, replies_in

LOGPROBS = ("auto", "model", "none")
# what a server may refuse and the request can do without, the least missed first
OPTIONAL = ("top_k", "top_p", "logprobs", "n")


@dataclass(frozen=True)
class Connection:
    """Where candidates come from, and how hard it is asked.

    Attributes
    ----------
    url : up to ``/v1``.
    model : the name under which it is served; None where there is only one.
    key : sent as a bearer token; never shown or stored.
    at_once : requests in flight.
    per_minute : the most requests begun in a minute; None is no limit.
    tries : of one request, before its prompt is given up.
    timeout : seconds without a byte from the server until a request counts as failed.
    """

    url: str
    model: str | None = None
    key: str | None = field(default=None, repr=False)
    at_once: int = 32
    per_minute: float | None = None
    tries: int = 8
    timeout: float = 600.0

    def check(self) -> None:
        """Raise :class:`~course_lib.base.CourseError` for the first setting out of range."""
        whole(self.at_once, "at_once, the requests in flight,", 1, 4096)
        whole(self.tries, "tries, of one request,", 1)
        require(number(self.timeout, "timeout, in seconds,", 0) > 0, "timeout must be above 0.")
        if self.per_minute is not None:
            rate = number(self.per_minute, "per_minute, requests a minute,", 0)
            require(rate > 0, "per_minute must be above 0; leave it out for no limit.")


@dataclass(frozen=True)
class Asking:
    """What is asked for each prompt. But for ``per_request`` it is what a journal is known by.

    Attributes
    ----------
    model : the name under which it is served.
    template : "chat" (the server's template) or "plain" (the prompt's text as it is).
    system : the system message of chats without one of their own.
    sampling : how candidates are drawn; ``stop`` texts only.
    per_request : candidates a request at most; None asks for all at once.
    logprobs : "auto" keeps sums of log-probabilities where every server's are the model's own (T=1,
        no filter), "model" says that this server's always are, "none" asks for none.
    """

    model: str
    template: str = "chat"
    system: str | None = None
    sampling: Sampling = Sampling()
    per_request: int | None = no_key(None)
    logprobs: str = "auto"

    def check(self) -> None:
        """Raise :class:`~course_lib.base.CourseError` for what no server can be asked."""
        self.sampling.check()
        require(
            self.sampling.method == "sample",
            f"servers draw samples; got method {self.sampling.method!r}. Leave --method out.",
        )
        require(
            all(isinstance(one, str) and one for one in self.stops),
            "a server ends replies at texts, not at token ids; give --stop a text.",
        )
        require(
            self.template in ("chat", "plain"),
            f"template must be 'chat' or 'plain'; got {self.template!r}.",
        )
        require(
            self.logprobs in LOGPROBS,
            f"logprobs must be one of {', '.join(LOGPROBS)}; got {self.logprobs!r}.",
        )
        if self.per_request is not None:
            whole(self.per_request, "per_request, the candidates of a request,", 1)

    @property
    def stops(self) -> tuple[Any, ...]:
        """The texts that end a reply."""
        stop = self.sampling.stop
        return (stop,) if isinstance(stop, int | str) else tuple(stop or ())

    @property
    def wants_logprobs(self) -> bool:
        """Whether log-probabilities are asked for and kept."""
        plain = self.logprobs == "auto" and self.sampling.plain
        return plain or self.logprobs == "model"


def request_seed(seed: int, number: int, first: int) -> int:
    """The seed of a request for prompt ``number`` from candidate ``first`` on, below 2^53.

    Candidates of one prompt have neighbouring seeds, prompts have nothing in common.
    """
    name = f"{seed} {number}".encode()
    own = int.from_bytes(hashlib.blake2b(name, digest_size=8).digest(), "big")
    return own % 2**52 + first  # every JSON reader takes whole numbers up to 2^53


class Server:
    """Asks one server; may be used by many threads at once."""

    def __init__(self, connection: Connection, asking: Asking) -> None:
        connection.check()
        asking.check()
        self.asking = asking
        self.endpoint = Endpoint(connection.url, connection.key, connection.timeout)
        self.patience = Patience(connection.tries, connection.per_minute)
        self.lock = threading.Lock()
        self.left_out: tuple[str, ...] = ()  # of OPTIONAL, what this server refuses
        self.requests = 0  # answered ones
        self.tokens = 0  # written, as the server counts them

    def candidates(self, number: int, prompt: Prompt) -> list[Reply]:
        """The n candidates of one prompt, in as many requests as the server needs.

        Raises :class:`~course_lib.base.CourseError` where tries do not help.
        """
        n = self.asking.sampling.n
        most = self.asking.per_request or n
        found: dict[int, Reply] = {}
        while len(found) < n:
            first = next(j for j in range(n) if j not in found)
            until = next((j for j in range(first, n) if j in found), n)  # of this gap
            count = min(most, until - first, 1 if "n" in self.left_out else n)
            what = f"prompt {number}, candidates {first} to {first + count - 1}"
            got = self.patience.tried(
                lambda first=first, count=count: self._asked(number, prompt, first, count), what
            )
            found |= {first + index: reply for index, reply in got.items()}
        return [found[j] for j in range(n)]

    def _asked(self, number: int, prompt: Prompt, first: int, count: int) -> dict[int, Reply]:
        """One request's candidates by their place from ``first`` on.

        Where the server refuses the request it is sent again without what it names, or else
        without one thing after another; what helped is remembered.
        """
        known = left_out = self.left_out
        refusal, tried = None, set()
        while True:
            body = self.body(number, prompt, first, count, left_out)
            try:
                answer = self.endpoint.post(self.path, body)
                break
            except RefusedError as error:
                refusal = refusal or error
                blamed = [name for name in _dispensable(error, body) if name not in tried]
                named = [name for name in blamed if re.search(rf"\b{name}\b", error.words)]
                # unnamed settings that were taken before are not why
                if not blamed or (self.requests and not named):
                    raise explained(refusal, self.endpoint, self.asking.model) from None
                tried.add((named or blamed)[0])
                if named:
                    known = left_out = (*left_out, named[0])
                else:
                    left_out = (*known, blamed[0])
        got = replies_in(answer, body.get("n", 1), self.asking.stops)
        with self.lock:
            self.left_out = tuple(name for name in OPTIONAL if name in {*self.left_out, *left_out})
            self.requests += 1
            self.tokens += _written(answer)
        return got

    @property
    def path(self) -> str:
        """Where prompts are sent to."""
        return "/chat/completions" if self.asking.template == "chat" else "/completions"

    def body(
        self, number: int, prompt: Prompt, first: int, count: int, left_out: tuple[str, ...] = ()
    ) -> dict[str, Any]:
        """The request for ``count`` candidates from ``first`` on, without what is left out."""
        asking, sampling = self.asking, self.asking.sampling
        chat = asking.template == "chat"
        body: dict[str, Any] = {
            "model": asking.model,
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "top_k": sampling.top_k or -1,
            "max_tokens": sampling.max_tokens,
            "n": count,
            "seed": request_seed(sampling.seed, number, first),
        }
        if chat:
            body["messages"] = messages_of(prompt, asking.system)
        else:
            body["prompt"] = transcript(prompt)
        if asking.stops:
            body["stop"] = list(asking.stops)
        if asking.wants_logprobs:
            body["logprobs"] = True if chat else 1
        for name in left_out:
            body.pop(name, None)
        return body


def served_model(connection: Connection) -> str:
    """The model's name: the given one, or the only one that the server has.

    Raises :class:`~course_lib.base.CourseError` where it has none or several, and where nothing
    answers.
    """
    connection.check()
    endpoint = Endpoint(connection.url, connection.key, connection.timeout)
    if connection.model is not None:
        return connection.model
    try:
        patience = Patience(min(connection.tries, 4))
        listed = patience.tried(lambda: endpoint.get("/models"), f"{endpoint.url}/models")
    except RefusedError as error:
        raise explained(error, endpoint, None) from None
    finally:
        endpoint.close()
    rows = listed.get("data") if isinstance(listed, dict) else None
    rows = rows if isinstance(rows, list) else []
    names = [str(row["id"]) for row in rows if isinstance(row, dict) and row.get("id")]
    if len(names) == 1:
        return names[0]
    raise CourseError(
        f"{endpoint.url} serves {len(names)} models ({', '.join(names[:10]) or 'none listed'}); "
        "say which with --model."
    )


def _dispensable(error: RefusedError, body: dict[str, Any]) -> list[str]:
    """What a request can do without, the least missed first, if that may be why it was refused."""
    if error.status not in (400, 422):
        return []
    # leaving out a filter that is set would draw from another distribution
    needed = {"top_k": body.get("top_k") != -1, "top_p": body.get("top_p") != 1}
    needed["n"] = body.get("n") == 1  # it makes no difference
    return [name for name in OPTIONAL if name in body and not needed.get(name)]


def _written(answer: Any) -> int:
    usage = answer.get("usage") if isinstance(answer, dict) else None
    count = usage.get("completion_tokens") if isinstance(usage, dict) else None
    return count if isinstance(count, int) else 0
