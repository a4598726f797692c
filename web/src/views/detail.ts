// The chosen component: its picture, the samples that have most of it, the neurons that carry it.
import { h, section } from '../dom';
import type { Amount, Details, Fit } from '../fit';
import {
    isLine,
    isMapped,
    mapSize,
    neuronWords,
    partWords,
    unitName,
    type Layer,
    type MapShape,
} from '../layer';
import { channelPicture, largest } from '../maps';
import type { RunModel } from '../model';
import { inputImage, latentImage, latentSource, markSample, pictureStrip, sampleButton } from '../pictures';
import { saveMenu, type Table } from '../exports';
import type { Store } from '../store';
import { count, list, number, percent, plural, shorten } from '../words';
import { layerDot, viridisKey } from './charts';

const layersShown = 5; // of many
const mapsShown = 6;
const mapsUnfolded = 120;
const mapsInTurn = 12;
const neuronsShown = 8;
const samplesShown = 24;
const driversShown = 4;

// Which share of a component's energy in this layer each channel (or neuron) carries, the most first.
function carriers(values: Float32Array, size: number): Amount[] {
    const energies = Array.from({ length: values.length / size }, (_, channel) => {
        let sum = 0;
        for (let i = channel * size; i < (channel + 1) * size; i++) sum += values[i]! ** 2;
        return sum;
    });
    const total = energies.reduce((sum, energy) => sum + energy, 0);
    return energies
        .map((energy, index) => ({ index, value: total > 0 ? energy / total : 0 }))
        .sort((a, b) => b.value - a.value || a.index - b.index);
}

function carry(many: number): string {
    return many === 1 ? 'carries' : 'carry';
}

// How many of the strongest together carry four fifths.
function needed(amounts: Amount[]): number {
    let sum = 0;
    let many = 0;
    while (many < amounts.length && sum < 0.8) sum += amounts[many++]!.value;
    return many;
}

// The samples that drive a channel or neuron most.
function drivers(model: RunModel, layer: Layer, unit: number): HTMLElement | null {
    const samples = model.drivers(layer).get(unit)?.slice(0, driversShown) ?? [];
    return pictureStrip(model, samples, `Driven most by samples ${list(samples.map(String))}`);
}

// A channel's map, from the details where the page has it there.
function mapOf(
    layer: Layer,
    values: Float32Array,
    details: Details | null,
): (unit: number) => { shape: MapShape; map: Float32Array } {
    const size = mapSize(layer);
    return (unit) => {
        const large = details?.maps.get(unit);
        if (details && large) return { shape: details.shape, map: large };
        return { shape: layer, map: values.subarray(unit * size, (unit + 1) * size) };
    };
}

function maps(store: Store, fit: Fit, layer: Layer, values: Float32Array, amounts: Amount[]): HTMLElement {
    const details = fit.details(layer, store.get('component'));
    const of = mapOf(layer, values, details);
    const full = Math.max(largest(values), ...[...(details?.maps.values() ?? [])].map(largest));
    const map = ({ index, value }: Amount): HTMLElement => {
        const found = of(index);
        const name = unitName(layer, index);
        return h(
            'figure',
            { class: 'map' },
            channelPicture(found.shape, found.map, `Channel ${name}: ${percent(value)}`, full),
            drivers(store.model, layer, index),
            h('figcaption', {}, h('b', {}, name), ` ${percent(value)}`),
        );
    };
    const rest = amounts.slice(mapsShown).filter((amount) => amount.value > 0);
    return h(
        'div',
        { class: isLine(details?.shape ?? layer) ? 'lines' : null },
        h('div', { class: 'maps' }, ...amounts.slice(0, mapsShown).map(map)),
        rest.length > 0 && fold(rest, map, store.get('layer') === layer.index),
    );
}

// The weaker channels, drawn when they are asked for: a layer may have thousands.
function fold(rest: Amount[], map: (amount: Amount) => HTMLElement, open: boolean): HTMLElement {
    const carried = rest.reduce((sum, amount) => sum + amount.value, 0);
    const most = rest.length > mapsUnfolded ? `, of which the strongest ${mapsUnfolded} are shown` : '';
    const words = `${plural(rest.length, 'more channel')} ${carry(rest.length)} ${percent(carried)}${most}`;
    const field = h('div', { class: 'maps' });
    const element = h('details', { open }, h('summary', {}, words), field);
    const shown = rest.slice(0, mapsUnfolded);
    // A part in every turn, so that the page answers meanwhile.
    const more = (): void => {
        field.append(...shown.slice(field.childElementCount, field.childElementCount + mapsInTurn).map(map));
        if (field.childElementCount < shown.length)
            setTimeout(() => element.isConnected && element.open && more(), 0);
    };
    const fill = (): void => {
        if (element.open && field.childElementCount < shown.length) more();
    };
    element.addEventListener('toggle', fill);
    fill();
    return element;
}

