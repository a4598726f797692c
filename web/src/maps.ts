// One channel of a layer as a picture: a map, tokens on their grid with those that have no place beside it, a
// volume's slices, a line. One pixel a value, enlarged without smoothing by the style sheet; lines are drawn.
import { difference, viridis, viridisEntry } from './colours';
import { h } from './dom';
import { isLine, type MapShape } from './layer';

type Paint = (pixels: Uint8ClampedArray) => void;
export type Colour = readonly [number, number, number];

export function canvas(width: number, height: number, label: string, paint: Paint): HTMLCanvasElement {
    const element = h('canvas', { width, height, role: 'img', 'aria-label': label, class: 'raster' });
    // Small pictures in great number: none of them is worth the way to the graphics processor.
    const context = element.getContext('2d', { willReadFrequently: true });
    if (context) {
        const image = context.createImageData(width, height);
        paint(image.data);
        context.putImageData(image, 0, 0);
    }
    return element;
}

interface Arrangement {
    width: number;
    height: number;
    values: Int32Array; // which value a pixel shows; -1: none
}

// Tokens without a place stand in columns at the left, apart; slices beside and below each other, apart.
function arrange(shape: MapShape): Arrangement {
    const { slices, width, lead } = shape;
    const rows = shape.height / slices;
    const across = Math.max(1, Math.round(Math.sqrt((slices * rows) / width)));
    const down = Math.ceil(slices / across);
    const height = down * (rows + 1) - 1;
    const margin = lead ? Math.ceil(lead / height) + 1 : 0;
    const all = margin + across * (width + 1) - 1;
    const values = new Int32Array(all * height).fill(-1);
    for (let i = 0; i < lead; i++) values[(i % height) * all + Math.floor(i / height)] = i;
    for (let s = 0; s < slices; s++) {
        const [top, left] = [Math.floor(s / across) * (rows + 1), margin + (s % across) * (width + 1)];
        for (let y = 0; y < rows; y++)
            for (let x = 0; x < width; x++)
                values[(top + y) * all + left + x] = lead + (s * rows + y) * width + x;
    }
    return { width: all, height, values };
}

export function mapPicture(
    shape: MapShape,
    label: string,
    colour: (value: number) => Colour,
): HTMLCanvasElement {
    const { width, height, values } = arrange(shape);
    return canvas(width, height, label, (pixels) =>
        values.forEach((value, pixel) => {
            if (value < 0) return;
            pixels.set(colour(value), 4 * pixel);
            pixels[4 * pixel + 3] = 255;
        }),
    );
}

export function largest(values: ArrayLike<number>): number {
    let found = 0;
    for (let i = 0; i < values.length; i++) if (values[i]! > found) found = values[i]!;
    return found;
}

function viridisOf(value: number): Colour {
    const entry = 3 * viridisEntry(value);
    return [viridis[entry]!, viridis[entry + 1]!, viridis[entry + 2]!];
}

// Values in viridis; `full` is the value of the brightest colour.
export function brightness(values: ArrayLike<number>, full = largest(values)): (value: number) => Colour {
    return (i) => viridisOf(full > 0 ? (values[i] ?? 0) / full : 0);
}

// Channels of `size` values one after the other as the picture they are: colour where there are three, else grey
// of their mean.
export function pictureColour(
    values: ArrayLike<number>,
    size: number,
    low = 0,
    high = 1,
): (value: number) => Colour {
    const channels = values.length / size;
    const scale = high > low ? 255 / (high - low) : 0;
    const at = (c: number, i: number): number => (values[c * size + i]! - low) * scale;
    if (channels === 3) return (i) => [at(0, i), at(1, i), at(2, i)];
    return (i) => {
        let sum = 0;
        for (let c = 0; c < channels; c++) sum += at(c, i);
        return [sum / channels, sum / channels, sum / channels];
    };
}

// The mean over channels of a difference, `full` being the brightest.
export function differenceColour(
    values: ArrayLike<number>,
    size: number,
    full: number,
): (value: number) => Colour {
    const channels = values.length / size;
    return (i) => {
        let sum = 0;
        for (let c = 0; c < channels; c++) sum += values[c * size + i]!;
        return difference(full > 0 ? sum / channels / full : 0);
    };
}

// How lines are drawn: what samples are in grey, what components are in viridis, what has both signs in the
// colours of differences.
export type Tone = 'sample' | 'component' | 'difference';

