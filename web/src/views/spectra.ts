// Singular values of every layer: how many directions its activations use.
import { h, onWidth, section } from '../dom';
import { saveMenu, type Table } from '../exports';
import type { Block } from '../payload_types';
import type { Store } from '../store';
import { count, number, plural, shorten } from '../words';
import { asPicture, chartStyle, curves, layerDot, legend, opacityOf, Plot, runKey, strokeOf } from './charts';

interface Point {
    place: number;
    value: number;
    layer: number;
    key: string;
    shown: boolean;
}

interface Spectrum {
    block: Block;
    layer: number;
    run: number;
}

// Every block of the layers, of the run shown and of those of the same name in the others.
function spectra(store: Store): Spectrum[] {
    return store.model.layers.flatMap((layer) =>
        layer.measured.flatMap((place) => {
            const name = store.model.run.blocks[place]!.name;
            return store.runs.flatMap((model, run) =>
                model.run.blocks
                    .filter((block) => block.name === name && (block.measures?.singular_values[0] ?? 0) > 0)
                    .map((block) => ({ block, layer: layer.index, run })),
            );
        }),
    );
}

// Values below this share of the largest are rounding noise and would stretch the axis.
const floor = 1e-5;

// The same layers where nothing was learned, in grey; of the chosen layer alone where one is chosen.
function nullPoints(
    store: Store,
): { place: number; value: number; key: string; none: string; title: string }[] {
    const chosen = store.get('layer');
    return store.model.layers
        .filter((layer) => chosen === null || chosen === layer.index)
        .flatMap((layer) => layer.measured.map((place) => store.model.run.blocks[place]!))
        .flatMap((block) =>
            (block.nulls ?? [])
                .filter(({ same }) => !same)
                .flatMap(({ name, singular_values: values }) =>
                    values.map((value, i) => ({
                        place: i + 1,
                        value: value / (values[0] ?? 1),
                        key: `${block.name} ${name}`,
                        none: name,
                        title: `${block.name}, ${name}`,
                    })),
                ),
        )
        .filter((point) => point.value >= floor);
}

function numbers(store: Store): Table {
    const found = spectra(store);
    const all = found
        .map(({ block, run }) => ({
            run: store.runs[run]!.run.name,
            name: block.name,
            values: block.measures!.singular_values,
        }))
        .concat(
            found
                .filter(({ run }) => run === store.get('run'))
                .flatMap(({ block, run }) =>
                    (block.nulls ?? []).map((none) => ({
                        run: `${store.runs[run]!.run.name}: ${none.name}`,
                        name: block.name,
                        values: none.singular_values,
                    })),
                ),
        );
    return [
        ['run', 'layer', 'number', 'singular value'],
        ...all.flatMap(({ run, name, values }) => values.map((value, i) => [run, name, i + 1, value])),
    ];
}

function draw(store: Store, width: number): SVGSVGElement | HTMLElement {
    const data: Point[] = spectra(store).flatMap(({ block, layer, run }) => {
        const values = block.measures!.singular_values;
        return values
            .map((value, i) => ({
                place: i + 1,
                value: value / values[0]!,
                layer,
                key: `${run} ${block.name}`,
                shown: run === store.get('run'),
            }))
            .filter((point) => point.value >= floor);
    });
    const nulls = nullPoints(store);
    const rank = store.fit?.rank;
    const last = Math.max(2, ...[...data, ...nulls].map((point) => point.place));
    const least = Math.min(0.1, ...data.map((point) => point.value));
    const decades = [1, 0.1, 0.01, 0.001, 1e-4, 1e-5].filter((value) => value >= least);
    return Plot.plot({
        width,
        height: Math.round(Math.max(250, Math.min(440, width * 0.48))),
        marginLeft: 52,
        marginRight: 16,
        marginTop: 22,
        marginBottom: 40,
        style: chartStyle,
        ariaLabel: 'Singular values of every layer, divided by the largest, on a logarithmic axis',
        x: {
            label: 'number of the singular value',
            domain: [1, last],
            ticks: Math.max(3, Math.floor(width / 90)),
            tickSize: 0,
            labelArrow: 'none',
        },
        y: {
            type: 'log',
            label: null,
            domain: [least, 1],
            ticks: decades,
            tickFormat: (value: number) => (value < 1e-3 ? value.toExponential(0) : String(value)),
            tickSize: 0,
        },
        color: { type: 'identity' },
        marks: [
            Plot.gridY(decades, { stroke: 'var(--line)', strokeOpacity: 1 }),
            ...(rank !== undefined && rank <= last
                ? [
                      Plot.ruleX([rank], { stroke: 'var(--accent)', strokeWidth: 1.5 }),
                      Plot.text([rank], {
                          x: (d: number) => d,
                          text: (d: number) => `rank ${d}`,
                          frameAnchor: 'top',
                          dy: -18,
                          fill: 'var(--accent)',
                          textAnchor: rank > last * 0.85 ? 'end' : rank < last * 0.15 ? 'start' : 'middle',
                      }),
                  ]
                : []),
            Plot.line(nulls, {
                x: 'place',
                y: 'value',
                z: 'key',
                stroke: 'var(--null)',
                strokeWidth: 1.5,
                title: 'title',
            }),
            ...(store.layer
                ? [
                      Plot.text(
                          nulls,
                          Plot.selectLast({
                              x: 'place',
                              y: 'value',
                              z: 'key',
                              text: 'none',
                              textAnchor: 'end',
                              dy: -8,
                              fill: 'var(--dim)',
                          }),
                      ),
                  ]
                : []),
            ...curves(data, {
                x: 'place',
                y: 'value',
                z: 'key',
                stroke: (d: Point) => strokeOf(store, d.layer),
                strokeOpacity: (d: Point) => opacityOf(store, d),
            }),
        ],
    });
}

