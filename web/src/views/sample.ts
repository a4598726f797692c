// One sample: what it is, what the components make of it, what is left.
import { h, section } from '../dom';
import type { Fit } from '../fit';
import type { RunModel } from '../model';
import { canvas, latentImage, paintDifference, paintPicture, samplePicture } from '../pictures';
import type { Store } from '../store';
import { count, list, number, percent, shorten } from '../words';

const partsShown = 6;

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
        const all = fit.has(layer) ? fit.residuals(layer) : null;
        if (!all) return [];
        const sorted = Float32Array.from(all).sort();
        const most = sorted[sorted.length - 1] ?? 0;
        const median = sorted[Math.floor(sorted.length / 2)] ?? 0;
        const value = all[sample] ?? 0;
        const below =
            all.reduce((sum, other) => sum + (other < value ? 1 : 0), 0) / Math.max(1, all.length - 1);
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

export function sampleView(store: Store): HTMLElement {
    const { element, title, sentence, body } = section('sample', 'Sample');
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
    body.append(images, bars);

    store.watch(['rank', 'component', 'sample'], () => {
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
    });
    return element;
}
