"""How ``--help`` looks: the defaults, where to begin, and the selection rules in a line each."""

import argparse
import ast
import shutil
import textwrap
from pathlib import Path

BEGIN = """Rejection sampling for LLM fine-tuning: the course's command.

To begin:
  course lab       the course in JupyterLab, at lesson 00
  course run       the whole loop on the bundled help desk, in about two minutes
  course doctor    what is installed here, and what to do

`course COMMAND --help` says what a command takes."""
PACKAGE = Path(__file__).resolve().parents[1]
POOLS = PACKAGE / "pools"


class Help(argparse.ArgumentDefaultsHelpFormatter, argparse.RawDescriptionHelpFormatter):
    """Help that names every default there is; "None" and "False" are none."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        nothing = action.default is None or action.default is False
        if nothing or "default" in (action.help or ""):
            return action.help
        return super()._get_help_string(action)


def rules_help() -> str:
    """The selection rules with a line each, for the end of a command's help."""
    width = shutil.get_terminal_size().columns - 2  # as argparse has it
    lines = [
        textwrap.fill(text, width, initial_indent=f"  {name:18} ", subsequent_indent=f"  {'':18} ")
        for name, text in rule_lines().items()
    ]
    return "\n".join(["selection rules (--rule):", *lines])


def rule_lines() -> dict[str, str]:
    """Rule → the first line of its docstring.

    Read from the source of the rules: to import them is to import torch, and help does not wait.
    """
    said = {}
    for file in sorted(POOLS.glob("*_rules.py")):
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef):
                said[node.name] = (ast.get_docstring(node) or "").split("\n")[0].replace("``", "")
    tree = ast.parse((POOLS / "rules.py").read_text(encoding="utf-8"))
    rules = [node for node in ast.walk(tree) if _makes_a_rule(node)]
    rules.sort(key=lambda node: node.lineno)
    return {node.args[0].value: said.get(node.args[1].id, "") for node in rules}


def world_names() -> list[str]:
    """The names of the worlds, read from their source: to import them is to import numpy."""
    tree = ast.parse((PACKAGE / "worlds" / "load.py").read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, ast.AnnAssign) and getattr(node.target, "id", "") == "WORLDS":
            return [key.value for key in node.value.keys]
    return []


def _makes_a_rule(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Rule"
