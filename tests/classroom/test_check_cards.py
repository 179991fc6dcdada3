"""What a notebook shows of a check: cards, links, and a word on a cell that did not run."""

import os
import re
from types import SimpleNamespace

import pytest
import torch

from course_lib import authoring
from course_lib.classroom import checks
from course_lib.classroom.checks import cards, links, registry, reporting, running, showing

EXERCISES = authoring.ROOT / "exercises"
TASKS = [task for name in checks.exercises() for task in checks.tasks(name).values()]


@pytest.fixture
def best_of_n(monkeypatch):
    """The first task, with no try behind it, seen from exercises/."""
    monkeypatch.chdir(EXERCISES)
    task = checks.tasks("ex01")["best_of_n"]
    monkeypatch.setattr(task, "tries", 0)
    return task


def rewards_only(texts, rewards):
    return rewards.max(dim=1).values.tolist()


def last_of_equals(texts, rewards):
    return [
        row[max(range(len(r)), key=lambda j: (r[j], j))]
        for row, r in zip(texts, rewards.tolist(), strict=True)
    ]


def right(texts, rewards):
    best = rewards.argmax(dim=1).tolist()
    return [row[k] for row, k in zip(texts, best, strict=True)]


def card_of(task, function, stale=""):
    return cards.of_outcome(task, task.outcome(function), stale)


def words(card):
    """What is read of a card."""
    text = re.sub(r"<style>.*?</style>", "", card.html, flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text))


# ---- the card of a check -----------------------------------------------------------------------


def test_a_stub_gets_a_quiet_card_with_what_will_be_tried(best_of_n):
    card = card_of(best_of_n, lambda texts, rewards: None)
    assert "ck-waiting" in card.html and "Not written yet" in words(card)
    assert words(card).count("not tried") == 3
    assert "ties go to the lowest index" in words(card)
    assert card.text == best_of_n.text(best_of_n.outcome(lambda texts, rewards: None))


def test_a_wrong_answer_is_shown_on_its_smallest_input(best_of_n):
    card = card_of(best_of_n, rewards_only)
    said = words(card)
    assert "Not right yet" in said and "0 of 3 points" in said
    assert "argmax, not max" in said
    table = card.html.split("<table")[1].split("</table>")[0]
    given, gave = re.findall(r"<td><code>(.*?)</code>", table, re.DOTALL)
    assert given.startswith("texts = [[&#x27;pear&#x27;") and "<br>rewards = torch.tensor(" in given
    assert gave == "[4.0]"
    assert said.count("does not hold") == 3


def test_half_right_looks_better_than_wrong(best_of_n):
    card = card_of(best_of_n, last_of_equals)
    assert "ck-partly" in card.html and "width: 67%" in card.html
    assert words(card).count(" holds,") == 2 and words(card).count("does not hold") == 1
    assert "width: 0%" in card_of(best_of_n, rewards_only).html


def test_right_is_green_and_leads_on(best_of_n):
    card = card_of(best_of_n, right)
    assert "ck-done" in card.html and "✓ All properties hold" in words(card)
    assert 'href="ex01_best_of_n.ipynb#Task-2.-Who-wins?">task 2' in card.html
    assert "Hint" not in words(card)
    last = checks.tasks("ex01")["cheapest_n"]
    passed = registry.Outcome(last.id, last.points, [registry.Part("all", last.points, True)])
    assert "the last task" in words(cards.of_outcome(last, passed))


def test_one_more_hint_after_each_try_folded(best_of_n):
    for level in (1, 2, 3, 3):
        with pytest.raises(checks.CheckFailed):
            best_of_n(rewards_only)
        card = card_of(best_of_n, rewards_only)
        assert card.html.count("<details>") == level
        assert ("there is one more" in words(card)) == (level < 3)


def test_what_a_reader_wrote_is_escaped(best_of_n):
    card = card_of(best_of_n, lambda texts, rewards: ["<script>x</script>"])
    assert "<script>x" not in card.html and "&lt;script&gt;x" in card.html


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.id)
def test_parts_are_known_before_they_are_tried_and_links_lead_somewhere(task, monkeypatch):
    monkeypatch.chdir(EXERCISES)
    parts = task.properties()
    assert sum(part.points for part in parts) == pytest.approx(task.points)
    assert not any(part.passed for part in parts)
    address = links.to_section(task.read)
    assert (EXERCISES / address.split("#")[0]).is_file() and "#" in address, task.read
    assert "#Task-" in links.to_task(task.exercise, task.name)


