"""retrieve: which of these belong to that? A ranking a query.

Record        one row a query and candidate: rank, score, whether relevant
Unit          the query
Model         `fit` on pairs, `predict` a score a query and candidate, `save`, `load`  (hilum.core.model)
"""

TITLE = "retrieve"
ROLES = ("query", "candidate")
PROTOCOLS = ("published", "honest")
RECORD = ("item", "subject", "fold", "seed", "target", "prediction", "rank")
