"""What every test shares: one thread for BLAS, Hypothesis's profiles, and programs of plain NumPy."""

from __future__ import annotations

import os

# Before NumPy comes in: the arrays of tests are tiny, and the test processes already share the cores.
for _library in ("OPENBLAS", "MKL", "OMP"):
    os.environ.setdefault(f"{_library}_NUM_THREADS", "1")

from hypothesis import HealthCheck, settings  # noqa: E402

from minigrad import config  # noqa: E402

# Whatever is installed, programs are plain NumPy here; a test of fused ones asks for compile(jit_compile=True).
config.set_jit_compile(False)

# No deadlines, no complaints about slow drawing: a shared machine is noisy, and neither tells about our code.
_shared = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True)

# Derandomized: the same commit passes or fails the same way on every machine, and a failure comes back by
# itself. Looking for new failures is the other profile's job: sh ./run test --hypothesis-profile=thorough
settings.register_profile("default", _shared, max_examples=100, derandomize=True)
settings.register_profile("thorough", _shared, max_examples=2000)
settings.load_profile("default")
