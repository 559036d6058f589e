"""Fuzz for hours: each target in a process of its own, guided by coverage where atheris is there, else by Hypothesis.

    python -m tests.fuzz [TARGET …] [--seconds N]

What is new is kept under var/fuzz/TARGET; what breaks a reader lies in var/fuzz/broken and ends with exit status 1. Put it into the corpus with
the cure.
"""

from __future__ import annotations

import argparse
import importlib.util
import subprocess
import sys
import time
from pathlib import Path

FOUND = Path("var") / "fuzz"
BROKEN = FOUND / "broken"


def main() -> int:
    """Every target asked for, one after another, or (in the process of its own) that one."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("targets", nargs="*", metavar="TARGET")
    parser.add_argument("--seconds", type=int, default=600, help="for each target")
    parser.add_argument("--alone", action="store_true", help=argparse.SUPPRESS)
    told = parser.parse_args()
    if told.alone:
        return _alone(told.targets[0], told.seconds)
    from tests.fuzz.targets import TARGETS

    if unknown := set(told.targets) - set(TARGETS):
        parser.error(f"no such target: {', '.join(sorted(unknown))}")
    guided = importlib.util.find_spec("atheris") is not None
    print(
        f"{'atheris, guided by coverage' if guided else 'Hypothesis; atheris is not installed'}: {told.seconds} s a target"
    )
    broken = [one for one in told.targets or TARGETS if not _in_a_process(one, told.seconds)]
    print(f"broken: {', '.join(broken)}; see {BROKEN}" if broken else "every reader held")
    return 1 if broken else 0


def _in_a_process(target: str, seconds: int) -> bool:
    print(f"{target} …", flush=True)
    command = [sys.executable, "-m", "tests.fuzz", target, "--seconds", str(seconds), "--alone"]
    return subprocess.run(command, check=False).returncode == 0


def _alone(target: str, seconds: int) -> int:
    for folder in (FOUND / target, BROKEN):
        folder.mkdir(parents=True, exist_ok=True)
    if importlib.util.find_spec("atheris") is not None:
        return _guided(target, seconds)
    return _unguided(target, seconds)


def _guided(target: str, seconds: int) -> int:
    import atheris

    # Readers are instrumented as they are imported, which nothing before this line may do.
    with atheris.instrument_imports(include=["tansiq.engine"]):
        from tests.fuzz.targets import CORPUS, feed

    places = [str(FOUND / target), str(CORPUS / target)]
    limits = [f"-max_total_time={seconds}", "-rss_limit_mb=2048", "-timeout=20", "-max_len=65536", "-verbosity=0"]
    atheris.Setup(
        [sys.argv[0], *limits, f"-artifact_prefix={BROKEN}/{target}-", *places], lambda raw: feed(target, raw)
    )
    atheris.Fuzz()
    return 0


def _unguided(target: str, seconds: int) -> int:
    from hypothesis import HealthCheck, given, settings

    from tests.fuzz.mutations import changed
    from tests.fuzz.targets import corpus, feed

    until = time.monotonic() + seconds
    seeds = list(corpus(target).values())

    @settings(max_examples=2000, deadline=None, suppress_health_check=list(HealthCheck))
    @given(changed(seeds))
    def each(raw: bytes) -> None:
        try:
            feed(target, raw)
        except Exception:
            (BROKEN / f"{target}-hypothesis").write_bytes(raw)
            raise

    while time.monotonic() < until:
        each()
    return 0


if __name__ == "__main__":
    sys.exit(main())
