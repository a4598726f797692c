// Error against rank: the relative error of every layer, and the paper's RMSE.
import { h, onWidth, section } from '../dom';
import { saveMenu, type Table } from '../exports';
import type { RunModel } from '../model';
import type { Store } from '../store';
import { number, percent } from '../words';
import { asPicture, chartStyle, curves, legend, opacityOf, Plot, strokeOf } from './charts';

interface Point {
    rank: number;
    error: number;
    layer: number;
    key: string;
    shown: boolean;
    title: string;
}

function points(store: Store): Point[] {
    return store.runs.flatMap((model, run) =>
        model.ranks.flatMap((rank, place) => {
            const fit = model.fit(place)!;
            return store.model.layers.flatMap((layer) => {
                const same = sameLayer(model, store, layer.index);
                if (!same || !fit.has(same)) return [];
                const error = fit.relativeError(same);
                return [
                    {
                        rank,
                        error,
                        layer: layer.index,
                        key: `${run} ${layer.index}`,
                        shown: run === store.get('run'),
                        title: `${model.run.name}, ${layer.name}, rank ${rank}: ${number(error)}`,
                    },
                ];
            });
        }),
    );
}

// The layer of another run that bears the same name.
function sameLayer(model: RunModel, store: Store, index: number): RunModel['layers'][number] | undefined {
    const name = store.model.layers[index]?.name;
    return model.layers.find((layer) => layer.name === name);
}

function nearest(values: number[], wanted: number): number {
    return values.reduce(
        (best, value, place) => (Math.abs(value - wanted) < Math.abs(values[best]! - wanted) ? place : best),
        0,
    );
}

type Chart = (SVGSVGElement | HTMLElement) & Plot.Plot;

// A click anywhere in a chart chooses the nearest rank.
function choosesRank(store: Store, chart: Chart): Chart {
    asPicture(chart);
    chart.addEventListener('click', (event) => {
        const x = chart.scale('x');
        if (!x?.invert) return;
        const left = chart.getBoundingClientRect().left;
        store.set({ rank: nearest(store.model.ranks, Number(x.invert((event as MouseEvent).clientX - left))) });
    });
    return chart;
}

function frame(store: Store, width: number, label: string): Plot.PlotOptions {
    const ranks = [...new Set(store.runs.flatMap((run) => run.ranks))].sort((a, b) => a - b);
    const most = Math.max(2, Math.floor(width / 36));
    const ticks =
        ranks.length <= most ? ranks : ranks.filter((_, i) => i % Math.ceil(ranks.length / most) === 0);
    const first = ranks[0]!;
    const last = ranks[ranks.length - 1]!;
    return {
        width,
        height: 240,
        marginLeft: 46,
        marginRight: 16,
        marginTop: 14,
        marginBottom: 40,
        style: chartStyle,
        x: {
            label: 'rank',
            ticks,
            tickFormat: String,
            tickSize: 0,
            domain: first === last ? [first - 1, last + 1] : [first, last],
            labelArrow: 'none',
        },
        y: { label: null, ticks: 5, zero: true, nice: true, tickSize: 0 },
        ariaLabel: label,
    };
}

function relativeChart(store: Store, width: number): Chart {
    const data = points(store);
    const shown = store.model.ranks[store.get('rank')] ?? 0;
    return choosesRank(
        store,
        Plot.plot({
            ...frame(store, width, `Relative error of every layer against rank; rank ${shown} is shown`),
            marks: [
                Plot.gridY({ stroke: 'var(--line)', strokeOpacity: 1 }),
                Plot.ruleX([shown], { stroke: 'var(--accent)', strokeWidth: 1.5 }),
                ...[heldOut(store), stability(store)].flatMap((held, place) => [
                    Plot.ruleX(held, {
                        x: 'rank',
                        y1: (d: Held) => d.value - d.span,
                        y2: (d: Held) => d.value + d.span,
                        stroke: 'var(--ink)',
                    }),
                    Plot.line(held, {
                        x: 'rank',
                        y: 'value',
                        stroke: 'var(--ink)',
                        strokeDasharray: place === 0 ? '1,3' : '7,3',
                    }),
                    Plot.dot(held, { x: 'rank', y: 'value', r: 3, fill: 'var(--ink)', title: 'title' }),
                ]),
                ...curves(data, {
                    x: 'rank',
                    y: 'error',
                    z: 'key',
                    stroke: (d: Point) => strokeOf(store, d.layer),
                    strokeOpacity: (d: Point) => opacityOf(store, d),
                }),
                Plot.dot(
                    data.filter((d) => d.shown),
                    {
                        x: 'rank',
                        y: 'error',
                        r: (d: Point) => (d.rank === shown ? 5 : 3),
                        fill: (d: Point) => strokeOf(store, d.layer),
                        fillOpacity: (d: Point) => opacityOf(store, d),
                        title: 'title',
                    },
                ),
            ],
            color: { type: 'identity' },
            r: { type: 'identity' },
        }) as Chart,
    );
}

interface Held {
    rank: number;
    value: number;
    span: number; // its standard error
    title: string;
}

