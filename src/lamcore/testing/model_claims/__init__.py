"""What a correct model is, claim by claim."""

from __future__ import annotations

from lamcore.testing.model_claims.batching import BATCHING_CLAIMS
from lamcore.testing.model_claims.boundaries import BOUNDARY_CLAIMS
from lamcore.testing.model_claims.consistency import CONSISTENCY_CLAIMS
from lamcore.testing.model_claims.contract import CONTRACT_CLAIMS
from lamcore.testing.model_claims.invariance import INVARIANCE_CLAIMS
from lamcore.testing.registration import REGISTRATION_CLAIMS

MODEL_CLAIMS = (
    *REGISTRATION_CLAIMS,
    *CONTRACT_CLAIMS,
    *CONSISTENCY_CLAIMS,
    *INVARIANCE_CLAIMS,
    *BOUNDARY_CLAIMS,
    *BATCHING_CLAIMS,
)
