"""A model in a process of its own is the model."""

import numpy as np
from ase.build import molecule

from lamcore.worker.client import WorkerModel, WorkerSettings


def test_a_direct_model_of_molecules_in_a_worker_says_what_it_says_here_charges_and_spins_included(built, files):
    options = {
        "checkpoint": str(files["direct-molecules"]),
        "architecture": "orb-v3-direct-omol",
        "device": "cpu",
        "dtype": "float64",
    }
    here = built("direct-molecules")
    structures = [molecule("H2O"), molecule("H2O"), molecule("CH3CH2OH")]
    structures[1].info |= {"charge": 1, "spin": 4}
    worker = WorkerModel(WorkerSettings("orb", options, environment={"OMP_NUM_THREADS": "1"}))
    try:
        assert (worker.conservative, worker.properties, worker.scope) == (False, here.properties, here.scope)
        for there, expected in zip(worker.evaluate(structures), here.evaluate(structures), strict=True):
            assert abs(there.energy - expected.energy) < 1e-12
            np.testing.assert_allclose(there.forces, expected.forces, rtol=0, atol=1e-13)
    finally:
        worker.close()
