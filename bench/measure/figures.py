# SPDX-License-Identifier: Apache-2.0
"""Medians and percentiles."""

import math
import statistics


def percentile(ordered, share):
    """The smallest value that `share` of the ordered values do not exceed."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def spread(values):
    """What is told of the rounds of one measurement."""
    return {
        "median": statistics.median(values),
        "min": min(values),
        "max": max(values),
    }


def gather(rounds):
    """The rounds of one measurement, each a dict of figures, as one dict of
    spreads."""
    return {
        name: spread([figures[name] for figures in rounds])
        for name in rounds[0]
    }