// A channel of the input by its own name, else the layer's.
function titleOf(store: Store, block: Block, layer: number): string {
    const { measured, label } = store.model.layers[layer]!;
    return measured.length > 1 ? block.name : label;
}

// As many directions as there are columns, and no more than there are samples.
function possible(block: Block): number {
    return Math.min(block.columns, block.measures?.singular_value_samples ?? block.columns);
}

// The effective rank of every layer, and beside it the same where nothing was learned.
function rankTable(store: Store): HTMLElement {
    const rows = spectra(store).filter(({ block }) => block.measures!.effective_rank !== undefined);
    const names = [...new Set(rows.flatMap(({ block }) => (block.nulls ?? []).map(({ name }) => name)))];
    const several = store.runs.length > 1;
    const texts = several ? 2 : 1; // columns; the others are numbers
    const head = [...(several ? ['run'] : []), 'layer', 'directions', 'possible', ...names];
    const kind = (i: number): string | null => (i < texts ? null : 'number');
    return h(
        'table',
        { class: 'data ranks-of-layers' },
        h('thead', {}, h('tr', {}, ...head.map((word, i) => h('th', { scope: 'col', class: kind(i) }, word)))),
        h(
            'tbody',
            {},
            ...rows.map(({ run, block, layer }) => {
                const nulls = names.map(
                    (name) => block.nulls?.find((none) => none.name === name)?.effective_rank,
                );
                const cells = [
                    ...(several ? [shorten(store.runs[run]!.run.name, 20)] : []),
                    null,
                    number(block.measures!.effective_rank!, 3),
                    count(possible(block)),
                    ...nulls.map((rank) => (rank === undefined ? '–' : number(rank, 3))),
                ];
                return h(
                    'tr',
                    { class: store.get('layer') === layer ? 'chosen' : null },
                    ...cells.map((cell, i) =>
                        h(
                            'td',
                            { 'data-label': head[i]!, class: kind(i) },
                            ...(cell === null
                                ? [
                                      h(
                                          'span',
                                          {},
                                          layerDot(layer, store.model.layers.length),
                                          shorten(titleOf(store, block, layer), 24),
                                      ),
                                  ]
                                : [cell]),
                        ),
                    ),
                );
            }),
        ),
    );
}

// That the nulls, and what they are to be compared with, come from fewer samples, where they do.
function fewerWords(store: Store): string {
    const same = spectra(store)
        .flatMap(({ block }) => block.nulls ?? [])
        .find((none) => none.same);
    return same ? `The columns from “${same.name}” on are of fewer samples: compare them with each other.` : '';
}

export function spectrumView(store: Store): HTMLElement {
    const { element, sentence, body, tools } = section('spectra', 'Singular values');
    tools.append(saveMenu('spectra', body, () => numbers(store)));
    const key = h('div');
    const chart = h('div', { class: 'chart' });
    const words = h('div');
    const fewer = h('p', { class: 'small dim' });
    body.append(
        key,
        h(
            'div',
            { class: 'charts-row large-chart' },
            h('figure', {}, h('figcaption', {}, 'Singular values, divided by the largest'), chart),
            h('div', {}, h('h3', {}, 'Effective rank: how many directions matter'), words, fewer),
        ),
    );
    const redraw = onWidth(chart, (width) => chart.replaceChildren(asPicture(draw(store, width))));
    store.watch(
        ['rank', 'layer'],
        () => {
            key.replaceChildren(legend(store), ...[runKey(store)].filter((part) => part !== null));
            const samples = spectra(store)[0]?.block.measures?.singular_value_samples;
            const of = samples ? ` of ${plural(samples, 'sample')}` : '';
            const named = store.layer ? '' : ', named where a layer is chosen';
            sentence.textContent =
                'How fast the directions of a layer lose weight: the steeper the curve, the fewer carry it; the ' +
                `effective rank counts those that matter (exp of the entropy of the singular values${of})` +
                (store.runs.length > 1 ? '; dashed are the other runs' : '') +
                (nullPoints(store).length ? `; grey is the same where nothing was learned${named}` : '') +
                '.';
            words.replaceChildren(rankTable(store));
            fewer.textContent = fewerWords(store);
            redraw();
        },
        element,
    );
    return element;
}
