"""Sampling from a server: each fault of the stand-in, resumption, refusals, keys and seeds."""

import argparse
import base64
import http.client
import json
import math
import socket
import ssl
import sys
import threading
from pathlib import Path

import pytest
import torch

from course_lib.assets import resolve
from course_lib.base import CourseError
from course_lib.commands.sample_server import server_arguments, server_command
from course_lib.models import Sampling, load_policy, sample
from course_lib.pools import LENGTH, STOP, Pool, read_pool
from course_lib.scale import on_server, patience
from course_lib.scale.endpoint import Endpoint, FailedError, RefusedError, key_in
from course_lib.scale.loopback import FAULTS, Behaviour, PolicyWriter, Scribe, serving
from course_lib.scale.on_server import sample_on_server, sample_source
from course_lib.scale.patience import Patience, StoppedError
from course_lib.scale.prompts import Listed, source_of
from course_lib.scale.replies import replies_in
from course_lib.scale.server import Asking, Connection, Server, request_seed, served_model

ODD = ["http://[::1/v1", "http://a..b/v1", "http://x/v 1"]  # addresses
KEY = "sk-very-secret-0123456789"
BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    """Waits between tries are short."""
    monkeypatch.setattr(patience, "FIRST", 0.01)
    monkeypatch.setattr(patience, "LONGEST", 0.05)


def prompts(count):
    return Listed([f"question {i}" for i in range(count)], [{"number": i} for i in range(count)])


def asked(url, count, out, *, connection=None, **asking):
    """Sample ``count`` prompts; what it came to."""
    how = {"sampling": Sampling(n=4, seed=3), **asking}
    server = Server(Connection(url, **{"tries": 30, **(connection or {})}), Asking("scribe", **how))
    return sample_source(server, prompts(count), out, at_once=8)


def right(pool, seed=3):
    """Whether each text is the one that its prompt and seed give."""
    return pool.texts == [
        [Scribe.reply(prompt, request_seed(seed, i, j)).text for j in range(pool.N)]
        for i, prompt in enumerate(pool.prompts)
    ]


@pytest.fixture
def out(tmp_path):
    return tmp_path / "pool.npz"


@pytest.fixture
def scribe():
    with serving(Scribe(), Behaviour()) as url:
        yield url


# ---- faults


@pytest.mark.parametrize("kind", FAULTS)
def test_each_fault_loses_nothing_and_doubles_nothing(kind, out):
    how = Behaviour(faults=0.5, kinds=[kind], after=0.01, slow=0.02)
    with serving(Scribe(), how) as url:
        asked(url, 20, out)
    pool = Pool.load(out)
    assert how.drawn[kind] > 0
    assert right(pool) and pool.P == 20 and pool.N == 4
    assert pool.info == [{"number": i} for i in range(20)]


def test_an_answer_that_takes_too_long_is_asked_for_again(out):
    how = Behaviour(faults=0.3, kinds=["slow"], slow=3)
    with serving(Scribe(), how) as url:
        served = asked(url, 8, out, connection={"timeout": 1.0})
    assert served.again >= how.drawn["slow"] > 0
    assert right(Pool.load(out))


def test_a_server_that_gives_one_choice_is_asked_for_the_rest(out):
    """As TGI, which ignores n."""
    with serving(Scribe(), Behaviour(most=1)) as url:
        served = asked(url, 3, out)
    assert right(Pool.load(out)) and served.requests == 12


def test_candidates_do_not_depend_on_how_requests_share_them(out):
    with serving(Scribe()) as url:
        served = asked(url, 3, out, per_request=3)
    assert right(Pool.load(out)) and served.requests == 6


@pytest.mark.parametrize("name", ["n", "logprobs", "top_k", "top_p"])
def test_what_a_server_refuses_is_left_out(name, out):
    how = Behaviour(refuses=[name])
    with serving(Scribe(), how) as url:
        served = asked(url, 12, out)
    pool = Pool.load(out)
    assert right(pool) and served.left_out == (name,)
    assert (pool.sum_logprobs is None) == (name == "logprobs")
    assert name in str(served)


def test_settings_that_matter_are_not_left_out(out):
    with serving(Scribe(), Behaviour(refuses=["top_k"])) as url:
        with pytest.raises(CourseError, match="400.*top_k: Extra inputs"):
            asked(url, 2, out, sampling=Sampling(n=2, top_k=5))
    assert not out.exists()


