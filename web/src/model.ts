// A run as the views need it: layers (the input's channels together), and one fit for every rank.
import { unpackBytes, unpackInt32, type Quantised } from './arrays';
import { Fit } from './fit';
import type { Block, Run } from './payload_types';

export interface Layer {
    index: number;
    name: string;
    kind: Block['kind'];
    operator: string;
    blocks: number[]; // places in run.blocks
    shape: number[]; // as captured: [C, H, W] or [n]
    view: number[]; // the resolution of this page
    columns: number;
    effectiveRank: number | null;
    unusedCount: number | null;
    unused: Set<number>; // neurons in the numbering of view
}

export interface Pictures {
    channels: number;
    height: number;
    width: number;
    pixels: Quantised;
    place: Map<number, number>; // sample to place in pixels
}

// The input's blocks as one layer where each is a channel of the same picture.
function groupBlocks(blocks: Block[], fitted: Set<number>): number[][] {
    const groups: number[][] = [];
    let input: number[] | null = null;
    blocks.forEach((block, index) => {
        if (!fitted.has(index)) return;
        const first = input ? blocks[input[0]!]! : null;
        if (
            block.kind === 'input' &&
            first &&
            first.view.length === 3 &&
            String(first.view) === String(block.view)
        ) {
            input!.push(index);
        } else {
            const group = [index];
            if (block.kind === 'input' && !input) input = group;
            groups.push(group);
        }
    });
    return groups;
}

// Neurons of the page's resolution whose entries are all unused.
function unusedInView(block: Block, columns: Int32Array): number[] {
    if (String(block.shape) === String(block.view)) return Array.from(columns);
    const [, height = 1, width = 1] = block.shape;
    const [, rows = 1, across = 1] = block.view;
    const step = Math.ceil(Math.max(height / rows, width / across));
    const found = new Map<number, number>();
    for (const column of columns) {
        const channel = Math.floor(column / (height * width));
        const y = Math.floor((column % (height * width)) / width / step);
        const x = Math.floor((column % width) / step);
        const place = (channel * rows + y) * across + x;
        found.set(place, (found.get(place) ?? 0) + 1);
    }
    const size = (place: number): number => {
        const y = Math.floor(place / across) % rows;
        const x = place % across;
        return (Math.min(height, (y + 1) * step) - y * step) * (Math.min(width, (x + 1) * step) - x * step);
    };
    return [...found].filter(([place, entries]) => entries === size(place)).map(([place]) => place);
}

// The channel (of maps) or neuron to which an entry of a layer's view belongs.
export function unitOf(layer: Layer, neuron: number): number {
    return layer.view.length === 3 ? Math.floor(neuron / (layer.view[1]! * layer.view[2]!)) : neuron;
}

export class RunModel {
    readonly layers: Layer[];
    readonly ranks: number[];
    readonly labels: Int32Array | null;
    readonly classes: number[]; // those that a sample has, rising
    readonly pictures: Pictures | null;
    readonly title: string;
    private readonly indices: Int32Array | null;
    private readonly driverCache = new Map<number, Map<number, number[]>>();
    private readonly fits = new Map<number, Fit>();

    constructor(readonly run: Run) {
        const fitted = new Set(run.ranks.flatMap((rank) => rank.blocks.map((block) => block.block)));
        if (fitted.size === 0)
            run.blocks.forEach((block, index) => block.kind !== 'output' && fitted.add(index));
        this.layers = groupBlocks(run.blocks, fitted).map((group, index) => this.layer(group, index));
        this.ranks = run.ranks.map((rank) => rank.rank);
        this.labels = run.labels ? unpackInt32(run.labels) : null;
        this.classes = [...new Set(this.labels ?? [])].filter((label) => label >= 0).sort((a, b) => a - b);
        this.indices = run.sample_indices ? unpackInt32(run.sample_indices) : null;
        this.pictures = this.unpackPictures();
        const network = run.network?.name;
        const data = run.data?.name;
        this.title = network && data ? `${network} on ${data}` : (network ?? data ?? run.name);
    }

