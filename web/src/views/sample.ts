// One sample: what it is, what the components make of it, what is left.
import { h, section } from '../dom';
import type { Fit } from '../fit';
import { joined, mapSize, unitName, type Layer } from '../layer';
import { channelPicture, largest, linePicture } from '../maps';
import type { InputPicture, RunModel } from '../model';
import { inputDifference, inputPicture, latentImage, sampleButton } from '../pictures';
import { saveMenu, type Table } from '../exports';
import type { Store } from '../store';
import { count, list, number, percent, shorten } from '../words';
import { layerDot } from './charts';

const partsShown = 6;
const neighboursShown = 12;
const channelsShown = 6;

function figure(picture: HTMLElement, caption: string): HTMLElement {
    return h('figure', {}, picture, h('figcaption', {}, caption));
}

// The sample in one input, what its components make of it, what is left.
function triple(model: RunModel, fit: Fit, input: InputPicture, sample: number): HTMLElement[] {
    const layer = model.inputs.find((candidate) => model.picturesOf(candidate) === input);
    const what = model.pictures.length > 1 && layer ? ` in ${shorten(layer.label, 24)}` : '';
    const own = model.picture(sample, input);
    const sampleFigure = own && figure(inputPicture(input, own, `Sample ${sample}`), `the sample${what}`);
    if (!layer || !fit.has(layer)) return sampleFigure ? [sampleFigure] : [];
    const made = joined(layer, fit.reconstruction(layer, sample));
    const madeFigure = figure(
        inputPicture(input, made, `Its reconstruction${what}`),
        'as its components make it',
    );
    if (!own || !sampleFigure || own.length !== made.length) return [madeFigure];
    const left = own.map((value, i) => value - made[i]!);
    return [sampleFigure, madeFigure, figure(inputDifference(input, left, 'What is left'), 'what is left')];
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
                h('span', {}, layerDot(layer.index, store.model.layers.length), shorten(layer.label, 18)),
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
    const size = mapSize(layer);
    const energies = Array.from({ length: made.length / size }, (_, unit) => {
        let sum = 0;
        for (let i = unit * size; i < (unit + 1) * size; i++) sum += made[i]! ** 2;
        return { unit, sum };
    }).sort((a, b) => b.sum - a.sum || a.unit - b.unit);
    const full = largest(made);
    const name = h('h4', { title: layer.name }, shorten(layer.label, 30));
    if (size === 1)
        return h(
            'figure',
            { class: 'made' },
            name,
            linePicture([made], `Reconstruction in ${layer.name}`, 'component', false, full),
            h('figcaption', {}, `${count(made.length)} ${layer.flat ? 'neurons' : 'channels'}, a bar each`),
        );
    const shown = energies.slice(0, channelsShown).map(({ unit }) => unit);
    const channel = (unit: number): HTMLElement =>
        channelPicture(
            layer,
            made.subarray(unit * size, (unit + 1) * size),
            `Channel ${unitName(layer, unit)} of ${layer.name}, reconstructed`,
            full,
        );
    return h(
        'figure',
        { class: 'made' },
        name,
        h('div', { class: 'made-maps' }, ...shown.map(channel)),
        h(
            'figcaption',
            {},
            `channels ${list(shown.map((unit) => unitName(layer, unit)))}` +
                (energies.length > channelsShown ? ` of ${count(energies.length)}` : ''),
        ),
    );
}

function layerPictures(model: RunModel, fit: Fit, sample: number): HTMLElement | null {
    const layers = model.layers.filter((layer) => fit.has(layer) && !model.picturesOf(layer));
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
            const shown = model.pictures.flatMap((input) => triple(model, fit, input, sample));
            const parts = [
                shown.length >= 3
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
