// Neurons x components, a heatmap for each layer, ordered so that structure is visible (the paper's Figure 9).
import { viridis, viridisEntry } from '../colours';
import { h, onWidth, section } from '../dom';
import type { Fit } from '../fit';
import { saveMenu, type Table } from '../exports';
import { entriesWords, isSplit, place, splitWords, type Layer } from '../layer';
import type { Store } from '../store';
import { count, plural, shorten } from '../words';
import { layerDot, viridisKey } from './charts';
import { neuronPanel } from './neuron';

interface Ordered {
    values: Float32Array; // neurons x rank, each component divided by its largest
    neurons: Int32Array; // in the order drawn; -1 is the gap before those that are unused
    strongest: Int32Array; // component that a neuron carries most, by neuron
    unused: number;
}

const gapShare = 0.012;

function order(fit: Fit, layer: Layer): Ordered {
    const { values: strengths, neurons } = fit.strengths(layer);
    const { rank } = fit;
    const most = new Float32Array(rank);
    for (let i = 0; i < strengths.length; i++) most[i % rank] = Math.max(most[i % rank]!, strengths[i]!);
    const strongest = new Int32Array(neurons);
    const largest = new Float32Array(neurons);
    for (let n = 0; n < neurons; n++)
        for (let c = 0; c < rank; c++) {
            const value = strengths[n * rank + c]!;
            if (value > largest[n]!) [largest[n], strongest[n]] = [value, c];
        }
    const used: number[] = [];
    const unused: number[] = [];
    for (let n = 0; n < neurons; n++) (layer.unused.has(n) || largest[n] === 0 ? unused : used).push(n);
    used.sort((a, b) => strongest[a]! - strongest[b]! || largest[b]! - largest[a]! || a - b);
    const gap = unused.length ? Math.max(1, Math.round(neurons * gapShare)) : 0;
    return {
        values: strengths.map((value, i) => (most[i % rank]! > 0 ? value / most[i % rank]! : 0)),
        neurons: Int32Array.from([...used, ...new Array<number>(gap).fill(-1), ...unused]),
        strongest,
        unused: unused.length,
    };
}

// The part of the neurons that is drawn.
interface Range {
    start: number;
    end: number;
}

const closest = 8; // neurons, when zoomed in as far as it goes

// Where many neurons share a pixel, it shows the largest.
function paint(
    target: HTMLCanvasElement,
    ordered: Ordered,
    rank: number,
    width: number,
    { start, end }: Range,
): void {
    const total = end - start;
    const used = ordered.neurons.length - ordered.unused;
    const columns = Math.min(total, Math.max(1, width));
    target.width = columns;
    target.height = rank;
    const context = target.getContext('2d');
    if (!context) return;
    const image = context.createImageData(columns, rank);
    for (let x = 0; x < columns; x++) {
        const from = start + Math.floor((x * total) / columns);
        const to = Math.max(from + 1, start + Math.floor(((x + 1) * total) / columns));
        for (let c = 0; c < rank; c++) {
            let value = -1;
            for (let i = from; i < to; i++) {
                const neuron = ordered.neurons[i]!;
                if (neuron >= 0 && i < used) value = Math.max(value, ordered.values[neuron * rank + c]!);
            }
            if (value < 0) continue; // the gap and what is unused stay clear
            const entry = 3 * viridisEntry(value);
            image.data.set(
                [viridis[entry]!, viridis[entry + 1]!, viridis[entry + 2]!, 255],
                4 * (c * columns + x),
            );
        }
    }
    context.putImageData(image, 0, 0);
}

class Heatmap {
    readonly element: HTMLElement;
    private readonly raster = h('canvas', { class: 'raster heat', role: 'application', tabindex: 0 });
    private readonly mark = h('div', { class: 'row-mark', 'aria-hidden': 'true' });
    private readonly neuronMark = h('div', { class: 'column-mark', 'aria-hidden': 'true' });
    private readonly selection = h('div', { class: 'selection', hidden: true, 'aria-hidden': 'true' });
    private readonly empty = h('div', { class: 'unused', 'aria-hidden': 'true' });
    private readonly ends = h('div', { class: 'ends small dim' });
    private readonly title = h('button', { type: 'button', class: 'plain' });
    private readonly whole = h('button', { type: 'button', class: 'plain link', hidden: true }, 'Show all');
    private ordered: Ordered | null = null;
    private fit: Fit | null = null;
    private range: Range = { start: 0, end: 1 };
    private dragged: number | null = null; // where a selection started, in neurons

