"""What proves ex05's check of pool_rounds: probes, wrong solutions, other right ones."""

from course_lib.authoring.proofs import Proof

proof = Proof("ex05", "pool_rounds")
pool_rounds = proof.solved("pool_rounds")


@proof.probe()
def pool_rounds_inputs(rng):
    for k in range(24):
        start = int(rng.integers(1000))
        kinds = int(rng.integers(2, 5))
        number = 1 if k % 8 == 5 else int(rng.integers(2, 6))
        fewest = 0 if k % 3 == 0 else 1
        rounds = []
        for _ in range(number):
            pairs = []
            for _ in range(rng.integers(fewest, 8)):
                prompt = f"prompt {start + rng.integers(kinds)}"
                reply = f"reply {rng.integers(kinds)}"
                pairs.append((prompt, reply))
            rounds.append(pairs)
        rounds[0].insert(0, (f"prompt {start}", f"reply {start}"))
        yield rounds, ("last" if k % 3 == 1 else "all")


def all_pairs(rounds, keep):
    """The pairs of the rounds that count, copies included."""
    chosen = rounds if keep == "all" else rounds[-1:]
    return [pair for pairs in chosen for pair in pairs]


def each_once(pairs):
    """The pairs without copies, in order of first appearance."""
    return list(dict.fromkeys(pairs))


@proof.wrong(says="all rounds but the first")
def last_is_all_but_first(rounds, keep="all"):
    return pool_rounds(rounds if keep == "all" else rounds[1:], "all")


@proof.wrong(says="both stay")
def by_prompt(rounds, keep="all"):
    return list(dict(all_pairs(rounds, keep)).items())


@proof.wrong(says="two prompts with the same reply")
def by_reply(rounds, keep="all"):
    first = {}
    for prompt, reply in all_pairs(rounds, keep):
        first.setdefault(reply, (prompt, reply))
    return list(first.values())


@proof.wrong(says="still there twice")
def with_duplicates(rounds, keep="all"):
    return all_pairs(rounds, keep)


@proof.wrong(says="order of first appearance is lost")
def sorted_set(rounds, keep="all"):
    return sorted(set(all_pairs(rounds, keep)))


@proof.wrong(says="order of first appearance is lost")
def unordered_set(rounds, keep="all"):
    # a set's own order changes from run to run; this one is as good, and always the same
    pairs = each_once(all_pairs(rounds, keep))
    if len(pairs) < 4:
        return pairs
    return sorted(pairs, key=lambda pair: (pair[0] == "prompt 3", pair[1], pair[0]))


@proof.wrong(says="appeared last")
def last_appearance(rounds, keep="all"):
    return each_once(all_pairs(rounds, keep)[::-1])[::-1]


@proof.wrong(says="still gives all rounds")
def keep_ignored(rounds, keep="all"):
    return each_once(all_pairs(rounds, "all"))


@proof.wrong(says="an earlier round has it")
def only_new(rounds, keep="all"):
    if keep == "all":
        return each_once(all_pairs(rounds, "all"))
    old = all_pairs(rounds[:-1], "all")
    return [pair for pair in each_once(rounds[-1]) if pair not in old]


@proof.wrong(says="twice within the last round")
def last_as_it_is(rounds, keep="all"):
    return each_once(all_pairs(rounds, "all")) if keep == "all" else list(rounds[-1])


@proof.wrong(says="one pair")
def last_pair(rounds, keep="all"):
    if keep == "all":
        return each_once(all_pairs(rounds, "all"))
    return rounds[-1][-1] if rounds[-1] else []


@proof.wrong(says="changes its input")
def grows_the_first(rounds, keep="all"):
    if keep == "all":
        out, others = rounds[0], rounds[1:]
    else:
        out, others = [], rounds[-1:]
    for pairs in others:
        out += [pair for pair in pairs if pair not in out]
    return out


@proof.wrong(says="oldest round should come first")
def newest_first(rounds, keep="all"):
    return each_once(all_pairs(rounds[::-1], "all")) if keep == "all" else each_once(rounds[-1])


@proof.wrong(says="gone altogether")
def drops_both(rounds, keep="all"):
    pairs = all_pairs(rounds, keep)
    return [pair for pair in pairs if pairs.count(pair) == 1]


@proof.wrong(says="round is empty")
def last_not_empty(rounds, keep="all"):
    full = [pairs for pairs in rounds if pairs]
    return each_once(all_pairs(full, keep))


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
        return each_once(pairs)


@proof.wrong(says="a set used")
def last_as_a_set(rounds, keep="all"):
    if keep == "all":
        return each_once(all_pairs(rounds, "all"))
    pairs = set(rounds[-1])
    return sorted(pairs, key=lambda pair: (len(pairs) > 3, pair[1]))


@proof.wrong(says="both been there")
def each_alone(rounds, keep="all"):
    prompts, replies, out = set(), set(), []
    for prompt, reply in all_pairs(rounds, keep):
        if prompt not in prompts or reply not in replies:
            out.append((prompt, reply))
        prompts.add(prompt)
        replies.add(reply)
    return out


@proof.wrong(says="joined to one text")
def joined(rounds, keep="all"):
    first = {}
    for prompt, reply in all_pairs(rounds, keep):
        first.setdefault(prompt + reply, (prompt, reply))
    return list(first.values())


@proof.wrong(says="all prompts and then all replies")
def two_lists(rounds, keep="all"):
    return tuple(zip(*each_once(all_pairs(rounds, keep))))


@proof.wrong(says="should stay")
def default_changed(rounds, keep="last"):
    return each_once(all_pairs(rounds, keep))


@proof.wrong(says="larger and less tidy")
def three_rounds_at_most(rounds, keep="all"):
    chosen = rounds[:3] if keep == "all" else rounds[-1:]
    return each_once(all_pairs(chosen, "all"))


@proof.wrong(says="or a set used")
def as_a_set(rounds, keep="all"):
    return list(set(all_pairs(rounds, keep)))


SEEN = set()


@proof.wrong(says="the second call")
def seen_is_kept(rounds, keep="all"):
    out = []
    for pair in all_pairs(rounds, keep):
        if pair not in SEEN:
            SEEN.add(pair)
            out.append(pair)
    return out


@proof.wrong(says="the second call")
def default_is_kept(rounds, keep="all", out=[]):  # noqa: B006
    out += [pair for pair in each_once(all_pairs(rounds, keep)) if pair not in out]
    return out


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
