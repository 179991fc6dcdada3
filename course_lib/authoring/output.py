"""What a committed notebook may contain: outputs that are the same on every machine."""

import json
import re

WIDGET = "application/vnd.jupyter.widget-view+json"
# one state of a progress bar, or what transformers says while it reads a checkpoint
PROGRESS = re.compile(
    r"\d+%\|"
    r"|\d+(\.\d+)?\s?(it|s|reply|prompt|row|step|pair|example|batch)"
    r"/(s|it|reply|prompt|row|step|pair|example|batch)"
    r"|^Loading weights"
    r"|^\S.*: \d+\w+ \[\d+:\d+"
)
# folders of one person's machine, and memory addresses
MACHINE = re.compile(
    r"(/root/|/home/\w|/Users/\w|/tmp/|/var/folders/|/content/"
    r"|[A-Z]:\\\\?Users|site-packages| at 0x[0-9a-f]{6,})"
)
COLOUR = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
PICTURE = re.compile(r"base64,[A-Za-z0-9+/=\s]+")


def without_progress(text: str) -> str:
    """``text`` of a stderr stream without its progress bars; empty when there was nothing else."""
    parts = re.split(r"[\r\n]+", COLOUR.sub("", text))
    return "\n".join(part for part in parts if part.strip() and not PROGRESS.search(part))


def clean(outputs: list[dict]) -> tuple[list[dict], str]:
    """(outputs to commit, text written to stderr that is not a progress bar).

    Leaves out stderr, live widget views and displays without data; a widget's static stand-in
    (text, picture) stays.
    """
    kept, noise = [], []
    for output in outputs:
        output = json.loads(json.dumps(output))  # a copy: the caller's outputs are not changed
        if output["output_type"] == "stream" and output["name"] == "stderr":
            noise.append(without_progress(output["text"]))
            continue
        if "data" in output:
            live = output["data"].pop(WIDGET, None)
            if _shows_nothing(output["data"], bool(live)):
                continue
        kept.append(output)
    return kept, "\n".join(part for part in noise if part)


def _shows_nothing(data: dict, live: bool) -> bool:
    """True when nothing is left of an output's data, or a progress bar drawn as a widget.

    A bar of the course that has ended leaves a display without data (``base/progress.py``).
    """
    if not any(value.strip() if isinstance(value, str) else value for value in data.values()):
        return True
    text_alone = live and set(data) == {"text/plain"}
    return text_alone and not without_progress(data["text/plain"])


def _texts(output: dict) -> list[str]:
    """The texts of one output that a reader sees; pictures are left out."""
    if output["output_type"] == "stream":
        return [output["text"]]
    return [
        text if isinstance(text, str) else json.dumps(text)
        for kind, text in output.get("data", {}).items()
        if not kind.startswith("image/")
    ]


def machine_traces(outputs: list[dict]) -> list[str]:
    """Machine paths and memory addresses in ``outputs``, each as the text around it.

    Empty when there are none.
    """
    found = []
    for output in outputs:
        for text in _texts(output):
            text = PICTURE.sub("base64,", text)
            for match in MACHINE.finditer(text):
                start = max(0, match.start() - 20)
                found.append(text[start : match.end() + 40].strip())
    return found