    constructor(
        private readonly store: Store,
        private readonly layer: Layer,
        private readonly tip: HTMLElement,
    ) {
        const field = h(
            'div',
            { class: 'field' },
            this.empty,
            this.raster,
            this.mark,
            this.neuronMark,
            this.selection,
        );
        this.element = h(
            'figure',
            { class: 'heatmap', 'data-layer': layer.index },
            h('figcaption', {}, h('h3', {}, this.title), this.whole),
            field,
            this.ends,
        );
        this.title.append(layerDot(layer.index, store.model.layers.length), shorten(layer.label, 60));
        this.title.title = layer.name;
        this.title.addEventListener('click', () =>
            store.set({ layer: store.get('layer') === layer.index ? null : layer.index }),
        );
        this.title.after(
            ' ',
            h('span', { class: 'dim' }, [layer.size, splitWords(layer)].filter(Boolean).join('; ')),
        );
        onWidth(field, () => this.paint());
        this.raster.addEventListener('pointermove', (event) => this.point(event));
        this.raster.addEventListener('pointerleave', () => (this.tip.hidden = true));
        this.raster.addEventListener('pointerdown', (event) => {
            this.dragged = this.exact(event);
            this.raster.setPointerCapture(event.pointerId);
        });
        this.raster.addEventListener('pointerup', (event) => this.release(event));
        this.raster.addEventListener('keydown', (event) => this.press(event));
        this.whole.addEventListener('click', () => this.zoom({ start: 0, end: this.total }));
    }

    private get total(): number {
        return this.ordered?.neurons.length ?? 1;
    }

    private paint(): void {
        const width = this.raster.clientWidth || 600;
        if (this.ordered && this.fit)
            paint(
                this.raster,
                this.ordered,
                this.fit.rank,
                Math.round(width * window.devicePixelRatio),
                this.range,
            );
    }

    private zoom(range: Range): void {
        const width = Math.min(this.total, Math.max(Math.min(closest, this.total), range.end - range.start));
        const start = Math.round(Math.max(0, Math.min(this.total - width, range.start)));
        const end = Math.min(this.total, start + Math.round(width));
        const others = this.store
            .get('zoom')
            .split(',')
            .filter((part) => part && !part.startsWith(`${this.layer.index}:`));
        const own = end - start < this.total ? [`${this.layer.index}:${start}-${end}`] : [];
        this.store.set({ zoom: [...others, ...own].join(',') });
    }

    // What the state says is shown: all, or a part.
    private shown(): Range {
        const part = this.store
            .get('zoom')
            .split(',')
            .find((candidate) => candidate.startsWith(`${this.layer.index}:`));
        const [start = 0, end = 0] = (part?.split(':')[1] ?? '').split('-').map(Number);
        return start < end && end <= this.total ? { start, end } : { start: 0, end: this.total };
    }

    // Where in the order of the neurons the pointer is.
    private exact(event: MouseEvent): number {
        const box = this.raster.getBoundingClientRect();
        const along = Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
        return this.range.start + along * (this.range.end - this.range.start);
    }

    private at(event: MouseEvent): { component: number; neuron: number } {
        const box = this.raster.getBoundingClientRect();
        const x = Math.min(this.range.end - 1, Math.floor(this.exact(event)));
        const rank = this.fit?.rank ?? 1;
        const y = Math.min(rank - 1, Math.max(0, Math.floor(((event.clientY - box.top) / box.height) * rank)));
        return { component: y, neuron: this.ordered?.neurons[x] ?? -1 };
    }