def test_of_a_refusal_that_names_nothing_only_what_helped_is_left_out(out, scribe):
    """Whatever else were left out would be the server's to choose, top_p for one."""
    sampling = Sampling(n=4, seed=3)
    server = Server(Connection(scribe), Asking("scribe", sampling=sampling))
    post = server.endpoint.post

    def grumbling(path, body):
        if "logprobs" in body:
            raise RefusedError(400, "Bad Request")
        return post(path, body)

    server.endpoint.post = grumbling
    served = sample_source(server, prompts(3), out, at_once=1)
    assert served.left_out == ("logprobs",) and right(Pool.load(out))


def test_a_refusal_that_names_nothing_is_shown_in_the_servers_words(scribe):
    server = Server(Connection(scribe), Asking("scribe", sampling=Sampling(n=2)))
    tried = []

    def refuse(path, body):
        tried.append(body)
        return Endpoint.post(server.endpoint, "/nothing", body)

    server.endpoint.post = refuse
    with pytest.raises(CourseError, match="404.*Not Found.*ends in /v1"):
        server.candidates(0, "question")
    assert len(tried) == 1


def test_copies_from_one_seed_are_noticed_and_none_is_kept(out):
    """As SGLang under --enable-deterministic-inference."""
    how = Behaviour(one_seed=True)
    with serving(Scribe(), how) as url:
        with pytest.raises(CourseError, match="--per-request 1"):
            asked(url, 20, out)
        assert not out.exists()
        served = asked(url, 20, out, per_request=1)
    assert right(Pool.load(out)) and served.kept == 0


def test_few_prompts_with_equal_replies_are_kept(out):
    with serving(Scribe(), Behaviour(one_seed=True)) as url:
        asked(url, 3, out)
    assert Pool.load(out).P == 3


# ---- prompts that fail, and others that do not


class Picky(Scribe):
    """Refuses prompts that end with 3, and always fails for those that end with 7."""

    def write(self, prompt, chat, seeds, body):
        if prompt.endswith("3"):
            raise CourseError("This model's maximum context length is 8 tokens.")
        if prompt.endswith("7"):
            raise FailedError("broken")  # the connection ends without an answer
        return super().write(prompt, chat, seeds, body)


def test_a_prompt_that_fails_holds_up_no_other(out):
    with serving(Picky()) as url:
        with pytest.raises(CourseError, match="4 of 20 prompts.*number 3.*maximum context") as one:
            asked(url, 20, out, connection={"tries": 2})
        assert "--skip-failed" in str(one.value) and not out.exists()
        sampling = Sampling(n=4, seed=3)
        server = Server(Connection(url, tries=2), Asking("scribe", sampling=sampling))
        served = sample_source(server, prompts(20), out, 8, skip_failed=True)
    pool = Pool.load(out)
    there = [i for i in range(20) if i % 10 not in (3, 7)]
    assert served.kept == 16 and served.failed == 4 and "4 prompts could not" in str(served)
    assert pool.info == [{"number": i} for i in there]
    assert pool.prompts == [f"question {i}" for i in there]
    assert pool.texts[3] == [
        Scribe.reply("question 4", request_seed(3, 4, j)).text for j in range(4)
    ]
    assert pool.provenance.dropped == {"not answered by the server": 4}


def test_a_prompt_that_is_refused_after_others_were_answered_is_sent_once(out):
    with serving(Picky()) as url:
        server = Server(Connection(url), Asking("scribe", sampling=Sampling(n=4, seed=3)))
        post, sent = server.endpoint.post, []

        def counted(path, body):
            sent.append(body["messages"][0]["content"])
            return post(path, body)

        server.endpoint.post = counted
        served = sample_source(server, prompts(5), out, at_once=1, skip_failed=True)
    assert sent.count("question 3") == 1 and served.failed == 1 and served.left_out == ()


def test_where_every_prompt_fails_there_is_no_pool_to_write(out):
    with serving(Picky()) as url:
        server = Server(Connection(url), Asking("scribe", sampling=Sampling(n=2)))
        only = Listed(["question 3"], [{}])
        with pytest.raises(CourseError, match="1 of 1 prompts.*maximum context"):
            sample_source(server, only, out, 4, skip_failed=True)
    assert not out.exists()


def test_a_server_that_refuses_everything_is_not_asked_for_every_prompt(out):
    how = Behaviour(refuses=["seed"])
    with serving(Scribe(), how) as url:
        server = Server(Connection(url), Asking("scribe", sampling=Sampling(n=1)))
        with pytest.raises(CourseError, match="400.*seed: Extra inputs"):
            sample_source(server, prompts(500), out, at_once=2)
    assert server.requests == 0 and not how.served


# ---- stopping and going on


