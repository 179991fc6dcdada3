"""What a plan looks up: shapes of open models and limits of GPUs.

Shapes are those of the models' ``config.json``, limits those of data sheets, dense (without
sparsity) and in half precision; both as other pages quote them. No program reaches the limits. What
GPUs can send to other machines is no data sheet's: it is what such machines usually have.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path

from ..base import CourseError, require
from ..estimators import Shape

QWEN, LLAMA = 151_936, 128_256  # tokens of their vocabularies
HUB = "its config.json, as others quote it"
EXPERTS = ("num_experts", "num_local_experts", "n_routed_experts", "moe_num_experts")


@dataclass(frozen=True)
class Model:
    """A model that is planned for.

    Attributes
    ----------
    name, source : what it is called, and where its shape is from.
    shape : its shape.
    """

    name: str
    shape: Shape
    source: str = HUB

    def flops(self, scores: bool = False) -> float:
        """Operations of a token's forward pass, as :func:`~course_lib.base.flops_per_token` counts.

        ``scores``: of a reward model of this shape, whose head gives one number.
        """
        shape = self.shape
        embeddings = shape.vocabulary * shape.hidden * (1 if shape.tied else 2)
        head = 1 if scores else shape.vocabulary
        return 2.0 * (shape.parameters - embeddings + head * shape.hidden)

    def attention(self, positions: float) -> float:
        """Operations of a token's products with the keys and values of ``positions`` tokens."""
        return 4.0 * self.shape.layers * self.shape.queries * positions


@dataclass(frozen=True)
class Gpu:
    """The limits of one GPU, or of a machine without one.

    Attributes
    ----------
    name, source : what it is, and where the numbers are from.
    flops : operations a second of matrix products.
    bandwidth : bytes a second of its memory.
    memory : bytes of it.
    link, network : bytes a second that it can send to the others of its machine, of which there
        are 8 with it, and to other machines: its share of what the machine can send.
    precision : of the numbers that a model computes with.
    """

    name: str
    flops: float
    bandwidth: float
    memory: float
    link: float
    network: float
    source: str
    precision: str = "bfloat16"

    @property
    def size(self) -> int:
        """Bytes of a number."""
        return 4 if self.precision == "float32" else 2


MODELS = {
    "Qwen3-0.6B": Shape(28, 1024, 3072, 16, 8, 128, QWEN, True),
    "Qwen3-1.7B": Shape(28, 2048, 6144, 16, 8, 128, QWEN, True),
    "Qwen3-4B": Shape(36, 2560, 9728, 32, 8, 128, QWEN, True),
    "Qwen3-8B": Shape(36, 4096, 12_288, 32, 8, 128, QWEN, False),
    "Qwen3-14B": Shape(40, 5120, 17_408, 40, 8, 128, QWEN, False),
    "Qwen3-32B": Shape(64, 5120, 25_600, 64, 8, 128, QWEN, False),
    "Llama-3.1-8B": Shape(32, 4096, 14_336, 32, 8, 128, LLAMA, False),
    "Llama-3.1-70B": Shape(80, 8192, 28_672, 64, 8, 128, LLAMA, False),
}
# what stands before and behind a shape's name in those of models that have this shape
BEFORE = re.compile(r"^(Qwen/|meta-llama/|Skywork/)?(Meta-|Skywork-Reward-V2-)?")
BEHIND = re.compile(r"(-Base|-Instruct)$")

SHEET = "NVIDIA's data sheet, as others quote it"
ETHERNET = 12.5e9  # 100 Gbit/s, taken for a machine without a fast network
SHARED = ETHERNET / 8  # among its GPUs
GPUS = {
    "t4": Gpu("T4", 65e12, 320e9, 16e9, 16e9, SHARED, SHEET, "float16"),
    "l4": Gpu("L4", 121e12, 300e9, 24e9, 32e9, SHARED, SHEET),
    "a10": Gpu("A10", 125e12, 600e9, 24e9, 32e9, SHARED, SHEET),
    "a100": Gpu("A100 SXM, 80 GB", 312e12, 2039e9, 80e9, 300e9, 25e9, SHEET),
    "h100": Gpu("H100 SXM, 80 GB", 989e12, 3350e9, 80e9, 450e9, 50e9, SHEET),
    "h200": Gpu("H200 SXM, 141 GB", 989e12, 4800e9, 141e9, 450e9, 50e9, SHEET),
    "cpu": Gpu("CPU", 1e11, 2e10, 16e9, ETHERNET, ETHERNET, "a guess for a few cores", "float32"),
}


def gpu_named(name: str) -> Gpu:
    """The GPU of that name, in capitals or not."""
    require(
        name.lower() in GPUS,
        f"no GPU {name!r} in the table. Known are {', '.join(GPUS)}; for another take the nearest, "
        "and give measured rates with --rate.",
    )
    return GPUS[name.lower()]


def model_named(name: str) -> Model:
    """The model of a size ("8B"), of a name ("Llama-3.1-8B"), or in a folder with a config.json.

    Raises :class:`~course_lib.base.CourseError` for what is none of them.
    """
    known = BEHIND.sub("", BEFORE.sub("", name))
    if known in MODELS:
        return Model(known, MODELS[known])
    size = re.fullmatch(r"(\d+(?:\.\d+)?)([BbMm])", name)
    if size:
        return _of_size(name, float(size[1]) * (1e9 if size[2] in "Bb" else 1e6))
    return _in_folder(name)


def _of_size(name: str, parameters: float) -> Model:
    """The model in the table of that size, or one in Qwen3's proportions."""
    require(parameters > 0, f"a model has parameters; got {name!r}.")
    for known, shape in MODELS.items():
        if known.upper().endswith(f"-{name.upper()}"):
            return Model(known, shape)
    if parameters < 1e8 or parameters > 1e12:
        raise CourseError(
            f"no model of {name} is in the table, and Qwen3's proportions hold from 100M to 1000B. "
            "Give a folder with a config.json instead."
        )
    shape = Shape.like_qwen3(parameters)
    return Model(name, shape, f"none of {name} in the table: Qwen3's proportions")


def _in_folder(name: str) -> Model:
    """The model whose ``config.json`` is in the folder ``name``, bundled ones too."""
    from ..assets import resolve  # what is bundled; a size needs none of it

    folder = Path(resolve(name))
    folder = folder.parent if folder.name == "config.json" else folder
    require(
        not (folder / "adapter_config.json").is_file(),
        f"{folder} holds an adapter, which has no shape: plan with the model it was trained on, "
        "and --lora with its rank.",
    )
    require(
        (folder / "config.json").is_file(),
        f"no model {name!r}: give a size such as 8B or 0.6B (no space), a name in the table "
        f"({', '.join(MODELS)}), or a folder with a config.json.",
    )
    from ..models.loading import load_config

    try:
        config = load_config(str(folder))
        shape = Shape.of(config)
    except (AttributeError, json.JSONDecodeError) as error:
        raise CourseError(f"{folder}/config.json has no decoder's shape ({error}).") from None
    inside = config.get_text_config(decoder=True)
    require(
        not any(getattr(inside, key, None) for key in EXPERTS),
        f"{folder} is a mixture of experts, whose weights a plan does not count. Plan with a "
        "dense model's size, and give measured rates with --rate.",
    )
    return Model(name, shape, f"config.json in {folder.name}, as of a model like Llama or Qwen3")
