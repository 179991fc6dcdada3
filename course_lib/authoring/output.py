"""What a committed notebook may contain: outputs that are the same on every machine."""

import json
import re

WIDGET = "application/vnd.jupyter.widget-view+json"
# one state of a progress bar, or what transformers says while it reads a checkpoint
PROGRESS = re.compile(
    r"\d+%\||\d+(\.\d+)?\s?(it|s|reply|prompt|row|step|pair|example|batch)/(s|it|reply|prompt|row|step|pair|example|batch)|^Loading "
    r"weights|^\S.*: \d+\w+ \[\d+:\d+"
)
# folders of one person's machine, and memory addresses
MACHINE = re.compile(
    r"(/root/|/home/\w|/Users/\w|/tmp/|/var/folders/|/content/|[A-Z]:\\\\?Users|site-packages| "
    r"at 0x[0-9a-f]{6,})"
)


def without_progress(text):
    """``text`` of a stderr stream without its progress bars; empty when there was nothing else."""
    lines = [
        part
        for part in re.split(r"[\r\n]+", re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", text))
        if part.strip()
    ]
    return "\n".join(part for part in lines if not PROGRESS.search(part))


def clean(outputs):
    """(outputs to commit, text written to stderr that is not a progress bar).

    Leaves out stderr and live widget views; a widget's static stand-in (text, picture) stays.
    """
    kept, noise = [], []
    for output in outputs:
        output = json.loads(json.dumps(output))
        if output["output_type"] == "stream" and output["name"] == "stderr":
            noise.append(without_progress(output["text"]))
            continue
        if "data" in output:
            live = output["data"].pop(WIDGET, None)
            if not output["data"] or (
                live
                and set(output["data"]) == {"text/plain"}
                and not without_progress(output["data"]["text/plain"])
            ):
                continue  # nothing is left, or a progress bar drawn as a widget
        kept.append(output)
    return kept, "\n".join(part for part in noise if part)


def _texts(output):
    """The texts of one output that a reader sees; pictures are left out."""
    if output["output_type"] == "stream":
        return [output["text"]]
    return [
        text if isinstance(text, str) else json.dumps(text)
        for kind, text in output.get("data", {}).items()
        if not kind.startswith("image/")
    ]


def machine_traces(outputs):
    """Machine paths and memory addresses in ``outputs``, each as the text around it.

    Empty when there are none.
    """
    found = []
    for output in outputs:
        for text in _texts(output):
            text = re.sub(r"base64,[A-Za-z0-9+/=\s]+", "base64,", text)
            found += [
                text[max(0, match.start() - 20) : match.end() + 40].strip()
                for match in MACHINE.finditer(text)
            ]
    return found
