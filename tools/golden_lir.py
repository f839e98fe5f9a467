#!/usr/bin/env python3
"""Golden numbers of calibration by lir, the Netherlands Forensic Institute's package, for parity tests.

    python3 -m venv venv && venv/bin/pip install lir==1.3.1 numpy==2.4.6 scipy==1.17.1 scikit-learn==1.9.1
    venv/bin/python tools/golden_lir.py > fixtures/golden/lir_metrics.json

Prints three sets of scores, from a seed, with what lir makes of them. All ratios are natural logarithms here; lir's are
of base 10. What is infinite is null. The scores serve as uncalibrated scores and as log-likelihood ratios alike.

LogitCalibrator is scikit-learn's LogisticRegression with class_weight="balanced" and its defaults: a squared penalty
of C = 1 on the slope of the score as it is, none on the intercept. Only the tolerance is set here, for by default the
optimiser stops at a gradient of 1e-4.
"""
import json
import sys

import numpy as np
from lir.algorithms.bayeserror import elub
from lir.algorithms.isotonic_regression import IsotonicCalibrator
from lir.algorithms.logistic_regression import LogitCalibrator
from lir.data.models import LLRData
from lir.metrics import cllr, cllr_min

LN10 = np.log(10)


def finite(values):
    return [float(value) if np.isfinite(value) else None for value in values]


def measure(targets, non_targets):
    scores = np.concatenate([targets, non_targets])
    labels = np.concatenate([np.ones(len(targets)), np.zeros(len(non_targets))])
    data = LLRData(features=scores / LN10, labels=labels)
    pav = IsotonicCalibrator().fit(scores, labels)
    bounded = IsotonicCalibrator(add_misleading=1).fit(scores, labels)
    new = np.linspace(scores.min() - 2, scores.max() + 2, 41)
    logit = LogitCalibrator(tol=1e-14, max_iter=100_000).fit(scores, labels)
    lower, upper = elub(scores / LN10, labels, add_misleading=1)
    return {
        "targets": finite(targets),
        "non_targets": finite(non_targets),
        "cllr": cllr(data),
        "cllr_min": cllr_min(data),
        "pav_targets": finite(pav.transform(targets) * LN10),
        "pav_non_targets": finite(pav.transform(non_targets) * LN10),
        "new_scores": finite(new),
        "pav_bounded": finite(bounded.transform(new) * LN10),
        "logistic": finite(logit.transform(new) * LN10),
        "elub": [float(lower * LN10), float(upper * LN10)],
    }


def main():
    rng = np.random.default_rng(20160101)
    normal = lambda mean, sd, count: np.round(rng.normal(mean, sd, count), 6)
    sets = {
        "separated": (normal(6, 1.5, 40), normal(-6, 2, 120)),
        "overlapping": (normal(1, 2, 60), normal(-1.5, 1.5, 140)),
        "ties": (np.round(normal(1, 1.5, 30) * 2) / 2, np.round(normal(-1, 1.5, 50) * 2) / 2),
    }
    json.dump({name: measure(*scores) for name, scores in sets.items()}, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
