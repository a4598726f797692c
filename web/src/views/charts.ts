// What the charts have in common: a legend that chooses a layer, Observable Plot in the page's type and
// colours.
import * as Plot from '@observablehq/plot';

import { layerColour, viridis } from '../colours';
import { h, svg } from '../dom';
import { canvas } from '../maps';
import type { Store } from '../store';
import { shorten } from '../words';

export { Plot };

export const chartStyle = {
    background: 'none',
    fontSize: '13px',
    fontFamily: 'inherit',
    overflow: 'visible',
} as const;

// A layer's colour before its name.
export function layerDot(layer: number, total: number): HTMLElement {
    return h('span', { class: 'dot', style: `background:${layerColour(layer, total)}` });
}

export function legend(store: Store): HTMLElement {
    return h(
        'div',
        { class: 'legend', role: 'group', 'aria-label': 'Layers' },
        ...store.model.layers.map((layer) =>
            h(
                'button',
                {
                    type: 'button',
                    class: 'plain',
                    title: layer.name,
                    'aria-pressed': String(store.get('layer') === layer.index),
                    click: () => store.set({ layer: store.get('layer') === layer.index ? null : layer.index }),
                },
                layerDot(layer.index, store.model.layers.length),
                shorten(layer.label, 28),
            ),
        ),
    );
}

// One picture for a screen reader: the labels that Plot gives to the groups of its marks say nothing.
export function asPicture<T extends Element>(chart: T): T {
    chart.setAttribute('role', 'img');
    for (const group of chart.querySelectorAll('g[aria-label]')) group.removeAttribute('aria-label');
    return chart;
}

// How the curves of a run are dashed: not where it is the one shown.
const dashes = ['5,3', '1.5,3', '9,3,2,3', '12,4'];

function dashOf(run: number): string {
    return dashes[run % dashes.length]!;
}

// Which dashes are which run, where there are several.
export function runKey(store: Store): HTMLElement | null {
    if (store.runs.length < 2) return null;
    return h(
        'p',
        { class: 'legend' },
        ...store.runs.map((run, index) =>
            h(
                'span',
                {},
                svg(
                    'svg',
                    { class: 'dash', 'aria-hidden': 'true' },
                    svg('line', {
                        x1: 0,
                        x2: 28,
                        y1: 5,
                        y2: 5,
                        'stroke-dasharray': index === store.get('run') ? 'none' : dashOf(index),
                    }),
                ),
                shorten(run.run.name, 28),
            ),
        ),
    );
}

// A mark for every run: solid for the one shown, which is above the others. `key` begins with the run's place.
export function curves<T extends { shown: boolean; key: string }>(
    data: T[],
    options: Plot.LineOptions,
): Plot.Markish[] {
    const runOf = (point: T): number => Number.parseInt(point.key, 10);
    const others = [...new Set(data.filter((point) => !point.shown).map(runOf))];
    return [
        ...others.map((run) =>
            Plot.line(
                data.filter((point) => runOf(point) === run),
                { strokeWidth: 2, ...options, strokeDasharray: dashOf(run) },
            ),
        ),
        Plot.line(
            data.filter((point) => point.shown),
            { strokeWidth: 2, ...options },
        ),
    ];
}

export function strokeOf(store: Store, layer: number): string {
    return layerColour(layer, store.model.layers.length);
}

// What is not chosen steps back.
export function opacityOf(store: Store, curve: { layer: number; shown: boolean }): number {
    const chosen = store.get('layer');
    return (chosen === null || chosen === curve.layer ? 1 : 0.25) * (curve.shown ? 1 : 0.6);
}

// What the colours of maps mean.
export function viridisKey(least: string, most: string): HTMLElement {
    const ramp = canvas(110, 1, '', (pixels) => {
        for (let x = 0; x < 110; x++) {
            const entry = 3 * Math.max(1, Math.round((255 * x) / 109));
            pixels.set([viridis[entry]!, viridis[entry + 1]!, viridis[entry + 2]!, 255], 4 * x);
        }
    });
    ramp.setAttribute('aria-hidden', 'true');
    return h('p', { class: 'key' }, least, ramp, most);
}
