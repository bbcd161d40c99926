"""The nouns and the finder: what every newcomer reads first."""
