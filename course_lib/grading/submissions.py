"""Whose notebook lies where: a folder, zip files, or what an LMS hands out in bulk.

Known are Canvas, Moodle, Gradescope and nbgrader; otherwise a student is the name of a file, or of
the folder or zip file that it lies in. Whatever is wrong with one submission is a sentence in it,
and stops no other.
"""

import contextlib
import hashlib
import re
import unicodedata
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from ..base import CourseError, require
from .archives import Item, items_in
from .notebooks import Notebook, read_notebook

MOST_TOGETHER = 1_500_000_000  # bytes of all submissions
MOST_LOOKED_AT = 20  # notebooks of one student
LONGEST = 100  # characters of a name
CANVAS = re.compile(
    r"^(?:(?P<name>(?!LATE_).+?)_)?(?P<late>LATE_)?(?P<id>\d+|anon_[A-Za-z0-9]{3,10})"
    r"_(?P<number>\d{3,})_(?P<file>.+)$",
    re.DOTALL,
)
CANVAS_TEXT = re.compile(
    r"^(?P<name>.+?)_(?P<late>LATE_)?(?P<id>\d+)_(?P<number>)(?P<file>(text|link)\.html)$",
    re.DOTALL,
)
MOODLE = re.compile(
    r"^(?P<name>.+)_(?P<id>\d+)_assignsubmission_(?:file|onlinetext)_?(?P<file>.*)$", re.DOTALL
)
METADATA = "submission_metadata.yml"
EXPORT = re.compile(r"assignment_\d+_export$")  # Gradescope's
OTHERS = "the notebook looks like another exercise's, not {}'s."
COUNTED = re.compile(r"(?:-(\d{1,3})| ?\((\d{1,3})\))$")  # "ex03-1", "ex03 (1)"
OF_AN_EXERCISE = re.compile(
    r"^(ex|exercise|hw|homework|assignment|assign|ps|lab|week|unit|project)[ _-]*\d+(\D.*)?$", re.I
)
NO_STUDENT = set(
    "work src code notebook notebooks exercise exercises submission submissions submitted files "
    "home data images figures old new final solution solutions answers downloads desktop "
    "documents".split()
)
HANDED_IN = set(
    ".pdf .doc .docx .odt .rtf .html .htm .rar .7z .tar .gz .tgz .bz2 .xz .zip .ipynb .py".split()
)


@dataclass
class Submission:
    """What one student handed in.

    Attributes
    ----------
    student : unique and the same each time; safe to store, to show and in the name of a file.
    shown : a name to read, which two students may share.
    identity : the LMS's own: Canvas's user id, Moodle's participant number, Gradescope's sid; "".
    system : "canvas", "moodle", "gradescope", "nbgrader" or "".
    name : of the notebook's file, safe to show.
    data : its bytes; None where there is a ``problem``.
    late, submitted : what the system says of it; None where it says nothing.
    notes : other notebooks that were left aside, and the like, in sentences.
    """

    student: str
    shown: str = ""
    identity: str = ""
    system: str = ""
    name: str = ""
    data: bytes | None = None
    problem: str = ""
    late: bool | None = None
    submitted: datetime | None = None
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Owner:
    """Whose an item is. ``key`` keeps two apart whose names look the same."""

    key: tuple[str, ...]
    label: str
    shown: str
    identity: str = ""
    system: str = ""


def submissions_in(path: str | Path, exercise: str = "") -> list[Submission]:
    """All submissions of ``exercise`` ("ex03") in a folder, zip file or notebook, by student.

    Of several notebooks of one student that of the exercise is taken, of several such the newest.
    Raises :class:`~..base.CourseError` where ``path`` itself cannot be read or holds nothing.
    """
    path = Path(path)
    require(path.exists(), f"there is no {path}. Give the folder or zip file of submissions.")
    items = _unwrapped(items_in(path))
    _not_too_high(items)
    groups = _grouped(items)
    _no_two_alike(groups)
    found = [_submission(owner, mine, exercise) for owner, mine in groups.items()]
    found = _told_by_gradescope(items, found)
    require(
        found,
        f"{path} holds no submission: expected notebooks, folders or zip files of students, or "
        "the bulk download of Canvas, Moodle or Gradescope.",
    )
    _within(found, MOST_TOGETHER)
    return sorted(found, key=lambda submission: submission.student)


