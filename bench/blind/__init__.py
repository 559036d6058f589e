"""Benchmarks of blind questions: what each family of keys finds and meets by chance, and what set-up and a question cost."""
