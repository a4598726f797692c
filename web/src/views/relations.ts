// How the layers stand to each other: whether they arrange the samples alike, and what one tells of another
// through the components.
import { inkOn, viridisPaint } from '../colours';
import { h, onWidth, section } from '../dom';
import { saveMenu, type Table } from '../exports';
import type { Transmission, TransmissionRank } from '../payload_types';
import type { Store } from '../store';
import { number, plainNames, plural, shorten } from '../words';
import { asPicture, chartStyle, Plot } from './charts';

const written = 12; // columns up to which numbers find room in the cells
const letter = 8; // pixels that one takes
const narrowest = 17; // pixels of a column that can bear its name

interface Cell {
    row: number;
    column: number;
    value: number | null;
    light: number; // 0 .. 1
    title: string;
    layer: number | null;
}

interface Matrix {
    rows: string[]; // names, as a reader knows them
    columns: string[];
    cells: Cell[];
    label: string;
}

// Blocks without what an exporter puts around their names.
function namesOf(store: Store, blocks: number[]): string[] {
    return plainNames(blocks.map((block) => store.model.run.blocks[block]?.name ?? ''));
}

function layerOf(store: Store, block: number): number | null {
    return store.model.layers.find((layer) => layer.measured.includes(block))?.index ?? null;
}

function alignment(store: Store): Matrix | null {
    const { pairs } = store.model.run;
    if (!pairs || pairs.blocks.length < 2) return null;
    const names = namesOf(store, pairs.blocks);
    return {
        rows: names,
        columns: names,
        label: 'Alignment of layers, linear CKA',
        cells: pairs.linear_cka.flatMap((row, a) =>
            row.map((value, b) => ({
                row: a,
                column: b,
                value,
                light: value ?? 0,
                title: `${names[a]} and ${names[b]}: ${value === null ? 'unknown' : number(value)}`,
                layer: layerOf(store, pairs.blocks[a]!),
            })),
        ),
    };
}

// That of the rank shown, or of the nearest one.
function nearest(store: Store, transmission: Transmission): TransmissionRank | null {
    const rank = store.fit?.rank ?? 0;
    return transmission.ranks.reduce<TransmissionRank | null>(
        (best, entry) => (!best || Math.abs(entry.rank - rank) < Math.abs(best.rank - rank) ? entry : best),
        null,
    );
}

const fromAll = 'all together';
const fromNone = 'the mean alone';

function transmitted(store: Store): Matrix | null {
    const { transmission } = store.model.run;
    const found = transmission && nearest(store, transmission);
    if (!transmission || !found) return null;
    const names = namesOf(store, transmission.blocks);
    const rows = [
        ...names.map((name, a) => ({ name, values: found.relative_error[a]!, block: transmission.blocks[a]! })),
        { name: fromAll, values: found.from_all, block: -1 },
        { name: fromNone, values: transmission.mean_error, block: -1 },
    ];
    return {
        rows: rows.map((row) => row.name),
        columns: names,
        label: `Transmission between layers at rank ${found.rank}, relative error`,
        cells: rows.flatMap(({ name, values, block }, row) =>
            names.map((column, b) => {
                const value = values[b] ?? null;
                return {
                    row,
                    column: b,
                    value,
                    light: value === null ? 0 : Math.max(0, 1 - value),
                    title: `from ${name} to ${column}: ${value === null ? 'unknown' : `relative error ${number(value)}`}`,
                    layer: layerOf(store, block),
                };
            }),
        ),
    };
}

function draw(store: Store, matrix: Matrix, width: number): Element {
    const { rows, columns } = matrix;
    const letters = Math.max(5, Math.min(16, Math.floor((width / 3 - 14) / letter)));
    const longest = Math.max(...[...rows, ...columns].map((name) => Math.min(name.length, letters)));
    const marginLeft = 14 + letter * longest;
    const side = Math.min(88, (width - marginLeft - 8) / columns.length);
    const level = side >= letter * Math.max(...columns.map((name) => Math.min(name.length, letters)));
    const named = side >= narrowest; // else the columns are those of the rows, in their order
    const low = Math.max(named ? 26 : 20, Math.min(44, side));
    const marginBottom = !named ? 8 : level ? 26 : 14 + 0.62 * letter * longest;
    const places = (names: string[]): number[] => names.map((_, i) => i);
    const chart = Plot.plot({
        width: Math.min(width, marginLeft + side * columns.length + 8),
        height: low * rows.length + marginBottom + 6,
        marginLeft,
        marginRight: 8,
        marginTop: 6,
        marginBottom,
        style: chartStyle,
        ariaLabel: matrix.label,
        x: {
            type: 'band',
            domain: places(columns),
            axis: named ? 'bottom' : null,
            label: null,
            tickSize: 0,
            tickFormat: (place: number) => shorten(columns[place]!, letters),
            tickRotate: level ? 0 : side > 40 ? -35 : -50,
            padding: 0.03,
        },
        y: {
            type: 'band',
            domain: places(rows),
            label: null,
            tickSize: 0,
            tickFormat: (place: number) => shorten(rows[place]!, letters),
            padding: 0.03,
        },
        color: { type: 'identity' },
        marks: [
            Plot.cell(matrix.cells, {
                x: 'column',
                y: 'row',
                fill: (cell: Cell) => (cell.value === null ? 'var(--line)' : viridisPaint(cell.light)),
                title: 'title',
            }),
            ...(matrix.columns.length <= written
                ? [
                      Plot.text(matrix.cells, {
                          x: 'column',
                          y: 'row',
                          text: (cell: Cell) => (cell.value === null ? '' : cell.value.toFixed(2)),
                          fill: (cell: Cell) => inkOn(cell.light),
                          pointerEvents: 'none',
                      }),
                  ]
                : []),
        ],
    });
    chart.addEventListener('click', (event) => {
        const place = (event.target as { __data__?: unknown }).__data__;
        const layer = typeof place === 'number' ? matrix.cells[place]?.layer : null;
        if (layer !== null && layer !== undefined) store.set({ layer });
    });
    return asPicture(chart);
}