def safe(text: str, longest: int = LONGEST) -> str:
    """``text`` without what a name may not have: controls, marks of direction, slashes."""
    marks = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
    shown = "".join("\ufffd" if unicodedata.category(c) in marks else c for c in text[:500])
    shown = re.sub(r'[/\\:*?"<>|]', "_", " ".join(shown.split()))
    return re.sub(r"^\.+", "_", shown)[:longest].strip()


def _student(label: str, key: tuple[str, ...]) -> str:
    """A safe name that no other key has: what cleaning takes away comes back as a short hash."""
    name = safe(label)
    if name == label and name and not re.search(r" ~[0-9a-f]{8}$", name):
        return name
    return f"{name} ~{_hash(key)}".strip()


def _hash(key: tuple[str, ...]) -> str:
    return hashlib.sha256("\0".join(key).encode("utf-8", "surrogatepass")).hexdigest()[:8]


# ---- whose is what -----------------------------------------------------------------------------


def _canvas(item: Item) -> re.Match | None:
    """What Canvas has put into the outermost name; what lies inside was named by a student."""
    return CANVAS.match(item.parts[0]) or CANVAS_TEXT.match(item.parts[0])


def _of_system(item: Item) -> _Owner | None:
    """Whose an item is by the naming of Canvas, Moodle or nbgrader; None for other names."""
    moodle = MOODLE.match(item.parts[0])
    if moodle:
        return _owner("moodle", moodle["name"], moodle["id"])
    canvas = _canvas(item)
    if canvas and (len(item.parts) == 1 or _is_zip(item.parts[0])):
        return _owner("canvas", canvas["name"] or "", canvas["id"])
    if item.parts[0] == "submitted" and len(item.parts) > 2:
        return _Owner(("nbgrader", item.parts[1]), item.parts[1], item.parts[1], "", "nbgrader")
    return None


def _unwrapped(items: list[Item]) -> list[Item]:
    """Items without folders around everything, where these are surely no student's."""
    while items and all(len(item.parts) > 1 for item in items):
        tops = {item.parts[0] for item in items}
        top = items[0].parts[0]
        around = top.lower() in NO_STUDENT - {"submitted"} or EXPORT.match(top)
        if len(tops) > 1 or not around or _is_zip(top):
            break
        items = [replace(item, parts=item.parts[1:]) for item in items]
    if any(item.parts[0] == "submitted" for item in items):  # nbgrader's, beside its other folders
        return [item for item in items if item.parts[0] == "submitted"]
    return items


def _owner(system: str, name: str, identity: str) -> _Owner:
    label = f"{name}_{identity}" if name else identity
    return _Owner((system, name, identity), label, name or identity, identity, system)


def _not_too_high(items: list[Item]) -> None:
    """Refuse a folder around a download: what is in it could be one student's as well."""
    tops = {item.parts[0] for item in items}
    inside = [replace(item, parts=item.parts[1:]) for item in items if len(item.parts) > 1]
    owners = {_of_system(item) for item in inside if item.parts[0] != "submitted"} - {None}
    metadata = any(item.parts == (METADATA,) for item in inside)
    outer = _of_system(items[0]) is not None if items else True
    require(
        len(tops) != 1 or outer or not (metadata or len(owners) > 1),
        f"{safe(next(iter(tops), ''))} holds names as a system gives them to many students. If it "
        "is a download, give its own path; if one student handed it in, the names are made up.",
    )


def _grouped(items: list[Item]) -> dict[_Owner, list[Item]]:
    """Owner → items."""
    gradescope = any(item.parts == (METADATA,) for item in items)
    groups: dict[_Owner, list[Item]] = {}
    plain: list[Item] = []
    for item in items:
        owner = _of_system(item)
        if gradescope:
            if len(item.parts) == 1 and item.kind == "file":
                continue  # what Gradescope puts beside the folders
            folder = item.parts[0]
            owner = _Owner(("gradescope", folder), folder, folder, "", "gradescope")
        if owner is None:
            plain.append(item)
        else:
            groups.setdefault(owner, []).append(item)
    for key, mine in _by_place(plain).items():
        groups[_Owner(key, "", "")] = mine
    return _labelled(groups)


