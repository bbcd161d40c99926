"""segment: which voxel, pixel or sample belongs to what?

Record        one row a case: the predicted label volume by reference in `predictions/`, truth by reference, spacing in mm
Unit          the case; per-case scores (overlap, surface distance in mm) are stored
Model         `fit` on cases, `predict` a label volume a case, `save`, `load`  (hilum.core.model)
"""

TITLE = "segment"
ROLES = ("volume", "labels")
PROTOCOLS = ("published", "honest")
RECORD = ("item", "subject", "fold", "seed", "target", "prediction", "spacing_mm")