def test_a_dead_server_ends_the_job_and_the_next_run_goes_on(out):
    how = Behaviour(faults=0.0, kinds=["500"])
    given = how.note

    def note(**facts):
        given(**facts)
        if len(how.served) >= 15:
            how.faults = 1.0

    how.note = note
    with serving(Scribe(), how) as url:
        with pytest.raises(CourseError, match="2 tries failed, the last with HTTP 500") as caught:
            asked(url, 40, out, connection={"tries": 2})
        assert "run the same command again" in str(caught.value)
        journal = out.with_name("pool.npz.partial.jsonl")
        lines = journal.read_text(encoding="utf-8").splitlines()
        kept = {json.loads(line)["prompt"] for line in lines[1:]}
        assert len(kept) >= 15 and not out.exists()
        how.faults, how.note, how.served = 0.0, given, []
        served = asked(url, 40, out)
    again = {int(one["prompt"].split()[1]) for one in how.served}
    assert served.kept == len(kept) and again == set(range(40)) - kept
    assert right(Pool.load(out)) and not journal.exists()


def test_another_jobs_journal_is_refused(out):
    how = Behaviour(kinds=["500"])
    given = how.note

    def note(**facts):
        given(**facts)
        how.faults = 1.0

    how.note = note
    with serving(Scribe(), how) as url:
        with pytest.raises(CourseError, match="tries failed"):
            server = Server(
                Connection(url, tries=1), Asking("scribe", sampling=Sampling(4, seed=3))
            )
            sample_source(server, prompts(4), out, at_once=1)
        how.faults, how.note = 0.0, given
        with pytest.raises(CourseError, match="temperature: 1.0 there, 0.5 asked"):
            asked(url, 4, out, sampling=Sampling(n=4, seed=3, temperature=0.5))
        with pytest.raises(CourseError, match="digest"):
            server = Server(Connection(url), Asking("scribe", sampling=Sampling(n=4, seed=3)))
            sample_source(server, Listed(["a", "b", "c", "d"], [{}] * 4), out)
        asked(url, 4, out)
    assert right(Pool.load(out))


def test_a_folder_of_parts_is_replaced_whole_and_any_other_left_alone(tmp_path, scribe):
    pool, other = tmp_path / "pool", tmp_path / "other"
    asked(scribe, 300, pool)
    old = {file.name for file in pool.iterdir()}
    asked(scribe, 270, pool, sampling=Sampling(n=4, seed=4))
    assert right(read_pool(pool), seed=4) and read_pool(pool).P == 270
    assert old - {file.name for file in pool.iterdir()} == {"0000256-0000300"}
    other.mkdir()
    (other / "notes.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(CourseError, match="no pool"):
        sample_on_server("helpdesk", other, Connection(scribe), force=True)
    (pool / "notes.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(CourseError, match="no part of a pool .notes.txt"):
        sample_on_server("helpdesk", pool, Connection(scribe), force=True)
    assert (pool / "notes.txt").exists() and (other / "notes.txt").exists()


def test_a_file_of_prompts_that_changes_meanwhile_gets_no_replies_of_others(tmp_path, out):
    file, how = tmp_path / "prompts.jsonl", Behaviour()
    before = "".join(json.dumps({"prompt": f"question {i}"}) + "\n" for i in range(9))
    file.write_text(before, encoding="utf-8")
    given = how.note

    def note(**facts):
        given(**facts)
        file.write_text(before.replace("question 8", "question X"), encoding="utf-8")

    how.note = note
    with serving(Scribe(), how) as url:
        server = Server(Connection(url), Asking("scribe", sampling=Sampling(n=4, seed=3)))
        with pytest.raises(CourseError, match="changed while this job ran"):
            sample_source(server, source_of(file, 256), out, at_once=1)
        assert not out.exists()
        file.write_text(before, encoding="utf-8")
        how.note = given
        assert sample_source(server, source_of(file, 256), out).kept == 9
    assert right(Pool.load(out))


def serving_benchmark():
    """The benchmark as a module that a forked process can import by its name."""
    sys.path.insert(0, str(BENCHMARKS))
    try:
        import serving as benchmark
    finally:
        sys.path.remove(str(BENCHMARKS))
    return benchmark


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="kill -9 and forked clients are Unix's")
@pytest.mark.parametrize("size", [(100, 4, 2), pytest.param((1000, 8, 10), marks=pytest.mark.long)])
def test_killed_at_any_moment_it_ends_complete_and_without_doubles(size, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))  # the clients' too
    count, n, kills = size
    found = serving_benchmark().killed(tmp_path, count, n, kills)
    assert found["candidates"] == count * n and found["in_place"]
    assert found["missing"] == found["duplicates"] == found["foreign"] == 0
    assert found["asked_again"] == 0 and found["last_status"] == 0
    assert len(found["lines_at_kills"]) == kills and found["faults"]
    assert not found["journal_left"]