def _by_place(items: list[Item]) -> dict[tuple[str, ...], list[Item]]:
    """("folder", ...) or ("file", ...) → items, where no system has named them.

    A folder or zip file of the first level is a student's, so that what a student puts into it
    makes nobody else's submission. Folders of sections, and such as ``ex03``, are looked into.
    """
    folders = {item.parts[:-1] for item in items if _is_notebook(item)} - {()}
    sections = _are_sections(folders)
    groups: dict[tuple[str, ...], list[Item]] = {}
    for item in items:
        inside = item.parts if item.kind == "folder" else item.parts[:-1]
        home = _home(inside, sections)
        handed_in = Path(item.parts[-1]).suffix.lower() in HANDED_IN
        if home:
            groups.setdefault(("folder", *home), []).append(item)
        elif handed_in or item.kind == "link" or item.problem:
            groups.setdefault(("file", *item.parts), []).append(item)
    return groups


def _home(folder: tuple[str, ...], sections: bool) -> tuple[str, ...]:
    """The folder that is the student's, for what lies in ``folder``; () where none is."""
    first = next((at for at, name in enumerate(folder) if not _is_weak(name)), None)
    if first is None:
        return ()
    if sections and not _is_zip(folder[first]):
        second = [at for at in range(first + 1, len(folder)) if not _is_weak(folder[at])]
        return folder[: second[0] + 1] if second else ()
    return folder[: first + 1]


def _are_sections(folders: set[tuple[str, ...]]) -> bool:
    """Whether the folders of the first level are sections: none holds a notebook, each several."""
    tops: dict[str, set[str]] = {}
    for folder in folders:
        names = [name for name in folder if not _is_weak(name)]
        if len(names) < 2 or _is_zip(names[0]):
            return False
        tops.setdefault(names[0], set()).add(names[1])
    return len(tops) > 1 and sum(map(len, tops.values())) >= 2 * len(tops)


def _is_weak(name: str) -> bool:
    """Whether a folder's name says nothing of a student."""
    name = name[:-4] if _is_zip(name) else name
    return name.lower() in NO_STUDENT or OF_AN_EXERCISE.match(name) is not None


def _is_zip(name: str) -> bool:
    return name.lower().endswith(".zip")


def _is_notebook(item: Item) -> bool:
    return item.kind == "file" and ".ipynb" in item.parts[-1].lower()


def _labelled(groups: dict[_Owner, list[Item]]) -> dict[_Owner, list[Item]]:
    """Owners by place get the shortest name that no other has."""
    labels = {o.key: o.label or _label(o.key, 1) for o in groups}
    longest = max((len(o.key) for o in groups), default=0)
    for length in range(2, longest + 2):
        seen: dict[str, int] = {}
        for label in labels.values():
            seen[label] = seen.get(label, 0) + 1
        for owner in groups:
            if not owner.label and seen[labels[owner.key]] > 1:
                labels[owner.key] = _label(owner.key, length)
    return {
        replace(o, label=labels[o.key], shown=o.shown or labels[o.key]): mine
        for o, mine in groups.items()
    }


def _label(key: tuple[str, ...], length: int) -> str:
    kind, *parts = key
    if kind == "folder":
        parts[-1] = parts[-1][:-4] if _is_zip(parts[-1]) and length == 1 else parts[-1]
        return " - ".join(parts[-length:])
    if length > 1:
        return " - ".join(parts[1 - length :])
    return re.sub(r"(\.ipynb)?\.[A-Za-z0-9]{1,5}$", "", parts[-1]) or parts[-1]


def _no_two_alike(groups: dict[_Owner, list[Item]]) -> None:
    """Two owners whose names are still one are told apart by a hash."""
    names: dict[str, list[_Owner]] = {}
    for owner in groups:
        names.setdefault(_student(owner.label, owner.key), []).append(owner)
    for alike in names.values():
        for owner in alike if len(alike) > 1 else ():
            mine = groups.pop(owner)
            groups[replace(owner, label=f"{owner.label} ~{_hash(owner.key)}")] = mine


# ---- which notebook ----------------------------------------------------------------------------


