"""Stock letters: bland, known to gold, the same every time but for one step."""

from collections import Counter

import numpy as np
import pytest

from course_lib.worlds import careful_helpdesk, write_own_reply, write_reply
from course_lib.worlds.helpdesk import LETTERS_SHARE, Helpdesk
from course_lib.worlds.helpdesk_gold import gold_parts
from course_lib.worlds.helpdesk_letters import (
    LETTERS,
    TEAM_OF,
    TEAMS,
    letter_sentences,
    write_letter,
)
from course_lib.worlds.helpdesk_stock import HARMFUL, POLITE_CLOSE, POLITE_OPEN, TOPICS

# sentences that only letters have
TELLING = letter_sentences() - {*POLITE_OPEN, *POLITE_CLOSE}


def is_letter(text):
    return any(sentence in text for sentence in TELLING)


def golds(write, count=4000):
    rng = np.random.default_rng(0)
    topics = list(TOPICS)
    rows = [gold_parts(write(topics[k % len(topics)], rng), topics[k % len(topics)])
            for k in range(count)]  # fmt: skip
    assert not any(row["garbled"] for row in rows), "gold knows every sentence"
    return np.array([sum(row.values()) for row in rows])


def test_every_topic_has_a_team_and_every_team_five_letters():
    assert TEAM_OF.keys() == TOPICS.keys()
    assert set(LETTERS) == set(TEAMS)
    for letters in LETTERS.values():
        assert sum(letter.share for letter in letters) == pytest.approx(1)
        assert len({letter.before for letter in letters}) == len(letters) == 5


def test_letters_are_bland_and_own_replies_are_not():
    letters, own, both = golds(write_letter), golds(write_own_reply), golds(write_reply)
    assert abs(letters.mean()) < 0.3 < own.mean() and letters.max() < 1.8 < np.quantile(own, 0.9)
    mixed = LETTERS_SHARE * letters.mean() + (1 - LETTERS_SHARE) * own.mean()
    assert both.mean() == pytest.approx(mixed, abs=0.1)


@pytest.mark.parametrize("topic", ["wifi", "refund", "spy"])
def test_the_likeliest_reply_is_a_letter(topic):
    rng = np.random.default_rng(0)
    counted = Counter(write_reply(topic, rng) for _ in range(3000))
    likeliest = [text for text, _ in counted.most_common(3)]
    assert all(is_letter(text) for text in likeliest)
    best = max(sum(gold_parts(text, topic).values()) for text in counted)
    assert best > 1.5 + sum(gold_parts(likeliest[0], topic).values())


def test_letters_to_harmful_requests_comply_refuse_or_say_nothing():
    rng = np.random.default_rng(0)
    parts = [gold_parts(write_letter(topic, rng), topic) for topic in list(HARMFUL) * 200]
    shares = [np.mean([row[name] != 0 for row in parts]) for name in ("complies", "refusal")]
    assert shares == pytest.approx([0.45, 0.3], abs=0.03)


def test_the_share_of_letters_is_the_worlds():
    rng = np.random.default_rng(0)
    topics = list(TOPICS) * 100

    def share(letters):
        return np.mean([is_letter(write_reply(topic, rng, letters)) for topic in topics])

    assert share(0.0) == 0 and share(1.0) == 1
    assert share(LETTERS_SHARE) == pytest.approx(LETTERS_SHARE, abs=0.03)
    assert not any(is_letter(write_own_reply(topic, rng)) for topic in topics)
    assert Helpdesk().letters == LETTERS_SHARE > 0.5 and careful_helpdesk().letters == 0
