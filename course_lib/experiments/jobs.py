"""The job of lessons 09a and 09b: what is run on a tier, for a real model or for a tiny stand-in.

The stand-in has the architecture of the real model (Qwen3) and the file format of the real data
(GSM8K), so that every line of the loop is the one a real run uses. Its size, its training and its
problems are toys: three numbers below ten to add up.
"""

from dataclasses import replace
from pathlib import Path

from ..base import CourseError
from ..models import Sampling
from ..worlds import fetch_gsm8k, find_gsm8k
from .prompting import NEXT_QUESTION, SHOTS
from .settings import RunSettings
from .standin import make_problems, make_standin
from .tiers import rounds_of

# candidates of a part, which are sampled side by side where they fit, and kept when they are done
ROWS = {"small": 128, "t4": 256, "mid": 512, "big": 1024, "mps": 64}
GROUPS = 4  # replies to a held-out question, of each policy


def problems_for(tier: RunSettings, folder: str | Path) -> Path:
    """The folder of a job's problems, found or made or fetched.

    On ``cpu`` the stand-in's problems are written in ``folder``. Else GSM8K's files are looked for
    (see :func:`~course_lib.worlds.find_gsm8k`), and where they are not, 5 MB are fetched into
    ``folder``/gsm8k. Raises :class:`~course_lib.base.CourseError`, which says what to do by hand,
    where they cannot be fetched.
    """
    if tier.name == "cpu":
        return make_problems(folder)
    try:
        return find_gsm8k()
    except CourseError:
        return fetch_gsm8k(Path(folder) / "gsm8k")


def job(tier: RunSettings, folder: str | Path, data: str | Path | None = None) -> RunSettings:
    """What lessons 09a and 09b run on a tier. Nothing is downloaded.

    On ``cpu`` the stand-in's problems and models are made in ``folder`` (some 20 seconds of
    training on two cores; found again if they are there). Otherwise the tier's own models from the
    hub, and the GSM8K files in ``data`` or where :func:`~course_lib.worlds.find_gsm8k` finds them,
    see :func:`problems_for`.
    """
    if tier.name == "cpu":
        policy, reward, problems = make_standin(folder)
        sampling = Sampling(n=8, temperature=1.0, max_tokens=32, memory_mb=256)
        return RunSettings(
            name="cpu",
            world="gsm8k",
            policy=policy,
            reward=reward,
            prompts=400,
            held_out=240,
            groups=8,
            loop=rounds_of(sampling, part=40, epochs=2, lr=2e-3, batch_size=32),
            data=problems,
            shots=0,
        )
    sampling = replace(tier.sampling, stop=list(NEXT_QUESTION))
    part = max(1, ROWS[tier.name] // tier.n)
    return replace(
        tier,
        data=str(find_gsm8k(data)),
        shots=SHOTS,
        groups=GROUPS,
        template="plain",
        loop=replace(tier.loop, sampling=sampling, part=part),
    )
