"""Texts that try to do harm, and a reader of pages that tells whether one did."""

import html.parser
import re

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</style></title></bdi><svg onload=alert(1)>",
    "=cmd|' /C calc'!A0",
    "@SUM(A1)",
    "+1",
    "-2+3",
    "\tTAB",
    "\r\nX: y",
    "a\0b",
    "\u202egnp.exe",
    "\u2066\u2067x",
    "../../etc/passwd",
    "CON",
    "名前 ü é",
    "\ud800half",
    "x" * 100_000,
    "javascript:alert(1)",
    "&lt;b&gt; &amp;",
    "$\\frac{$",
    "",
]


class Reader(html.parser.HTMLParser):
    """What a page consists of: elements, attributes, and its text."""

    VOID = {"meta", "br", "img", "rect", "link", "input"}

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.tags, self.attributes, self.texts, self.open = [], [], [], []
        self.feed(text)
        self.close()
        assert self.open == [], "every element is closed"

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, *pair) for pair in attrs]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, *pair) for pair in attrs]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)

    @property
    def text(self):
        return "".join(self.texts)


def sound(text):
    """A page's :class:`Reader`, after all that must hold of any page."""
    text.encode()
    read = Reader(text)
    assert "script" not in read.tags and "iframe" not in read.tags and "link" not in read.tags
    assert not [row for row in read.attributes if row[1].startswith("on") or row[1] == "style"]
    for _, name, value in read.attributes:
        if name in ("href", "src"):
            assert value.startswith(("https://", "data:image/"))
    policy = next(v for t, n, v in read.attributes if n == "content" and "default-src" in v)
    assert policy.startswith("default-src 'none'") and "unsafe" not in policy
    assert not re.search("[\0-\x08\x0b-\x1f\u202a-\u202e\u2066-\u2069]", text)
    return read
