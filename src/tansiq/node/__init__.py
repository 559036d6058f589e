"""Django rooms named by the nouns of the field, each furnished alike."""
