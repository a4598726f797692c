// A layer: one captured tensor, the channels of one picture, or both signs of a tensor that was split; what its
// entries are, where they lie and what they are called.
import { unpackInt32 } from './arrays';
import type { Block } from './payload_types';
import { count, plural, shape } from './words';

// What a channel's values are: `lead` of them apart, then a map of `slices` parts, one below the other.
export interface MapShape {
    height: number; // of all slices together
    width: number;
    lead: number;
    slices: number;
}

export interface Layer extends MapShape {
    index: number;
    name: string;
    label: string; // the name for people: shorter where exporters write long ones
    kind: Block['kind'];
    operator: string;
    blocks: number[]; // places in run.blocks, as factorised
    measured: number[]; // the same as captured: of a tensor that was split the whole
    signs: number[]; // of each block: -1 is the negative part of a tensor, 1 all else
    first: number[]; // of each block: the number of its first channel (or neuron)
    units: number; // channels (or neurons) of one block
    flat: boolean; // neurons without a place
    step: number; // an entry is the mean over so many in every direction
    extent: number[]; // slices, rows and columns before that; empty where step is 1
    size: string; // the shape as captured, and how it was reduced, in words
    grid: boolean; // means over a grid were captured
    tokens: boolean;
    entries: number; // of the loadings
    columns: number; // as captured
    effectiveRank: number | null;
    unusedCount: number | null;
    unused: Set<number>; // entries
}

interface Part {
    stem: string;
    sign: number;
}

// NAME+ and NAME- are the parts of a tensor that was split at fit time.
function partOf(blocks: Block[], block: Block): Part | null {
    const stem = block.name.slice(0, -1);
    const sign = block.name.slice(-1);
    if (sign !== '+' && sign !== '-') return null;
    const other = stem + (sign === '+' ? '-' : '+');
    if (!blocks.some(({ name }) => name === other || name === stem)) return null;
    return { stem, sign: sign === '+' ? 1 : -1 };
}

function wholeOf(blocks: Block[], place: number): number {
    const part = partOf(blocks, blocks[place]!);
    const whole = part ? blocks.findIndex(({ name }) => name === part.stem) : -1;
    return whole < 0 ? place : whole;
}

// Whether a block is a part of another that is there.
export function isPart(blocks: Block[], block: Block): boolean {
    return blocks[wholeOf(blocks, blocks.indexOf(block))] !== block;
}

function together(blocks: Block[], first: Block, block: Block): boolean {
    if (String(first.view) !== String(block.view) || first.kind !== block.kind) return false;
    const stem = partOf(blocks, first)?.stem;
    if (stem !== undefined && stem === partOf(blocks, block)?.stem) return true;
    return first.kind === 'input' && first.view.length === 3 && first.input === block.input;
}

// The blocks of each layer, in the order of the capture.
export function groupBlocks(blocks: Block[], fitted: Set<number>): number[][] {
    const order = [...fitted].sort((a, b) => wholeOf(blocks, a) - wholeOf(blocks, b) || a - b);
    const groups: number[][] = [];
    for (const place of order) {
        const group = groups.find((candidate) => together(blocks, blocks[candidate[0]!]!, blocks[place]!));
        if (group) group.push(place);
        else groups.push([place]);
    }
    return groups;
}

// "64 × 56 × 56, as means over a 14 × 14 grid".
export function sizeWords(block: Block, many = 1): string {
    const reduction = block.reduction ?? 'none';
    const captured = [...block.shape];
    if (many > 1) captured[0]! *= many;
    const sizes = block.full_shape ?? captured;
    const full =
        block.layout === 'tokens' && sizes.length === 2
            ? `${plural(sizes[0]!, 'token')} × ${count(sizes[1]!)}`
            : shape(sizes);
    const grid = /^grid:(\d+)$/.exec(reduction)?.[1];
    const lines = sizes.length === 2;
    if (grid) return `${full}, as means over ${lines ? `${grid} parts` : `a ${grid} × ${grid} grid`}`;
    if (reduction === 'mean') return `${full}, as the mean of every channel`;
    if (reduction === 'max') return `${full}, as the largest of every channel`;
    if (reduction === 'first') return `${full}, of which the first ${lines ? 'token' : 'place'}`;
    return full;
}

function layerName(blocks: Block[], group: number[], inputs: number): string {
    const first = blocks[group[0]!]!;
    const stems = new Set(group.map((place) => partOf(blocks, blocks[place]!)?.stem ?? blocks[place]!.name));
    if (stems.size > 1) return inputs > 1 ? (first.input ?? 'input') : 'input';
    return group.length > 1 ? [...stems][0]! : first.name;
}

// What was counted of each block, or null where one is unknown.
function sumOf(values: (number | undefined)[]): number | null {
    let sum = 0;
    for (const value of values) {
        if (value === undefined) return null;
        sum += value;
    }
    return sum;
}