def _submission(owner: _Owner, items: list[Item], exercise: str) -> Submission:
    """The submission of one student."""
    found = Submission(_student(owner.label, owner.key), safe(owner.shown))
    found.identity, found.system = owner.identity, owner.system
    if owner.system == "nbgrader":
        found.submitted = _stamp(items)
    candidates = [item for item in items if _is_notebook(item)] or [
        item for item in items if item.kind == "file" and item.parts[-1].lower().endswith(".py")
    ]
    if not candidates:
        found.problem = _no_notebook(items)
        chosen = items[0]
    elif len(candidates) == 1:
        chosen = candidates[0]
        _read_into(found, chosen, exercise)
    else:
        chosen = _best(found, candidates, exercise)
    file = chosen.parts[-1]
    if owner.system == "canvas":
        told = _canvas(chosen)
        found.late = told["late"] is not None
        file = told["file"] if len(chosen.parts) == 1 else file
    if owner.system == "moodle" and len(chosen.parts) == 1:
        file = MOODLE.match(file)["file"] or file
    found.name = safe(file)
    return found


def _read_into(found: Submission, item: Item, exercise: str) -> None:
    try:
        found.data = item.read()
        require(found.data, "the file is empty.")
    except CourseError as error:
        found.data, found.problem = None, str(error)
        return
    with contextlib.suppress(CourseError):  # what is no notebook is said where it is graded
        if _fits(read_notebook(found.data, item.parts[-1]), item.parts[-1], exercise) == 0:
            found.notes.append(OTHERS.format(exercise))


def _best(found: Submission, candidates: list[Item], exercise: str) -> Item:
    """The notebook of several that is graded; the others are noted."""
    newest = sorted(candidates, key=_newness, reverse=True)
    looked: list[tuple[tuple, Item, bytes | None, str]] = []
    for item in newest[:MOST_LOOKED_AT]:
        try:
            data = item.read()
            fits = _fits(read_notebook(data, item.parts[-1]), item.parts[-1], exercise)
            looked.append(((fits, *_newness(item)), item, data, ""))
        except CourseError as error:
            looked.append(((-1, *_newness(item)), item, None, str(error)))
        looked = [max(looked, key=lambda one: one[0])]
    rank, chosen, found.data, found.problem = looked[0]
    others = [safe("/".join(item.parts[-2:])) for item in newest if item is not chosen]
    found.notes.append(
        f"{len(others)} other notebook{'s' * (len(others) > 1)} of the student left aside: "
        f"{', '.join(others[:5])}{' …' * (len(others) > 5)}."
    )
    if rank[0] == 0:
        found.notes.append(OTHERS.format(exercise))
    return chosen


def _newness(item: Item) -> tuple:
    """What puts the newer of two first: the LMS's number, the time, a number in the name."""
    name = item.parts[-1]
    canvas = CANVAS.match(item.parts[0])
    counted = COUNTED.search(re.sub(r"(\.\w{1,5})+$", "", name))
    number = int(counted[1] or counted[2]) if counted else 0
    return int(canvas["number"]) if canvas else 0, item.modified, number, item.parts


def _fits(notebook: Notebook, name: str, exercise: str) -> int:
    """2 for a notebook of the exercise, 1 where nothing says, 0 for that of another."""
    wanted = re.search(r"\d+", exercise)
    if wanted is None:
        return 1
    text = "\n".join(cell.source for cell in notebook.cells)
    said = re.findall(r"checks import ex(\d+)|\(.ex(\d+).\)|^# Exercise (\d+)", text, re.M)
    numbers = {int(n[:4]) for some in said for n in some if n}
    if not numbers:
        numbers = {int(n) for n in re.findall(r"ex(?:ercise)?[ _-]*(\d{1,2})", name, re.I)}
    if not numbers:
        return 1
    return 2 if int(wanted.group()) in numbers else 0


def _no_notebook(items: list[Item]) -> str:
    """Why a student has nothing to grade."""
    troubles = [item for item in items if item.problem or item.kind == "link"]
    if troubles:
        what = safe(troubles[0].parts[-1])
        why = troubles[0].problem or "it is a link to another place, and links are not followed."
        return f"no notebook could be read: {what}: {why}"
    files = [safe(item.parts[-1]) for item in items if item.kind == "file"]
    if not files:
        return "there is no notebook: the folder is empty."
    listed = ", ".join(files[:5]) + " …" * (len(files) > 5)
    zipped = any(_is_zip(file) for file in files)
    more = " A zip file in a zip file is not opened: unpack the outer one." if zipped else ""
    return f"there is no notebook; there is {listed}.{more}"


