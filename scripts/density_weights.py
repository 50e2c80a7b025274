#!/usr/bin/env python3
"""Weights by label distribution smoothing as the code of Yang et al. (YyzHarry/imbalanced-regression, `_prepare_weights`) makes them with
SciPy: the numbers that crates/model/src/objective/heads/density.rs is held against.

    python3 scripts/density_weights.py
"""

import numpy as np
from scipy.ndimage import convolve1d, gaussian_filter1d

BINS = 8
values = np.array([(np.float32((i * 37 + 11) % 101) / np.float32(50.5) - np.float32(1)) ** 3 * np.float32(0.75) + np.float32(0.2) for i in range(60)])
bins = np.clip((values + 1) / 2 * BINS, 0, BINS - 1).astype(int)
counts = np.bincount(bins, minlength=BINS).astype(float)
for reweight, size, sigma in (("sqrt_inv", 5, 2), ("inverse", 3, 1)):
    mass = np.sqrt(counts) if reweight == "sqrt_inv" else np.clip(counts, 5, 1000)
    base = np.zeros(size)
    base[size // 2] = 1
    window = gaussian_filter1d(base, sigma=sigma) / max(gaussian_filter1d(base, sigma=sigma))
    smoothed = convolve1d(mass, weights=window, mode="constant")
    weights = 1 / smoothed
    print(reweight, (weights * len(bins) / weights[bins].sum()).round(6).tolist(), counts.astype(int).tolist())
