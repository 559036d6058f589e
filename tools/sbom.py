"""What the program is made of, as CycloneDX 1.6, from the lock file alone: the same lock gives the same bytes.

    python tools/sbom.py [FILE]     write it into FILE, or into var/sbom.cdx.json

A component is *required* (the program runs with it), *optional* (an extra brings it) or *excluded* (tests and benchmarks alone use it).
"""

from __future__ import annotations

import hashlib
import json
import sys
import tomllib
import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "uv.lock"
TARGET = ROOT / "var" / "sbom.cdx.json"
PROJECT = "tansiq"
Package = dict[str, Any]


def document(raw: bytes) -> dict[str, Any]:
    """The bill of materials of a lock file."""
    packages = {one["name"]: one for one in tomllib.loads(raw.decode("utf-8"))["package"]}
    project = packages.pop(PROJECT)
    required = _reached(packages, project.get("dependencies", []))
    optional = _reached(packages, _flat(project.get("optional-dependencies", {})))
    scopes = {
        name: "required" if name in required else "optional" if name in optional else "excluded" for name in packages
    }
    root = f"{PROJECT}@{project['version']}"
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, hashlib.sha256(raw).hexdigest())}",
        "version": 1,
        "metadata": {
            "component": {"type": "application", "bom-ref": root, "name": PROJECT, "version": project["version"]}
        },
        "components": [_component(one, scopes[name]) for name, one in sorted(packages.items())],
        "dependencies": [
            {"ref": root, "dependsOn": _refs(packages, project.get("dependencies", []))},
            *(
                {"ref": _ref(one), "dependsOn": _refs(packages, one.get("dependencies", []))}
                for _, one in sorted(packages.items())
            ),
        ],
    }


def _flat(groups: dict[str, list[Package]]) -> list[Package]:
    return [one for group in groups.values() for one in group]


def _reached(packages: dict[str, Package], first: Iterable[Package]) -> set[str]:
    """Every package that these dependencies bring along."""
    found: set[str] = set()
    waiting = [one["name"] for one in first]
    while waiting:
        name = waiting.pop()
        if name in packages and name not in found:
            found.add(name)
            one = packages[name]
            more = [*one.get("dependencies", []), *_flat(one.get("optional-dependencies", {}))]
            waiting += [dependency["name"] for dependency in more]
    return found


def _ref(package: Package) -> str:
    return f"pkg:pypi/{package['name']}@{package['version']}"


def _refs(packages: dict[str, Package], dependencies: Iterable[Package]) -> list[str]:
    return sorted({_ref(packages[one["name"]]) for one in dependencies if one["name"] in packages})


def _component(package: Package, scope: str) -> dict[str, Any]:
    """One package with the digest of every file that the lock admits."""
    files = [*package.get("wheels", []), *([package["sdist"]] if "sdist" in package else [])]
    admitted = [
        {
            "type": "distribution",
            "url": one["url"],
            "hashes": [{"alg": "SHA-256", "content": one["hash"].removeprefix("sha256:")}],
        }
        for one in files
    ]
    return {
        "type": "library",
        "bom-ref": _ref(package),
        "name": package["name"],
        "version": package["version"],
        "purl": _ref(package),
        "scope": scope,
        "externalReferences": admitted,
    }


def main(told: list[str]) -> None:
    """Write the document."""
    target = Path(told[0]) if told else TARGET
    target.parent.mkdir(parents=True, exist_ok=True)
    made = document(LOCK.read_bytes())
    target.write_text(json.dumps(made, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"{target}: {len(made['components'])} components")


if __name__ == "__main__":
    main(sys.argv[1:])
