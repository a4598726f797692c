// Which classes use the same neurons, layer by layer.
import { inkOn, viridis, viridisEntry } from '../colours';
import { h, section } from '../dom';
import { saveMenu, type Table } from '../exports';
import type { Layer } from '../layer';
import { canvas } from '../maps';
import type { Active } from '../payload_types';
import type { Store } from '../store';
import { count, percent, shorten } from '../words';
import { layerDot, viridisKey } from './charts';

const named = 24; // classes whose names find room beside the picture
const written = 12; // classes up to which numbers find room in it

function activeOf(store: Store, layer: Layer): Active | null {
    return (layer.measured.length === 1 && store.model.run.blocks[layer.measured[0]!]!.active) || null;
}

// Classes apart from themselves: the two that have most, and the two that have least in common.
function extremes(active: Active): { most: [number, number]; least: [number, number] } {
    const size = active.classes.length;
    let [most, least]: [number, number][] = [
        [0, 1],
        [0, 1],
    ];
    const at = ([a, b]: [number, number]): number => active.overlap[a * size + b]!;
    for (let a = 0; a < size; a++)
        for (let b = a + 1; b < size; b++) {
            if (at([a, b]) > at(most!)) most = [a, b];
            if (at([a, b]) < at(least!)) least = [a, b];
        }
    return { most: most!, least: least! };
}

// The numbers in the picture, in per cent.
function values(active: Active, scaled: (value: number) => number): HTMLElement {
    return h(
        'div',
        { class: 'values', 'aria-hidden': 'true' },
        ...active.overlap.map((value) =>
            h('span', { style: `color:${inkOn(scaled(value))}` }, String(Math.round(100 * value))),
        ),
    );
}

function figure(store: Store, layer: Layer, active: Active, tip: HTMLElement): HTMLElement {
    const size = active.classes.length;
    const names = active.classes.map((label) => store.model.labelName(label));
    const low = Math.min(...active.overlap);
    const scaled = (value: number): number => (low < 1 ? (value - low) / (1 - low) : 1);
    const raster = canvas(size, size, `${layer.name}: active neurons that two classes share`, (pixels) =>
        active.overlap.forEach((value, i) => {
            const entry = 3 * Math.max(1, viridisEntry(scaled(value)));
            pixels.set([viridis[entry]!, viridis[entry + 1]!, viridis[entry + 2]!, 255], 4 * i);
        }),
    );
    const at = (event: MouseEvent): [number, number] => {
        const box = raster.getBoundingClientRect();
        const place = (value: number, length: number): number =>
            Math.min(size - 1, Math.max(0, Math.floor((value / length) * size)));
        return [place(event.clientY - box.top, box.height), place(event.clientX - box.left, box.width)];
    };
    raster.addEventListener('pointermove', (event) => {
        const [a, b] = at(event);
        tip.hidden = false;
        tip.textContent =
            a === b
                ? `${names[a]}: ${count(active.neurons[a]!)} active neurons`
                : `${names[a]} and ${names[b]}: ${percent(active.overlap[a * size + b]!)} in common`;
        tip.style.left = `${Math.max(8, Math.min(event.clientX + 14, window.innerWidth - tip.offsetWidth - 8))}px`;
        tip.style.top = `${event.clientY + 18}px`;
    });
    raster.addEventListener('pointerleave', () => (tip.hidden = true));
    raster.addEventListener('click', (event) => store.set({ lit: active.classes[at(event)[0]]! }));
    const { most, least } = extremes(active);
    const shared = ([a, b]: [number, number]): string =>
        `${shorten(names[a]!, 20)} and ${shorten(names[b]!, 20)} (${percent(active.overlap[a * size + b]!)})`;
    const label = (name: string): HTMLElement => h('span', { title: name }, shorten(name, 8));
    const room = size <= named;
    return h(
        'figure',
        { class: 'overlap' },
        h('h3', {}, layerDot(layer.index, store.model.layers.length), shorten(layer.label, 40)),
        h(
            'div',
            { class: room ? 'matrix' : 'matrix bare', style: `--classes:${size}` },
            room && h('div', { class: 'rows small', 'aria-hidden': 'true' }, ...names.map(label)),
            h('div', { class: 'plane' }, raster, size <= written && values(active, scaled)),
            room && h('div', { class: 'columns-of small', 'aria-hidden': 'true' }, ...names.map(label)),
        ),
        h(
            'figcaption',
            {},
            size > 2
                ? `Most alike: ${shared(most)}; least: ${shared(least)}.`
                : `In common: ${percent(active.overlap[1]!)}.`,
        ),
    );
}

function numbers(store: Store): Table {
    return [
        ['layer', 'class', 'other class', 'active neurons of the class', 'in common'],
        ...store.model.layers.flatMap((layer) => {
            const active = activeOf(store, layer);
            if (!active) return [];
            const names = active.classes.map((label) => store.model.labelName(label));
            return active.overlap.map((value, i) => [
                layer.name,
                names[Math.floor(i / names.length)]!,
                names[i % names.length]!,
                active.neurons[Math.floor(i / names.length)]!,
                value,
            ]);
        }),
    ];
}

export function hasOverlap(store: Store): boolean {
    return store.runs.some((model) => model.run.blocks.some((block) => block.active));
}

export function overlapView(store: Store): HTMLElement {
    const { element, sentence, body, tools } = section('overlap', 'Neurons that classes share');
    const tip = h('div', { class: 'tip', hidden: true, role: 'status' });
    const grid = h('div', { class: 'overlaps' });
    body.append(viridisKey('least of all pairs', 'all in common'), grid, tip);
    tools.append(saveMenu('overlap', grid, () => numbers(store)));
    sentence.textContent =
        'Row and column are classes, the number how many per cent of the neurons active for either are active for ' +
        'both, where active means: more than usual on average over the class (labels are used here alone, never in ' +
        'the fit; a click marks the row’s class on the map of samples).';
    store.watch(
        [],
        () => {
            const figures = store.model.layers.flatMap((layer) => {
                const active = activeOf(store, layer);
                return active ? [figure(store, layer, active, tip)] : [];
            });
            element.hidden = figures.length === 0;
            grid.replaceChildren(...figures);
        },
        element,
    );
    return element;
}