function neurons(store: Store, layer: Layer, amounts: Amount[]): HTMLElement {
    const most = amounts[0]?.value ?? 0;
    const rows = amounts
        .slice(0, neuronsShown)
        .filter((amount) => amount.value > 0)
        .map((amount) => ({ ...amount, strip: drivers(store.model, layer, amount.index) }));
    return h(
        'ol',
        { class: rows.some(({ strip }) => strip) ? 'neurons driven' : 'neurons' },
        ...rows.map(({ index, value, strip }) =>
            h(
                'li',
                {},
                h(
                    'button',
                    {
                        type: 'button',
                        class: 'plain',
                        click: () => store.set({ layer: layer.index, neuron: index }),
                    },
                    neuronWords(layer, index),
                ),
                strip,
                h(
                    'span',
                    { class: 'track' },
                    h('span', { style: `width:${most > 0 ? (100 * value) / most : 0}%` }),
                ),
                h('span', { class: 'amount' }, percent(value)),
            ),
        ),
    );
}

function layerPart(store: Store, fit: Fit, layer: Layer): HTMLElement {
    const component = store.get('component');
    const values = fit.loadings(layer, component);
    const mapped = isMapped(layer);
    const amounts = carriers(values, mapSize(layer));
    const few = needed(amounts);
    const neuron = layer.kind === 'input' ? plural(few, 'entry', 'entries') : plural(few, 'neuron');
    const of = `${mapped ? plural(few, 'channel') : neuron} of ${count(amounts.length)}`;
    const share = fit.share(layer, component);
    const notes = partWords(layer);
    return h(
        'div',
        { class: store.get('layer') === layer.index ? 'layer chosen' : 'layer' },
        h(
            'h3',
            {},
            h(
                'button',
                {
                    type: 'button',
                    class: 'plain',
                    title: layer.name,
                    'aria-pressed': String(store.get('layer') === layer.index),
                    click: () => store.set({ layer: store.get('layer') === layer.index ? null : layer.index }),
                },
                layerDot(layer.index, fit.model.layers.length),
                shorten(layer.label, 40),
            ),
            ' ',
            h('span', { class: 'dim' }, layer.size),
        ),
        h(
            'p',
            { class: 'small' },
            share > 0
                ? `${percent(share)} of this layer’s energy; ${of} ${carry(few)} ${percent(0.8)} of it.`
                : 'Nothing of this layer.',
            notes && ` ${notes[0]!.toUpperCase()}${notes.slice(1)}.`,
        ),
        share > 0 && (mapped ? maps(store, fit, layer, values, amounts) : neurons(store, layer, amounts)),
    );
}

// All layers, or of many those where the component has most weight and the chosen one; the others unfold.
function layerParts(store: Store, fit: Fit, layers: Layer[]): HTMLElement[] {
    const make = (layer: Layer): HTMLElement => layerPart(store, fit, layer);
    if (layers.length <= layersShown + 1) return layers.map(make);
    const component = store.get('component');
    const shown = new Set(
        [...layers]
            .sort((a, b) => fit.share(b, component) - fit.share(a, component))
            .slice(0, layersShown)
            .concat(store.layer ?? []),
    );
    const others = layers.filter((layer) => !shown.has(layer));
    const field = h('div');
    const element = h(
        'details',
        { class: 'more-layers' },
        h('summary', {}, `${plural(others.length, 'more layer')}, where it has less weight`),
        field,
    );
    element.addEventListener('toggle', () => {
        if (element.open && !field.hasChildNodes()) field.append(...others.map(make));
    });
    return [...layers.filter((layer) => shown.has(layer)).map(make), element];
}

// A component in an input beside the one that stands for all.
function inputLatent(fit: Fit, layer: Layer, component: number): HTMLElement {
    const label = `Component ${component + 1} in ${layer.name}`;
    return h(
        'figure',
        {},
        inputImage(layer, fit.loadings(layer, component), label),
        h('figcaption', {}, `in ${shorten(layer.label, 24)}`),
    );
}

