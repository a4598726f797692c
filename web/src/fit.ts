// One fit: what its components explain, where they live, which samples have them.
//
// Components are numbered here by the energy they explain (0: the most); `column` says which column of
// samples.npy one is.
import { unpackInt32, unpackRoot8 } from './arrays';
import type { Layer, MapShape } from './layer';
import type { RunModel } from './model';
import type { Rank, RankBlock } from './payload_types';

export interface Amount {
    index: number;
    value: number;
}

// What is left of every sample in a layer, by sample and rising.
export interface Residuals {
    values: Float32Array;
    sorted: Float32Array;
}

// Channels of a layer that the page shows larger than the others, by unit.
export interface Details {
    shape: MapShape;
    maps: Map<number, Float32Array>;
}

// As many as a view may show.
const topSamples = 240;

// The largest values with their places, without sorting all.
export function largest(values: Float32Array, many: number): Amount[] {
    const least = values.length > many ? values.slice().sort()[values.length - many]! : -Infinity;
    const found: Amount[] = [];
    for (let index = 0; index < values.length; index++)
        if (values[index]! >= least) found.push({ index, value: values[index]! });
    return found.sort((a, b) => b.value - a.value || a.index - b.index).slice(0, many);
}

function strongestFirst(values: ArrayLike<number>): Amount[] {
    return Array.from(values, (value, index) => ({ index, value })).sort(
        (a, b) => b.value - a.value || a.index - b.index,
    );
}

export class Fit {
    readonly rank: number;
    readonly column: number[]; // of a component
    private readonly shares: Float64Array[]; // of a layer, by component
    private readonly mean: number[]; // share over all layers, by column as stored
    private readonly loadingCache = new Map<number, Float32Array>();
    private readonly topCache = new Map<number, Amount[]>();
    private sampleMatrix: Float32Array | null = null;
    private columnNorms: Float64Array | null = null;
    private classSums: Float64Array | null = null;
    private rootMatrix: Float32Array | null = null;
    private readonly residualCache = new Map<number, Residuals>();
    private errorMatrix: Float32Array | null = null;

    constructor(
        readonly model: RunModel,
        readonly data: Rank,
    ) {
        this.rank = data.rank;
        const byColumn = model.layers.map((layer) => this.layerShares(layer));
        this.mean = Array.from(
            { length: this.rank },
            (_, column) =>
                byColumn.reduce((sum, shares) => sum + shares[column]!, 0) / Math.max(1, byColumn.length),
        );
        this.column = strongestFirst(this.mean).map((amount) => amount.index);
        this.shares = byColumn.map((shares) => Float64Array.from(this.column, (column) => shares[column]!));
    }

    // F, samples x rank, columns as stored.
    private get matrix(): Float32Array {
        this.sampleMatrix ??= unpackRoot8(this.data.samples);
        return this.sampleMatrix;
    }

    // Of the columns of F as stored.
    private get norms(): Float64Array {
        if (!this.columnNorms) {
            const { matrix, rank } = this;
            const squares = new Float64Array(rank);
            for (let i = 0; i < matrix.length; i++) squares[i % rank]! += matrix[i]! ** 2;
            this.columnNorms = squares.map(Math.sqrt);
        }
        return this.columnNorms;
    }

    private blocksOf(layer: Layer): RankBlock[] {
        return this.data.blocks.filter((block) => layer.blocks.includes(block.block));
    }

    // Each block counts in its layer by its energy.
    private weighted(layer: Layer, value: (block: RankBlock) => number): number {
        const blocks = this.blocksOf(layer);
        const energies = blocks.map((block) => (block.norm ?? 1) ** 2);
        const total = energies.reduce((sum, energy) => sum + energy, 0);
        if (!(total > 0)) return 0;
        return blocks.reduce((sum, block, index) => sum + (value(block) * energies[index]!) / total, 0);
    }

    private layerShares(layer: Layer): Float64Array {
        return Float64Array.from({ length: this.rank }, (_, column) =>
            this.weighted(layer, (block) => block.shares[column] ?? 0),
        );
    }

    has(layer: Layer): boolean {
        return this.blocksOf(layer).length > 0;
    }

    // The share of a layer's energy that a component explains; all together 1 - relative error^2.
    share(layer: Layer, component: number): number {
        return this.shares[layer.index]?.[component] ?? 0;
    }

    meanShare(component: number): number {
        return (
            this.shares.reduce((sum, shares) => sum + shares[component]!, 0) / Math.max(1, this.shares.length)
        );
    }

    relativeError(layer: Layer): number {
        return Math.sqrt(this.weighted(layer, (block) => block.relative_error ** 2));
    }

