// One sample: what it is, what the components make of it, what is left.
import { h, section } from '../dom';
import type { Fit } from '../fit';
import type { Layer, RunModel } from '../model';
import {
    canvas,
    latentImage,
    paintDifference,
    paintMap,
    paintPicture,
    sampleButton,
    samplePicture,
} from '../pictures';
import { saveMenu, type Table } from '../exports';
import type { Store } from '../store';
import { count, list, number, percent, shorten } from '../words';

const partsShown = 6;
const neighboursShown = 12;
const channelsShown = 6;

function figure(picture: HTMLElement, caption: string): HTMLElement {
    return h('figure', {}, picture, h('figcaption', {}, caption));
}

function pictures(model: RunModel, fit: Fit, sample: number): HTMLElement[] {
    const layer = model.input;
    const own = samplePicture(model, sample, `Sample ${sample}`);
    if (!layer || !fit.has(layer)) return own ? [figure(own, 'the sample')] : [];
    const [channels = 1, height = 1, width = 1] = layer.view;
    const made = fit.reconstruction(layer, sample);
    const low = model.pictures?.pixels.low ?? 0;
    const high = model.pictures?.pixels.high ?? Math.max(...made);
    const reconstruction = figure(
        canvas(width, height, 'Its reconstruction', paintPicture(made, channels, low, high)),
        'as its components make it',
    );
    const values = model.picture(sample);
    if (!own || !values || values.length !== made.length) return [reconstruction];
    const left = values.map((value, i) => value - made[i]!);
    return [
        figure(own, 'the sample'),
        reconstruction,
        figure(
            canvas(width, height, 'What is left', paintDifference(left, channels, high - low)),
            'what is left',
        ),
    ];
}

function composition(store: Store, fit: Fit, sample: number): HTMLElement {
    const parts = Array.from(fit.composition(sample), (value, component) => ({ component, value }))
        .filter((part) => part.value > 0)
        .sort((a, b) => b.value - a.value);
    const most = parts[0]?.value ?? 0;
    const rest = parts.slice(partsShown);
    const rows = parts.slice(0, partsShown).map(({ component, value }) => {
        const picture = latentImage(fit, component, '');
        picture.setAttribute('aria-hidden', 'true');
        return h(
            'li',
            {},
            h(
                'button',
                {
                    type: 'button',
                    class: component === store.get('component') ? 'part chosen' : 'part',
                    'aria-label': `Component ${component + 1}: ${percent(value)}`,
                    click: () => store.set({ component, sample }),
                },
                picture,
                h('b', {}, String(component + 1)),
                h('span', { class: 'track' }, h('span', { style: `width:${(100 * value) / most}%` })),
                h('span', { class: 'amount' }, percent(value)),
            ),
        );
    });
    return h(
        'div',
        {},
        h('h3', {}, 'Made of'),
        h('ol', { class: 'parts' }, ...rows),
        rest.length > 0 &&
            h(
                'p',
                { class: 'small dim' },
                `${rest.length} others: ${percent(rest.reduce((sum, part) => sum + part.value, 0))}`,
            ),
    );
}

// Each layer's residual on an axis from 0 to the largest of all samples, with the median marked.
function errors(store: Store, fit: Fit, sample: number): HTMLElement | null {
    const rows = store.model.layers.flatMap((layer) => {
        const found = fit.residuals(layer);
        if (!found) return [];
        const { values: all, sorted } = found;
        const most = sorted[sorted.length - 1] ?? 0;
        const median = sorted[Math.floor(sorted.length / 2)] ?? 0;
        const value = all[sample] ?? 0;
        const below = sorted.findIndex((other) => other >= value) / Math.max(1, all.length - 1);
        return [
            h(
                'li',
                { title: `${layer.name}: ${number(value)}; median of all samples ${number(median)}` },
                h('span', {}, shorten(layer.name, 12)),
                h(
                    'span',
                    { class: 'track' },
                    h('span', { style: `width:${most > 0 ? (100 * value) / most : 0}%` }),
                    h('i', { style: `left:${most > 0 ? (100 * median) / most : 0}%` }),
                ),
                h('span', { class: 'amount' }, `more than ${percent(below)}`),
            ),
        ];
    });
    if (!rows.length) return null;
    return h(
        'div',
        {},
        h('h3', {}, 'Not explained'),
        h('ol', { class: 'errors' }, ...rows),
        h(
            'p',
            { class: 'small dim' },
            'The norm of what is left, against all samples: the mark is the median, ' +
                'the number says how many samples have less left.',
        ),
    );
}

// What the components make of the sample in each layer: the channels of most energy, or the strongest neurons.
function layerReconstruction(fit: Fit, layer: Layer, sample: number): HTMLElement {
    const made = fit.reconstruction(layer, sample);
    const [channels = 1, height = 1, width = 1] = layer.view;
    const mapped = layer.view.length === 3 && height * width > 1;
    const size = mapped ? height * width : 1;
    const energies = Array.from({ length: made.length / size }, (_, unit) => {
        let sum = 0;
        for (let i = unit * size; i < (unit + 1) * size; i++) sum += made[i]! ** 2;
        return { unit, sum };
    }).sort((a, b) => b.sum - a.sum || a.unit - b.unit);
    const full = made.reduce((most, value) => Math.max(most, value), 0);
    const name = h('h4', { title: layer.name }, shorten(layer.name, 30));
    if (!mapped) {
        const across = Math.ceil(Math.sqrt(made.length * 4));
        const rows = Math.ceil(made.length / across);
        const label = `Reconstruction in ${layer.name}`;
        return h(
            'figure',
            { class: 'made' },
            name,
            canvas(across, rows, label, paintMap(made, full)),
            h('figcaption', {}, `${count(made.length)} neurons, row by row`),
        );
    }
    return h(
        'figure',
        { class: 'made' },
        name,
        h(
            'div',
            { class: 'made-maps' },
            ...energies
                .slice(0, channelsShown)
                .map(({ unit }) =>
                    canvas(
                        width,
                        height,
                        `Channel ${unit} of ${layer.name}, reconstructed`,
                        paintMap(made.subarray(unit * size, (unit + 1) * size), full),
                    ),
                ),
        ),
        h(
            'figcaption',
            {},
            channels > channelsShown
                ? `channels ${list(energies.slice(0, channelsShown).map(({ unit }) => String(unit)))} of ${count(channels)}`
                : `channels ${list(energies.map(({ unit }) => String(unit)))}`,
        ),
    );
}