def test_no_card_shows_what_should_have_come(best_of_n):
    """The smallest input that shows a tie: its right answer stands among the given texts only."""
    trial = best_of_n.trial(last_of_equals)
    (part,) = [part for part in trial.parts if not part.passed]
    assert dict(part.given)["rewards"] == "torch.tensor([[0.0, 1.0, 1.0, 1.0]])"
    assert part.gave == "['date']" and "kiwi" not in part.gave + part.message


def test_arguments_are_told_apart_where_several_results_are_tried_alone():
    task = checks.tasks("ex05")["best_and_control"]
    found = task.outcome(lambda rewards, u: (rewards.argmin(dim=1), torch.zeros(len(u)).long()))
    wrong = next(part for part in found.parts if part.shown)
    assert [name for name, _ in wrong.given][:2] == ["rewards", "u"] and wrong.gave


# ---- links -------------------------------------------------------------------------------------


def test_anchors_are_those_of_jupyterlab():
    assert links.anchor("*Deeper*: what `x` is") == "Deeper:-what-x-is"
    assert links.anchor("The best of $n$ from $N$") == "The-best-of-n-from-N"
    assert links.anchor("Bradley–Terry") == "Bradley%E2%80%93Terry"


def test_where_there_is_no_file_there_is_no_link(best_of_n, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    assert links.to_section(best_of_n.read) == links.to_task("ex01", "win_share") == ""
    assert "href" not in card_of(best_of_n, right).html
    assert "lesson 01, “What goes in" in words(card_of(best_of_n, rewards_only))
    (tmp_path / "ex01_x.ipynb").write_text("{")
    assert links.to_task("ex01", "win_share") == ""


def test_a_copy_of_the_notebook_is_led_to_itself(tmp_path, monkeypatch):
    copy = tmp_path / "my copy.ipynb"
    copy.write_text((EXERCISES / "ex01_best_of_n.ipynb").read_text(encoding="utf-8"))
    monkeypatch.setenv("JPY_SESSION_NAME", str(copy))
    assert links.to_task("ex01", "win_share", EXERCISES).startswith("my%20copy.ipynb#Task-2")
    assert links.this_notebook("ex02", EXERCISES).name == "ex02_n_best_candidates.ipynb"


# ---- a cell that did not run -------------------------------------------------------------------


class Notebook:
    """Cells run as IPython runs them, as far as :class:`showing.Cells` sees it."""

    def __init__(self):
        self.names = {}
        self.cells = showing.Cells(self.names)

    def run(self, source, cell_id=None):
        info = SimpleNamespace(raw_cell=source, cell_id=cell_id)
        result = SimpleNamespace(info=info, error_before_exec=None, error_in_exec=None)
        self.cells.begins(info)
        try:
            code = compile(source, "cell", "exec")
        except SyntaxError as error:
            result.error_before_exec = error
        else:
            try:
                exec(code, self.names)
            except BaseException as error:
                result.error_in_exec = error
        self.cells.ends(result)
        return self.cells.failed.get("f", "")


WORKS = "def f(x):\n    return x"


def test_a_cell_that_fails_is_remembered_until_it_runs():
    notebook = Notebook()
    assert notebook.run(WORKS) == ""
    said = notebook.run("def f(x):\n    return [x")
    assert said.startswith("SyntaxError: '[' was never closed") and said.endswith("(line 2).")
    assert notebook.run("x = 1/0") == said, "another cell"
    assert notebook.run(WORKS) == ""
    assert notebook.run(f"import nowhere\n{WORKS}").endswith("'nowhere' (line 1).")
    assert notebook.run(f"raise KeyboardInterrupt\n{WORKS}") == "it was interrupted."


def test_a_function_defined_before_its_cell_fails_is_the_new_one():
    notebook = Notebook()
    notebook.run(WORKS)
    assert notebook.run(f"{WORKS}\n\nf(1) / 0") == ""
    assert notebook.run("f = 3\n1 / 0") == "" and notebook.run("f == 3\n1 / 0") == ""


def test_a_spoilt_def_is_known_by_its_cell():
    notebook = Notebook()
    notebook.run(WORKS, "a")
    assert "SyntaxError" in notebook.run("dfe f(x):\n    return x", "a")
    notebook.run("g = 1", "b")
    assert notebook.run("1 / 0", "b") != "" and "g" in notebook.cells.failed


def test_the_version_before_is_checked_and_the_hints_stay(best_of_n, monkeypatch):
    notebook = Notebook()
    notebook.names["f"] = rewards_only
    notebook.run("def f(:")
    monkeypatch.setattr(registry, "HOW", showing.Cards(notebook.cells, loud=False))
    with pytest.raises(checks.CheckFailed, match="did not run: SyntaxError") as failed:
        best_of_n(rewards_only)
    assert best_of_n.tries == 0
    said = words(failed.value.card())
    assert "⚠ The cell above did not run: SyntaxError" in said
    assert "This checks the version before it." in said and "argmax, not max" in said
    with pytest.raises(checks.CheckFailed):
        best_of_n(last_of_equals)
    assert best_of_n.tries == 1, "another function"


def test_a_check_of_nothing_says_so(best_of_n):
    notebook = Notebook()
    notebook.names["check"] = SimpleNamespace(best_of_n=best_of_n)
    how = showing.Cards(notebook.cells, loud=False)
    notebook.cells.source = "check.best_of_n(best_of_n)"
    assert "has not run yet" in how.undefined("best_of_n").text
    notebook.run("def best_of_n(:")
    notebook.cells.source = "check.best_of_n(best_of_n)"
    assert "did not run: SyntaxError" in words(how.undefined("best_of_n"))
    notebook.cells.source = "print(best_of_n)"
    assert how.undefined("best_of_n") is None


# ---- the report --------------------------------------------------------------------------------


def test_tasks_are_shown_as_they_finish(best_of_n, monkeypatch):
    shown = []
    handle = SimpleNamespace(update=shown.append)
    monkeypatch.setattr(cards, "show", lambda card, display_id: shown.append(card) or handle)
    report = reporting.CardReport("ex01")
    report.begins("running")
    assert words(shown[-1]).count("waiting") == 3 and "… running" in words(shown[-1])
    outcome = best_of_n.outcome(right).to_dict()
    report.heard(best_of_n.id, outcome)
    assert "✓ done 3 of 3" in words(shown[-1])
    rows = running.rows_of("ex01", {best_of_n.id: outcome}, "it returns nothing yet.")
    report.ends(rows, "as saved.")
    said = words(shown[-1])
    assert "3 of 13 points" in said and "Next: task 2, win_share" in said
    assert "running" not in said and shown[-1].text == running.text_of(rows)
    assert len(shown) == 3


def test_a_stopped_run_leaves_no_task_running(monkeypatch):
    shown = []
    monkeypatch.setattr(
        cards,
        "show",
        lambda card, display_id: shown.append(card) or SimpleNamespace(update=shown.append),
    )
    report = reporting.CardReport("ex01")
    report.begins("")
    report.stops()
    assert "The run was stopped." in words(shown[-1]) and "…" not in words(shown[-1])


# ---- in a kernel -------------------------------------------------------------------------------

CELLS = (
    "from course_lib.classroom.checks import ex01 as check",
    "check.best_of_n(best_of_n)",
    "def best_of_n(texts, rewards):\n    return 3",
    "check.best_of_n(best_of_n)",
    "check.need(check.best_of_n)",
    "nothing_of_the_course",
)


@pytest.mark.slow
@pytest.mark.parametrize("nbval", [False, True])
def test_a_wrong_answer_fails_its_cell_with_a_card_and_without_a_red_box(
    nbval, tmp_path, monkeypatch
):
    import nbformat
    from nbclient import NotebookClient

    monkeypatch.delenv(registry.RUNNING, raising=False)
    monkeypatch.setenv("COURSE_PROGRESS", str(tmp_path / "progress.json"))
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in CELLS])
    replies = []
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("VSCODE_") and (nbval or name != "PYTEST_CURRENT_TEST")
    }
    NotebookClient(
        notebook,
        timeout=600,
        kernel_name="python3",
        allow_errors=True,
        on_cell_executed=lambda execute_reply, **_: replies.append(execute_reply["content"]),
    ).execute(env=environment)
    assert [reply["status"] for reply in replies] == ["ok", "error", "ok", *["error"] * 3]
    kinds = [[out.output_type for out in cell.outputs] for cell in notebook.cells]
    card = ["error"] if nbval else ["display_data"]
    assert kinds == [[], card, [], card, card, ["error"]]
    assert notebook.cells[-1].outputs[0].ename == "NameError"
    if not nbval:
        html = notebook.cells[3].outputs[0].data["text/html"]
        assert "These are indices" in html and "0 of 3 points" in html
