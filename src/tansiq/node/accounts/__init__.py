"""Accounts: officers, the units they serve in, what those units are competent for, and what each officer may do."""
