"""Bring named files of other projects into the tree, with a manifest that proves they are what was published.

    python tools/vendor_static.py            check what stands in the tree against the manifests (no network)
    python tools/vendor_static.py --fetch    take the files anew out of the packages and write the manifests

Pages load nothing from elsewhere, and nobody needs node to run a node: the files are committed. npm packages are taken
with the ordinary npm client, which checks their integrity; htmx comes out of the installed django-htmx wheel.
A file is stored as published except for two declared changes: the last line that names a source map is dropped (the map
is not here, and a static file storage that follows it would fail), and the icon sprite keeps only the icons that
``web/icons.txt`` names.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.metadata
import json
import re
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGES = ROOT / "src/tansiq/node/web/static/vendor"
BROWSER_TESTS = ROOT / "tests/browser/vendor"
ICON_NAMES = ROOT / "src/tansiq/node/web/icons.txt"
SOURCE_MAP_LINE = re.compile(rb"\n?(/\*|//)[#@] sourceMappingURL=[^\n]*\n?\Z")


@dataclass(frozen=True)
class Source:
    """One package at one version, and which of its files stand where."""

    package: str
    version: str
    licence: str
    files: dict[str, str]
    root: Path = PAGES
    wheel: bool = field(default=False)


def _plex(family: str, subsets: str, weights: str) -> dict[str, str]:
    names = [f"{family}-{subset}-{weight}-normal.woff2" for subset in subsets.split() for weight in weights.split()]
    return {f"files/{name}": f"fonts/{name}" for name in names} | {"LICENSE": f"fonts/{family}.LICENSE.txt"}


SOURCES = (
    Source(
        "bootstrap",
        "5.3.9",
        "MIT",
        {
            "dist/css/bootstrap.min.css": "bootstrap/bootstrap.min.css",
            "dist/css/bootstrap.rtl.min.css": "bootstrap/bootstrap.rtl.min.css",
            "dist/js/bootstrap.bundle.min.js": "bootstrap/bootstrap.bundle.min.js",
            "LICENSE": "bootstrap/LICENSE.txt",
        },
    ),
    Source(
        "bootstrap-icons",
        "1.13.2",
        "MIT",
        {"bootstrap-icons.svg": "icons/icons.svg", "LICENSE": "icons/LICENSE.txt"},
    ),
    Source(
        "@fontsource/ibm-plex-sans-arabic",
        "5.2.9",
        "OFL-1.1",
        _plex("ibm-plex-sans-arabic", "arabic", "400 500 600 700"),
    ),
    Source(
        "@fontsource/ibm-plex-sans",
        "5.3.0",
        "OFL-1.1",
        _plex("ibm-plex-sans", "latin latin-ext cyrillic greek", "400 500 600 700"),
    ),
    Source("@fontsource/ibm-plex-mono", "5.3.0", "OFL-1.1", _plex("ibm-plex-mono", "latin", "400 500")),
    Source(
        "@fontsource/amiri",
        "5.3.0",
        "OFL-1.1",
        {
            f"files/{name}": f"fonts/{name}"
            for name in (f"amiri-{s}-{w}-normal.woff2" for s in ("arabic", "latin") for w in (400, 700))
        }
        | {"LICENSE": "fonts/amiri.LICENSE.txt"},
    ),
    Source(
        "django-htmx",
        "1.29.0",
        "MIT (htmx itself: 0BSD)",
        {
            "django_htmx/static/django_htmx/htmx-2.min.js": "htmx/htmx.min.js",
            "django_htmx/static/django_htmx/ext/hx-sse-2.min.js": "htmx/sse.min.js",
        },
        wheel=True,
    ),
    Source(
        "cytoscape",
        "3.35.0",
        "MIT",
        {"dist/cytoscape.min.js": "cytoscape/cytoscape.min.js", "LICENSE": "cytoscape/LICENSE.txt"},
    ),
    Source(
        "echarts",
        "5.6.0",
        "Apache-2.0",
        {"dist/echarts.simple.min.js": "echarts/echarts.min.js", "LICENSE": "echarts/LICENSE.txt"},
    ),
    Source(
        "leaflet",
        "1.9.4",
        "BSD-2-Clause",
        {
            "dist/leaflet.js": "leaflet/leaflet.js",
            "dist/leaflet.css": "leaflet/leaflet.css",
            **{
                f"dist/images/{name}.png": f"leaflet/images/{name}.png"
                for name in ("layers", "layers-2x", "marker-icon", "marker-icon-2x", "marker-shadow")
            },
            "LICENSE": "leaflet/LICENSE.txt",
        },
    ),
    Source(
        "topojson-client",
        "3.1.0",
        "ISC",
        {"dist/topojson-client.min.js": "topojson/topojson-client.min.js", "LICENSE": "topojson/LICENSE.txt"},
    ),
    Source(
        "world-atlas",
        "2.0.2",
        "ISC (the outlines themselves: Natural Earth, public domain)",
        {"countries-50m.json": "world/countries-50m.json", "LICENSE": "world/LICENSE.txt"},
    ),
    Source(
        "axe-core",
        "4.14.1",
        "MPL-2.0",
        {"axe.min.js": "axe.min.js", "LICENSE": "LICENSE.txt"},
        root=BROWSER_TESTS,
    ),
)


def sha256(raw: bytes) -> str:
    """Lower-case hexadecimal SHA-256."""
    return hashlib.sha256(raw).hexdigest()


def icon_names() -> list[str]:
    """The icons that templates may use, one a line in ``web/icons.txt``."""
    return [line.strip() for line in ICON_NAMES.read_text().splitlines() if line.strip()]


def _sprite(raw: bytes) -> bytes:
    """The published sprite cut down to the named icons, in the order of their names."""
    symbols = {m[1]: m[0] for m in re.finditer(r'(?s)<symbol[^>]*? id="([^"]+)".*?</symbol>', raw.decode())}
    missing = [name for name in icon_names() if name not in symbols]
    if missing:
        sys.exit(f"web/icons.txt names icons that bootstrap-icons does not have: {', '.join(missing)}")
    lines = [symbols[name] for name in sorted(icon_names())]
    return ('<svg xmlns="http://www.w3.org/2000/svg">\n' + "\n".join(lines) + "\n</svg>\n").encode()


def stored_form(raw: bytes, target: str) -> bytes:
    """What stands in the tree for a published file: the same bytes but for the two declared changes."""
    if target.endswith("icons.svg"):
        return _sprite(raw)
    if target.endswith((".css", ".js")):
        return SOURCE_MAP_LINE.sub(b"\n", raw)
    return raw


def _from_wheel(source: Source) -> Iterator[tuple[str, bytes]]:
    found = importlib.metadata.version(source.package)
    if found != source.version:
        sys.exit(f"{source.package} {found} is installed, {source.version} is named here: change one of them")
    files = {str(path): path for path in importlib.metadata.files(source.package) or ()}
    for inside in source.files:
        yield inside, Path(str(files[inside].locate())).read_bytes()


def _from_npm(source: Source) -> Iterator[tuple[str, bytes]]:
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            ["npm", "pack", "--silent", "--pack-destination", folder, f"{source.package}@{source.version}"],
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        (packed,) = Path(folder).glob("*.tgz")
        with tarfile.open(packed) as archive:
            for inside in source.files:
                member = archive.extractfile(f"package/{inside}")
                if member is None:
                    sys.exit(f"{source.package} {source.version} has no {inside}")
                yield inside, member.read()


def fetch() -> None:
    """Take every named file anew and write one manifest per folder."""
    manifests: dict[Path, dict[str, dict[str, str]]] = {}
    for source in SOURCES:
        rows = manifests.setdefault(source.root, {})
        for inside, raw in _from_wheel(source) if source.wheel else _from_npm(source):
            target = source.files[inside]
            stored = stored_form(raw, target)
            path = source.root / target
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(stored)
            rows[target] = {
                "package": source.package,
                "version": source.version,
                "licence": source.licence,
                "file": inside,
                "published_sha256": sha256(raw),
                "sha256": sha256(stored),
            }
        print(f"{source.package} {source.version}: {len(source.files)} files")
    for root, rows in manifests.items():
        text = json.dumps(dict(sorted(rows.items())), indent=1, ensure_ascii=False)
        (root / "manifest.json").write_text(text + "\n")


def problems() -> list[str]:
    """What differs between the tree and the manifests, one sentence each; empty when all is well."""
    found: list[str] = []
    for root in sorted({source.root for source in SOURCES}):
        manifest = json.loads((root / "manifest.json").read_text())
        named = {target: source for source in SOURCES if source.root == root for target in source.files.values()}
        found += [f"{name}: named in this tool, not in the manifest" for name in named.keys() - manifest.keys()]
        present = {str(p.relative_to(root)) for p in root.rglob("*") if p.is_file()} - {"manifest.json"}
        found += [f"{name}: no manifest row vouches for it" for name in present - manifest.keys()]
        for name, row in manifest.items():
            if name not in present:
                found.append(f"{name}: in the manifest, not in the tree")
            elif sha256((root / name).read_bytes()) != row["sha256"]:
                found.append(f"{name}: changed since it was taken out of {row['package']} {row['version']}")
            if name in named and row["version"] != named[name].version:
                found.append(f"{name}: manifest says {row['version']}, tool says {named[name].version}")
    sprite = PAGES / "icons/icons.svg"
    drawn = set(re.findall(r'id="([^"]+)"', sprite.read_text())) if sprite.exists() else set()
    found += [f"icon {name}: not in the sprite, run with --fetch" for name in set(icon_names()) - drawn]
    return found


def main() -> None:
    """Check, or fetch then check."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fetch", action="store_true", help="take the files anew (needs npm and the network)")
    if parser.parse_args().fetch:
        fetch()
    wrong = problems()
    for line in wrong:
        print(line)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