function shareList(fit: Fit, component: number): HTMLElement {
    return h(
        'table',
        { class: 'shares' },
        h('caption', {}, 'Share of each layer'),
        h(
            'tbody',
            {},
            ...fit.model.layers.map((layer, index) => {
                const share = fit.share(layer, component);
                const before = index > 0 ? fit.share(fit.model.layers[index - 1]!, component) : 0;
                return h(
                    'tr',
                    {},
                    h(
                        'th',
                        { scope: 'row', title: layer.name },
                        layerDot(layer.index, fit.model.layers.length),
                        shorten(layer.label, 24),
                    ),
                    h('td', {}, percent(share)),
                    h('td', { class: 'dim' }, before > 0 ? `× ${(share / before).toFixed(2)}` : ''),
                );
            }),
        ),
    );
}

function topSamples(store: Store, fit: Fit): HTMLElement | null {
    const { model } = store;
    const top = fit
        .top(store.get('component'))
        .filter((amount) => amount.value > 0)
        .slice(0, model.pictured && !model.pictured.shape ? samplesShown / 2 : samplesShown);
    if (!top.length) return null;
    const buttons = top.map(({ index }) =>
        sampleButton(model, index, store.sample === index, (sample) => store.set({ sample })),
    );
    return h('div', {}, h('h3', {}, 'Samples that have most of it'), h('div', { class: 'thumbs' }, ...buttons));
}

function numbers(store: Store): Table {
    const { fit, model } = store;
    if (!fit) return [];
    const component = store.get('component');
    return [
        ['component', 'layer', 'share', 'unit', 'share of the component'],
        ...model.layers
            .filter((layer) => fit.has(layer))
            .flatMap((layer) => {
                return carriers(fit.loadings(layer, component), mapSize(layer)).map(({ index, value }) => [
                    component + 1,
                    layer.name,
                    fit.share(layer, component),
                    unitName(layer, index),
                    value,
                ]);
            }),
    ];
}

export function detailView(store: Store): HTMLElement {
    const { element, title, sentence, body, tools } = section('detail', 'Component');
    tools.append(saveMenu('component', body, () => numbers(store)));
    const picture = h('div', { class: 'portrait' });
    const samples = h('div', { class: 'samples' });
    const layers = h('div', { class: 'layers' });
    body.append(picture, samples, layers);

    store.watch(
        ['rank', 'component', 'layer'],
        () => {
            const { fit, model } = store;
            if (!fit) return;
            const component = store.get('component');
            title.textContent = `Component ${component + 1}`;
            const stable = fit.stability(component);
            const classes = fit
                .classes(component)
                ?.slice(0, 3)
                .map(({ index, value }) => `${shorten(model.labelName(index), 20)} (${percent(value)})`);
            const driven = model.pictured && model.layers.some((layer) => model.drivers(layer).size > 0);
            sentence.textContent =
                `Large, ${latentSource(model)}; below, the samples that have most of it` +
                `${classes?.length ? ` (mostly ${list(classes)})` : ''} and where it lives in each layer: ` +
                (model.layers.some((layer) => isMapped(layer) && layer.kind !== 'input')
                    ? 'the brighter, the more a place carries, the strongest channels first'
                    : 'the longer the bar, the more a neuron carries') +
                `${driven ? ', with the samples that drive them most.' : '.'}`;
            const others = model.inputs.filter((layer) => layer !== model.input && fit.has(layer));
            picture.replaceChildren(
                h(
                    'div',
                    { class: 'latents' },
                    latentImage(fit, component, `Component ${component + 1}: ${latentSource(model)}`),
                    ...others.map((layer) => inputLatent(fit, layer, component)),
                ),
                h(
                    'div',
                    {},
                    shareList(fit, component),
                    stable !== null &&
                        h(
                            'p',
                            { class: 'small' },
                            `Comes back from other random starts: ${number(stable, 2)} (1: always the same)`,
                        ),
                    h('p', { class: 'small dim' }, `Column ${fit.column[component]!} of samples.npy`),
                ),
            );
            const parts = model.layers.filter((layer) => fit.has(layer) && layer !== model.input);
            layers.replaceChildren(
                ...(parts.some((layer) => isMapped(layer)) ? [viridisKey('carries nothing', 'most')] : []),
                ...layerParts(store, fit, parts),
            );
        },
        element,
    );
    store.watch(
        ['rank', 'component'],
        () => {
            const { fit } = store;
            const found = fit && topSamples(store, fit);
            samples.replaceChildren(...(found ? [found] : []));
        },
        element,
    );
    store.watch(['rank', 'component', 'sample'], () => markSample(samples, store.sample), element);
    return element;
}
