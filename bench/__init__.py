"""Benchmarks: each runs beside a named peer in one run; figures stand in docs/benchmarks.md with machine, versions and command."""
