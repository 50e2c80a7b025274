#!/usr/bin/env python3
"""Checks the links of all pages in the repository: files, anchors, and pages that are mentioned in text and code.

    scripts/check_links.py [FOLDER]

Links to other servers are not followed. Ends with 1 where something leads nowhere. Needs nothing but Python.
"""

import re
import subprocess
import sys
from functools import cache
from pathlib import Path

ROOT = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).resolve().parent.parent).resolve()
FENCE = re.compile(r"^\s*(```|~~~)")
LINK = re.compile(r"(?<!\\)\]\(\s*<?([^()\s>]+(?:\([^()\s]*\))?)>?(?:\s+\"[^\"]*\")?\s*\)")
REFERENCE = re.compile(r"^\s*\[[^\]]+\]:\s+<?(\S+?)>?\s*$")
HTML = re.compile(r"<(?:a|img)\b[^>]*?\b(?:href|src|name|id)=\"([^\"]+)\"")
NAMED = re.compile(r"<\w+\b[^>]*?\b(?:name|id)=\"([^\"]+)\"")
# Pages that are named without a link, in comments and messages too.
MENTION = re.compile(r"(?<![\w./<-])((?:docs|datasets)/[\w/-]+\.md)\b")
# Pages of other projects that comments name.
ELSEWHERE = {"docs/spec.md"}


def tracked():
    """The files of the repository, those that git does not know yet included."""
    said = subprocess.run(["git", "-C", ROOT, "ls-files", "-co", "--exclude-standard", "-z"], check=True, capture_output=True)
    return [ROOT / name for name in said.stdout.decode().split("\0") if name and (ROOT / name).is_file()]


def text_lines(path):
    """Numbered lines outside of blocks of code."""
    in_code = False
    for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), 1):
        if FENCE.match(line):
            in_code = not in_code
        elif not in_code:
            yield number, line


def slug(heading):
    """The anchor that GitHub gives a heading, and mkdocs.yml, too."""
    text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", heading)
    text = re.sub(r"<[^>]+>", "", text).replace("`", "").strip().lower()
    return re.sub(r"[^\w\- ]", "", text).replace(" ", "-")


@cache
def anchors(path):
    """All anchors of a page."""
    found, seen = set(), {}
    for _, line in text_lines(path):
        found.update(NAMED.findall(line))
        heading = re.match(r"#{1,6}\s+(.*?)\s*#*$", line)
        if heading:
            name = slug(heading[1])
            found.add(f"{name}-{seen[name]}" if name in seen else name)
            seen[name] = seen.get(name, 0) + 1
    return found


def targets(line):
    """Where a line's links lead; what stands in backticks is no link."""
    plain = re.sub(r"(`+)(?!`).*?(?<!`)\1(?!`)", lambda code: " " if "](" in code[0] else code[0], line)
    return LINK.findall(plain) + REFERENCE.findall(plain) + HTML.findall(plain)


def problem(page, target):
    """What is wrong with a link of a page, or nothing."""
    if re.match(r"[a-z][a-z+.-]*:", target):
        return None
    name, _, anchor = target.partition("#")
    path = (page.parent / name).resolve() if name else page
    if not path.exists():
        return "there is no such file"
    if not path.is_relative_to(ROOT):
        return "lies outside of the repository"
    if anchor and path.suffix == ".md" and anchor not in anchors(path):
        return f"{path.relative_to(ROOT)} has no such heading"
    return None


def main():
    files = tracked()
    pages = [path for path in files if path.suffix == ".md"]
    count, bad = 0, []
    for page in pages:
        for number, line in text_lines(page):
            for target in targets(line):
                count += 1
                wrong = problem(page, target)
                if wrong:
                    bad.append(f"{page.relative_to(ROOT)}:{number}: {target}: {wrong}")
            if line.rstrip().endswith("]("):
                bad.append(f"{page.relative_to(ROOT)}:{number}: a link is divided between two lines")
    for path in files:
        if path.suffix in {".md", ".rs", ".py", ".yaml", ".yml", ".toml", ".sh"} and path != Path(__file__).resolve():
            for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), 1):
                for name in MENTION.findall(line):
                    count += 1
                    if name not in ELSEWHERE and not (ROOT / name).is_file():
                        bad.append(f"{path.relative_to(ROOT)}:{number}: {name}: there is no such page")
    print("\n".join(bad) if bad else f"{count} links and mentions in {len(pages)} pages, and in code, lead somewhere")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
