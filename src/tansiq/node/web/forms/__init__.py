"""Forms: from what an officer writes to the values that flows take.

They check the shape of what is written; whether an act is lawful is asked elsewhere.
"""
