// A map of the samples: the two directions in which their compositions differ most (principal components of the
// square roots of the compositions, which is classical scaling of their Hellinger distances).
import type { Fit } from './fit';

export interface Embedding {
    x: Float32Array; // 0 .. 1, in the same unit as y
    y: Float32Array;
    explained: number; // share of the variance that lies in the plane
}

// The axes are found from at most so many samples, evenly spaced; all are then placed on them.
const fitted = 4000;

// The largest eigenvectors of a symmetric matrix by subspace iteration from a fixed start.
function eigenvectors(matrix: Float64Array, size: number): { vectors: Float64Array[]; values: number[] } {
    const many = Math.min(2, size);
    const vectors = Array.from({ length: many }, (_, v) =>
        Float64Array.from({ length: size }, (__, i) => Math.cos((i + 1) * (v + 1) * 1.37) + 0.1 * v),
    );
    const values = new Array<number>(many).fill(0);
    for (let step = 0; step < 200; step++) {
        for (let v = 0; v < many; v++) {
            const old = vectors[v]!;
            const next = new Float64Array(size);
            for (let i = 0; i < size; i++)
                for (let j = 0; j < size; j++) next[i]! += matrix[i * size + j]! * old[j]!;
            for (let u = 0; u < v; u++) {
                const other = vectors[u]!;
                const along = next.reduce((sum, value, i) => sum + value * other[i]!, 0);
                for (let i = 0; i < size; i++) next[i]! -= along * other[i]!;
            }
            const norm = Math.sqrt(next.reduce((sum, value) => sum + value * value, 0));
            values[v] = norm;
            vectors[v] = norm > 0 ? next.map((value) => value / norm) : next;
        }
    }
    // A sign that does not depend on the start: the largest entry is positive.
    for (const vector of vectors) {
        const most = vector.reduce((best, value) => (Math.abs(value) > Math.abs(best) ? value : best), 0);
        if (most < 0) vector.forEach((value, i) => (vector[i] = -value));
    }
    return { vectors, values };
}

const cache = new WeakMap<Fit, Embedding>();

export function embed(fit: Fit): Embedding {
    const known = cache.get(fit);
    if (known) return known;
    const { roots, rank } = fit;
    const samples = roots.length / rank;
    const step = Math.max(1, Math.ceil(samples / fitted));
    const mean = new Float64Array(rank);
    let used = 0;
    for (let t = 0; t < samples; t += step, used++)
        for (let c = 0; c < rank; c++) mean[c]! += roots[t * rank + c]!;
    for (let c = 0; c < rank; c++) mean[c]! /= Math.max(1, used);
    const covariance = new Float64Array(rank * rank);
    const row = new Float64Array(rank);
    for (let t = 0; t < samples; t += step) {
        for (let c = 0; c < rank; c++) row[c] = roots[t * rank + c]! - mean[c]!;
        for (let c = 0; c < rank; c++)
            for (let d = 0; d <= c; d++) covariance[c * rank + d]! += row[c]! * row[d]!;
    }
    let total = 0;
    for (let c = 0; c < rank; c++) {
        total += covariance[c * rank + c]!;
        for (let d = 0; d < c; d++) covariance[d * rank + c] = covariance[c * rank + d]!;
    }
    const { vectors, values } = eigenvectors(covariance, rank);
    const project = (axis: Float64Array | undefined): Float32Array => {
        const found = new Float32Array(samples);
        if (!axis) return found;
        const offset = axis.reduce((sum, value, c) => sum + value * mean[c]!, 0);
        for (let t = 0; t < samples; t++) {
            let sum = -offset;
            for (let c = 0; c < rank; c++) sum += roots[t * rank + c]! * axis[c]!;
            found[t] = sum;
        }
        return found;
    };
    const [x, y] = [project(vectors[0]), project(vectors[1])];
    const range = (list: Float32Array): [number, number] => {
        let [low, high] = [Infinity, -Infinity];
        for (const value of list) [low, high] = [Math.min(low, value), Math.max(high, value)];
        return [low, high];
    };
    const [left, right] = range(x);
    const [bottom, top] = range(y);
    const unit = Math.max(right - left, 1e-9);
    const result = {
        x: x.map((value) => (value - left) / unit),
        y: y.map((value) => (value - bottom) / Math.max(top - bottom, unit * 0.3, 1e-9)),
        explained: total > 0 ? values.reduce((sum, value) => sum + value, 0) / total : 0,
    };
    cache.set(fit, result);
    return result;
}
