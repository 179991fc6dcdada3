"""What proves ex09's check of trl_rows: probes, wrong solutions, other right ones."""

from course_lib.authoring.proofs import Proof

proof = Proof("ex09", "trl_rows")


@proof.probe()
def trl_rows_inputs(rng):
    marks = ["", " ", "\n", "\n\n", "\t"]
    for k in range(20):
        rows = []
        for _ in range(int(rng.integers(1, 7))):
            prompt, reply = (
                f"What is {rng.integers(0, 5)} plus {rng.integers(0, 30)}?",
                f"It is {rng.integers(0, 60)}.",
            )
            rows.append(
                (
                    prompt + marks[int(rng.integers(0, 5))],
                    marks[int(rng.integers(0, 5))] + reply + marks[int(rng.integers(0, 5))],
                )
            )
        yield rows + rows[: k % 2], bool(k % 3 == 0)


def pair_of(prompt, reply, chat):
    return {
        "prompt": [{"role": "user", "content": prompt}] if chat else prompt,
        "completion": [{"role": "assistant", "content": reply}] if chat else reply,
    }


@proof.wrong(says="would be trained on")
def prompt_in_completion(selected, chat=False):
    return [pair_of(p, p + r, chat) for p, r in selected]


@proof.wrong(says="changed places")
def swapped(selected, chat=False):
    return [pair_of(r, p, chat) for p, r in selected]


@proof.wrong(says="cannot tell")
def one_text(selected, chat=False):
    return [{"text": p + r} for p, r in selected]


@proof.wrong(says="not response")
def other_key(selected, chat=False):
    return [{"prompt": p, "response": r} for p, r in selected]


@proof.wrong(says="columns")
def columns(selected, chat=False):
    return {"prompt": [p for p, _ in selected], "completion": [r for _, r in selected]}


@proof.wrong(says="are lost")
def strips(selected, chat=False):
    return [pair_of(p.strip(), r.strip(), chat) for p, r in selected]


@proof.wrong(says="one is lost")
def one_each(selected, chat=False):
    return [pair_of(p, r, chat) for p, r in dict(selected).items()]


@proof.wrong(says="row is lost")
def distinct_pairs(selected, chat=False):
    return [pair_of(p, r, chat) for p, r in dict.fromkeys(selected)]


@proof.wrong(says="still plain texts")
def never_chat(selected, chat=False):
    return [pair_of(p, r, False) for p, r in selected]


@proof.wrong(says="chat is False here")
def always_chat(selected, chat=False):
    return [pair_of(p, r, True) for p, r in selected]


@proof.wrong(says="even of one")
def bare_message(selected, chat=False):
    return [{k: v[0] if chat else v for k, v in pair_of(p, r, chat).items()} for p, r in selected]


@proof.wrong(says="role of the user")
def both_users(selected, chat=False):
    return [
        {**pair_of(p, r, chat), "completion": [{"role": "user", "content": r}]}
        if chat
        else pair_of(p, r, chat)
        for p, r in selected
    ]


@proof.wrong(says="does not say where")
def messages(selected, chat=False):
    return [
        {"messages": [{"role": "user", "content": p}, {"role": "assistant", "content": r}]}
        if chat
        else pair_of(p, r, chat)
        for p, r in selected
    ]


@proof.wrong(says="the same dictionary")
def one_dictionary(selected, chat=False):
    row, rows = {}, []
    for p, r in selected:
        row.update(pair_of(p, r, chat))
        rows.append(row)
    return rows


@proof.wrong(says="the same message")
def one_message(selected, chat=False):
    asked, said, rows = {"role": "user"}, {"role": "assistant"}, []
    for p, r in selected:
        asked["content"], said["content"] = p, r
        rows.append({"prompt": [asked], "completion": [said]} if chat else pair_of(p, r, False))
    return rows


@proof.wrong(says="the reply are lost")
def strips_in_chat(selected, chat=False):
    return [pair_of(p, r.strip() if chat else r, chat) for p, r in selected]


@proof.wrong(says="an empty reply is a reply")
def skips_empty(selected, chat=False):
    return [pair_of(p, r, chat) for p, r in selected if r]


@proof.wrong(says="in small letters")
def other_role(selected, chat=False):
    return [
        {**pair_of(p, r, chat), "completion": [{"role": "model", "content": r}]}
        if chat
        else pair_of(p, r, chat)
        for p, r in selected
    ]


@proof.wrong(says="keys role and content")
def other_message_key(selected, chat=False):
    return [
        {"prompt": [{"role": "user", "text": p}], "completion": [{"role": "assistant", "text": r}]}
        if chat
        else pair_of(p, r, chat)
        for p, r in selected
    ]


@proof.wrong(says="gives it away")
def reply_in_prompt(selected, chat=False):
    return [
        {
            **pair_of(p, r, chat),
            "prompt": [{"role": "user", "content": p}, {"role": "assistant", "content": r}],
        }
        if chat
        else pair_of(p, r, chat)
        for p, r in selected
    ]


@proof.wrong(hidden=True)
def joins_blank_lines(selected, chat=False):
    return [pair_of(p, r.replace("\n\n", "\n"), chat) for p, r in selected]


@proof.wrong(says="of the prompt is lost")
def strips_prompts(selected, chat=False):
    return [pair_of(p.rstrip(), r, chat) for p, r in selected]


@proof.right
def two_loops(selected, chat=False):
    rows = []
    for pair in selected:
        row = {"completion": pair[1], "prompt": pair[0]}
        if chat:
            row = {
                "completion": [dict(content=pair[1], role="assistant")],
                "prompt": [dict(content=pair[0], role="user")],
            }
        rows.append(row)
    return rows


@proof.right
def by_map(selected, chat=False):
    plain = map(lambda pair: dict(zip(("prompt", "completion"), pair)), selected)
    if not chat:
        return tuple(plain)
    roles = {"prompt": "user", "completion": "assistant"}
    return [
        {key: ({"role": roles[key], "content": text},) for key, text in row.items()}
        for row in plain
    ]