def _within(found: list[Submission], most: int) -> None:
    """Keep the bytes of all together below ``most``."""
    total = 0
    for submission in sorted(found, key=lambda s: len(s.data or b"")):
        total += len(submission.data or b"")
        if total > most and submission.data:
            submission.data = None
            submission.problem = (
                f"all submissions together hold more than {most / 1e9:.1f} GB, and this is among "
                "the largest. Grade it by itself."
            )


# ---- what systems say beside the files ---------------------------------------------------------


def _stamp(items: list[Item]) -> datetime | None:
    """The time in nbgrader's timestamp.txt."""
    for item in items:
        if item.parts[-1] == "timestamp.txt":
            try:
                return _time(item.read(1000).decode("utf-8", "replace"))
            except CourseError:
                return None
    return None


def _time(text: str) -> datetime | None:
    """A time such as "2026-02-02 15:58:23.948203 UTC" or "2026-02-02T15:58:23Z", with its zone."""
    found = re.match(r"\s*['\"]?(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)[.\d]*\s*(\S*)", text)
    if not found:
        return None
    zone = found[3].strip("'\"")
    try:
        when = datetime.fromisoformat(f"{found[1]}T{found[2]}")
        if re.fullmatch(r"[+-]\d\d:?\d\d", zone):
            return datetime.fromisoformat(f"{found[1]}T{found[2]}{zone}")
        return when.replace(tzinfo=UTC if zone in ("", "Z", "UTC") else ZoneInfo(zone))
    except (ValueError, OSError, KeyError):
        return None


def _told_by_gradescope(items: list[Item], found: list[Submission]) -> list[Submission]:
    """Names and times of submission_metadata.yml; a group's submission becomes one of each."""
    about: dict[str, tuple[list[dict[str, str]], datetime | None]] = {}
    for item in items:
        if item.parts == (METADATA,):
            try:
                about |= _metadata(item.read().decode("utf-8", "replace"))
            except CourseError:
                continue
    out = []
    taken = {submission.student for submission in found}
    for submission in found:
        people, when = about.get(submission.shown, ([], None))
        if submission.system != "gradescope" or not people:
            out.append(submission)
            continue
        for person in people:
            label = person.get("email") or "_".join(filter(None, map(person.get, ("name", "sid"))))
            student = _student(label, ("gradescope", label))
            if not label or student in taken:
                student = f"{student} {submission.student}".strip()
            taken.add(student)
            out.append(
                replace(
                    submission,
                    student=student,
                    shown=safe(person.get("name") or label),
                    identity=safe(person.get("sid") or person.get("email") or ""),
                    submitted=when,
                    notes=list(submission.notes),
                )
            )
    return out


def _metadata(text: str) -> dict[str, tuple[list[dict[str, str]], datetime | None]]:
    """Folder → (submitters, time), read line by line: only these keys are looked at."""
    about: dict[str, tuple[list[dict[str, str]], datetime | None]] = {}
    folder, people, listed = "", [], False
    for line in text.split("\n"):
        top = re.match(r"(['\"]?)([^\s:'\"#-][^:'\"]*)\1:\s*$", line)
        if top:
            folder, people, listed = top[2], [], False
            about[folder] = (people, None)
            continue
        key = re.match(r"  :(\w+):\s*(.*)$", line)
        if key and folder:
            listed = key[1] == "submitters"
            if key[1] == "created_at":
                about[folder] = (people, _time(key[2]))
            continue
        entry = re.match(r"(  - |    ):(name|sid|email):\s*(.*?)\s*$", line)
        if entry and listed:
            if "-" in entry[1] or not people:
                people.append({})
            people[-1][entry[2]] = _scalar(entry[3])
    return about


def _scalar(text: str) -> str:
    """A text of YAML's as it is meant: quotes off."""
    if len(text) > 1 and text[0] == text[-1] == "'":
        return text[1:-1].replace("''", "'")
    if len(text) > 1 and text[0] == text[-1] == '"':
        return re.sub(r"\\(.)", r"\1", text[1:-1])
    return "" if text in ("~", "null") else text
