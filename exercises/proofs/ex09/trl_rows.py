"""What proves ex09's check of trl_rows: probes, wrong solutions, other right ones."""

from course_lib.authoring.proofs import Proof

proof = Proof("ex09", "trl_rows")


@proof.probe()
def trl_rows_inputs(rng):
    marks = ["", " ", "\n", "\n\n", "\t"]
    for k in range(20):
        pairs = []
        for _ in range(int(rng.integers(1, 7))):
            prompt = f"What is {rng.integers(0, 5)} plus {rng.integers(0, 30)}?"
            reply = f"It is {rng.integers(0, 60)}."
            behind_prompt, before, behind = (marks[i] for i in rng.integers(0, 5, 3))
            pairs.append((prompt + behind_prompt, before + reply + behind))
        yield pairs + pairs[: k % 2], bool(k % 3 == 0)


def message(role, text):
    return {"role": role, "content": text}


def pair_of(prompt, reply, chat):
    """The right row of one pair."""
    if not chat:
        return {"prompt": prompt, "completion": reply}
    return {"prompt": [message("user", prompt)], "completion": [message("assistant", reply)]}


def in_chat(selected, chat, row):
    """Right without chat; with it ``row`` makes each row of prompt and reply."""
    return [row(p, r) if chat else pair_of(p, r, chat) for p, r in selected]


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
    def row(p, r):
        return {"prompt": message("user", p), "completion": message("assistant", r)}

    return in_chat(selected, chat, row)


@proof.wrong(says="role of the user")
def both_users(selected, chat=False):
    def row(p, r):
        return {"prompt": [message("user", p)], "completion": [message("user", r)]}

    return in_chat(selected, chat, row)


@proof.wrong(says="does not say where")
def messages(selected, chat=False):
    def row(p, r):
        return {"messages": [message("user", p), message("assistant", r)]}

    return in_chat(selected, chat, row)


@proof.wrong(says="the same dictionary")
def one_dictionary(selected, chat=False):
    row, rows = {}, []
    for p, r in selected:
        row.update(pair_of(p, r, chat))
        rows.append(row)
    return rows


@proof.wrong(says="the same message")
def one_message(selected, chat=False):
    asked, said = message("user", ""), message("assistant", "")

    def row(p, r):
        asked["content"] = p
        said["content"] = r
        return {"prompt": [asked], "completion": [said]}

    return in_chat(selected, chat, row)


@proof.wrong(says="the reply are lost")
def strips_in_chat(selected, chat=False):
    return [pair_of(p, r.strip() if chat else r, chat) for p, r in selected]


@proof.wrong(says="an empty reply is a reply")
def skips_empty(selected, chat=False):
    return [pair_of(p, r, chat) for p, r in selected if r]


@proof.wrong(says="in small letters")
def other_role(selected, chat=False):
    def row(p, r):
        return {"prompt": [message("user", p)], "completion": [message("model", r)]}

    return in_chat(selected, chat, row)


@proof.wrong(says="keys role and content")
def other_message_key(selected, chat=False):
    def row(p, r):
        return {
            "prompt": [{"role": "user", "text": p}],
            "completion": [{"role": "assistant", "text": r}],
        }

    return in_chat(selected, chat, row)


@proof.wrong(says="gives it away")
def reply_in_prompt(selected, chat=False):
    def row(p, r):
        said = message("assistant", r)
        return {"prompt": [message("user", p), said], "completion": [said]}

    return in_chat(selected, chat, row)


@proof.wrong(says="larger and less tidy")
def joins_blank_lines(selected, chat=False):
    return [pair_of(p, r.replace("\n\n", "\n"), chat) for p, r in selected]


@proof.wrong(says="of the prompt is lost")
def strips_prompts(selected, chat=False):
    return [pair_of(p.rstrip(), r, chat) for p, r in selected]


@proof.wrong(says="without an end token")
def with_an_end_token(selected, chat=False):
    return [pair_of(p, r + "<|endoftext|>", chat) for p, r in selected]


@proof.wrong(says="without an end token or a blank")
def with_a_leading_blank(selected, chat=False):
    return [pair_of(p, " " + r, chat) for p, r in selected]


@proof.wrong(says="changed their order")
def as_a_set(selected, chat=False):
    return [pair_of(p, r, chat) for p, r in set(selected)]


@proof.right
def two_loops(selected, chat=False):
    rows = []
    for prompt, reply in selected:
        if chat:
            prompt = [dict(content=prompt, role="user")]
            reply = [dict(content=reply, role="assistant")]
        rows.append({"completion": reply, "prompt": prompt})
    return rows


@proof.right
def by_map(selected, chat=False):
    def row(pair):
        if chat:
            pair = [(message(role, text),) for role, text in zip(("user", "assistant"), pair)]
        return dict(zip(("prompt", "completion"), pair))

    return tuple(map(row, selected))
