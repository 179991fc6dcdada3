"""Plain-text prompts with solved examples, as base models need them."""

from collections.abc import Sequence


def few_shot(questions: Sequence[str], examples: Sequence[tuple[str, str]] = ()) -> list[str]:
    """Plain-text prompts: the solved ``examples``, then each question, then ``Answer:``.

    ``examples`` are pairs of question and solution.
    """
    solved = "".join(
        f"Question: {question}\nAnswer: {solution}\n\n" for question, solution in examples
    )
    return [f"{solved}Question: {question}\nAnswer:" for question in questions]
