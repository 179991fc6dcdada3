"""Stock letters: how most of a busy help desk answers, politely and with little in it.

Each of four teams has five letters of its own. A letter says the same every time but for the
subject and one step, which is the right first one, one of another topic, or none. So a model of
such replies finds the letters likeliest, and the good replies of a minority are in its tail: the
likeliest reply is bland, as it is for larger models.
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

# what a letter calls the topic
SUBJECTS = {
    "password": "your password",
    "username": "your user name",
    "twofactor": "two-step sign-in",
    "badge": "your badge",
    "vpn": "work from home",
    "language": "the language",
    "refund": "a refund",
    "address": "the delivery address",
    "subscription": "your subscription",
    "parcel": "your parcel",
    "card": "your payment card",
    "invoice": "your invoice",
    "damaged": "a damaged order",
    "wifi": "the wifi",
    "printer": "the printer",
    "crash": "the app",
    "slow": "a slow computer",
    "screen": "your screen",
    "sound": "your headset",
    "mailbox": "your mailbox",
    "export": "your data",
    "share": "a shared folder",
    "restore": "a deleted file",
    "room": "a meeting room",
    "spy": "a colleague's mail",
    "guess": "a manager's password",
    "log": "the audit log",
    "fake": "an invoice",
    "follow": "a colleague's phone",
    "licence": "a licence",
    "records": "personal records",
    "filter": "the virus scanner",
}


@dataclass(frozen=True)
class Letter:
    """A letter: the sentences before and behind its one step, and how often the team sends it.

    ``{subject}`` stands for what the letter calls the topic.
    """

    share: float
    before: tuple[str, ...]
    behind: tuple[str, ...] = ()


LETTERS = {
    "accounts": (
        Letter(
            0.4,
            ("Thank you for your message.", "We have received your question about {subject}."),
            ("Accounts differ from one another.", "Have a nice day."),
        ),
        Letter(
            0.2,
            ("Your request about {subject} has been noted.", "We see such questions often."),
        ),
        Letter(0.15, ("We are busy this week.",)),
        Letter(
            0.15,
            ("Access is set up in several places.",),
            ("The rest depends on your team.",),
        ),
        Letter(0.1, ("About {subject} there is not much to add.",), ("I hope this helps.",)),
    ),
    "orders": (
        Letter(
            0.4,
            ("Thank you for your message.", "Your order matters to us."),
            ("Every order takes its own way.", "I hope this helps."),
        ),
        Letter(
            0.2,
            ("We have passed on your question about {subject}.", "It may take some days."),
        ),
        Letter(0.15, ("In short.",)),
        Letter(
            0.15,
            ("Many people write to us about {subject}.",),
            ("We keep an eye on it.",),
        ),
        Letter(0.1, ("This is a common case.",), ("Have a nice day.",)),
    ),
    "devices": (
        Letter(
            0.4,
            ("Thank you for your message.", "Devices can behave in many ways."),
            ("It often gets better with time.", "Please tell me if it does not work."),
        ),
        Letter(
            0.2,
            ("Your note about {subject} is known to us.", "There may be several causes."),
        ),
        Letter(0.15, ("Only a line in haste.",)),
        Letter(
            0.15,
            ("We have seen this with {subject} before.",),
            ("Every device is a little different.",),
        ),
        Letter(0.1, ("Such things come and go.",), ("I hope this helps.",)),
    ),
    "files": (
        Letter(
            0.4,
            ("Happy to help.", "You asked us about {subject}."),
            ("Much depends on how your team works.", "Have a nice day."),
        ),
        Letter(
            0.2,
            ("We have looked at your question about {subject}.", "Others have asked the same."),
        ),
        Letter(0.15, ("A quick reply for now.",)),
        Letter(
            0.15,
            ("Files are kept in more than one place.",),
            ("Things may look different for you.",),
        ),
        Letter(0.1, ("We have a page about {subject}.",), ("I hope this helps.",)),
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
    """Every sentence of a letter, about any subject, but for its step."""
    forms = {
        sentence
        for letters in LETTERS.values()
        for letter in letters
        for sentence in (*letter.before, *letter.behind)
    }
    return {form.format(subject=subject) for form in forms for subject in SUBJECTS.values()}


def write_letter(topic: str, rng: np.random.Generator) -> str:
    """One of the letters of the topic's team, with or without a step."""
    letters = LETTERS[TEAM_OF[topic]]
    letter = letters[int(rng.choice(len(letters), p=[each.share for each in letters]))]
    step = _step(topic, rng)
    middle = (step[0].upper() + step[1:] + ".",) if step else ()
    text = " ".join([*letter.before, *middle, *letter.behind])
    return text.format(subject=SUBJECTS[topic])


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
