"""Readers of lists: what each form says, what damage costs, and the real files."""