// The two different layers that are most alike, and the two that are least.
function alignmentWords({ rows, cells }: Matrix): string {
    const pairs = cells.filter((cell) => cell.value !== null && cell.row < cell.column);
    if (!pairs.length) return '';
    const most = pairs.reduce((a, b) => (b.value! > a.value! ? b : a));
    const least = pairs.reduce((a, b) => (b.value! < a.value! ? b : a));
    const words = ({ row, column, value }: Cell): string =>
        `${shorten(rows[row]!, 24)} and ${shorten(rows[column]!, 24)} (${value!.toFixed(2)})`;
    return pairs.length === 1 ? `${words(most)}.` : `Most alike: ${words(most)}; least: ${words(least)}.`;
}

// What the first block tells of the last, beside what the mean tells.
function transmissionWords({ columns, cells }: Matrix): string {
    const last = columns.length - 1;
    const at = (row: number, column: number): number | null =>
        cells.find((cell) => cell.row === row && cell.column === column)?.value ?? null;
    const [there, back, none] = [at(0, last), at(last, 0), at(last + 2, last)];
    if (!last || there === null || back === null || none === null) return '';
    return (
        `${shorten(columns[0]!, 24)} alone predicts ${shorten(columns[last]!, 24)} with an error of ${there.toFixed(2)} ` +
        `(the mean alone: ${none.toFixed(2)}), the other way round ${back.toFixed(2)}.`
    );
}

function numbers(store: Store): Table {
    const table = (what: string, matrix: Matrix | null): Table =>
        (matrix?.cells ?? []).map(({ row, column, value }) => [
            what,
            matrix!.rows[row]!,
            matrix!.columns[column]!,
            value ?? '',
        ]);
    const { transmission } = store.model.run;
    const rank = transmission && nearest(store, transmission)?.rank;
    return [
        ['measure', 'from', 'to', 'value'],
        ...table('linear CKA', alignment(store)),
        ...table(`relative error at rank ${rank}`, transmitted(store)),
    ];
}

export function hasRelations(store: Store): boolean {
    return store.runs.some(({ run }) => (run.pairs?.blocks.length ?? 0) > 1 || run.transmission !== undefined);
}

function panel(): { figure: HTMLElement; caption: HTMLElement; chart: HTMLElement; words: HTMLElement } {
    const caption = h('figcaption');
    const chart = h('div', { class: 'chart' });
    const words = h('p', { class: 'small' });
    return { figure: h('figure', {}, caption, chart, words), caption, chart, words };
}

export function relationView(store: Store): HTMLElement {
    const { element, sentence, body, tools } = section('relations', 'Layers among each other');
    const left = panel();
    const right = panel();
    body.append(h('div', { class: 'charts-row' }, left.figure, right.figure));
    tools.append(saveMenu('relations', body, () => numbers(store)));
    const fill = (place: HTMLElement, make: () => Matrix | null): (() => void) =>
        onWidth(place, (width) => {
            const matrix = make();
            place.replaceChildren(...(matrix ? [draw(store, matrix, width)] : []));
        });
    const redraws = [fill(left.chart, () => alignment(store)), fill(right.chart, () => transmitted(store))];
    store.watch(
        ['rank', 'layer'],
        () => {
            const { pairs, transmission } = store.model.run;
            const [alike, told] = [alignment(store), transmitted(store)];
            const rank = transmission && nearest(store, transmission)?.rank;
            element.hidden = !alike && !told;
            left.figure.hidden = !alike;
            right.figure.hidden = !told;
            sentence.textContent = [
                alike &&
                    'Left, two layers are aligned (1) when samples near each other in one are near in the other',
                told &&
                    `${alike ? 'right' : 'Here'}, what is known of a sample from the row’s layer alone is carried ` +
                        'through the components to the column’s, the error as a share of all there is',
            ]
                .filter(Boolean)
                .join('; ')
                .concat('.');
            left.caption.textContent =
                'Alignment (linear CKA; 1: alike, 0: nothing in common)' +
                (pairs ? `, ${plural(pairs.samples, 'sample')}` : '');
            right.caption.textContent =
                `Transmission at rank ${rank}, from row to column (relative error; 0: all is told), ` +
                `${plural(transmission?.held_out ?? 0, 'sample')} that were not fitted`;
            left.words.textContent = alike ? alignmentWords(alike) : '';
            right.words.textContent = told ? transmissionWords(told) : '';
            for (const redraw of redraws) redraw();
        },
        element,
    );
    return element;
}
