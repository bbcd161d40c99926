"""generate: write a text or make an image.

Record        one row an answer: prompt, reference, output, by reference where it is large; the model's exact version
Unit          what the task says; an output that could not be parsed is kept as such, never dropped
Model         `predict` an output a prompt; a remote model's replies are recorded, and the cell is pure given the record
"""

TITLE = "generate"
ROLES = ("prompt", "reference")
PROTOCOLS = ("published", "honest")
RECORD = ("item", "subject", "fold", "seed", "target", "prediction")
