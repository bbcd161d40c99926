"""A transformer encoder fitted on the recording that it forecasts: settings in the base install, training with the extra `deep`."""
