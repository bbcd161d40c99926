"""detect: where, and when, is there something?

Record        one row a finding: case, place (box in mm or interval in s), class, confidence; truth findings beside it
Unit          the case; a case without findings is a row count of zero, not a missing row
Model         `fit` on cases, `predict` a list of findings a case, `save`, `load`  (hilum.core.model)
"""

TITLE = "detect"
ROLES = ("input", "findings")
PROTOCOLS = ("published", "honest")
RECORD = ("item", "subject", "fold", "seed", "target", "prediction", "confidence")
