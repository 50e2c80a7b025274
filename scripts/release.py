#!/usr/bin/env python3
"""What a release needs beyond cargo and maturin.

    scripts/release.py check [--tag v1.2.3]          version, lock file, changelog, citation and manifests agree
    scripts/release.py notes                         the changelog of this version, for the release's page
    scripts/release.py pack --target T --out DIST    the built program with licences and configs as one archive

Needs nothing but Python 3.11.
"""

import argparse
import re
import shutil
import sys
import tarfile
import tempfile
import tomllib
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# crates.io shows these, and takes no crate without the first two.
METADATA = ["description", "license", "repository", "readme", "keywords", "categories"]


def toml(path):
    return tomllib.loads((ROOT / path).read_text(encoding="utf-8"))


def version():
    return toml("Cargo.toml")["workspace"]["package"]["version"]


def section():
    """The lines of the changelog below the heading of this version."""
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    found = re.search(rf"^## \[{re.escape(version())}\][^\n]*\n(.*?)(?=^## \[|\Z)", text, re.M | re.S)
    return found and found[1].strip()


def published():
    """Manifests of the crates that are published."""
    for path in [ROOT / "Cargo.toml", *sorted(ROOT.glob("crates/*/Cargo.toml"))]:
        manifest = tomllib.loads(path.read_text(encoding="utf-8"))
        if manifest["package"].get("publish", True):
            yield path.relative_to(ROOT), manifest["package"]


def check(tag):
    """Everything that is wrong, or nothing."""
    now = version()
    if tag and tag != f"v{now}":
        yield f"the tag is {tag}, the version in Cargo.toml {now}"
    if not section():
        yield f"CHANGELOG.md has nothing under [{now}]"
    if f"\nversion: {now}\n" not in (ROOT / "CITATION.cff").read_text(encoding="utf-8"):
        yield f"CITATION.cff names another version than {now}"
    for name, dependency in toml("Cargo.toml")["workspace"]["dependencies"].items():
        if isinstance(dependency, dict) and "path" in dependency and dependency.get("version") != now:
            yield f"Cargo.toml: {name} is asked for in version {dependency.get('version')}, not {now}"
    for package in toml("Cargo.lock")["package"]:
        if package["name"].startswith("ferrotype") and "source" not in package and package["version"] != now:
            yield f"Cargo.lock has {package['name']} {package['version']}, not {now}"
    for path, package in published():
        missing = [key for key in METADATA if not package.get(key)]
        if missing:
            yield f"{path} lacks {', '.join(missing)}"
        if len(package.get("keywords", [])) > 5 or any(len(word) > 20 for word in package.get("keywords", [])):
            yield f"{path}: crates.io takes at most five keywords of at most 20 characters"


def pack(target, out):
    """One archive: the program, licences, README and configs, in a folder of its name."""
    name = f"ferrotype-{version()}-{target}"
    windows = "windows" in target
    program = ROOT / "target" / target / "release" / ("ferrotype.exe" if windows else "ferrotype")
    if not program.is_file():
        sys.exit(f"error: no program at {program}: cargo build --release --target {target}")
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / name
        folder.mkdir()
        for path in [program, *(ROOT / file for file in ("LICENSE-MIT", "LICENSE-APACHE", "README.md", "CHANGELOG.md"))]:
            shutil.copy(path, folder)
        shutil.copytree(ROOT / "configs", folder / "configs")
        if windows:
            with zipfile.ZipFile(out / f"{name}.zip", "w", zipfile.ZIP_DEFLATED) as archive:
                for path in sorted(folder.rglob("*")):
                    archive.write(path, path.relative_to(scratch))
            return out / f"{name}.zip"
        with tarfile.open(out / f"{name}.tar.gz", "w:gz") as archive:
            archive.add(folder, name)
        return out / f"{name}.tar.gz"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("check").add_argument("--tag")
    commands.add_parser("notes")
    packing = commands.add_parser("pack")
    packing.add_argument("--target", required=True)
    packing.add_argument("--out", required=True, type=Path)
    options = parser.parse_args()
    if options.command == "check":
        wrong = list(check(options.tag))
        print("\n".join(wrong) if wrong else f"version {version()}: everything agrees")
        sys.exit(1 if wrong else 0)
    if options.command == "notes":
        print(section() or sys.exit(f"error: CHANGELOG.md has nothing under [{version()}]"))
    else:
        print(pack(options.target, options.out))


if __name__ == "__main__":
    main()
