// Which component of one fit is which of another.
import type { Fit } from './fit';
import type { Layer } from './layer';

export interface Pair {
    own: number | null;
    other: number | null;
    cosine: number; // of the two; of a component without counterpart, to the nearest one
}

export interface Alignment {
    basis: string; // what was compared, in words
    pairs: Pair[];
}

// Under this two components are not taken for the same.
export const leastCosine = 0.5;

// Assigns rows to columns with the largest sum (the Hungarian method with potentials, O(n^2 m) for n <= m);
// gives the column of every row.
export function assign(gain: number[][]): number[] {
    const n = gain.length;
    const m = gain[0]?.length ?? 0;
    const rowPotential = new Float64Array(n + 1);
    const columnPotential = new Float64Array(m + 1);
    const rowOf = new Int32Array(m + 1);
    const way = new Int32Array(m + 1);
    for (let row = 1; row <= n; row++) {
        rowOf[0] = row;
        let column = 0;
        const least = new Float64Array(m + 1).fill(Infinity);
        const used = new Uint8Array(m + 1);
        do {
            used[column] = 1;
            const current = rowOf[column]!;
            let delta = Infinity;
            let next = 0;
            for (let j = 1; j <= m; j++) {
                if (used[j]) continue;
                const cost = -gain[current - 1]![j - 1]! - rowPotential[current]! - columnPotential[j]!;
                if (cost < least[j]!) {
                    least[j] = cost;
                    way[j] = column;
                }
                if (least[j]! < delta) {
                    delta = least[j]!;
                    next = j;
                }
            }
            for (let j = 0; j <= m; j++)
                if (used[j]) {
                    rowPotential[rowOf[j]!]! += delta;
                    columnPotential[j]! -= delta;
                } else {
                    least[j]! -= delta;
                }
            column = next;
        } while (rowOf[column] !== 0);
        while (column !== 0) {
            const before = way[column]!;
            rowOf[column] = rowOf[before]!;
            column = before;
        }
    }
    const found = new Array<number>(n).fill(-1);
    for (let j = 1; j <= m; j++) if (rowOf[j]! > 0) found[rowOf[j]! - 1] = j - 1;
    return found;
}

function unit(values: Float32Array): Float32Array {
    let sum = 0;
    for (const value of values) sum += value * value;
    return sum > 0 ? values.map((value) => value / Math.sqrt(sum)) : values;
}

// What both fits have of the same kind: the input, else a layer of the same name and size, else the samples.
function shared(own: Fit, other: Fit): { basis: string; columns: [Float32Array[], Float32Array[]] } | null {
    const partner = (layer: Layer): Layer | undefined =>
        other.model.layers.find(
            (candidate) =>
                candidate.name === layer.name &&
                candidate.entries === layer.entries &&
                candidate.units === layer.units &&
                candidate.height === layer.height &&
                other.has(candidate),
        );
    const layers = own.model.layers.filter((layer) => own.has(layer) && partner(layer));
    const layer = layers.find((candidate) => candidate.kind === 'input') ?? layers[0];
    const all = (fit: Fit, make: (component: number) => Float32Array): Float32Array[] =>
        Array.from({ length: fit.rank }, (_, c) => unit(make(c)));
    if (layer) {
        const same = partner(layer)!;
        return {
            basis: `loadings in ${layer.label}`,
            columns: [all(own, (c) => own.loadings(layer, c)), all(other, (c) => other.loadings(same, c))],
        };
    }
    if (own.model.samplesLike(other.model))
        return {
            basis: 'amounts in the same samples',
            columns: [all(own, (c) => own.amounts(c)), all(other, (c) => other.amounts(c))],
        };
    return null;
}

// Null where the two have nothing in common that could be compared.
export function align(own: Fit, other: Fit): Alignment | null {
    const found = shared(own, other);
    if (!found) return null;
    const [left, right] = found.columns;
    const cosines = left.map((a) =>
        right.map((b) => {
            let sum = 0;
            for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
            return sum;
        }),
    );
    const wide = left.length <= right.length;
    const gain = wide ? cosines : right.map((_, j) => left.map((__, i) => cosines[i]![j]!));
    const assigned = assign(gain);
    const pairs: Pair[] = [];
    const alone = (own: number | null, other: number | null): Pair => ({
        own,
        other,
        cosine: Math.max(0, ...(own !== null ? cosines[own]! : cosines.map((row) => row[other!]!))),
    });
    const [matchedLeft, matchedRight] = [new Set<number>(), new Set<number>()];
    assigned.forEach((place, index) => {
        const [i, j] = wide ? [index, place] : [place, index];
        if (i < 0 || j < 0 || cosines[i]![j]! < leastCosine) return;
        pairs.push({ own: i, other: j, cosine: cosines[i]![j]! });
        matchedLeft.add(i);
        matchedRight.add(j);
    });
    pairs.sort((a, b) => b.cosine - a.cosine || a.own! - b.own!);
    left.forEach((_, i) => matchedLeft.has(i) || pairs.push(alone(i, null)));
    right.forEach((_, j) => matchedRight.has(j) || pairs.push(alone(null, j)));
    return { basis: found.basis, pairs };
}