    // A click chooses a component and a neuron, a drag the part that is shown larger.
    private release(event: PointerEvent): void {
        const from = this.dragged;
        this.dragged = null;
        this.selection.hidden = true;
        if (from === null) return;
        const to = this.exact(event);
        const pixels = (Math.abs(to - from) / (this.range.end - this.range.start)) * this.raster.clientWidth;
        if (pixels > 6) {
            this.zoom({ start: Math.floor(Math.min(from, to)), end: Math.ceil(Math.max(from, to)) });
            return;
        }
        const { component, neuron } = this.at(event);
        this.store.set(neuron < 0 ? { component } : { component, layer: this.layer.index, neuron });
    }

    private press(event: KeyboardEvent): void {
        const { start, end } = this.range;
        const width = end - start;
        const rank = this.fit?.rank ?? 1;
        const component = this.store.get('component');
        const actions: Record<string, () => void> = {
            '+': () => this.zoom({ start: start + width / 4, end: end - width / 4 }),
            '-': () => this.zoom({ start: start - width / 2, end: end + width / 2 }),
            ArrowLeft: () => this.zoom({ start: start - width / 4, end: end - width / 4 }),
            ArrowRight: () => this.zoom({ start: start + width / 4, end: end + width / 4 }),
            ArrowUp: () => this.store.set({ component: Math.max(0, component - 1) }),
            ArrowDown: () => this.store.set({ component: Math.min(rank - 1, component + 1) }),
            Enter: () => {
                const middle = this.ordered?.neurons[Math.floor((start + end) / 2)] ?? -1;
                if (middle >= 0) this.store.set({ layer: this.layer.index, neuron: middle });
            },
        };
        const action = actions[event.key === '=' ? '+' : event.key];
        if (!action) return;
        event.preventDefault();
        action();
    }

    private point(event: PointerEvent): void {
        if (this.dragged !== null) {
            const size = this.range.end - this.range.start;
            const [from, to] = [this.dragged, this.exact(event)].sort((a, b) => a - b) as [number, number];
            this.selection.hidden = false;
            this.selection.style.left = `${(100 * (from - this.range.start)) / size}%`;
            this.selection.style.width = `${(100 * (to - from)) / size}%`;
        }
        const { component, neuron } = this.at(event);
        this.tip.hidden = neuron < 0;
        if (neuron < 0 || !this.ordered || !this.fit) return;
        const value = this.ordered.values[neuron * this.fit.rank + component]!;
        const own = this.ordered.strongest[neuron]!;
        this.tip.textContent =
            `${place(this.layer, neuron)} · component ${component + 1}: ${value.toFixed(2)} of its largest` +
            (own === component ? '' : ` · carries ${own + 1} most`);
        const left = Math.min(event.clientX + 14, window.innerWidth - this.tip.offsetWidth - 8);
        this.tip.style.left = `${Math.max(8, left)}px`;
        this.tip.style.top = `${event.clientY + 18}px`;
    }

    // What stands under the picture: how many are shown, and what the empty part is.
    private words(): void {
        if (!this.ordered) return;
        const { neurons, unused } = this.ordered;
        const used = neurons.indexOf(-1) < 0 ? neurons.length : neurons.indexOf(-1);
        const { start, end } = this.range;
        const size = end - start;
        const boundary = neurons.length - unused - start;
        this.empty.style.left = `${Math.max(0, Math.min(100, (100 * boundary) / size))}%`;
        this.ends.replaceChildren(
            h(
                'span',
                {},
                size < this.total
                    ? `${entriesWords(this.layer, Math.max(0, Math.min(end, used) - Math.min(start, used)))} of ${count(used)}`
                    : `${entriesWords(this.layer, used)}, by the component they carry most`,
            ),
            h('span', {}, this.nothing(unused)),
        );
    }

    private marks(): void {
        const rank = this.fit?.rank ?? 1;
        const chosen = this.store.get('component');
        this.mark.style.top = `${(100 * chosen) / rank}%`;
        this.mark.style.height = `${100 / rank}%`;
        this.mark.dataset['number'] = String(chosen + 1);
        const neuron = this.store.get('layer') === this.layer.index ? this.store.get('neuron') : null;
        const at = neuron === null ? -1 : (this.ordered?.neurons.indexOf(neuron) ?? -1);
        const { start, end } = this.range;
        this.neuronMark.hidden = at < start || at >= end;
        this.neuronMark.style.left = `${(100 * (at + 0.5 - start)) / (end - start)}%`;
    }

