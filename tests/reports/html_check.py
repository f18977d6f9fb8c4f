"""What a page has to be: well-formed, self-contained, and usable with a screen reader."""

from __future__ import annotations

import re
from html.parser import HTMLParser

VOID = {"meta", "link", "br", "hr", "img", "input", "col"}
OPTIONAL = {"path", "use", "rect", "line"}


class Checker(HTMLParser):
    """Collects what is wrong with a page in `problems`, and its visible text in `words`."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.problems: list[str] = []
        self.words: list[str] = []
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tags.append(tag)
        if "id" in given:
            self.ids.append(given["id"] or "")
        for name in ("href", "src"):
            if name in given:
                self.links.append(given[name] or "")
        if tag == "svg" and not (given.get("role") == "img" and given.get("aria-label")):
            self.problems.append("svg without role or label")
        if tag == "th" and given.get("scope") not in ("col", "row"):
            self.problems.append("th without scope")
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open[-1] != tag:
            self.problems.append(f"</{tag}> closes {self.open[-1:]}")
        else:
            self.open.pop()

    def handle_data(self, data: str) -> None:
        if not {"script", "style"} & set(self.open):
            self.words.append(data)


def check(html: str) -> Checker:
    """Parse a page; asserts nothing by itself."""
    found = Checker()
    found.feed(html)
    found.close()
    found.problems += [f"<{tag}> is never closed" for tag in found.open]
    doubled = {one for one in found.ids if found.ids.count(one) > 1}
    found.problems += [f"id {one} is there twice" for one in sorted(doubled)]
    found.problems += [f"asks for {link}" for link in found.links if not link.startswith(("#", "data:"))]
    anchors = [link[1:] for link in found.links if len(link) > 1 and link[0] == "#"]
    found.problems += [f"#{anchor} leads nowhere" for anchor in anchors if anchor not in found.ids]
    urls = re.findall(r"(?:https?:)?//[\w.-]+\.\w+[^\s\"'<]*", html)
    found.problems += [f"mentions {url}" for url in urls if "www.w3.org" not in url]
    found.problems += [f"url({one})" for one in re.findall(r"url\((?!#)([^)]*)\)", html)]
    found.problems += re.findall(r"@import[^;]*;", html)
    return found
