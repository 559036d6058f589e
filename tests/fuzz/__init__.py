"""Fuzzing: every reader of bytes from outside is given what nobody should send.

``targets`` names the readers, ``corpus`` holds what they are fed to begin with, ``test_targets`` and ``test_doors`` are the seconds of it in every
run of the tests, and ``python -m tests.fuzz`` (`make fuzz`) is the hours, guided by coverage where atheris can be installed.
"""