function layerPictures(model: RunModel, fit: Fit, sample: number): HTMLElement | null {
    const layers = model.layers.filter((layer) => fit.has(layer) && layer !== model.input);
    if (!layers.length) return null;
    return h(
        'div',
        {},
        h('h3', {}, 'As its components make it in the layers'),
        h('div', { class: 'made-layers' }, ...layers.map((l) => layerReconstruction(fit, l, sample))),
    );
}

function neighbours(store: Store, fit: Fit, sample: number): HTMLElement | null {
    const found = fit.rank > 1 ? fit.neighbours(sample, neighboursShown) : [];
    if (!found.length) return null;
    return h(
        'div',
        {},
        h('h3', {}, 'Most alike in composition'),
        h(
            'div',
            { class: 'thumbs' },
            ...found.map(({ index, value }) =>
                sampleButton(
                    store.model,
                    index,
                    false,
                    (chosen) => store.set({ sample: chosen }),
                    `${percent(value)} in common`,
                ),
            ),
        ),
    );
}

function numbers(store: Store): Table {
    const { fit, sample } = store;
    if (!fit || sample === null) return [];
    return [
        ['sample', 'what', 'name', 'value'],
        ...Array.from(fit.composition(sample), (value, c) => [sample, 'share of component', c + 1, value]),
        ...store.model.layers.flatMap((layer) => {
            const left = fit.residuals(layer);
            return left ? [[sample, 'not explained (norm)', layer.name, left.values[sample]!]] : [];
        }),
        ...fit
            .neighbours(sample, neighboursShown)
            .map(({ index, value }) => [sample, 'in common with sample', index, value]),
    ];
}

export function sampleView(store: Store): HTMLElement {
    const { element, title, sentence, body, tools } = section('sample', 'Sample');
    const step = (by: number): void => {
        const total = store.model.run.sample_count;
        store.set({ sample: ((store.sample ?? 0) + by + total) % total });
    };
    const entry = h('input', { type: 'number', min: 0, step: 1, 'aria-label': 'Number of the sample' });
    entry.addEventListener('change', () => {
        if (entry.value !== '') store.set({ sample: Number(entry.value) });
    });
    const walk = h(
        'span',
        { class: 'choice walk' },
        h('button', { type: 'button', 'aria-label': 'Previous sample', click: () => step(-1) }, '‹'),
        entry,
        h('button', { type: 'button', 'aria-label': 'Next sample', click: () => step(1) }, '›'),
    );
    title.after(walk);
    const images = h('div', { class: 'images' });
    const bars = h('div', { class: 'columns' });
    const deeper = h('div', { class: 'deeper' });
    body.append(images, bars, deeper);
    tools.append(saveMenu('sample', body, () => numbers(store)));

    store.watch(
        ['rank', 'component', 'sample'],
        () => {
            const { fit, model, sample } = store;
            if (!fit || sample === null) return;
            const name = model.className(sample);
            const place = model.placeInData(sample);
            title.textContent = `Sample ${count(sample)}${name === null ? '' : `, “${shorten(name, 30)}”`}`;
            entry.max = String(model.run.sample_count - 1);
            entry.value = String(sample);
            const why =
                store.get('sample') === null
                    ? `The sample that has most of component ${store.get('component') + 1}`
                    : 'The chosen sample';
            const shown = pictures(model, fit, sample);
            const parts = [
                shown.length === 3
                    ? 'what its components make of it, what is left (orange: the sample has more, blue: less)'
                    : null,
                'what it is made of',
                fit.data.errors ? 'how much is not explained' : null,
            ].filter((part) => part !== null);
            const where = place === sample ? '' : ` (number ${count(place)} of the data)`;
            sentence.textContent = `${why}${where}: ${list(parts)}.`;
            images.replaceChildren(...shown);
            images.hidden = shown.length === 0;
            const left = errors(store, fit, sample);
            bars.replaceChildren(composition(store, fit, sample), ...(left ? [left] : []));
        },
        element,
    );
    // Not with the component: the sample that has most of it changes with it, the chosen one does not.
    let drawn = '';
    store.watch(
        ['rank', 'component', 'sample'],
        () => {
            const { fit, model, sample } = store;
            const wanted = `${store.get('run')} ${store.get('rank')} ${sample}`;
            if (!fit || sample === null || wanted === drawn) return;
            drawn = wanted;
            const parts = [neighbours(store, fit, sample), layerPictures(model, fit, sample)];
            deeper.replaceChildren(...parts.filter((part) => part !== null));
        },
        element,
    );
    return element;
}
