// Arrays as pictures on a canvas: one pixel a value, enlarged without smoothing by the style sheet.
import { difference, viridis, viridisEntry } from './colours';
import { h } from './dom';
import type { Fit } from './fit';
import type { Layer, RunModel } from './model';

export type Paint = (pixels: Uint8ClampedArray) => void;

export function canvas(width: number, height: number, label: string, paint: Paint): HTMLCanvasElement {
    const element = h('canvas', { width, height, role: 'img', 'aria-label': label, class: 'raster' });
    const context = element.getContext('2d');
    if (context) {
        const image = context.createImageData(width, height);
        paint(image.data);
        context.putImageData(image, 0, 0);
    }
    return element;
}

function largest(values: ArrayLike<number>): number {
    let found = 0;
    for (let i = 0; i < values.length; i++) if (values[i]! > found) found = values[i]!;
    return found;
}

// One map in viridis; `full` is the value of the brightest colour.
export function paintMap(values: ArrayLike<number>, full = largest(values)): Paint {
    return (pixels) => {
        for (let i = 0; i < pixels.length / 4; i++) {
            const entry = 3 * viridisEntry(full > 0 && i < values.length ? values[i]! / full : 0);
            pixels.set([viridis[entry]!, viridis[entry + 1]!, viridis[entry + 2]!, 255], 4 * i);
        }
    };
}

// Channels one after the other as the picture they are: colour where there are three, else grey of their mean.
export function paintPicture(values: ArrayLike<number>, channels: number, low = 0, high = 1): Paint {
    return (pixels) => {
        const size = pixels.length / 4;
        const scale = high > low ? 255 / (high - low) : 0;
        for (let i = 0; i < size; i++) {
            if (channels === 3) {
                for (let c = 0; c < 3; c++) pixels[4 * i + c] = (values[c * size + i]! - low) * scale;
            } else {
                let sum = 0;
                for (let c = 0; c < channels; c++) sum += values[c * size + i]!;
                pixels.fill((sum / channels - low) * scale, 4 * i, 4 * i + 3);
            }
            pixels[4 * i + 3] = 255;
        }
    };
}

// The mean over channels of a difference, `full` being the brightest.
export function paintDifference(values: ArrayLike<number>, channels: number, full: number): Paint {
    return (pixels) => {
        const size = pixels.length / 4;
        for (let i = 0; i < size; i++) {
            let sum = 0;
            for (let c = 0; c < channels; c++) sum += values[c * size + i]!;
            pixels.set(difference(full > 0 ? sum / channels / full : 0), 4 * i);
            pixels[4 * i + 3] = 255;
        }
    };
}

// A component as the input shows it; without a pictured input, as its first layer does: the strongest channel,
// or all neurons row by row.
export function latentImage(fit: Fit, component: number, label: string): HTMLCanvasElement {
    const layer =
        fit.model.input ??
        fit.model.layers.find((candidate) => candidate.view.length === 3) ??
        fit.model.layers[0]!;
    const loadings = fit.loadings(layer, component);
    if (layer.view.length !== 3) {
        const width = Math.ceil(Math.sqrt(loadings.length));
        return canvas(width, Math.ceil(loadings.length / width), label, paintMap(loadings));
    }
    const [channels = 1, height = 1, width = 1] = layer.view;
    if (layer.kind === 'input' && channels === 3)
        return canvas(width, height, label, paintPicture(loadings, 3, 0, largest(loadings)));
    return canvas(width, height, label, paintMap(strongestChannel(loadings, channels, height * width)));
}

function strongestChannel(values: Float32Array, channels: number, size: number): Float32Array {
    let best = values.subarray(0, size);
    let most = -1;
    for (let c = 0; c < channels; c++) {
        const map = values.subarray(c * size, (c + 1) * size);
        const energy = map.reduce((sum, value) => sum + value * value, 0);
        if (energy > most) [most, best] = [energy, map];
    }
    return best;
}

// What the latent images are drawn from, in words.
export function latentSource(model: RunModel): string {
    if (model.input) return 'the component in the input';
    const layer: Layer | undefined = model.layers.find((candidate) => candidate.view.length === 3);
    if (layer) return `its strongest channel in ${layer.name}`;
    return `its loadings in ${model.layers[0]?.name ?? 'the first block'}, row by row`;
}

// A sample's own picture, or null where the page has none.
export function samplePicture(model: RunModel, sample: number, label: string): HTMLCanvasElement | null {
    const values = model.picture(sample);
    if (!values || !model.pictures) return null;
    const { channels, height, width, pixels } = model.pictures;
    return canvas(width, height, label, paintPicture(values, channels, pixels.low, pixels.high));
}

// Several samples' pictures side by side on one canvas, or null where the page has none of them.
export function pictureStrip(model: RunModel, samples: number[], label: string): HTMLCanvasElement | null {
    if (!model.pictures) return null;
    const { channels, height, width, pixels } = model.pictures;
    const shown = samples.flatMap((sample) => model.picture(sample) ?? []);
    if (!shown.length) return null;
    const gap = Math.max(1, Math.round(width / 14));
    const element = h('canvas', {
        width: shown.length * (width + gap) - gap,
        height,
        role: 'img',
        'aria-label': label,
        class: 'raster strip',
    });
    const context = element.getContext('2d');
    shown.forEach((values, place) => {
        if (!context) return;
        const image = context.createImageData(width, height);
        paintPicture(values, channels, pixels.low, pixels.high)(image.data);
        context.putImageData(image, place * (width + gap), 0);
    });
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
    const picture = samplePicture(model, sample, '');
    picture?.setAttribute('aria-hidden', 'true');
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