    explained(layer: Layer): number {
        return Math.max(0, 1 - this.relativeError(layer) ** 2);
    }

    // (Entries of the layer's view) x rank, columns as stored.
    private stored(layer: Layer): Float32Array {
        let values = this.loadingCache.get(layer.index);
        if (!values) {
            const parts = this.blocksOf(layer).map((block) => unpackRoot8(block.loadings));
            values = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
            let place = 0;
            for (const part of parts) {
                values.set(part, place);
                place += part.length;
            }
            this.loadingCache.set(layer.index, values);
        }
        return values;
    }

    // How each neuron (or pixel) of a layer expresses a component.
    loadings(layer: Layer, component: number): Float32Array {
        const stored = this.stored(layer);
        const column = this.column[component]!;
        const found = new Float32Array(stored.length / this.rank);
        for (let i = 0; i < found.length; i++) found[i] = stored[i * this.rank + column]!;
        return found;
    }

    // The strongest channels of a component in more detail than its loadings have, where the page keeps them.
    details(layer: Layer, component: number): Details | null {
        const column = this.column[component]!;
        let found: Details | null = null;
        layer.blocks.forEach((place, part) => {
            const details = this.data.blocks.find(({ block }) => block === place)?.details;
            if (!details) return;
            const [height = 1, width = 1] = details.view;
            const { lead } = layer;
            found ??= { shape: { height, width, lead, slices: details.slices ?? 1 }, maps: new Map() };
            const values = unpackRoot8(details.maps);
            const channels = unpackInt32(details.channels);
            const [many, size] = [channels.length / this.rank, lead + height * width];
            for (let m = 0; m < many; m++)
                found.maps.set(
                    channels[column * many + m]! + part * layer.units,
                    Float32Array.from(
                        { length: size },
                        (_, i) => values[(m * size + i) * this.rank + column]!,
                    ),
                );
        });
        return found;
    }

    // Loadings counted by what they contribute, so that those of different components compare: W_nr ||F_r||.
    strengths(layer: Layer): { values: Float32Array; neurons: number } {
        const stored = this.stored(layer);
        const neurons = stored.length / this.rank;
        const norms = this.column.map((column) => this.norms[column]!);
        const values = new Float32Array(stored.length);
        for (let n = 0; n < neurons; n++)
            for (let c = 0; c < this.rank; c++)
                values[n * this.rank + c] = stored[n * this.rank + this.column[c]!]! * norms[c]!;
        return { values, neurons };
    }

    // How much of each component a sample has, as shares of the whole. A column of F has no scale of its own (F
    // a and W / a are the same fit), so each is counted by the energy it explains.
    composition(sample: number): Float64Array {
        const amounts = Float64Array.from(this.column, (column) =>
            this.norms[column]! > 0
                ? (this.matrix[sample * this.rank + column]! * Math.sqrt(this.mean[column]!)) /
                  this.norms[column]!
                : 0,
        );
        const total = amounts.reduce((sum, amount) => sum + amount, 0);
        return total > 0 ? amounts.map((amount) => amount / total) : amounts;
    }

    // How much of a component every sample has.
    amounts(component: number): Float32Array {
        const column = this.column[component]!;
        const found = new Float32Array(this.model.run.sample_count);
        for (let t = 0; t < found.length; t++) found[t] = this.matrix[t * this.rank + column]!;
        return found;
    }

    // The samples that have most of a component, the most first.
    top(component: number): Amount[] {
        let found = this.topCache.get(component);
        if (!found) {
            found = largest(this.amounts(component), topSamples);
            this.topCache.set(component, found);
        }
        return found;
    }

    // How much of each component (as stored) the samples of each class have together, classes as in the model.
    private get classTable(): Float64Array {
        if (!this.classSums) {
            const { labels, classes } = this.model;
            const places = new Map(classes.map((label, place) => [label, place]));
            const sums = new Float64Array(classes.length * this.rank);
            labels?.forEach((label, t) => {
                const place = places.get(label);
                if (place === undefined) return;
                for (let r = 0; r < this.rank; r++)
                    sums[place * this.rank + r]! += this.matrix[t * this.rank + r]!;
            });
            this.classSums = sums;
        }
        return this.classSums;
    }

    // How far a component comes back from other random starts, 0 .. 1; null where it was not measured.
    stability(component: number): number | null {
        return this.data.component_stability?.[this.column[component]!] ?? null;
    }

