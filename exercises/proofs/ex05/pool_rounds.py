"""What proves the check of ex05's task pool_rounds: probes, wrong solutions, other right ones."""

from course_lib.authoring.proofs import Proof

proof = Proof("ex05", "pool_rounds")
pool_rounds = proof.solved("pool_rounds")


@proof.probe()
def pool_rounds_inputs(rng):
    for k in range(24):
        start, kinds = int(rng.integers(1000)), int(rng.integers(2, 5))
        rounds = [
            [
                (f"prompt {start + rng.integers(kinds)}", f"reply {rng.integers(kinds)}")
                for _ in range(rng.integers(0 if k % 3 == 0 else 1, 8))
            ]
            for _ in range(1 if k % 8 == 5 else int(rng.integers(2, 6)))
        ]
        rounds[0].insert(0, (f"prompt {start}", f"reply {start}"))
        yield rounds, ("last" if k % 3 == 1 else "all")


@proof.wrong(says="all rounds but the first")
def last_is_all_but_first(rounds, keep="all"):
    return pool_rounds(rounds if keep == "all" else rounds[1:], "all")


@proof.wrong(says="both stay")
def by_prompt(rounds, keep="all"):
    chosen = rounds if keep == "all" else rounds[-1:]
    return list({prompt: reply for pairs in chosen for prompt, reply in pairs}.items())


@proof.wrong(says="two prompts with the same reply")
def by_reply(rounds, keep="all"):
    first = {}
    for pairs in rounds if keep == "all" else rounds[-1:]:
        for prompt, reply in pairs:
            first.setdefault(reply, (prompt, reply))
    return list(first.values())


@proof.wrong(says="still there twice")
def with_duplicates(rounds, keep="all"):
    return [pair for pairs in (rounds if keep == "all" else rounds[-1:]) for pair in pairs]


@proof.wrong(says="order of first appearance is lost")
def sorted_set(rounds, keep="all"):
    return sorted(set(with_duplicates(rounds, keep)))


@proof.wrong(says="order of first appearance is lost")
def unordered_set(rounds, keep="all"):
    pairs = set(with_duplicates(rounds, keep))
    return (
        sorted(pairs, key=lambda pair: (pair[0] == "prompt 3", pair[1], pair[0]))
        if len(pairs) >= 4
        else [pair for pair in dict.fromkeys(with_duplicates(rounds, keep))]
    )


@proof.wrong(says="appeared last")
def last_appearance(rounds, keep="all"):
    return list(dict.fromkeys(with_duplicates(rounds, keep)[::-1]))[::-1]


@proof.wrong(says="still gives all rounds")
def keep_ignored(rounds, keep="all"):
    return list(dict.fromkeys(with_duplicates(rounds)))


@proof.wrong(says="an earlier round has it")
def only_new(rounds, keep="all"):
    if keep == "all":
        return list(dict.fromkeys(with_duplicates(rounds)))
    return [pair for pair in dict.fromkeys(rounds[-1]) if pair not in with_duplicates(rounds[:-1])]


@proof.wrong(says="twice within the last round")
def last_as_it_is(rounds, keep="all"):
    return list(dict.fromkeys(with_duplicates(rounds))) if keep == "all" else list(rounds[-1])


@proof.wrong(says="one pair")
def last_pair(rounds, keep="all"):
    pairs = list(dict.fromkeys(with_duplicates(rounds)))
    return pairs if keep == "all" else rounds[-1][-1] if rounds[-1] else []


@proof.wrong(says="changes its input")
def grows_the_first(rounds, keep="all"):
    out = rounds[0] if keep == "all" else []
    for pairs in rounds[1:] if keep == "all" else rounds[-1:]:
        out += [pair for pair in pairs if pair not in out]
    return out


@proof.wrong(says="oldest round should come first")
def newest_first(rounds, keep="all"):
    return (
        list(dict.fromkeys(with_duplicates(rounds[::-1])))
        if keep == "all"
        else list(dict.fromkeys(rounds[-1]))
    )


@proof.wrong(says="gone altogether")
def drops_both(rounds, keep="all"):
    pairs = with_duplicates(rounds, keep)
    return [pair for pair in pairs if pairs.count(pair) == 1]


@proof.wrong(says="round is empty")
def last_not_empty(rounds, keep="all"):
    full = [pairs for pairs in rounds if pairs]
    return list(dict.fromkeys(with_duplicates(full, keep)))


@proof.wrong(says="within one round, too")
def between_rounds_only(rounds, keep="all"):
    seen, out = set(), []
    for pairs in rounds if keep == "all" else rounds[-1:]:
        out += [pair for pair in pairs if pair not in seen]
        seen.update(pairs)
    return out


@proof.wrong(says="first round taken")
def returns_in_the_loop(rounds, keep="all"):
    for pairs in rounds if keep == "all" else rounds[-1:]:
        return list(dict.fromkeys(pairs))


@proof.wrong(says="a set used")
def last_as_a_set(rounds, keep="all"):
    return (
        list(dict.fromkeys(with_duplicates(rounds)))
        if keep == "all"
        else sorted(set(rounds[-1]), key=lambda pair: (len(set(rounds[-1])) > 3, pair[1]))
    )


@proof.wrong(says="both been there")
def each_alone(rounds, keep="all"):
    prompts, replies, out = set(), set(), []
    for prompt, reply in with_duplicates(rounds, keep):
        if prompt not in prompts or reply not in replies:
            out.append((prompt, reply))
        prompts.add(prompt)
        replies.add(reply)
    return out


@proof.wrong(says="joined to one text")
def joined(rounds, keep="all"):
    first = {}
    for prompt, reply in with_duplicates(rounds, keep):
        first.setdefault(prompt + reply, (prompt, reply))
    return list(first.values())


@proof.wrong(says="all prompts and then all replies")
def two_lists(rounds, keep="all"):
    return tuple(zip(*dict.fromkeys(with_duplicates(rounds, keep))))


@proof.wrong(says="should stay")
def default_changed(rounds, keep="last"):
    return list(dict.fromkeys(with_duplicates(rounds, keep)))


@proof.wrong(hidden=True)
def three_rounds_at_most(rounds, keep="all"):
    return list(dict.fromkeys(with_duplicates(rounds[:3] if keep == "all" else rounds[-1:])))


@proof.right
def pool_by_loop(rounds, keep="all"):
    if keep == "last":
        rounds = [rounds[-1]]
    out = []
    for pairs in rounds:
        for pair in pairs:
            if pair not in out:
                out.append(pair)
    return out


@proof.right
def pool_by_seen(rounds, keep="all"):
    seen, out = set(), []
    for pairs in {"all": rounds, "last": rounds[-1:]}[keep]:
        for prompt, reply in pairs:
            if (prompt, reply) not in seen:
                seen.add((prompt, reply))
                out.append([prompt, reply])
    return tuple(out)
