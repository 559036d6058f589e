"""The face for people: pages in the officer's language, from right to left or from left to right.

A view parses the request, calls one query or one action, and renders. Nothing is decided here, and no row is touched
except through the queries and actions of the rooms below.
"""
