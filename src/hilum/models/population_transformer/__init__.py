"""A transformer encoder trained on other recordings: settings in the base install, training with the extra `deep`."""
