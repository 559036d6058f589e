"""What dossiers are about: one pure module each with its labels in five languages, found through ``registry``."""
