"""Plain-text prompts with solved examples, as base models need them."""


def few_shot(questions, examples=()):
    """Plain-text prompts: the solved ``examples`` (pairs of question and solution), then each
    question, then ``Answer:``.
    """
    solved = "".join(
        f"Question: {question}\nAnswer: {solution}\n\n" for question, solution in examples
    )
    return [f"{solved}Question: {question}\nAnswer:" for question in questions]