// Of the run shown, where the measures have them.
function heldOut(store: Store): Held[] {
    return store.model.run.ranks.flatMap(
        ({ rank, held_out_error: value, held_out_standard_error: span = 0 }) =>
            value === undefined
                ? []
                : [{ rank, value, span, title: `rank ${rank}: held-out error ${number(value)} ± ${number(span, 2)}` }],
    );
}

function stability(store: Store): Held[] {
    return store.model.run.ranks.flatMap(({ rank, stability: value }) =>
        value === undefined
            ? []
            : [{ rank, value, span: 0, title: `rank ${rank}: stability ${number(value)}` }],
    );
}

function rmseChart(store: Store, width: number): Chart {
    const data = store.runs.flatMap((model, run) =>
        model.run.ranks.map((rank) => ({
            rank: rank.rank,
            rmse: rank.rmse,
            key: String(run),
            shown: run === store.get('run'),
            title: `${model.run.name}, rank ${rank.rank}: RMSE ${number(rank.rmse)}`,
        })),
    );
    const shown = store.model.ranks[store.get('rank')] ?? 0;
    return choosesRank(
        store,
        Plot.plot({
            ...frame(store, width, `RMSE of all blocks together against rank; rank ${shown} is shown`),
            marks: [
                Plot.gridY({ stroke: 'var(--line)', strokeOpacity: 1 }),
                Plot.ruleX([shown], { stroke: 'var(--accent)', strokeWidth: 1.5 }),
                ...curves(data, { x: 'rank', y: 'rmse', z: 'key', stroke: 'var(--ink)' }),
                Plot.dot(
                    data.filter((d) => d.shown),
                    {
                        x: 'rank',
                        y: 'rmse',
                        r: (d: { rank: number }) => (d.rank === shown ? 5 : 3),
                        fill: 'var(--ink)',
                        title: 'title',
                    },
                ),
            ],
            r: { type: 'identity' },
        }) as Chart,
    );
}

function numbers(store: Store): Table {
    const layers = store.model.layers;
    return [
        [
            'run',
            'rank',
            'RMSE',
            'relative error',
            ...layers.map(({ name }) => `relative error of ${name}`),
        ].concat(['held-out error', 'stability']),
        ...store.runs.flatMap((model) =>
            model.run.ranks.map((rank, place) => [
                model.run.name,
                rank.rank,
                rank.rmse,
                rank.relative_error,
                ...layers.map((layer) => {
                    const same = sameLayer(model, store, layer.index);
                    const fit = model.fit(place)!;
                    return same && fit.has(same) ? fit.relativeError(same) : '';
                }),
                rank.held_out_error ?? '',
                rank.stability ?? '',
            ]),
        ),
    ];
}

// What the measures say of the rank, where they were asked.
function advice(model: RunModel): string {
    const { recommended } = model.run;
    if (!recommended) return '';
    const { rank, reason } = recommended;
    return rank === undefined
        ? ` No rank is recommended: ${reason.replace(/^none: /, '')}.`
        : ` Recommended: rank ${rank}, ${reason}.`;
}

export function errorView(store: Store): HTMLElement {
    const { element, sentence, body, tools } = section('errors', 'Error against rank');
    tools.append(saveMenu('errors', body, () => numbers(store)));
    const key = h('div');
    const relative = h('div', { class: 'chart' });
    const relativeCaption = h('figcaption');
    const rmse = h('div', { class: 'chart' });
    body.append(
        key,
        h(
            'div',
            { class: 'charts-row' },
            h('figure', {}, relativeCaption, relative),
            h('figure', {}, h('figcaption', {}, 'RMSE of all blocks together, as in the paper'), rmse),
        ),
    );
    const redraws = [
        onWidth(relative, (width) =>
            relative.replaceChildren(...(store.fit ? [relativeChart(store, width)] : [])),
        ),
        onWidth(rmse, (width) => rmse.replaceChildren(...(store.fit ? [rmseChart(store, width)] : []))),
    ];
    store.watch(
        ['rank', 'layer'],
        () => {
            const { fit, model } = store;
            key.replaceChildren(legend(store));
            relativeCaption.textContent =
                'Relative error of each layer (0: all explained)' +
                (heldOut(store).length ? '; dotted: held out, with its standard error' : '') +
                (stability(store).length ? '; long dashes: stability (1: fits of all seeds agree)' : '');
            if (!fit) return;
            sentence.textContent =
                'How much is left the more components there are; the vertical line is the rank shown ' +
                `(${fit.rank}), ` +
                `at which the relative error of all blocks together is ${number(fit.data.relative_error)} ` +
                `(${percent(1 - fit.data.relative_error ** 2)} explained) and the RMSE ${number(fit.data.rmse)}.` +
                `${model.ranks.length > 1 ? ' Click to choose another rank.' : ''}` +
                `${store.runs.length > 1 ? ' Dashed: the other runs.' : ''}` +
                advice(model);
            for (const redraw of redraws) redraw();
        },
        element,
    );
    return element;
}
