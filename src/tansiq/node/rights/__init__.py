"""What a person asks about the data that this node holds about them, what was found, and what was answered."""
