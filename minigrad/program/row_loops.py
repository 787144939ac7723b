"""Rows of the op table as loops, for Numba to compile (see kernels.py, which calls them).

A loop reads its operands, then fills its results. Those that read ids or labels check them on the way and return 0 if
all is well, 1 if they met a wrong one, before they read or write what it leads to. Sums over classes are in float64.

They are short, and call no others of ours: to compile a function costs 50 ms, and a millisecond or two for each term.
"""

from __future__ import annotations

from typing import Any

import numpy as np

# -- softmax and cross-entropy ---------------------------------------------------------------------------------------


def shift(lowest: Any, x: Any, out: Any, tops: Any) -> None:
    """Each row less its greatest number, or less `lowest` if that is greater; the greatest go to `tops`."""
    for i in range(x.shape[0]):
        top = lowest
        for j in range(x.shape[1]):
            top = x[i, j] if x[i, j] > top else top
        for j in range(x.shape[1]):
            out[i, j] = x[i, j] - top
        tops[i] = top


def divide(out: Any) -> None:
    """Each row by its sum, or by 1 if that is greater: of e**(x - top) only where a whole row is e**-inf."""
    for i in range(out.shape[0]):
        mass = 0.0
        for j in range(out.shape[1]):
            mass += out[i, j]
        mass = 1.0 if mass < 1.0 else mass
        for j in range(out.shape[1]):
            out[i, j] /= mass


def less_one(labels: Any, out: Any) -> int:
    """Each row less 1 at its label."""
    for i in range(out.shape[0]):
        label = labels[i]
        if label < 0 or label >= out.shape[1]:
            return 1
        out[i, label] -= 1.0
    return 0


def log_loss(x: Any, e: Any, tops: Any, labels: Any, out: Any) -> int:
    """log(sum(e**(x - top))) - (x[label] - top) of each row; e: the powers."""
    for i in range(x.shape[0]):
        label = labels[i]
        if label < 0 or label >= x.shape[1]:
            return 1
        mass = 0.0
        for j in range(x.shape[1]):
            mass += e[i, j]
        out[i] = np.log(1.0 if mass < 1.0 else mass) - (x[i, label] - tops[i])
    return 0


def sparse_cross_entropy(low: Any, high: Any, p: Any, labels: Any, out: Any) -> int:
    """-log of the label's part of its row, clipped."""
    for i in range(p.shape[0]):
        label = labels[i]
        if label < 0 or label >= p.shape[1]:
            return 1
        mass = 0.0
        for j in range(p.shape[1]):
            mass += p[i, j]
        chance = p[i, label] / p.dtype.type(mass)
        kept = low if chance < low else (high if chance > high else chance)
        out[i] = -np.log(kept)
    return 0


def sparse_cross_entropy_slope(low: Any, high: Any, p: Any, labels: Any, out: Any) -> int:
    """The slope of that in each p: 0 where it is clipped."""
    for i in range(p.shape[0]):
        label = labels[i]
        if label < 0 or label >= p.shape[1]:
            return 1
        mass = 0.0
        for j in range(p.shape[1]):
            mass += p[i, j]
        whole = p.dtype.type(mass)
        chance = p[i, label] / whole
        kept = low if chance < low else (high if chance > high else chance)
        steep = p.dtype.type(1.0 if chance == kept else 0.0) / whole
        for j in range(p.shape[1]):
            out[i, j] = steep
        out[i, label] = steep - steep / kept
    return 0


# -- rows of tables --------------------------------------------------------------------------------------------------


def gather(table: Any, ids: Any, out: Any) -> int:
    """Rows of a table."""
    rows, width = table.shape
    for k in range(ids.size):
        row = ids[k]
        if row < 0 or row >= rows:
            return 1
        for j in range(width):
            out[k, j] = table[row, j]
    return 0


def gather_sum(table: Any, ids: Any, out: Any) -> int:
    """The rows of a table that a row of ids names, added to a row of zeros."""
    rows, width = table.shape
    for i in range(ids.shape[0]):
        for k in range(ids.shape[1]):
            row = ids[i, k]
            if row < 0 or row >= rows:
                return 1
            for j in range(width):
                out[i, j] += table[row, j]
    return 0


def scatter_add(rows: Any, ids: Any, out: Any) -> int:
    """Rows added to the rows of a table. They are mostly a view: of slices, or of one row for all steps."""
    count, width = out.shape
    for i in range(ids.shape[0]):
        for k in range(ids.shape[1]):
            row = ids[i, k]
            if row < 0 or row >= count:
                return 1
            if rows.strides[2] == 4:  # float32 side by side: said here, it lets LLVM use SIMD
                for j in range(width):
                    out[row, j] += rows[i, k, j]
            else:
                for j in range(width):
                    out[row, j] += rows[i, k, j]
    return 0


def counts(ids: Any, out: Any) -> int:
    """How often each id is in each row of ids, added to zeros."""
    rows = out.shape[1]
    for i in range(ids.shape[0]):
        for k in range(ids.shape[1]):
            row = ids[i, k]
            if row < 0 or row >= rows:
                return 1
            out[i, row] += 1
    return 0


