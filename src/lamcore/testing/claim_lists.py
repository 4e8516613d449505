"""All claims by what they are about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lamcore.config import Group
    from lamcore.testing.claims import Claim


def claims_about(group: Group) -> tuple[Claim[Any], ...]:
    """The claims about models, tasks or datasets, in the order in which they are measured."""
    if group == "model":
        from lamcore.testing.model_claims import MODEL_CLAIMS

        return MODEL_CLAIMS
    if group == "task":
        from lamcore.testing.task_claims import TASK_CLAIMS

        return TASK_CLAIMS
    from lamcore.testing.dataset_claims import DATASET_CLAIMS

    return DATASET_CLAIMS


def claim_names(group: Group) -> set[str]:
    """The names of the claims about models, tasks or datasets."""
    return {claim.name for claim in claims_about(group)}
