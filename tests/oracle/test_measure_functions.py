"""Measures of nnpeek/measure.h that take plain numbers, against SciPy and NumPy."""
import ctypes
import unittest

import numpy as np
import scipy.optimize
import sklearn.metrics

from measures import call, number
from support import Case


class PowerLaw(ctypes.Structure):
    _fields_ = [("alpha", ctypes.c_double), ("smallest", ctypes.c_double), ("distance", ctypes.c_double),
                ("count", ctypes.c_int64)]


def power_law(values):
    """Every value as the beginning of the tail, Clauset et al. 2009, equations 3.1 and 3.9."""
    x = np.sort(values)
    fits = []
    for i in range(len(x) - 1):
        tail = x[i:]
        alpha = 1 + len(tail) / np.log(tail / tail[0]).sum()
        distance = np.abs(1 - (tail / tail[0]) ** (1 - alpha) - np.arange(len(tail)) / len(tail)).max()
        fits.append((distance, i, alpha))
    distance, i, alpha = min(fits)
    return alpha, x[i], distance, len(x) - i


class Functions(Case):
    def test_matching_is_scipys(self):
        random = np.random.default_rng(0)
        for k in (1, 2, 3, 7, 40, 150):
            for similarity in (random.random((k, k)), np.round(random.random((k, k)) * 3), -random.random((k, k)) * 1e3):
                match = np.zeros(k, np.int64)
                self.assertEqual(call("peek_match", similarity, k, match), 0)
                self.assertEqual(sorted(match), list(range(k)))
                rows, columns = scipy.optimize.linear_sum_assignment(similarity, maximize=True)
                self.assertAlmostEqual(similarity[np.arange(k), match].sum(), similarity[rows, columns].sum(), places=8)

    def test_power_law(self):
        random = np.random.default_rng(1)
        for values in (random.pareto(2.5, 800) + 1, random.lognormal(size=300), random.random(50) + 0.1,
                       np.concatenate([random.pareto(1.2, 200) + 5, random.random(400) * 5])):
            found = PowerLaw()
            self.assertEqual(call("peek_fit_power_law", values, len(values), ctypes.byref(found)), 0)
            expected = power_law(values)
            np.testing.assert_allclose([found.alpha, found.smallest, found.distance, found.count], expected, rtol=1e-9)
        found = PowerLaw()
        values = random.pareto(2.5, 2000) + 1
        call("peek_fit_power_law", values, len(values), ctypes.byref(found))
        self.assertAlmostEqual(found.alpha, 3.5, delta=0.3)
        call("peek_fit_power_law", values, 49, ctypes.byref(found))
        self.assertTrue(np.isnan(found.alpha))
        self.assertEqual(found.count, 0)

    def test_components(self):
        random = np.random.default_rng(2)
        w = (random.random((90, 6)) * (random.random((90, 6)) < 0.4)).astype(np.float32)
        gram = w.astype(np.float64).T @ w.astype(np.float64)
        unit = w / np.linalg.norm(w, axis=0)
        cosines = (unit.T @ unit)[np.triu_indices(6, 1)]
        self.assertAlmostEqual(number("peek_coherence", gram, 6), cosines.mean(), places=6)
        for r in range(6):
            x = w[:, r].astype(np.float64)
            hoyer = (np.sqrt(90) - np.abs(x).sum() / np.linalg.norm(x)) / (np.sqrt(90) - 1)
            column = np.ascontiguousarray(w[:, r])
            self.assertAlmostEqual(number("peek_sparsity", column, 90, 1), hoyer, places=9)
        self.assertAlmostEqual(number("peek_sparsity", np.ones(5, np.float32), 5, 1), 0)
        self.assertAlmostEqual(number("peek_sparsity", np.eye(5, dtype=np.float32)[2].copy(), 5, 1), 1)
        labels = random.integers(-1, 4, 90).astype(np.int32)
        purity = np.zeros(6)
        self.assertEqual(call("peek_purity", w, labels, 90, 6, purity), 0)
        known = labels >= 0
        shares = [[w[labels == c, r].sum() / w[known, r].sum() for c in range(4)] for r in range(6)]
        np.testing.assert_allclose(purity, np.max(shares, axis=1), rtol=1e-5)

    def test_neighbour_agreement(self):
        random = np.random.default_rng(7)
        for rows, columns, classes, threads in ((11, 3, 2, 1), (300, 5, 4, 2), (1000, 40, 10, 3)):
            centres = random.random((classes, columns))
            true = random.integers(0, classes, rows)
            x = (centres[true] + random.normal(0, 0.2, (rows, columns))).astype(np.float32)
            label = np.where(random.random(rows) < 0.3, random.integers(0, classes, rows), true).astype(np.int32)
            unit = x.astype(float) / np.linalg.norm(x.astype(float), axis=1, keepdims=True)
            cosine = unit @ unit.T
            np.fill_diagonal(cosine, -2)
            near = np.argsort(-cosine, axis=1, kind="stable")[:, :10]
            a, b = np.repeat(label, 10), label[near].ravel()
            agreement, information = np.zeros(1), np.zeros(1)
            self.assertEqual(call("peek_neighbour_agreement", x, rows, columns, columns, label, classes, agreement, information), 0)
            self.assertAlmostEqual(agreement[0], (a == b).mean(), places=12)
            self.assertAlmostEqual(information[0], sklearn.metrics.mutual_info_score(a, b), places=9)
        # One class for all agrees and tells nothing; classes at random agree by chance.
        call("peek_neighbour_agreement", x, rows, columns, columns, np.zeros(rows, np.int32), 10, agreement, information)
        self.assertEqual((agreement[0], information[0]), (1, 0))
        call("peek_neighbour_agreement", x, rows, columns, columns, random.integers(0, 10, rows).astype(np.int32), 10, agreement, information)
        self.assertAlmostEqual(agreement[0], 0.1, delta=0.02)
        # Rows that are zero are like no other; what is no class is refused.
        zero = np.zeros((20, 3), np.float32)
        self.assertEqual(call("peek_neighbour_agreement", zero, 20, 3, 3, np.arange(20, dtype=np.int32) % 2, 2, agreement, information), 0)
        for rows, label in ((10, np.zeros(10, np.int32)), (20, np.full(20, 2, np.int32)), (20, np.full(20, -1, np.int32))):
            self.assertNotEqual(call("peek_neighbour_agreement", zero, rows, 3, 3, label, 2, agreement, information), 0)

    def test_slope_and_invariance(self):
        random = np.random.default_rng(3)
        x, y = random.random(9), random.random(9)
        self.assertAlmostEqual(number("peek_slope", x, y, 9), np.polyfit(x, y, 1)[0], places=9)
        p, q = (random.dirichlet(np.ones(5), 200).astype(np.float32) for _ in range(2))
        q = ((p + q) / 2).astype(np.float32)
        a, b = p.argmax(1), q.argmax(1)
        self.assertAlmostEqual(number("peek_agreement", p, q, 200, 5), (a == b).mean(), places=12)
        self.assertAlmostEqual(number("peek_effective_invariance", p, q, 200, 5),
                               np.where(a == b, np.sqrt(p.max(1) * q.max(1)), 0).mean(), places=6)

    def test_cka_and_dimension_take_arrays(self):
        random = np.random.default_rng(4)
        x, value = random.random((60, 8)).astype(np.float32), np.zeros(1)
        self.assertEqual(call("peek_linear_cka", 60, x, 8, x, 8, value), 0)
        self.assertAlmostEqual(value[0], 1, places=6)
        self.assertNotEqual(call("peek_linear_cka", 3, x, 8, x, 8, value), 0)
        self.assertEqual(call("peek_intrinsic_dimension", x, 60, 4, 8, value), 0)
        self.assertTrue(1 < value[0] < 10)


if __name__ == "__main__":
    unittest.main()
