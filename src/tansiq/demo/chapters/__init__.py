"""The chapters of the story that follow its question and answer, one module each with one function ``tell``."""
