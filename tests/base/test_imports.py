"""The lowest rooms are light to import, and import where Unix's own modules are missing."""

import subprocess
import sys

import pytest


def run_python(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)


@pytest.mark.parametrize("room", ["base", "estimators", "worlds"])
def test_the_lowest_rooms_do_not_import_torch(room):
    heavy = "{'torch', 'transformers', 'matplotlib'}"
    code = f"import sys, course_lib.{room}; print(sorted({heavy} & set(sys.modules)))"
    assert run_python(code).stdout.strip() == "[]"


def test_an_account_is_kept_where_there_is_no_resource_module():
    """As on Windows, which has neither that module nor /proc: then the peak is not known."""
    code = """
import pathlib, sys

sys.modules["resource"] = None  # from now on its import fails

def no_proc(self, *args, **kwargs):
    raise FileNotFoundError(self)

pathlib.Path.read_text = pathlib.Path.write_text = no_proc
from course_lib.base import Account

with Account() as account:
    pass
print(account.peak_bytes, account.seconds > 0)
"""
    done = run_python(code)
    assert done.stdout.split() == ["0", "True"], done.stderr
