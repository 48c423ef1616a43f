"""A trial on the machine that trains it: where the run and its features lie there."""

from dataclasses import replace

from results.mirror import local_folder
from sweep.cachestore import entry_at_home
from sweep.specs import TrialSpec


def at_home(spec: TrialSpec) -> TrialSpec:
    """The trial with this machine's mirror of the run, and its copy of the features.

    What lies on a shared disk is where it is for everybody.

    Raises:
        ExperimentError: the store holds no such features.
        RecordError: the store cannot be read, or a copy cannot be written.
    """
    if spec.store:
        spec = replace(spec, run=local_folder(spec.store, pull=False))
    if spec.cache_store:
        sha256 = spec.arms[0].features
        entry = entry_at_home(spec.cache_store, spec.features.name, sha256)
        spec = replace(spec, features=entry)
    return spec
