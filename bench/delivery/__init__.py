"""Delivery between two nodes: how many entries a second, how soon, and how that grows; beside two Matrix homeservers."""
