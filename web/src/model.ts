// A run as the views need it: layers (the input's channels together), and one fit for every rank.
import { unpackBytes, unpackInt32, type Quantised } from './arrays';
import { Fit } from './fit';
import { groupBlocks, makeLayer, type Layer, type MapShape } from './layer';
import type { InputPictures, Run } from './payload_types';
import { plainNames } from './words';

// What samples are in one input of the network.
export interface InputPicture {
    blocks: number[];
    channels: number;
    shape: MapShape | null; // of a picture; null: a signal (`line`) or a list of numbers
    line: boolean;
    low: number;
    high: number;
    pixels: Quantised;
    values: number; // of a sample
}

export class RunModel {
    readonly layers: Layer[];
    readonly ranks: number[];
    readonly labels: Int32Array | null;
    readonly classes: number[]; // those that a sample has, rising
    readonly inputs: Layer[];
    readonly pictures: InputPicture[];
    private readonly pictureOf: Map<number, number>; // sample to its place among the pictures
    readonly title: string;
    private readonly indices: Int32Array | null;
    private readonly driverCache = new Map<number, Map<number, number[]>>();
    private readonly fits = new Map<number, Fit>();

    constructor(readonly run: Run) {
        const fitted = new Set(run.ranks.flatMap((rank) => rank.blocks.map((block) => block.block)));
        if (fitted.size === 0)
            run.blocks.forEach((block, index) => block.kind !== 'output' && fitted.add(index));
        this.layers = groupBlocks(run.blocks, fitted).map((group, index) =>
            makeLayer(run.blocks, group, index),
        );
        const labels = plainNames(this.layers.map((layer) => layer.name));
        this.layers.forEach((layer, index) => (layer.label = labels[index]!));
        this.inputs = this.layers.filter((layer) => layer.kind === 'input');
        this.ranks = run.ranks.map((rank) => rank.rank);
        this.labels = run.labels ? unpackInt32(run.labels) : null;
        this.classes = [...new Set(this.labels ?? [])].filter((label) => label >= 0).sort((a, b) => a - b);
        this.indices = run.sample_indices ? unpackInt32(run.sample_indices) : null;
        this.pictures = (run.pictures?.inputs ?? []).map((input) => this.unpackPicture(input));
        const shown = run.pictures ? Array.from(unpackInt32(run.pictures.samples)) : [];
        this.pictureOf = new Map(shown.map((sample, place) => [sample, place]));
        const network = run.network?.name;
        const data = run.data?.name;
        this.title = network && data ? `${network} on ${data}` : (network ?? data ?? run.name);
    }

    private unpackPicture(input: InputPictures): InputPicture {
        const first = this.run.blocks[input.blocks[0]!]!;
        const { channels, height, width } = input;
        const pixels = unpackBytes(input.pixels);
        return {
            blocks: input.blocks,
            channels,
            shape: height > 1 ? { height, width, lead: 0, slices: first.slices ?? 1 } : null,
            line: first.view.length === 3,
            low: pixels.low,
            high: pixels.high,
            pixels,
            values: channels * height * width,
        };
    }

    // The samples that drive a layer's strongest units most: channels of maps, or neurons.
    drivers(layer: Layer): Map<number, number[]> {
        let found = this.driverCache.get(layer.index);
        if (!found) {
            found = new Map();
            layer.blocks.forEach((block, part) => this.addDrivers(layer, block, part * layer.units, found!));
            this.driverCache.set(layer.index, found);
        }
        return found;
    }

    // Where the page shows means over neurons, it cannot show what drives one.
    private addDrivers(layer: Layer, block: number, from: number, into: Map<number, number[]>): void {
        const packed = this.run.blocks[block]!.drivers;
        if (!packed || (layer.flat && layer.step > 1)) return;
        const units = unpackInt32(packed.units);
        const samples = unpackInt32(packed.samples);
        const each = units.length ? samples.length / units.length : 0;
        units.forEach((unit, place) => {
            const own = samples.subarray(place * each, (place + 1) * each);
            into.set(
                from + unit,
                Array.from(own).filter((t) => t >= 0),
            );
        });
    }

    // Whether both looked at the same samples, in the same order.
    samplesLike(other: RunModel): boolean {
        return (
            this.run.sample_count === other.run.sample_count &&
            this.run.data?.name === other.run.data?.name &&
            this.run.sample_indices?.data === other.run.sample_indices?.data
        );
    }

    // The input that stands for all: a picture rather than a signal, a signal rather than numbers.
    get input(): Layer | null {
        return (
            this.inputs.find((layer) => layer.height > 1) ??
            this.inputs.find((layer) => !layer.flat) ??
            this.inputs[0] ??
            null
        );
    }

    // What a sample looks like, by the same preference.
    get pictured(): InputPicture | null {
        const { pictures } = this;
        return pictures.find(({ shape }) => shape) ?? pictures.find(({ line }) => line) ?? pictures[0] ?? null;
    }

    picturesOf(layer: Layer): InputPicture | null {
        return (
            this.pictures.find(({ blocks }) => blocks.some((block) => layer.measured.includes(block))) ?? null
        );
    }

    hasPicture(sample: number): boolean {
        return this.pictureOf.has(sample);
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

    // A sample's values in one input, in the input's units.
    picture(sample: number, input: InputPicture): Float32Array | null {
        const place = this.pictureOf.get(sample);
        if (place === undefined) return null;
        const { values: size, pixels, low, high } = input;
        const step = (high - low) / 255;
        const found = new Float32Array(size);
        for (let i = 0; i < size; i++) found[i] = low + pixels.bytes[place * size + i]! * step;
        return found;
    }
}