    // Unused: zero for every sample. Others may be used and yet be in no component.
    private nothing(drawn: number): string {
        const { unusedCount, columns, entries } = this.layer;
        if (unusedCount === null || isSplit(this.layer)) return drawn ? `${count(drawn)} carry nothing` : '';
        const more = columns === entries ? drawn - unusedCount : 0;
        return (
            (unusedCount ? `${count(unusedCount)} unused` : 'none unused') +
            (more > 0 ? `, ${count(more)} more ${more === 1 ? 'carries' : 'carry'} nothing` : '')
        );
    }

    show(fit: Fit): void {
        if (this.fit !== fit) {
            this.fit = fit;
            this.ordered = order(fit, this.layer);
            const height = fit.rank * (fit.rank <= 25 ? 10 : 6.4);
            this.raster.style.height = `${Math.max(90, Math.min(330, height))}px`;
            this.range = { start: -1, end: -1 };
        }
        const range = this.shown();
        if (range.start !== this.range.start || range.end !== this.range.end) {
            this.range = range;
            this.whole.hidden = range.end - range.start >= this.total;
            this.paint();
            this.words();
        }
        this.marks();
        this.raster.setAttribute(
            'aria-label',
            `${this.layer.name}: ${entriesWords(this.layer, this.layer.entries)} in ${plural(fit.rank, 'component')}; ` +
                'plus and minus zoom, left and right move, up and down choose a component, enter the middle neuron',
        );
        const layer = this.store.get('layer');
        this.title.setAttribute('aria-pressed', String(layer === this.layer.index));
        this.element.classList.toggle('dimmed', layer !== null && layer !== this.layer.index);
    }
}

function numbers(store: Store): Table {
    const { fit } = store;
    if (!fit) return [];
    const components = Array.from({ length: fit.rank }, (_, c) => c);
    return [
        ['layer', 'neuron', 'where', ...components.map((c) => `component ${c + 1}`)],
        ...store.model.layers
            .filter((layer) => fit.has(layer))
            .flatMap((layer) => {
                const { values, neurons } = fit.strengths(layer);
                return Array.from({ length: neurons }, (_, n) => [
                    layer.name,
                    n,
                    place(layer, n),
                    ...components.map((c) => Number(values[n * fit.rank + c]!.toPrecision(4))),
                ]);
            }),
    ];
}

export function heatmapView(store: Store): HTMLElement {
    const { element, sentence, body, tools } = section('neurons', 'Neurons and components');
    const tip = h('div', { class: 'tip', hidden: true, role: 'status' });
    const grid = h('div', { class: 'heatmaps' });
    body.append(viridisKey('nothing', 'the most of its component'), grid, neuronPanel(store, element), tip);
    tools.append(saveMenu('neurons', body, () => numbers(store)));
    let shown: { model: Store['model']; maps: Heatmap[] } | null = null;
    store.watch(
        ['rank', 'component', 'layer', 'neuron', 'zoom'],
        () => {
            const { fit, model } = store;
            if (!fit) return;
            if (shown?.model !== model) {
                shown = {
                    model,
                    maps: model.layers
                        .filter((layer) => fit.has(layer))
                        .map((layer) => new Heatmap(store, layer, tip)),
                };
                grid.replaceChildren(...shown.maps.map((map) => map.element));
                grid.classList.toggle('many', shown.maps.length > 4);
            }
            for (const map of shown.maps) map.show(fit);
            sentence.textContent =
                'Each row is a component (the strongest on top, the chosen one marked), each column a neuron, bright ' +
                'where the neuron carries it; neurons stand by the component they carry most, those that carry nothing ' +
                'apart at the right; click to choose both, drag to see a part larger.';
        },
        element,
    );
    return element;
}
