// Charts against rank: a click chooses the nearest one.
import type { RunModel } from '../model';
import type { Rank } from '../payload_types';
import type { Store } from '../store';
import { number } from '../words';
import { asPicture, chartStyle, curves, opacityOf, Plot, strokeOf } from './charts';

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
export function sameLayer(
    model: RunModel,
    store: Store,
    index: number,
): RunModel['layers'][number] | undefined {
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

const scaleY = { label: null, ticks: 5, zero: true, nice: true, tickSize: 0 };

function frame(store: Store, width: number, label: string): Plot.PlotOptions {
    const ranks = [...new Set(store.runs.flatMap((run) => run.ranks))].sort((a, b) => a - b);
    const most = Math.max(2, Math.floor(width / 36));
    const ticks =
        ranks.length <= most ? ranks : ranks.filter((_, i) => i % Math.ceil(ranks.length / most) === 0);
    const first = ranks[0]!;
    const last = ranks[ranks.length - 1]!;
    return {
        width,
        height: 230,
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
        y: scaleY,
        ariaLabel: label,
    };
}

// What against rank is in all of them: the rank shown, and where one is recommended that one too.
function rankMarks(store: Store): Plot.Markish[] {
    const shown = store.model.ranks[store.get('rank')] ?? 0;
    return [
        Plot.gridY({ stroke: 'var(--line)', strokeOpacity: 1 }),
        Plot.ruleX([shown], { stroke: 'var(--accent)', strokeWidth: 1.5 }),
    ];
}

export function relativeChart(store: Store, width: number): Chart {
    const data = points(store);
    const shown = store.model.ranks[store.get('rank')] ?? 0;
    return choosesRank(
        store,
        Plot.plot({
            ...frame(store, width, `Relative error of every layer against rank; rank ${shown} is shown`),
            marks: [
                ...rankMarks(store),
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

// One value a rank, with its standard error where it has one; of several runs those that are not shown are dashed.
function valueChart(store: Store, width: number, label: string, data: Value[], upTo?: number): Chart {
    const shown = store.model.ranks[store.get('rank')] ?? 0;
    const own = data.filter((d) => d.shown);
    return choosesRank(
        store,
        Plot.plot({
            ...frame(store, width, `${label} against rank; rank ${shown} is shown`),
            ...(upTo ? { y: { ...scaleY, domain: [0, upTo] } } : {}),
            marks: [
                ...rankMarks(store),
                Plot.ruleX(
                    own.filter((d) => d.span > 0),
                    {
                        x: 'rank',
                        y1: (d: Value) => d.value - d.span,
                        y2: (d: Value) => d.value + d.span,
                        stroke: 'var(--ink)',
                    },
                ),
                ...curves(data, { x: 'rank', y: 'value', z: 'key', stroke: 'var(--ink)' }),
                Plot.dot(own, {
                    x: 'rank',
                    y: 'value',
                    r: (d: Value) => (d.rank === shown ? 5 : 3),
                    fill: 'var(--ink)',
                    title: 'title',
                }),
                ...recommendation(store, own),
            ],
            r: { type: 'identity' },
        }) as Chart,
    );
}

// A ring around the recommended rank, and its name.
function recommendation(store: Store, data: Value[]): Plot.Markish[] {
    const found = data.filter((d) => d.recommended);
    const last = Math.max(...store.model.ranks);
    return [
        Plot.dot(found, { x: 'rank', y: 'value', r: 9, stroke: 'var(--ink)', strokeWidth: 1.5 }),
        Plot.text(found, {
            x: 'rank',
            y: 'value',
            text: () => 'recommended',
            dy: -20,
            textAnchor: (found[0]?.rank ?? 0) > 0.8 * last ? 'end' : 'middle',
            fill: 'var(--ink)',
        }),
    ];
}

export function rmseChart(store: Store, width: number): Chart {
    return valueChart(
        store,
        width,
        'RMSE of all blocks together',
        values(store, ({ rmse }) => rmse, 'RMSE'),
    );
}

export function heldOutChart(store: Store, width: number): Chart {
    return valueChart(store, width, 'Held-out error', heldOut(store));
}

export function stabilityChart(store: Store, width: number): Chart {
    return valueChart(store, width, 'Stability over random starts', stability(store), 1);
}

interface Value {
    rank: number;
    value: number;
    span: number; // its standard error
    key: string;
    shown: boolean;
    recommended: boolean;
    title: string;
}

// One number of every rank of every run, where it is known.
function values(store: Store, of: (rank: Rank) => number | undefined, what: string): Value[] {
    return store.runs.flatMap((model, run) =>
        model.run.ranks.flatMap((rank) => {
            const value = of(rank);
            if (value === undefined) return [];
            const title = `${store.runs.length > 1 ? `${model.run.name}, ` : ''}rank ${rank.rank}: ${what} ${number(value)}`;
            const shown = run === store.get('run');
            return [{ rank: rank.rank, value, span: 0, key: String(run), shown, recommended: false, title }];
        }),
    );
}

export function heldOut(store: Store): Value[] {
    const advised = store.model.run.recommended?.rank;
    return values(store, (rank) => rank.held_out_error, 'held-out error').map((value) => {
        const span = store.runs[Number(value.key)]!.run.ranks.find(
            ({ rank }) => rank === value.rank,
        )?.held_out_standard_error;
        return {
            ...value,
            recommended: value.shown && value.rank === advised,
            span: span ?? 0,
            title: span === undefined ? value.title : `${value.title} ± ${number(span, 2)}`,
        };
    });
}

export function stability(store: Store): Value[] {
    return values(store, (rank) => rank.stability, 'stability');
}