export function makeLayer(blocks: Block[], group: number[], index: number): Layer {
    const first = blocks[group[0]!]!;
    const flat = first.view.length !== 3;
    const [units = 1, height = 1, width = 1] = first.view;
    const lead = first.lead ?? 0;
    const size = flat ? units : units * (lead + height * width);
    const measured = [...new Set(group.map((place) => wholeOf(blocks, place)))];
    const wholes = measured.map((place) => blocks[place]!);
    const stems = group.map((place) => partOf(blocks, blocks[place]!)?.stem ?? blocks[place]!.name);
    const distinct = [...new Set(stems)];
    const inputs = new Set(blocks.filter(({ kind }) => kind === 'input').map(({ input }) => input)).size;
    const unused = group.flatMap((place, part) =>
        blocks[place]!.unused ? Array.from(unpackInt32(blocks[place]!.unused!), (i) => i + part * size) : [],
    );
    return {
        index,
        name: layerName(blocks, group, inputs),
        label: layerName(blocks, group, inputs),
        kind: first.kind,
        operator: first.operator,
        blocks: group,
        measured,
        signs: group.map((place) => partOf(blocks, blocks[place]!)?.sign ?? 1),
        first: stems.map((stem) => distinct.indexOf(stem) * units),
        units,
        flat,
        height: flat ? 1 : height,
        width: flat ? 1 : width,
        lead,
        slices: first.slices ?? 1,
        step: first.step ?? 1,
        extent: first.extent ?? [],
        size: sizeWords(first, distinct.length),
        grid: /^grid:/.test(first.reduction ?? ''),
        tokens: first.layout === 'tokens',
        entries: size * group.length,
        columns: first.columns * distinct.length,
        effectiveRank: wholes.length === 1 ? (wholes[0]!.measures?.effective_rank ?? null) : null,
        unusedCount: sumOf(wholes.map((block) => block.measures?.unused ?? block.unused_columns)),
        unused: new Set(unused),
    };
}

export function isSplit(layer: Layer): boolean {
    return layer.signs.includes(-1);
}

// The values of a channel (of a flat layer: 1).
export function mapSize(layer: MapShape): number {
    return layer.lead + layer.height * layer.width;
}

export function isLine({ height, width, lead }: MapShape): boolean {
    return height === 1 && width > 1 && lead === 0;
}

// Whether channels have more than one value, so that there is something to draw.
export function isMapped(layer: Layer): boolean {
    return mapSize(layer) > 1 || (!layer.flat && layer.step > 1);
}

// The channel (of maps) or neuron to which an entry belongs, all blocks counted through.
export function unitOf(layer: Layer, entry: number): number {
    return Math.floor(entry / mapSize(layer));
}

// The number of a unit in the network, with its sign where the tensor was split: "12", "12−".
export function unitName(layer: Layer, unit: number): string {
    const block = Math.floor(unit / layer.units);
    const within = unit % layer.units;
    const sign = isSplit(layer) ? (layer.signs[block]! < 0 ? '−' : '+') : '';
    const number = layer.first[block]! + within;
    if (!layer.flat || layer.step === 1) return `${count(number)}${sign}`;
    const last = Math.min((within + 1) * layer.step, layer.columns) - 1;
    return `${count(within * layer.step)} to ${count(last)}${sign}`;
}

// "neuron 12", "entry 3" of an input, "neurons 8 to 11" where the page shows means.
export function neuronWords(layer: Layer, unit: number): string {
    const [one, many] = layer.kind === 'input' ? ['entry', 'entries'] : ['neuron', 'neurons'];
    return `${layer.flat && layer.step > 1 ? many : one} ${unitName(layer, unit)}`;
}

// "row 4", or "rows 4 to 7" where the page shows means; `total` is how many there are.
function range(word: string, place: number, step: number, total = Infinity): string {
    const [first, last] = [place * step, Math.min((place + 1) * step, total) - 1];
    return first === last ? `${word} ${first}` : `${word}s ${first} to ${last}`;
}

// Where an entry of a layer is.
export function place(layer: Layer, entry: number): string {
    const unit = unitName(layer, unitOf(layer, entry));
    if (layer.flat) return neuronWords(layer, unitOf(layer, entry));
    const at = (entry % mapSize(layer)) - layer.lead;
    const channel = `channel ${unit}`;
    if (at < 0) return `${channel}, token ${layer.lead + at} (without a place)`;
    const [row, column] = [Math.floor(at / layer.width), at % layer.width];
    const { step, slices } = layer;
    const [deep, high, wide] = layer.extent;
    if (isLine(layer)) return `${channel}, ${range(layer.tokens ? 'token' : 'place', column, step, wide)}`;
    const rows = layer.height / slices;
    const slice = slices > 1 ? `${range('slice', Math.floor(row / rows), step, deep)}, ` : '';
    const where = `${range('row', row % rows, step, high)}, ${range('column', column, step, wide)}`;
    return `${channel}, ${slice}${where}${layer.grid ? ' of the grid' : layer.tokens ? ' of the tokens' : ''}`;
}

// Values of all blocks as values of the network's own channels: a tensor that was split becomes one again.
export function joined(layer: Layer, values: Float32Array): Float32Array {
    if (!isSplit(layer)) return values;
    const size = layer.entries / layer.blocks.length;
    const each = mapSize(layer);
    const found = new Float32Array((Math.max(...layer.first) + layer.units) * each);
    layer.blocks.forEach((_, block) => {
        const from = layer.first[block]! * each;
        for (let i = 0; i < size; i++) found[from + i]! += layer.signs[block]! * values[block * size + i]!;
    });
    return found;
}

// That a tensor was split, where it was.
export function splitWords(layer: Layer): string {
    return isSplit(layer) ? 'its positive (+) and its negative part (−) were factorised apart' : '';
}

// What is special about a layer's maps: a tensor that was split, tokens beside the grid.
export function partWords(layer: Layer): string {
    const { lead } = layer;
    const stands = lead === 1 ? 'stands' : 'stand';
    const apart = lead ? `${plural(lead, 'token')} without a place on the grid ${stands} at its left` : '';
    return [splitWords(layer), apart].filter(Boolean).join('; ');
}

// "1,440 neurons", "1,536 signed parts" of a tensor that was split.
export function entriesWords(layer: Layer, many: number): string {
    if (isSplit(layer)) return plural(many, 'signed part');
    if (layer.kind !== 'input') return plural(many, 'neuron');
    return layer.flat || isLine(layer) ? plural(many, 'entry', 'entries') : plural(many, 'pixel');
}