# ---- patience


def test_retry_after_holds_every_thread_back():
    waits = Patience(tries=3)
    begun, told = [], []

    def ask():
        begun.append(patience.time.monotonic())
        if len(begun) == 1:
            told.append(patience.time.monotonic() + 0.2)
            raise FailedError("busy", after=0.2)
        return "answer"

    assert waits.tried(ask, "prompt 0") == "answer"
    assert begun[1] >= told[0] and waits.next >= told[0]
    assert waits.again == 1


def test_being_told_to_wait_is_no_failed_try(monkeypatch):
    waits, answers = Patience(tries=2), iter([0.0] * 20)

    def ask():
        after = next(answers, None)
        if after is not None:
            raise FailedError("busy", after=after)
        return "answer"

    assert waits.tried(ask, "prompt 0") == "answer" and waits.again == 20
    monkeypatch.setattr(patience, "TOLD", 0.0)  # the hour is over
    answers = iter([0.0] * 20)
    with pytest.raises(CourseError, match="2 tries failed, the last with busy"):
        waits.tried(ask, "prompt 0")


def test_a_wait_of_hours_ends_the_job():
    def busy():
        raise FailedError("busy", after=7200)

    with pytest.raises(CourseError, match="120 minutes"):
        Patience().tried(busy, "prompt 0")


def test_a_rate_is_kept():
    waits = Patience(per_minute=60 / 0.05)
    begun = []
    for _ in range(4):
        waits.tried(lambda: begun.append(patience.time.monotonic()), "prompt 0")
    gaps = [b - a for a, b in zip(begun, begun[1:], strict=False)]
    assert all(gap > 0.03 for gap in gaps), gaps


def test_stopped_it_asks_nothing_more():
    waits = Patience()
    waits.stop()
    with pytest.raises(StoppedError):
        waits.tried(lambda: pytest.fail("asked"), "prompt 0")


def test_a_waiting_thread_wakes_up_when_the_job_stops(monkeypatch):
    monkeypatch.setattr(patience, "FIRST", 600)
    monkeypatch.setattr(patience, "LONGEST", 600)
    waits, ended, failed = Patience(), [], threading.Event()

    def fail():
        failed.set()
        raise FailedError("busy")

    def work():
        with pytest.raises(StoppedError):
            waits.tried(fail, "prompt 0")
        ended.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    assert failed.wait(60)
    waits.stop()
    thread.join(60)
    assert ended == [True]


# ---- the key, the address


def test_the_key_is_sent_and_neither_shown_nor_stored(out, monkeypatch):
    monkeypatch.setenv("OUR_KEY", KEY)
    how = Behaviour(key=KEY, faults=0.5, kinds=["500"])
    with serving(Scribe(), how) as url:
        with pytest.raises(CourseError, match="401.*--api-key-env") as caught:
            asked(url, 2, out, connection={"key": "sk-another"})
        assert "sk-another" not in str(caught.value)  # the server repeated it
        assert list(out.parent.iterdir()) == []  # nothing was done
        connection = {"key": key_in("OUR_KEY")}
        assert KEY not in repr(Connection(url, **connection))
        served = asked(url, 6, out, connection=connection)
        assert served_model(Connection(url, key=KEY)) == "scribe"
    assert right(Pool.load(out)) and KEY not in str(served)
    assert KEY.encode() not in out.read_bytes()


def test_a_variable_that_is_not_set_is_named(monkeypatch):
    monkeypatch.delenv("OUR_KEY", raising=False)
    with pytest.raises(CourseError, match="OUR_KEY is not set"):
        key_in("OUR_KEY")
    assert key_in(None) is None
    with pytest.raises(CourseError, match="no header may hold"):
        Endpoint("http://localhost/v1", "two words")


@pytest.mark.parametrize(
    "url", ["localhost:8000/v1", "ftp://x/v1", "http://", "http://x:port/v1", *ODD]
)
def test_what_is_no_address_is_refused(url):
    with pytest.raises(CourseError, match="like http://localhost:8000/v1"):
        Endpoint(url)


@pytest.mark.parametrize(
    "url", ["http://me:secret@x/v1", "me:secret@x/v1", "http://x/v1?key=secret", "http://x#secret"]
)
def test_a_secret_in_the_address_is_not_repeated(url):
    with pytest.raises(CourseError, match="--api-key-env") as caught:
        Endpoint(url)
    assert "secret" not in str(caught.value)