    // How a component divides among the classes, the largest share first; null where labels are unknown.
    classes(component: number): Amount[] | null {
        const { labels, classes } = this.model;
        if (!labels) return null;
        const column = this.column[component]!;
        const sums = classes.map((_, place) => this.classTable[place * this.rank + column]!);
        const total = sums.reduce((sum, value) => sum + value, 0);
        if (!(total > 0)) return [];
        return sums
            .map((sum, place) => ({ index: classes[place]!, value: sum / total }))
            .filter((share) => share.value > 0)
            .sort((a, b) => b.value - a.value || a.index - b.index);
    }

    // The largest share that one class has of a component; 0 where labels are unknown.
    purity(component: number): number {
        return this.classes(component)?.[0]?.value ?? 0;
    }

    // The first layer in which a component explains at least half of an equal share; the last one otherwise.
    firstLayer(component: number): number {
        const layers = this.model.layers.filter((layer) => this.has(layer));
        const found = layers.find(
            (layer) => this.share(layer, component) >= this.explained(layer) / this.rank / 2,
        );
        return (found ?? layers[layers.length - 1])?.index ?? 0;
    }

    // Square roots of the compositions: samples x rank, in the order of the components. Rows have length 1, and
    // the distance of two rows is the Hellinger distance of the compositions (but for the factor sqrt 2).
    get roots(): Float32Array {
        if (!this.rootMatrix) {
            const { matrix, rank } = this;
            const weights = Float64Array.from(this.column, (column) =>
                this.norms[column]! > 0 ? Math.sqrt(this.mean[column]!) / this.norms[column]! : 0,
            );
            const roots = new Float32Array(matrix.length);
            for (let t = 0; t < matrix.length; t += rank) {
                let total = 0;
                for (let c = 0; c < rank; c++) total += matrix[t + this.column[c]!]! * weights[c]!;
                if (total > 0)
                    for (let c = 0; c < rank; c++)
                        roots[t + c] = Math.sqrt((matrix[t + this.column[c]!]! * weights[c]!) / total);
            }
            this.rootMatrix = roots;
        }
        return this.rootMatrix;
    }

    // The samples of the most similar composition, the nearest first; value: what both have in common, 0 .. 1.
    neighbours(sample: number, many: number): Amount[] {
        const { roots, rank } = this;
        const own = roots.slice(sample * rank, (sample + 1) * rank);
        const common = new Float32Array(roots.length / rank);
        for (let t = 0; t < common.length; t++) {
            let sum = 0;
            for (let c = 0; c < rank; c++) sum += roots[t * rank + c]! * own[c]!;
            common[t] = sum;
        }
        common[sample] = -1;
        return largest(common, many).filter((amount) => amount.index !== sample && amount.value > 0);
    }

    // What the fit makes of a sample in a layer: the sum of its components' loadings.
    reconstruction(layer: Layer, sample: number): Float32Array {
        const stored = this.stored(layer);
        const row = this.matrix.subarray(sample * this.rank, (sample + 1) * this.rank);
        return Float32Array.from({ length: stored.length / this.rank }, (_, i) => {
            let sum = 0;
            for (let column = 0; column < this.rank; column++)
                sum += stored[i * this.rank + column]! * row[column]!;
            return sum;
        });
    }

    // What is left unexplained of every sample in a layer (norms), or null where it was not written.
    residuals(layer: Layer): Residuals | null {
        if (!this.data.errors || !this.has(layer)) return null;
        let found = this.residualCache.get(layer.index);
        if (!found) {
            this.errorMatrix ??= unpackRoot8(this.data.errors);
            const errors = this.errorMatrix;
            const columns = this.data.blocks.length;
            const places = this.data.blocks.flatMap((block, place) =>
                layer.blocks.includes(block.block) ? [place] : [],
            );
            const values = new Float32Array(errors.length / columns);
            for (let t = 0; t < values.length; t++) {
                let sum = 0;
                for (const place of places) sum += errors[t * columns + place]! ** 2;
                values[t] = Math.sqrt(sum);
            }
            found = { values, sorted: values.slice().sort() };
            this.residualCache.set(layer.index, found);
        }
        return found;
    }

    // The component of another fit that the same samples have: the largest cosine between columns of F.
    closest(other: Fit, component: number): number {
        const { matrix, rank, norms } = this;
        const column = other.column[component]!;
        const products = new Float64Array(rank);
        for (let t = 0; t < this.model.run.sample_count; t++) {
            const amount = other.matrix[t * other.rank + column]!;
            if (amount > 0) for (let r = 0; r < rank; r++) products[r]! += amount * matrix[t * rank + r]!;
        }
        const cosines = this.column.map((own) => (norms[own]! > 0 ? products[own]! / norms[own]! : 0));
        return cosines.indexOf(Math.max(...cosines));
    }
}
