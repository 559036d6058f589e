"""Linkage of whole registers, carried out: on one machine (``local``, DuckDB) or on several (``spark``).

What is compared, how it is scored and what is chosen stands in ``tansiq.engine.matching.linkage``, which has no rows;
here are the rows. Nothing of a node is needed, and a node needs nothing of this.
"""
