// Components and samples as pictures.
import { h } from './dom';
import type { Fit } from './fit';
import { isMapped, isSplit, joined, mapSize, type Layer } from './layer';
import {
    brightness,
    channelPicture,
    differenceColour,
    largest,
    linesPicture,
    mapPicture,
    pictureColour,
} from './maps';
import type { InputPicture, RunModel } from './model';

// What latent images are drawn from: the input, else the first layer with maps, else the first one.
function latentLayer(model: RunModel): Layer {
    return model.input ?? model.layers.find((layer) => isMapped(layer)) ?? model.layers[0]!;
}

// A component's loadings in an input as the picture, signal or list of numbers that it is.
export function inputImage(layer: Layer, loadings: Float32Array, label: string): HTMLCanvasElement {
    const values = joined(layer, loadings);
    const size = mapSize(layer);
    if (layer.flat || layer.height === 1)
        return linesPicture(
            values,
            layer.flat ? values.length : size,
            label,
            isSplit(layer) ? 'difference' : 'component',
            !layer.flat,
        );
    if (isSplit(layer))
        return mapPicture(layer, label, differenceColour(values, size, largest(values.map(Math.abs))));
    if (layer.kind === 'input' && values.length === 3 * size)
        return mapPicture(layer, label, pictureColour(values, size, 0, largest(values)));
    return mapPicture(layer, label, brightness(strongestChannel(values, size)));
}

// A component as the input shows it; without an input, as the first layer with maps does.
export function latentImage(fit: Fit, component: number, label: string): HTMLCanvasElement {
    const layer = latentLayer(fit.model);
    const loadings = fit.loadings(layer, component);
    if (layer.kind === 'input' || layer.flat) return inputImage(layer, loadings, label);
    return channelPicture(layer, strongestChannel(loadings, mapSize(layer)), label);
}

function strongestChannel(values: Float32Array, size: number): Float32Array {
    let best = values.subarray(0, size);
    let most = -1;
    for (let from = 0; from < values.length; from += size) {
        const map = values.subarray(from, from + size);
        const energy = map.reduce((sum, value) => sum + value * value, 0);
        if (energy > most) [most, best] = [energy, map];
    }
    return best;
}

// What the latent images are drawn from, in words.
export function latentSource(model: RunModel): string {
    const layer = latentLayer(model);
    const signs = isSplit(layer) ? ' (orange: above zero, blue: below)' : '';
    if (layer.kind === 'input' && model.inputs.length === 1) return `the component in the input${signs}`;
    if (layer.kind === 'input') return `the component in the input ${layer.label}${signs}`;
    return layer.flat
        ? `its loadings in ${layer.label}, a bar each${signs}`
        : `its strongest channel in ${layer.label}`;
}

// Values of one input as the picture, signal or list of numbers that it is.
export function inputPicture(input: InputPicture, values: Float32Array, label: string): HTMLCanvasElement {
    const size = values.length / input.channels;
    if (!input.shape) return linesPicture(values, size, label, 'sample', input.line, input.high, input.low);
    return mapPicture(input.shape, label, pictureColour(values, size, input.low, input.high));
}

// A difference of two such values.
export function inputDifference(input: InputPicture, values: Float32Array, label: string): HTMLCanvasElement {
    const size = values.length / input.channels;
    const full = input.high - input.low;
    if (input.shape) return mapPicture(input.shape, label, differenceColour(values, size, full));
    return linesPicture(values, size, label, 'difference', input.line, full / 2, -full / 2);
}

// A sample's own picture, or null where the page has none.
export function samplePicture(model: RunModel, sample: number, label: string): HTMLCanvasElement | null {
    const input = model.pictured;
    const values = input && model.picture(sample, input);
    return input && values ? inputPicture(input, values, label) : null;
}

// The address of a sample's picture. Thumbnails are many, and every canvas is a layer of its own to the browser.
const addresses = new WeakMap<RunModel, Map<number, string>>();
const addressesKept = 3000;

function thumbnail(model: RunModel, sample: number): HTMLImageElement | null {
    if (!model.hasPicture(sample)) return null;
    let known = addresses.get(model);
    if (!known) addresses.set(model, (known = new Map()));
    let address = known.get(sample);
    if (!address) {
        address = samplePicture(model, sample, '')?.toDataURL('image/png');
        if (!address) return null;
        known.set(sample, address);
        if (known.size > addressesKept) known.delete(known.keys().next().value!);
    }
    const drawn = !model.pictured?.shape;
    return h('img', { src: address, alt: '', decoding: 'sync', class: drawn ? 'raster drawn' : 'raster' });
}

// What was drawn of samples lately, to draw from: strips show the same ones again and again.
const sources = new WeakMap<RunModel, Map<number, HTMLCanvasElement>>();
const sourcesKept = 400;

function source(model: RunModel, sample: number): HTMLCanvasElement | null {
    let known = sources.get(model);
    if (!known) sources.set(model, (known = new Map()));
    const found = known.get(sample) ?? samplePicture(model, sample, '');
    if (!found) return null;
    known.delete(sample);
    known.set(sample, found);
    if (known.size > sourcesKept) known.delete(known.keys().next().value!);
    return found;
}

// Signals need room: no more than so many beside each other.
const linesInStrip = 2;

// Several samples' pictures side by side on one canvas, or null where the page has none of them.
export function pictureStrip(model: RunModel, samples: number[], label: string): HTMLCanvasElement | null {
    const most = model.pictured?.shape ? samples.length : linesInStrip;
    const shown = samples.slice(0, most).flatMap((sample) => source(model, sample) ?? []);
    if (!shown.length) return null;
    const drawn = shown[0]!.classList.contains('drawn');
    const width = Math.round(shown[0]!.width / (drawn ? 2 : 1));
    const height = Math.round(shown[0]!.height / (drawn ? 2 : 1));
    const gap = Math.max(1, Math.round(width / 14));
    const element = h('canvas', {
        width: shown.length * (width + gap) - gap,
        height,
        role: 'img',
        'aria-label': label,
        class: drawn ? 'raster strip drawn' : 'raster strip',
    });
    const context = element.getContext('2d');
    if (context) context.imageSmoothingQuality = 'high';
    shown.forEach((picture, place) => context?.drawImage(picture, place * (width + gap), 0, width, height));
    return element;
}

// A sample as a button that chooses it: its picture, or its number where the page has none.
export function sampleButton(
    model: RunModel,
    sample: number,
    chosen: boolean,
    choose: (sample: number) => void,
    note = '',
): HTMLButtonElement {
    const name = model.className(sample);
    const label = `Sample ${sample}${name === null ? '' : `, ${name}`}${note ? `, ${note}` : ''}`;
    const picture = thumbnail(model, sample);
    return h(
        'button',
        {
            type: 'button',
            class: picture ? 'thumb' : 'thumb text',
            title: label,
            'aria-label': label,
            'data-sample': sample,
            'aria-pressed': String(chosen),
            click: () => choose(sample),
        },
        picture ?? String(sample),
    );
}

// Marks the chosen one among buttons of samples.
export function markSample(buttons: Element, sample: number | null): void {
    for (const button of buttons.querySelectorAll<HTMLElement>('[data-sample]'))
        button.setAttribute('aria-pressed', String(button.dataset['sample'] === String(sample)));
}