def bag_sum(table: Any, ids: Any, weights: Any, out: Any) -> int:
    """The rows of a table that a row of ids names, each times its weight, added to a row of zeros."""
    rows, width = table.shape
    for i in range(ids.shape[0]):
        for k in range(ids.shape[1]):
            row, weight = ids[i, k], weights[i, k]
            if row < 0 or row >= rows:
                return 1
            if weight != 0:  # padding, mostly
                for j in range(width):
                    out[i, j] += weight * table[row, j]
    return 0


def bag_scatter(x: Any, ids: Any, weights: Any, out: Any) -> int:
    """A row of x, times the weight of each id of its row of ids, added to the row of a table that the id names."""
    rows, width = out.shape
    for i in range(ids.shape[0]):
        for k in range(ids.shape[1]):
            row, weight = ids[i, k], weights[i, k]
            if row < 0 or row >= rows:
                return 1
            if weight != 0:
                for j in range(width):
                    out[row, j] += weight * x[i, j]
    return 0


def distinct(ids: Any, out: Any, keys: Any, places: Any) -> int:
    """The place of each id among the distinct ones, then these, then -1; keys, places: a table of hashes, its size a
    power of two and at least twice the number of ids.
    """
    last = keys.size - 1
    for k in range(keys.size):
        keys[k] = -1
    found = 0
    for k in range(ids.size):
        row = np.int64(ids[k])
        if row < 0:
            return 1
        at = (((row & 0x7FFFFFFF) * 2654435769) >> 15) & last
        while keys[at] >= 0 and keys[at] != row:
            at = (at + 1) & last
        if keys[at] < 0:
            keys[at] = row
            places[at] = found
            out[1, found] = row
            found += 1
        out[0, k] = places[at]
    for k in range(found, ids.size):
        out[1, k] = -1
    return 0


def catch_up(
    ids: Any, part: Any, parts: Any, now: Any, seen: Any, products: Any, sums: Any, epsilon: Any,
    w: Any, push: Any, over: Any, rest: Any, push_fade: Any, over_fade: Any, rest_fade: Any,
    c: Any, x: Any, series: Any,
) -> None:  # fmt: skip
    """Rows of a table and its slots as the steps that they missed would have made them (see optimizers/deferred.py).

    part, parts: of rows in groups of 64, only each group whose number is `part` modulo `parts`, a power of two.
    push, over, rest: slots, of which an idle step multiplies each number by e**fade; without rows where there is none.
    c, x, series: room for a row of numbers each.
    """
    width, line, ahead = w.shape[1], 64 // w.itemsize, w.dtype.type(0)
    for i in range(ids.size):
        if i % 16 == 0:  # a number of each cache line of the next rows, so that memory is asked for all of them at once
            for k in range(i, min(i + 16, ids.size)):
                row = ids[k]
                if row >= 0 and row < seen.size and ((row >> 6) & (parts - 1)) == part and seen[row] < now:
                    for j in range(0, width, line):
                        ahead += w[row, j]
                        if push.size:
                            ahead += push[row, j]
                        if over.size:
                            ahead += over[row, j]
            x[0] = ahead  # or the compiler would leave it out
        row = ids[i]
        if row < 0 or row >= seen.size or ((row >> 6) & (parts - 1)) != part:
            continue
        since = seen[row]
        if since >= now:
            continue
        seen[row] = now
        missed = now - since
        shrunk = w.dtype.type(products[now] / products[since])
        for j in range(width):
            w[row, j] *= shrunk
        if push.size:
            scale = products[now]
            last = w.dtype.type(sums[sums.shape[0] - 1, since] * scale)
            if over.size:
                for j in range(width):
                    root = np.sqrt(over[row, j])
                    c[j] = w.dtype.type(1) / (root + epsilon)
                    x[j] = root * c[j]
                    series[j] = last
                for p in range(sums.shape[0] - 2, -1, -1):
                    term = w.dtype.type(sums[p, since] * scale)
                    for j in range(width):
                        series[j] = series[j] * x[j] + term
                for j in range(width):
                    w[row, j] += push[row, j] * c[j] * series[j]
            else:
                for j in range(width):
                    w[row, j] += push[row, j] * last
            left = np.exp(missed * push_fade)
            fade = w.dtype.type(left if left > 1e-30 else 0.0)
            for j in range(width):
                push[row, j] *= fade
        if over.size:
            left = np.exp(missed * over_fade)
            fade = w.dtype.type(left if left > 1e-30 else 0.0)
            for j in range(width):
                over[row, j] *= fade
        if rest.size:
            left = np.exp(missed * rest_fade)
            fade = w.dtype.type(left if left > 1e-30 else 0.0)
            for j in range(width):
                rest[row, j] *= fade


# -- checks -----------------------------------------------------------------------------------------------------------


def finite(x: Any) -> bool:
    """Whether no number is inf or NaN."""
    bad = 0
    for k in range(x.size):
        bad |= x[k] - x[k] != 0.0
    return bad == 0
