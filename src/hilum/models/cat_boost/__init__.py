"""CatBoost on tables: settings in the base install, the rest with the extra `catboost`."""