def answering(*answers):
    """A server whose connections are closed after one answer each; its port, and what it heard."""
    listener, heard = socket.create_server(("127.0.0.1", 0)), []

    def serve():
        with listener:
            for answer in answers:
                connection, _ = listener.accept()
                with connection:
                    heard.append(connection.recv(2**16).decode())
                    connection.sendall(answer)

    threading.Thread(target=serve, daemon=True).start()
    return listener.getsockname()[1], heard


def spoken(status, body, *headers, length=None):
    """The bytes of one answer."""
    size = len(body) if length is None else length
    lines = [f"HTTP/1.1 {status} Said", f"Content-Length: {size}", *headers, "", body]
    return "\r\n".join(lines).encode()


def test_an_answer_that_was_cut_costs_one_try():
    port, _ = answering(spoken(200, '{"a', length=9), spoken(200, '{"a": 1}'))
    endpoint = Endpoint(f"http://127.0.0.1:{port}/v1")
    with pytest.raises(FailedError, match="cut within an answer"):
        endpoint.get("/models")
    assert endpoint.get("/models") == {"a": 1}


def test_an_answer_in_chunks_and_a_connection_that_was_closed_meanwhile():
    chunks = '4\r\n{"a"\r\n4\r\n: 1}\r\n0\r\n\r\n'
    chunked = f"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}".encode()
    port, _ = answering(chunked, chunked)
    endpoint = Endpoint(f"http://127.0.0.1:{port}/v1")
    assert endpoint.get("/models") == endpoint.get("/models") == {"a": 1}


def test_a_quota_that_is_used_up_is_no_wait():
    """OpenAI's 429 for it: its message does not say so, its type does."""
    error = {"message": "You exceeded your current quota", "type": "insufficient_quota"}
    port, _ = answering(spoken(429, json.dumps({"error": error})))
    with pytest.raises(RefusedError, match="429: You exceeded"):
        Endpoint(f"http://127.0.0.1:{port}/v1").get("/models")


def test_a_certificate_that_is_not_trusted_is_not_tried_again(monkeypatch):
    def connect(self):
        error = ssl.SSLCertVerificationError(1, "failed")
        error.verify_message = "self-signed certificate"
        raise error

    monkeypatch.setattr(http.client.HTTPSConnection, "connect", connect)
    monkeypatch.setenv("no_proxy", "*")
    with pytest.raises(CourseError, match="self-signed certificate.*SSL_CERT_FILE"):
        served_model(Connection("https://server.example/v1"))


def test_a_redirection_is_not_followed_and_the_key_not_repeated():
    port, heard = answering(spoken(307, "", f"Location: http://elsewhere.example/?k={KEY}"))
    with pytest.raises(RefusedError, match="307: it redirects to http://elsewhere") as caught:
        Endpoint(f"http://127.0.0.1:{port}/v1", KEY).get("/models")
    assert KEY not in str(caught.value) and len(heard) == 1


def test_a_proxys_name_and_password_are_for_the_proxy(monkeypatch):
    port, heard = answering(spoken(200, "{}"), spoken(407, ""))
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    for name in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(name, f"http://me:pa%40ss@127.0.0.1:{port}")
    assert Endpoint("http://server.example/v1").get("/models") == {}
    with pytest.raises(FailedError, match="407"):
        Endpoint("https://server.example/v1", KEY).get("/models")
    allowed = "Proxy-Authorization: Basic " + base64.b64encode(b"me:pa@ss").decode()
    assert heard[0].startswith("GET http://server.example/v1/models HTTP/1.1")
    assert heard[1].startswith("CONNECT server.example:443 ")
    assert all(allowed in one for one in heard) and KEY not in heard[1]


@pytest.mark.parametrize(
    "url, proxy, near",
    [
        ("http://[::1]/v1", None, ("::1", 80)),
        ("https://[2001:db8::1]/v1", None, ("2001:db8::1", 443)),
        ("http://[::1]:8000", None, ("::1", 8000)),
        ("https://x.example/v1", "http://proxy.example", ("proxy.example", 80)),
    ],
)
def test_where_a_connection_goes(url, proxy, near, monkeypatch):
    gone = []

    def connect(self):
        gone.append((self.host, self.port))
        raise OSError("not today")

    monkeypatch.setattr(http.client.HTTPConnection, "connect", connect)
    for name in ("no_proxy", "NO_PROXY", "https_proxy", "http_proxy"):
        monkeypatch.delenv(name, raising=False)
    if proxy:
        monkeypatch.setenv("https_proxy", proxy)
    with pytest.raises(FailedError, match="not today"):
        Endpoint(url).get("/models")
    assert gone == [near]


