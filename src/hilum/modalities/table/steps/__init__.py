"""Steps of a recipe: one a file, frozen settings that are fitted on train and then applied to any records.

A step that learns nothing is its own fitted step. Steps select columns by role (`on`), never by position.
"""
