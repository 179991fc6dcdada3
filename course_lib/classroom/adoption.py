"""Who uses best-of-N and rejection-sampling fine-tuning: published systems, each with its source.

Only what the sources say. A row of ``NOTES`` rests on notes that cite the paper's sections, the
others on the paper's own text; the table marks the former with a star.
"""

from dataclasses import dataclass

from .show import Shown, table

HEAD = ("system", "what was sampled", "who chose", "what followed", "source")
CAPTION = "* from notes that cite the paper's sections; the other rows from the source itself."


@dataclass(frozen=True)
class System:
    """One published system.

    Attributes
    ----------
    sampled, chose, followed : cells of the table, in the source's own terms.
    source : "arXiv 2307.09288", or the name of a page.
    """

    name: str
    year: int
    sampled: str
    chose: str
    followed: str
    source: str

    @property
    def row(self) -> tuple[str, ...]:
        """The cells of its row, in the order of ``HEAD``."""
        star = " *" if self.name in NOTES else ""
        system = f"{self.name} ({self.year}){star}"
        return system, self.sampled, self.chose, self.followed, self.source


NOTES = {"STaR", "RAFT", "Llama-Nemotron", "Kimi k1.5"}
SHORT = (
    "WebGPT",
    "Llama 2-Chat",
    "ReST-EM",
    "Llama 3",
    "Tülu 3",
    "DeepSeek-R1",
    "Qwen3",
    "Gemma 3",
)
SYSTEMS = (
    System(
        "GSM8K verifiers",
        2021,
        "100 solutions",
        "a trained verifier",
        "nothing: best of 100 when serving",
        "arXiv 2110.14168",
    ),
    System(
        "WebGPT",
        2021,
        "4, 16 or 64 answers",
        "a reward model",
        "nothing: best-of-N when serving",
        "arXiv 2112.09332",
    ),
    System(
        "STaR",
        2022,
        "1 greedy solution, and a second try with the answer as a hint",
        "the correct answer",
        "fine-tuning of the original model, anew each round",
        "arXiv 2203.14465",
    ),
    System(
        "RAFT",
        2023,
        "8, 16 or 32 replies",
        "a reward model",
        "fine-tuning, from the last model on",
        "arXiv 2304.06767",
    ),
    System(
        "Llama 2-Chat",
        2023,
        "K replies by the largest model, 70B",
        "a reward model",
        "fine-tuning on the best; in later versions PPO on top",
        "arXiv 2307.09288",
    ),
    System(
        "RFT",
        2023,
        "100 solutions, T = 0.7",
        "the correct answer; one for each list of equations",
        "fine-tuning of the pretrained model, once",
        "arXiv 2308.01825",
    ),
    System(
        "RSO",
        2023,
        "64 replies, T = 0.7, top-k 40",
        "statistical rejection sampling to 8, then pairs by a ranking model",
        "a preference loss on the pairs",
        "arXiv 2309.06657",
    ),
    System(
        "ReST-EM",
        2023,
        "32 or 64 solutions, T = 0.7",
        "a correct answer, or code that passes tests; at most 10 a problem",
        "fine-tuning of the base model, anew each round",
        "arXiv 2312.06585",
    ),
    System(
        "Llama 3",
        2024,
        "typically 10 to 30 replies by the latest chat model",
        "a reward model",
        "fine-tuning, then DPO, in several rounds",
        "arXiv 2407.21783",
    ),
    System(
        "Qwen2.5-Math",
        2024,
        "several solutions by the best model so far",
        "the correct answer; without one a weighted vote, then a reward model",
        "fine-tuning over rounds, then GRPO",
        "arXiv 2409.12122",
    ),
    System(
        "Tülu 3",
        2024,
        "n replies to each prompt",
        "a reward model, or a language model as judge",
        "tried and dropped: little gain for the compute",
        "arXiv 2411.15124",
    ),
    System(
        "Kimi k1.5",
        2025,
        "8 replies, for its short answers",
        "the shortest correct reply",
        "fine-tuning",
        "arXiv 2501.12599",
    ),
    System(
        "DeepSeek-R1",
        2025,
        "several replies, after a first stage of RL",
        "rules, and a model as judge: only correct replies stay",
        "fine-tuning of the base model, then RL again",
        "arXiv 2501.12948",
    ),
    System(
        "OpenR1-Math-220k",
        2025,
        "2 solutions by DeepSeek-R1",
        "a checker, and a model as judge where it cannot read the answer",
        "fine-tuning of Qwen models",
        "huggingface.co/blog/open-r1/update-2",
    ),
    System(
        "Gemma 3",
        2025,
        "number not printed",
        "averaged reward models, feedback from code, true answers",
        "RL that builds on BOND: imitate your own best-of-N",
        "arXiv 2503.19786",
    ),
    System(
        "Minimalist RAFT",
        2025,
        "4 replies by the current policy",
        "the correct answer",
        "fine-tuning steps on the right replies alone",
        "arXiv 2504.11343",
    ),
    System(
        "Llama-Nemotron",
        2025,
        "16 solutions by DeepSeek-R1 to a problem of mathematics",
        "a model compares answers; a reward model for chat",
        "fine-tuning, then RL for the largest model",
        "arXiv 2505.00949",
    ),
    System(
        "GVM-RAFT",
        2025,
        "a number set for each prompt",
        "the correct answer",
        "fine-tuning rounds, 2 to 4 times as fast as RAFT",
        "arXiv 2505.02391",
    ),
    System(
        "Qwen3",
        2025,
        "replies by the model after RL for reasoning",
        "rejection sampling; the rule is not printed",
        "fine-tuning, then RL again",
        "arXiv 2505.09388",
    ),
)


def systems(every: bool = False) -> Shown:
    """The table of who does what: eight systems, or ``every`` one that was checked."""
    shown = [system for system in SYSTEMS if every or system.name in SHORT]
    return table(HEAD, [system.row for system in shown], CAPTION if every else "")
