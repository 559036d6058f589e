"""Deconfliction: what this authority plans to do where and when, who was asked whether it plans something near, and what came of it.

A plan never leaves the node. What travels are blinded cells of place and time (``engine.blind.cells``), and after a hit a dossier of
kind ``deconfliction`` that holds levels, a window and a telephone number.
"""