    private layer(group: number[], index: number): Layer {
        const blocks = group.map((place) => this.run.blocks[place]!);
        const first = blocks[0]!;
        const together = (sizes: number[]): number[] =>
            sizes.length === 3 ? [sizes[0]! * group.length, sizes[1]!, sizes[2]!] : [...sizes];
        const counts = blocks.map(
            (block) => block.measures?.unused ?? (block.unused ? block.unused.shape[0] : undefined),
        );
        const entries = first.view.reduce((product, size) => product * size, 1);
        const unused = blocks.flatMap((block, place) =>
            block.unused
                ? unusedInView(block, unpackInt32(block.unused)).map((column) => column + place * entries)
                : [],
        );
        return {
            index,
            name: group.length > 1 ? 'input' : first.name,
            kind: first.kind,
            operator: first.operator,
            blocks: group,
            shape: together(first.shape),
            view: together(first.view),
            columns: blocks.reduce((sum, block) => sum + block.columns, 0),
            effectiveRank: group.length === 1 ? (first.measures?.effective_rank ?? null) : null,
            unusedCount: counts.some((value) => value === undefined)
                ? null
                : counts.reduce<number>((sum, value) => sum + value!, 0),
            unused: new Set(unused),
        };
    }

    private unpackPictures(): Pictures | null {
        const found = this.run.pictures;
        if (!found) return null;
        const place = new Map<number, number>();
        unpackInt32(found.samples).forEach((sample, index) => place.set(sample, index));
        const { channels, height, width } = found;
        return { channels, height, width, pixels: unpackBytes(found.pixels), place };
    }

    // The samples that drive a layer's strongest units most: channels of maps, or neurons.
    drivers(layer: Layer): Map<number, number[]> {
        let found = this.driverCache.get(layer.index);
        if (!found) {
            found = new Map();
            const packed = layer.blocks.length === 1 ? this.run.blocks[layer.blocks[0]!]!.drivers : undefined;
            if (packed) {
                const units = unpackInt32(packed.units);
                const samples = unpackInt32(packed.samples);
                const each = units.length ? samples.length / units.length : 0;
                units.forEach((unit, place) =>
                    found!.set(
                        unit,
                        Array.from(samples.subarray(place * each, (place + 1) * each)).filter((t) => t >= 0),
                    ),
                );
            }
            this.driverCache.set(layer.index, found);
        }
        return found;
    }

    // Whether both looked at the same samples, in the same order.
    samplesLike(other: RunModel): boolean {
        return (
            this.run.sample_count === other.run.sample_count &&
            this.run.data?.name === other.run.data?.name &&
            this.run.sample_indices?.data === other.run.sample_indices?.data
        );
    }

    get input(): Layer | null {
        return this.layers.find((layer) => layer.kind === 'input' && layer.view.length === 3) ?? null;
    }

    fit(index: number): Fit | null {
        const rank = this.run.ranks[index];
        if (!rank) return null;
        let fit = this.fits.get(index);
        if (!fit) {
            fit = new Fit(this, rank);
            this.fits.set(index, fit);
        }
        return fit;
    }

    // The class of a sample, or null where labels are unknown.
    className(sample: number): string | null {
        const label = this.labels?.[sample];
        return label === undefined || label < 0 ? null : this.labelName(label);
    }

    labelName(label: number): string {
        return this.run.class_names[label] || String(label);
    }

    // Where a sample stands in the data.
    placeInData(sample: number): number {
        return this.indices?.[sample] ?? sample;
    }

    // Pixels of a sample's picture, in the input's units.
    picture(sample: number): Float32Array | null {
        const place = this.pictures?.place.get(sample);
        if (!this.pictures || place === undefined) return null;
        const { channels, height, width, pixels } = this.pictures;
        const size = channels * height * width;
        const values = new Float32Array(size);
        const step = (pixels.high - pixels.low) / 255;
        for (let i = 0; i < size; i++) values[i] = pixels.low + pixels.bytes[place * size + i]! * step;
        return values;
    }
}
