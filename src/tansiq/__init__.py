"""Tansiq: authorities of different countries work as one team."""
