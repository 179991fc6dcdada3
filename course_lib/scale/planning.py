"""What a job will cost before it is begun: tokens, GPU hours, memory, storage, the slowest stage.

Plain arithmetic, on shapes (:mod:`~course_lib.estimators`), published limits
(:mod:`~course_lib.scale.catalogue`) and, where there are any, measured rates
(:mod:`~course_lib.scale.rates`). A step of sampling moves the weights, and the keys and values of
all replies that are written side by side; reading, scoring and training are bound by operations; a
step of training over several GPUs moves gradients as well. A limit is divided by what share of it
is taken to be reached. ``assumed`` of a :class:`~course_lib.scale.plans.Plan` names every
assumption with its value.

A plan prints what it leaves out, too (:data:`LEFT_OUT`).
"""

import math
from collections.abc import Callable
from dataclasses import replace

from ..estimators import Savings, cache_bytes, training_memory
from ..estimators.memory import DRAWN
from .catalogue import Model
from .plans import IN_A_MACHINE, NEVER, USABLE, Cards, Efficiency, Plan, Stage, Work
from .rates import Rates
from .storage import GEMMA, Density

READ_AT_ONCE = 16_384  # tokens that a reward model reads in a batch
CPU_CACHE = 384 * 2**20  # what `sample` gives the candidates in flight on a CPU
TOGETHER = 4  # replies in one part of a training step, at most
SPARE = {"CPU": 1.5}  # a batch that shrinks copies its buffers
FEW = 16  # replies that a copy has room for, at least
SMALL_CARD = 32.2e9  # bytes; on smaller ones training has fewer logits at once
LOGITS, FEW_LOGITS = 2**28, 2**26
LEFT_OUT = (
    "loading models, machines that fail, replies that outlast their batch, what happens between "
    "steps, what is lost where a copy is split over GPUs"
)


def plan(
    model: Model,
    work: Work,
    cards: Cards,
    reward: Model | None = None,
    efficiency: Efficiency = Efficiency(),
    rates: Rates | None = None,
    density: Density = GEMMA,
) -> Plan:
    """What ``work`` costs with ``model`` on ``cards``, see :class:`Plan`.

    ``reward``: a reward model, or None for a function, which takes no GPU. ``rates``: measured on
    one of these GPUs, in place of limits, for the stages that they have. ``density``: bytes of a
    token on disk. Raises
    :class:`~course_lib.base.CourseError` for numbers out of range.
    """
    job = _Job(model, work, cards, efficiency)
    stages = [job.sampling(), job.training()]
    if reward is not None:
        stages.insert(1, job.scoring(reward))
    if rates is not None:
        stages = [_measured(stage, rates) for stage in stages]
    pool = density.bytes(work.replies * work.tokens)
    return Plan(
        model,
        reward,
        work,
        cards,
        stages,
        pool,
        job.moves(stages, pool["npz"], reward),
        job.assumptions(reward) + density.described() + (rates.described() if rates else []),
    )


def _measured(stage: Stage, rates: Rates) -> Stage:
    """The stage at measured rates of one GPU, where there are any and it fits."""
    if stage.name not in rates.stages or stage.seconds is None:
        return stage
    seconds = rates.stages[stage.name].seconds(stage.tokens / stage.gpus, stage.parts)
    return replace(stage, seconds=seconds, bound="measured")