def test_the_environments_proxy_is_for_other_machines_only(out, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")  # where nothing answers
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with serving(Scribe()) as url:
        asked(url, 2, out)
    assert right(Pool.load(out))
    assert Endpoint("http://server.example/v1").proxy.port == 9
    monkeypatch.setenv("no_proxy", "server.example")
    assert Endpoint("http://server.example/v1").proxy is None


def test_the_only_model_is_found_and_a_wrong_one_named(out, scribe):
    assert served_model(Connection(scribe)) == "scribe"
    with pytest.raises(CourseError, match=r"404.*`other` does not exist.*/models lists"):
        server = Server(Connection(scribe), Asking("other", sampling=Sampling(n=1)))
        sample_source(server, prompts(1), out)
    with pytest.raises(CourseError, match="404.*Not Found"):
        served_model(Connection(scribe.removesuffix("/v1")))


def test_where_nothing_answers_it_says_so():
    with serving(Scribe()) as url:
        pass
    with pytest.raises(CourseError, match="2 tries failed, the last with ConnectionRefused"):
        served_model(Connection(url, tries=2))


@pytest.mark.parametrize("wrong", [{"at_once": 0}, {"tries": 0}, {"timeout": 0}, {"per_minute": 0}])
def test_settings_out_of_range_are_named(wrong):
    with pytest.raises(CourseError, match=next(iter(wrong))):
        Connection("http://localhost/v1", **wrong).check()


@pytest.mark.parametrize(
    "wrong",
    [
        {"sampling": Sampling(n=1, method="beam")},
        {"sampling": Sampling(stop=[3])},
        {"template": "jinja"},
        {"logprobs": "yes"},
        {"per_request": 0},
    ],
)
def test_what_no_server_can_be_asked_is_refused(wrong):
    with pytest.raises(CourseError):
        Asking("m", **wrong).check()


# ---- what is asked


def test_seeds_are_neighbours_within_a_prompt_and_far_apart_between():
    # a job that goes on needs the same in every version
    assert request_seed(0, 0, 0) == 3349883467997030
    assert request_seed(5, 7, 3) == request_seed(5, 7, 0) + 3
    first = [request_seed(0, i, 0) for i in range(10_000)]
    near = sorted(first)
    assert min(b - a for a, b in zip(near, near[1:], strict=False)) > 64
    assert max(first) + 10_000 < 2**53
    assert request_seed(1, 0, 0) != request_seed(0, 0, 0)


def test_a_chat_and_a_plain_request():
    chat = Server(
        Connection("http://localhost/v1"),
        Asking("m", system="Be kind.", sampling=Sampling(n=2, top_k=5, top_p=0.9, stop="END")),
    )
    body = chat.body(4, "Hi", 1, 1)
    assert chat.path == "/chat/completions"
    assert body["messages"] == [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": "Hi"},
    ]
    assert (body["top_k"], body["top_p"], body["stop"], body["n"]) == (5, 0.9, ["END"], 1)
    assert body["seed"] == request_seed(0, 4, 1)
    assert "logprobs" not in body  # filtered: what they are of, only the server knows
    plain = Server(Connection("http://localhost/v1"), Asking("m", template="plain"))
    body = plain.body(0, [{"role": "user", "content": "A"}, {"role": "tool", "content": "B"}], 0, 9)
    assert plain.path == "/completions"
    assert body["prompt"] == "User: A\n\nTool: B\n\nAssistant:"
    # sent although they are off: a server would take them from the model's own configuration
    assert (body["top_k"], body["top_p"], body["logprobs"], body["n"]) == (-1, 1.0, 1, 9)


@pytest.mark.parametrize(
    "temperature, logprobs, kept",
    [(1.0, "auto", True), (0.7, "auto", False), (0.7, "model", True), (1.0, "none", False)],
)
@pytest.mark.parametrize("template", ["chat", "plain"])
def test_log_probabilities_are_kept_where_they_are_the_models(
    temperature, logprobs, kept, template, out, scribe
):
    sampling = Sampling(n=4, seed=3, temperature=temperature)
    served = asked(scribe, 2, out, sampling=sampling, logprobs=logprobs, template=template)
    pool = Pool.load(out)
    assert served.logprobs == kept and (pool.sum_logprobs is not None) == kept
    if kept:
        rows = [
            [Scribe.reply(q, request_seed(3, i, j)).logprobs for j in range(4)]
            for i, q in enumerate(pool.prompts)
        ]
        sums = torch.tensor([[math.fsum(one) for one in row] for row in rows])
        assert torch.allclose(pool.sum_logprobs, sums)
        assert pool.lengths.tolist() == [[len(one) for one in row] for row in rows]


def test_a_server_without_log_probabilities_gives_a_pool_without(out):
    with serving(Scribe(), Behaviour(logprobs=False)) as url:
        assert not asked(url, 2, out).logprobs
    pool = Pool.load(out)
    assert pool.sum_logprobs is None
    assert pool.lengths[0, 0] == len(pool.texts[0][0].split())


def test_how_replies_ended_and_how_the_pool_was_made(out, scribe):
    asked(scribe, 20, out)
    pool = Pool.load(out)
    ends = [
        [Scribe.reply(q, request_seed(3, i, j)).finish for j in range(4)]
        for i, q in enumerate(pool.prompts)
    ]
    wanted = [[LENGTH if end == "length" else STOP for end in row] for row in ends]
    assert pool.finish.tolist() == wanted
    assert LENGTH in sum(wanted, []) and STOP in sum(wanted, [])
    assert (pool.provenance.policy, pool.provenance.method) == ("scribe", "server")
    assert (pool.provenance.n, pool.provenance.seed) == (4, 3)


# ---- answers


def choice(index=0, **more):
    return {"index": index, "message": {"content": "hi"}, "finish_reason": "stop", **more}


def test_choices_are_read_by_their_index():
    answer = {"choices": [choice(2), choice(0, message={"content": "a"}), choice(0), choice(9)]}
    found = replies_in(answer, 3)
    assert {j: reply.text for j, reply in found.items()} == {2: "hi", 0: "a"}


@pytest.mark.parametrize(
    "answer",
    [
        None,
        [],
        {},
        {"choices": []},
        {"choices": [7]},
        {"choices": [choice(-1)]},
        {"choices": [choice(text=3, message=None)]},
        {"choices": [choice(finish_reason="abort")]},
        {"error": "late"},
    ],
)
def test_what_is_no_answer_counts_as_a_failure(answer):
    with pytest.raises(FailedError):
        replies_in(answer, 2)


def test_texts_are_cut_at_stops_and_stay_valid_unicode():
    stopped = {"index": 0, "text": "one\n\nQuestion: two", "finish_reason": "stop_sequence"}
    assert replies_in({"choices": [stopped]}, 1, ["\n\nQuestion:"])[0].text == "one"
    half = replies_in({"choices": [choice(message={"content": "a\ud83d"})]}, 1)[0]
    assert half.text == "a?"
    thought = replies_in({"choices": [choice(message={"content": None})]}, 1)[0]
    assert thought.text == ""


def test_of_choices_that_were_broken_off_the_others_are_kept():
    answer = {"choices": [choice(0, finish_reason="abort"), choice(1)]}
    assert list(replies_in(answer, 2)) == [1]


@pytest.mark.parametrize(
    "why, finish",
    [
        ("stop", STOP),
        ("eos_token", STOP),
        ("stop_sequence", STOP),
        (None, STOP),
        ("length", LENGTH),
        ("content_filter", LENGTH),
    ],
)
def test_what_servers_call_the_end_of_a_reply(why, finish):
    assert replies_in({"choices": [choice(finish_reason=why)]}, 1)[0].finish == finish


@pytest.mark.parametrize("name", ["reasoning_content", "reasoning"])
def test_log_probabilities_of_thoughts_are_not_the_replys(name):
    logprobs = {"content": [{"logprob": -0.5}, {"logprob": -0.25}]}
    plain = choice(logprobs=logprobs, message={"content": "hi", name: None})
    thought = choice(logprobs=logprobs, message={"content": "hi", name: "Greet them."})
    found = replies_in({"choices": [plain]}, 1)[0]
    assert (found.logprob, found.tokens) == (-0.75, 2)
    found = replies_in({"choices": [thought]}, 1)[0]
    assert (found.text, found.logprob, found.tokens) == ("hi", None, None)


@pytest.mark.parametrize("bad", [None, float("nan"), float("-inf"), "x", 10**400])
def test_log_probabilities_that_are_no_numbers_are_none(bad):
    given = {"token_logprobs": [-1.0, bad]}
    assert replies_in({"choices": [choice(logprobs=given)]}, 1)[0].logprob is None


# ---- the whole way


@pytest.fixture(scope="module")
def policy_url():
    with serving(PolicyWriter("helpdesk/policy")) as url:
        yield url


def test_a_policy_behind_a_server_gives_its_own_replies(policy_url, tmp_path):
    """Candidate j of prompt i comes from its seed, whatever request it comes in."""
    how = {"prompts": 3, "n": 3, "max_tokens": 12, "seed": 5}
    one, three = tmp_path / "one.npz", tmp_path / "three.npz"
    sample_on_server("helpdesk", three, Connection(policy_url), **how)
    asking = {"per_request": 1}
    sample_on_server("helpdesk", one, Connection(policy_url), asking=asking, **how)
    a, b = Pool.load(one), Pool.load(three)
    assert a.texts == b.texts and a.finish.tolist() == b.finish.tolist()
    assert torch.allclose(a.sum_logprobs, b.sum_logprobs, atol=1e-4)
    policy = load_policy(resolve("helpdesk/policy"))
    for i, prompt in enumerate(b.prompts):
        high, low = divmod(request_seed(5, i, 0), 2**31)
        numbers = {"first_prompt": high, "first_candidate": low}
        own = sample(policy, [prompt], n=3, max_tokens=12, **numbers)
        assert own.texts[0] == b.texts[i]
        assert torch.allclose(own.sum_logprobs[0], b.sum_logprobs[i], atol=1e-4)
    assert b.provenance.policy == "helpdesk/policy"


def test_the_stand_in_takes_one_stop_text_or_several(policy_url):
    body = {"model": "helpdesk/policy", "prompt": "Where is my parcel?", "max_tokens": 24, "n": 2}
    texts = []
    for stop in (None, "ou", ["ou"]):
        answer = Endpoint(policy_url).post("/completions", {**body, "stop": stop})
        texts.append([choice["text"] for choice in answer["choices"]])
    assert texts[1] == texts[2] == [text.split("ou")[0] for text in texts[0]]
    assert texts[1] != texts[0]


def test_the_command_samples_a_file_of_prompts(policy_url, tmp_path, capsys):
    file, out = tmp_path / "own.jsonl", tmp_path / "own-pool.jsonl"
    rows = [{"prompt": f"My parcel {i} is late.", "topic": i} for i in range(5)]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    parser = argparse.ArgumentParser()
    server_arguments(parser)
    args = parser.parse_args(["--url", policy_url, "--at-once", "2"])
    given = {"world": "helpdesk", "data": None, "policy": None, "split": "train", "prompts": 4}
    given |= {"template": None, "shots": None, "prompts_file": str(file), "tier": None}
    given |= {"n": 2, "temperature": None, "top_p": 1.0, "top_k": 0, "max_tokens": 8, "seed": 0}
    given |= {"device": None, "stop": None, "method": "sample", "out": str(out), "force": False}
    vars(args).update(given)
    server_command(args)
    said = capsys.readouterr().out
    assert "4 prompts × 2 candidates" in said and str(out) in said
    found = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert [row["prompt"] for row in found] == [row["prompt"] for row in rows[:4]]
    assert all(len(row["responses"]) == 2 for row in found)
    with pytest.raises(CourseError, match="nothing is replaced unasked"):
        server_command(args)
    args.policy = "helpdesk/policy"
    with pytest.raises(CourseError, match="--model"):
        server_command(args)
    args.url = None
    with pytest.raises(CourseError, match="--url"):
        server_command(args)


def test_a_model_that_is_a_base_model_by_name_gets_plain_prompts():
    assert on_server.Remote("Qwen/Qwen3-0.6B-Base", None).template == "plain"
    assert on_server.Remote("Qwen/Qwen3-0.6B-Base", "chat").template == "chat"
    assert on_server.Remote("Qwen/Qwen3-0.6B", None).template == "chat"


def test_a_stand_in_with_an_unknown_fault_is_refused():
    with pytest.raises(CourseError, match="no faults moody"):
        Behaviour(kinds=["moody"])


def test_an_interrupted_job_keeps_what_came_in(out, monkeypatch):
    """Ctrl+C in the middle: no error of a thread, no thread that asks on, and the rest later."""
    how = Behaviour()
    add = on_server.Journal.add

    def interrupted(journal, number, row):
        add(journal, number, row)
        if journal.done == 10:
            raise KeyboardInterrupt

    with serving(Scribe(), how) as url:
        with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
            patched.setattr(on_server.Journal, "add", interrupted)
            asked(url, 200, out)
        assert not out.exists()
        how.served = []
        served = asked(url, 200, out)
    assert served.kept == 10 and len({one["prompt"] for one in how.served}) <= 200
    assert right(Pool.load(out))
