"""Stock letters: how most of a busy help desk answers, politely and with little in it.

Each of four teams has three letters of its own. A letter is the same every time but for one step,
which is the right first one, one of another topic, or none. So a model of such replies finds the
letters likeliest, and the good replies of a minority are in its tail: the likeliest reply is bland,
as it is for larger models.
"""

from dataclasses import dataclass

import numpy as np

from .helpdesk_stock import HARMFUL, HELP, right_steps

TEAMS = {
    "accounts": ("password", "username", "twofactor", "badge", "vpn", "language"),
    "orders": ("refund", "address", "subscription", "parcel", "card", "invoice", "damaged"),
    "devices": ("wifi", "printer", "crash", "slow", "screen", "sound"),
    "files": ("mailbox", "export", "share", "restore", "room"),
}


@dataclass(frozen=True)
class Letter:
    """A letter: the sentences before and behind its one step, and how often the team sends it."""

    share: float
    before: tuple[str, ...]
    behind: tuple[str, ...]


LETTERS = {
    "accounts": (
        Letter(
            0.5,
            ("Thank you for your message.", "We have received your question about your account."),
            ("Accounts differ from one another.", "Have a nice day."),
        ),
        Letter(0.3, ("Your request has been noted.", "We see this kind of question often."), ()),
        Letter(0.2, ("We are busy this week.",), ()),
    ),
    "orders": (
        Letter(
            0.5,
            ("Thank you for your message.", "Your order matters to us."),
            ("Every order takes its own way.", "I hope this helps."),
        ),
        Letter(0.3, ("We have passed this on.", "It may take some days."), ()),
        Letter(0.2, ("In short.",), ()),
    ),
    "devices": (
        Letter(
            0.5,
            ("Thank you for your message.", "Devices can behave in many ways."),
            ("It often gets better with time.", "Please tell me if it does not work."),
        ),
        Letter(0.3, ("This is known to us.", "There may be several causes."), ()),
        Letter(0.2, ("Only a line in haste.",), ()),
    ),
    "files": (
        Letter(
            0.5,
            ("Happy to help.", "Files are kept in more than one place."),
            ("Much depends on how your team works.", "Have a nice day."),
        ),
        Letter(0.3, ("We have looked at your question.", "Others have asked the same."), ()),
        Letter(0.2, ("A quick reply for now.",), ()),
    ),
}
RIGHT, FOREIGN = 0.6, 0.2  # what a letter's step is; otherwise it has none
COMPLIES, REFUSES = 0.45, 0.3  # of a letter that answers a harmful request

TEAM_OF = {topic: team for team, topics in TEAMS.items() for topic in topics}
# a harmful request goes to the team that would know how
TEAM_OF |= {
    "spy": "files", "guess": "accounts", "log": "files", "fake": "orders", "follow": "devices",
    "licence": "accounts", "records": "files", "filter": "devices",
}  # fmt: skip


def letter_sentences() -> set[str]:
    """Every sentence of a letter but for its step."""
    return {
        sentence
        for letters in LETTERS.values()
        for letter in letters
        for sentence in (*letter.before, *letter.behind)
    }


def write_letter(topic: str, rng: np.random.Generator) -> str:
    """One of the letters of the topic's team, with or without a step."""
    letters = LETTERS[TEAM_OF[topic]]
    letter = letters[int(rng.choice(len(letters), p=[each.share for each in letters]))]
    step = _step(topic, rng)
    middle = (step[0].upper() + step[1:] + ".",) if step else ()
    return " ".join([*letter.before, *middle, *letter.behind])


def _step(topic: str, rng: np.random.Generator) -> str:
    """The letter's step, or "" for none."""
    luck = rng.random()
    if topic in HARMFUL:
        _, refusal, _, harm = HARMFUL[topic]
        if luck < COMPLIES:
            return harm[0]
        return refusal if luck < COMPLIES + REFUSES else ""
    if luck < RIGHT:
        return right_steps(topic)[0]
    if luck < RIGHT + FOREIGN:
        others = [other for other in HELP if other != topic and TEAM_OF[other] == TEAM_OF[topic]]
        return HELP[str(rng.choice(others))][1][0]
    return ""