class _Job:
    """The arithmetic of a plan."""

    def __init__(self, model: Model, work: Work, cards: Cards, efficiency: Efficiency) -> None:
        self.model, self.work, self.cards, self.share = model, work, cards, efficiency
        self.gpu, self.size = cards.gpu, cards.gpu.size
        self.weights = float(self.size * model.shape.parameters)

    # ---- sampling ------------------------------------------------------------------------------

    def row_bytes(self) -> float:
        """Bytes that a reply takes while it is written, its share of the prompt's with it."""
        work, shape = self.work, self.model.shape
        kept = work.tokens + work.prompt_tokens / work.n
        cache = cache_bytes(shape, 1, self.size) * kept * SPARE.get(self.gpu.name, 1.0)
        return cache + DRAWN * shape.vocabulary

    def rows(self, gpus: int) -> int:
        """Replies side by side in a copy over so many GPUs; 0 where not even one fits."""
        room, row = gpus * self.cards.room - self.weights, self.row_bytes()
        if self.gpu.name == "CPU" and room > row:
            room = min(room, max(row, CPU_CACHE))  # what `sample` allows itself
        return max(0, int(room / row))

    def sampling(self) -> Stage:
        few = 1 if self.gpu.name == "CPU" else min(self.work.n, FEW)
        least = fitting(lambda gpus: self.rows(gpus) >= few)
        # over more GPUs than it needs a model has more room, so that more replies share a step
        tried, each = [], least
        while not tried or each <= min(self.cards.count, IN_A_MACHINE):
            tried.append(self.sampling_over(each, least))
            each *= 2
        if least > self.cards.count:
            return tried[0]
        fastest = min(stage.seconds or 0 for stage in tried)
        return next(stage for stage in tried if (stage.seconds or 0) <= 1.05 * fastest)

    def sampling_over(self, each: int, least: int) -> Stage:
        """Sampling with a copy over ``each`` GPUs."""
        work, model, gpu = self.work, self.model, self.gpu
        copies = min(max(1, self.cards.count // each), work.prompts)
        mine = work.replies / copies
        rows = min(max(1, self.rows(each)), mine)
        steps = mine / rows * work.tokens
        moved, flops = self.step(rows)
        reading = self.reading(model.flops(), work.prompts * work.prompt_tokens, work.prompt_tokens)

        def time(decode: float, read: float) -> tuple[float, str]:
            by_bytes = moved / (each * gpu.bandwidth * decode)
            by_flops = flops / (each * gpu.flops * read)
            bound = "bytes" if by_bytes > by_flops else "operations"
            begin = reading / (copies * each * gpu.flops * read)
            return steps * max(by_bytes, by_flops) + begin, bound

        seconds, bound = time(self.share.decode, self.share.read)
        return Stage(
            "sample",
            tokens=work.replies * work.tokens,
            flops=flops * steps * copies + reading,
            moved=moved * steps * copies,
            seconds=seconds if least <= self.cards.count else None,
            limit=time(1, 1)[0],
            bound=bound,
            gpus=copies * each,
            least=least,
            each=each,
            parts=math.ceil(mine / rows),
            memory={
                "weights": self.weights / each,
                "keys, values and logits": rows * self.row_bytes() / each,
            },
        )

    def step(self, rows: float) -> tuple[float, float]:
        """Bytes and operations of a token for each of ``rows`` replies, when half are written."""
        work, model = self.work, self.model
        cache = cache_bytes(model.shape, 1, self.size)
        seen = work.tokens / 2 + work.prompt_tokens / work.n
        weights = self.size * model.flops() / 2  # an embedding is looked up, not read
        moved = weights + rows * (cache * seen + DRAWN * model.shape.vocabulary)
        positions = work.prompt_tokens + work.tokens / 2
        return moved, rows * (model.flops() + model.attention(positions))

    def reading(self, flops: float, tokens: float, length: float) -> float:
        """Operations of reading ``tokens`` tokens in texts of ``length``."""
        return tokens * (flops + self.model.attention(length / 2))

    # ---- scoring -------------------------------------------------------------------------------

    def scoring(self, reward: Model) -> Stage:
        work = self.work
        length = work.prompt_tokens + work.tokens
        tokens = work.replies * length * work.distinct
        flops = tokens * (reward.flops(scores=True) + reward.attention(length / 2))
        weights = float(self.size * reward.shape.parameters)
        each = fitting(lambda gpus: weights <= gpus * self.cards.room)
        copies = min(max(1, self.cards.count // each), work.prompts)
        limit = flops / (copies * each * self.gpu.flops)
        batches = math.ceil(tokens / copies / READ_AT_ONCE)
        return Stage(
            "score",
            tokens=tokens,
            flops=flops,
            moved=batches * copies * weights,
            seconds=limit / self.share.read if each <= self.cards.count else None,
            limit=limit,
            bound="operations",
            gpus=copies * each,
            least=each,
            each=each,
            parts=batches,
            memory={"weights": weights / each},
        )

    # ---- training ------------------------------------------------------------------------------

    def states(self, together: int) -> tuple[dict[str, float], dict[str, float]]:
        """Bytes of what can be split over GPUs, and of what each GPU has of its own replies."""
        work = self.work
        length = work.prompt_tokens + work.tokens
        parts = training_memory(
            self.model.shape,
            math.ceil(together * length),
            math.ceil(together * work.tokens),
            Savings(lora=work.lora, recompute=True),
            self.gpu.precision,
            logits_at_once=max(1, self.logits() // self.model.shape.vocabulary),
        )
        own = {name: parts.pop(name) for name in ("activations", "logits")}
        return parts, own

    def logits(self) -> int:
        """Logits that training has at once, by the rule of ``models/projection.py``."""
        small = self.gpu.name != "CPU" and self.gpu.memory < SMALL_CARD
        return FEW_LOGITS if small else LOGITS

    def training(self) -> Stage:
        work, model, cards = self.work, self.model, self.cards
        length = work.prompt_tokens + work.tokens
        least, together = self.split()
        # no more than there are replies in a step
        gpus = min(cards.count, work.batch_size, max(1, work.kept))
        gpus = max(gpus, min(least, cards.count))
        over = gpus if least > 1 else 1  # who must split the model splits it over all
        states, own = self.states(together)
        tokens = work.kept * length * work.epochs
        passes = 2 if work.lora else 3  # frozen weights have no gradient
        flops = tokens * passes * (model.flops() + model.attention(length / 2))
        step = flops / max(work.steps, 1e-9) / gpus / self.gpu.flops
        network = self.sent(least, gpus) / cards.between(gpus)

        def time(share: float) -> tuple[float, str]:
            bound = "network" if network > step / share else "operations"
            return work.steps * max(step / share, network), bound

        seconds, bound = time(self.share.train)
        return Stage(
            "train",
            tokens=tokens,
            flops=flops,
            moved=work.steps * sum(states.values()) * gpus / over,
            seconds=seconds if least <= cards.count else None,
            limit=time(1)[0],
            bound=bound,
            gpus=gpus,
            least=least,
            each=over,
            parts=math.ceil(work.steps),
            memory={name: size / over for name, size in states.items()} | own,
        )

    def split(self) -> tuple[int, int]:
        """The fewest GPUs that a training fits on, and how many replies each reads together."""
        found = []
        for together in range(min(TOGETHER, self.work.batch_size), 0, -1):
            states, own = self.states(together)
            room = self.cards.room - sum(own.values())
            needed = fitting(
                lambda gpus, room=room, whole=sum(states.values()): whole / gpus <= room
            )
            found.append((needed, together if needed >= NEVER else -together))
        least, together = min(found)
        return least, abs(together)

    def sent(self, least: int, gpus: int) -> float:
        """Bytes that each of so many GPUs sends in a training step, all but its own part.

        Of gradients in float32 twice, to add them up and to spread the sum; where the model is
        split, half-precision weights before each of the two passes, and the gradients once.
        """
        shape, rank = self.model.shape, self.work.lora
        learns = shape.adapter(rank) if rank else shape.parameters
        every = 8.0 * learns if least == 1 else 2.0 * self.weights + 4.0 * learns
        return every * (gpus - 1) / gpus

    # ---- what moves, and what was assumed ------------------------------------------------------

    def moves(self, stages: list[Stage], pool: float, reward: Model | None) -> dict[str, float]:
        """What moves between machines and disks → bytes."""
        sampling, training = stages[0], stages[-1]
        moved = {
            "the model to the GPUs that sample": sampling.copies * self.weights,
            "the pool to disk": pool,
        }
        if reward is not None:
            size = self.size * reward.shape.parameters
            moved["the reward model to its GPUs"] = float(stages[1].copies * size)
        if training.gpus > 1:
            sent = self.sent(training.least, training.gpus)
            moved["gradients and weights in training"] = self.work.steps * training.gpus * sent
        return moved

    def assumptions(self, reward: Model | None) -> list[tuple[str, str, str]]:
        """(what, value, where it is from), in the order of the stages."""
        work, gpu, share = self.work, self.gpu, self.share
        last = "when last measured on a GPU, docs/gpu.md"
        guess = f"a guess (--efficiency): this engine reached 1.7% {last}"
        known = (
            "a guess (--efficiency): Llama 3 405B's pretraining reached 38% to 43%, "
            f"this course 3% {last}"
        )
        shape = self.model.shape
        learns = f"adapters of rank {work.lora}" if work.lora else "all weights"
        rows = [
            (
                f"shape of {self.model.name}",
                f"{shape.parameters / 1e9:.3g}B parameters, {shape.layers} layers, "
                f"{cache_bytes(shape, 1, self.size):,} bytes of keys and values a token",
                self.model.source,
            ),
            ("operations of a GPU", f"{gpu.flops / 1e12:.3g} TFLOP/s", gpu.source),
            ("bandwidth of its memory", f"{gpu.bandwidth / 1e9:,.0f} GB/s", gpu.source),
            ("memory of it", f"{gpu.memory / 1e9:.3g} GB, {USABLE:.0%} usable", gpu.source),
            (
                "network of a GPU",
                f"{gpu.link / 1e9:.3g} GB/s among the {IN_A_MACHINE} of a machine, "
                f"{self.cards.beyond / 1e9:.3g} GB/s beyond it",
                "its link one way; beyond, --network or what such machines usually have",
            ),
            ("share of bandwidth, drawing", f"{share.decode:.0%}", guess),
            ("share of operations, reading", f"{share.read:.0%}", "a guess (--efficiency)"),
            ("share of operations, training", f"{share.train:.0%}", known),
            ("tokens of a reply", f"{work.tokens:g} on average", "--tokens"),
            ("tokens of a prompt", f"{work.prompt_tokens:g}", "--prompt-tokens"),
            ("kept for training", f"{work.kept:,} replies", "--keep, or the best of each prompt"),
            ("passes over them", f"{work.epochs:g}", "--epochs"),
            ("what learns", learns, "--lora"),
            ("replies a training step", f"{work.batch_size}", "--batch-size"),
            ("numbers", f"{gpu.precision}; AdamW in float32", "the course"),
            ("a prompt", "is read once, and a step reads its keys once for all n", "the engine"),
            ("batches", "stay full: a reply that ends makes room for another", "the best case"),
            ("training", "keeps no activations but those between blocks", "recompute"),
            (
                "a copy over several GPUs",
                "a server's work, or FSDP's: the course itself samples and scores on one",
                "docs/at_work.md",
            ),
            ("bytes, operations, network", "do not wait for one another", "the best case"),
            ("stages", "one after another, each on all GPUs", "course run"),
            ("left out", LEFT_OUT, "so it takes longer"),
        ]
        if reward is None:
            rows.append(("reward", "a function or verifier: takes no GPU", "no --reward"))
        else:
            size = f"{reward.shape.parameters / 1e9:.3g}B parameters"
            rows.append((f"shape of the reward, {reward.name}", size, reward.source))
            share = f"{work.distinct:.0%} of them are scored"
            rows.append(("replies that differ", share, "equal ones once; --rate measures it"))
        return rows


def fitting(fits: Callable[[int], bool]) -> int:
    """The smallest power of two of GPUs that something fits on; 2²⁰ where nothing helps."""
    gpus = 1
    while gpus < NEVER and not fits(gpus):
        gpus *= 2
    return gpus
