"""GSM8K's files are fetched from a server on this machine: whole, once, or with a clear error."""

import hashlib
import http.server
import threading

import pytest

from course_lib.base import CourseError
from course_lib.worlds import fetch_gsm8k, find_gsm8k, gsm8k_files, load_world, read_problems
from course_lib.worlds.gsm8k_files import ORIGINALS, Original

LINE = b'{"question": "What is 1 plus 1?", "answer": "It is <<1+1=2>>2.\\n#### 2"}\n'


class Server(http.server.BaseHTTPRequestHandler):
    """Serves ``files``; a name in ``cut`` loses its second half so many times."""

    files: dict[str, bytes] = {}
    cut: dict[str, int] = {}
    asked: list[str] = []

    def do_GET(self):
        name = self.path.rsplit("/", 1)[-1]
        self.asked.append(name)
        body = self.files.get(name)
        if body is None:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.cut.get(name, 0) > 0:
            self.cut[name] -= 1
            body = body[: len(body) // 2]
        self.wfile.write(body)

    def log_message(self, *args):
        pass


def original(content):
    return Original(len(content), hashlib.sha256(content).hexdigest())


@pytest.fixture
def served(monkeypatch):
    """The address of a server with two small files that count as the originals."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    Server.files = {"train.jsonl": LINE * 3, "test.jsonl": LINE * 2}
    Server.cut, Server.asked = {}, []
    known = {name: original(content) for name, content in Server.files.items()}
    monkeypatch.setattr(gsm8k_files, "ORIGINALS", known)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/data"
    server.shutdown()
    server.server_close()
    thread.join()


def test_both_files_come_whole_and_only_once(served, tmp_path):
    folder = fetch_gsm8k(tmp_path / "gsm8k", served)
    assert Server.asked == ["train.jsonl", "test.jsonl"]
    assert (folder / "train.jsonl").read_bytes() == LINE * 3
    assert len(read_problems(folder / "test.jsonl")) == 2
    assert find_gsm8k(folder) == folder
    assert fetch_gsm8k(folder, served) == folder and len(Server.asked) == 2
    (folder / "test.jsonl").unlink()
    fetch_gsm8k(folder, served)
    assert Server.asked[2:] == ["test.jsonl"], "the one that is right is not fetched again"


def test_a_broken_connection_is_tried_again(served, tmp_path):
    Server.cut["train.jsonl"] = 2
    assert (fetch_gsm8k(tmp_path, served) / "train.jsonl").read_bytes() == LINE * 3
    assert Server.asked.count("train.jsonl") == 3


def test_after_three_times_nothing_is_left_behind(served, tmp_path):
    Server.cut["train.jsonl"] = 3
    with pytest.raises(CourseError, match=r"ended after .* bytes.*git clone --depth 1"):
        fetch_gsm8k(tmp_path, served)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [LINE * 4, LINE.replace(b"2", b"3") * 3])
def test_another_file_is_refused_and_not_kept(served, tmp_path, content):
    Server.files["train.jsonl"] = content
    with pytest.raises(CourseError, match="is not GSM8K's train.jsonl.*Nothing was kept"):
        fetch_gsm8k(tmp_path, served)
    assert list(tmp_path.iterdir()) == []


def test_a_file_of_ones_own_stays(served, tmp_path):
    (tmp_path / "train.jsonl").write_bytes(LINE)
    with pytest.raises(CourseError, match="not GSM8K's original file. Move it away"):
        fetch_gsm8k(tmp_path, served)
    assert (tmp_path / "train.jsonl").read_bytes() == LINE and not Server.asked


def test_without_a_network_it_says_what_to_do_by_hand(served, tmp_path):
    del Server.files["train.jsonl"]
    with pytest.raises(CourseError, match="404.*By hand: git clone.*with a browser"):
        fetch_gsm8k(tmp_path, served)
    nobody = "http://127.0.0.1:1/data"  # no server listens there
    with pytest.raises(CourseError, match="could not be fetched.*By hand"):
        fetch_gsm8k(tmp_path, nobody)


def test_the_world_looks_in_the_usual_places(served, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CourseError, match="were not found.*\n.*fetch_gsm8k"):
        load_world("gsm8k")
    fetch_gsm8k(source=served)
    assert len(load_world("gsm8k").prompts("train")[0]) == 3


def test_the_checksum_is_that_of_the_public_file(shared_data):
    """The training file beside the project is the public one; the test file is its beginning."""
    folder = shared_data / "gsm8k"
    assert ORIGINALS["train.jsonl"].is_at(folder / "train.jsonl")
    assert len(read_problems(folder / "train.jsonl")) == 7473
    assert not ORIGINALS["test.jsonl"].is_at(folder / "test.jsonl")
    assert gsm8k_files.SOURCE.startswith("https://raw.githubusercontent.com/openai/")