const tones: Record<Tone, { ground: Colour; more: Colour; less: Colour; line: Colour }> = {
    sample: { ground: [0, 0, 0], more: [130, 130, 130], less: [130, 130, 130], line: [255, 255, 255] },
    component: { ground: viridisOf(0), more: viridisOf(0.6), less: viridisOf(0.6), line: viridisOf(0.85) },
    difference: {
        ground: [22, 22, 22],
        more: difference(0.6),
        less: difference(-0.6),
        line: [235, 235, 235],
    },
};

const lineWidth = 320; // pixels of a drawing, which the style sheet fits into its place
const lineHeight = 128;
const linesShown = 6;

function css([r, g, b]: Colour): string {
    return `rgb(${Math.round(r)},${Math.round(g)},${Math.round(b)})`;
}

// At most one value a pixel: of several the one farthest from zero.
function binned(values: ArrayLike<number>): Float32Array {
    const many = Math.min(values.length, lineWidth);
    const found = new Float32Array(many);
    for (let i = 0; i < values.length; i++) {
        const bin = Math.floor((i * many) / values.length);
        if (Math.abs(values[i]!) > Math.abs(found[bin]!)) found[bin] = values[i]!;
    }
    return found;
}

interface Field {
    top: number;
    height: number;
    low: number;
    high: number;
    tone: Tone;
}

// Bars from zero; with `line` a line along their ends.
function trace(context: CanvasRenderingContext2D, all: ArrayLike<number>, line: boolean, field: Field): void {
    const values = binned(all);
    const { more, less, line: ink } = tones[field.tone];
    const room = field.height - 10;
    const span = field.high > field.low ? field.high - field.low : 1;
    const y = (value: number): number => field.top + 5 + room * (1 - (value - field.low) / span);
    const step = lineWidth / Math.max(1, values.length);
    const gap = !line && step > 6 ? 2 : 0;
    values.forEach((value, i) => {
        context.fillStyle = css(value < 0 ? less : more);
        const [from, to] = [y(Math.max(0, value)), y(Math.min(0, value))];
        const [left, right] = [Math.round(i * step), Math.round((i + 1) * step)]; // no seams between bars
        context.fillRect(left, from, right - left - gap, Math.max(1, to - from));
    });
    if (!line) return;
    context.strokeStyle = css(ink);
    context.lineWidth = 2.5;
    context.beginPath();
    values.forEach((value, i) => context.lineTo((i + 0.5) * step, y(value)));
    context.stroke();
}

// Signals one below the other on one scale, or numbers as bars (`line` false).
export function linePicture(
    rows: ArrayLike<number>[],
    label: string,
    tone: Tone,
    line: boolean,
    high = Math.max(...rows.map(largest)),
    low = -Math.max(0, ...rows.map((row) => largest(Array.from(row, (value) => -value)))),
): HTMLCanvasElement {
    const each = rows.length > 2 ? lineHeight / 2 : lineHeight;
    const height = each * rows.length;
    const element = h('canvas', { width: lineWidth, height, role: 'img', 'aria-label': label });
    element.className = 'raster drawn';
    const context = element.getContext('2d');
    if (!context) return element;
    context.fillStyle = css(tones[tone].ground);
    context.fillRect(0, 0, lineWidth, height);
    rows.forEach((row, i) => trace(context, row, line, { top: i * each, height: each, low, high, tone }));
    return element;
}

// Channels of `size` values each: few as lines, many as the rows of a map.
export function linesPicture(
    values: Float32Array,
    size: number,
    label: string,
    tone: Tone,
    line: boolean,
    high?: number,
    low?: number,
): HTMLCanvasElement {
    const rows = values.length / size;
    if (rows <= linesShown) {
        const all = Array.from({ length: rows }, (_, row) => values.subarray(row * size, (row + 1) * size));
        return linePicture(all, label, tone, line, high, low);
    }
    const shape = { height: rows, width: size, lead: 0, slices: 1 };
    const top = high ?? largest(values.map(Math.abs));
    if (tone === 'component') return mapPicture(shape, label, brightness(values, top));
    if (tone === 'difference') return mapPicture(shape, label, differenceColour(values, values.length, top));
    return mapPicture(shape, label, pictureColour(values, values.length, low ?? 0, top));
}

// One channel of a layer's loadings, or of what they make.
export function channelPicture(
    shape: MapShape,
    values: Float32Array,
    label: string,
    full = largest(values),
): HTMLCanvasElement {
    if (isLine(shape)) return linePicture([values], label, 'component', true, full);
    return mapPicture(shape, label, brightness(values, full));
}
