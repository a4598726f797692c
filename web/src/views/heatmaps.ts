// Neurons x components, a heatmap for each layer, ordered so that structure is visible (the paper's Figure 9).
import { viridis, viridisEntry } from '../colours';
import { h, onWidth, section } from '../dom';
import type { Fit } from '../fit';
import type { Layer } from '../model';
import type { Store } from '../store';
import { count, plural, shape, shorten } from '../words';

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

// Where many neurons share a pixel, it shows the largest.
function paint(target: HTMLCanvasElement, ordered: Ordered, rank: number, width: number): void {
    const total = ordered.neurons.length;
    const used = total - ordered.unused;
    const columns = Math.min(total, Math.max(1, width));
    target.width = columns;
    target.height = rank;
    const context = target.getContext('2d');
    if (!context) return;
    const image = context.createImageData(columns, rank);
    for (let x = 0; x < columns; x++) {
        const from = Math.floor((x * total) / columns);
        const to = Math.max(from + 1, Math.floor(((x + 1) * total) / columns));
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

function place(layer: Layer, neuron: number): string {
    const [, height = 1, width = 1] = layer.view;
    if (layer.view.length !== 3) return `neuron ${count(neuron)}`;
    const channel = Math.floor(neuron / (height * width));
    const at = neuron % (height * width);
    return `channel ${channel}, row ${Math.floor(at / width)}, column ${at % width}`;
}

class Heatmap {
    readonly element: HTMLElement;
    private readonly raster = h('canvas', { class: 'raster heat', role: 'img' });
    private readonly mark = h('div', { class: 'row-mark', 'aria-hidden': 'true' });
    private readonly empty = h('div', { class: 'unused', 'aria-hidden': 'true' });
    private readonly ends = h('div', { class: 'ends small dim' });
    private readonly title = h('button', { type: 'button', class: 'plain' });
    private ordered: Ordered | null = null;
    private fit: Fit | null = null;

    constructor(
        private readonly store: Store,
        private readonly layer: Layer,
        private readonly tip: HTMLElement,
    ) {
        const field = h('div', { class: 'field' }, this.empty, this.raster, this.mark);
        this.element = h(
            'figure',
            { class: 'heatmap', 'data-layer': layer.index },
            h('figcaption', {}, h('h3', {}, this.title)),
            field,
            this.ends,
        );
        this.title.append(shorten(layer.name, 60));
        this.title.title = layer.name;
        this.title.addEventListener('click', () =>
            store.set({ layer: store.get('layer') === layer.index ? null : layer.index }),
        );
        this.title.after(' ', h('span', { class: 'dim' }, shape(layer.shape)));
        onWidth(field, (width) => this.paint(width));
        this.raster.addEventListener('pointermove', (event) => this.point(event));
        this.raster.addEventListener('pointerleave', () => (this.tip.hidden = true));
        this.raster.addEventListener('click', (event) => store.set({ component: this.at(event).component }));
    }

    private paint(width: number): void {
        if (this.ordered && this.fit)
            paint(this.raster, this.ordered, this.fit.rank, Math.round(width * window.devicePixelRatio));
    }

    private at(event: MouseEvent): { component: number; neuron: number } {
        const box = this.raster.getBoundingClientRect();
        const total = this.ordered?.neurons.length ?? 1;
        const x = Math.min(
            total - 1,
            Math.max(0, Math.floor(((event.clientX - box.left) / box.width) * total)),
        );
        const rank = this.fit?.rank ?? 1;
        const y = Math.min(rank - 1, Math.max(0, Math.floor(((event.clientY - box.top) / box.height) * rank)));
        return { component: y, neuron: this.ordered?.neurons[x] ?? -1 };
    }

    private point(event: PointerEvent): void {
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

    private neurons(many: number): string {
        if (this.layer.kind !== 'input') return plural(many, 'neuron');
        return this.layer.view.length === 3 ? plural(many, 'pixel') : plural(many, 'entry', 'entries');
    }

    show(fit: Fit): void {
        if (this.fit !== fit) {
            this.fit = fit;
            this.ordered = order(fit, this.layer);
            const height = fit.rank * (fit.rank <= 25 ? 10 : 6.4);
            this.raster.style.height = `${Math.max(90, Math.min(330, height))}px`;
            this.paint(this.raster.clientWidth || 600);
            const { neurons, unused } = this.ordered;
            const used = neurons.indexOf(-1) < 0 ? neurons.length : neurons.indexOf(-1);
            this.empty.style.left = `${(100 * (neurons.length - unused)) / neurons.length}%`;
            this.ends.replaceChildren(
                h('span', {}, `${this.neurons(used)}, by the component they carry most`),
                h(
                    'span',
                    {},
                    this.layer.unusedCount === null
                        ? unused
                            ? `${count(unused)} carry nothing`
                            : ''
                        : unused
                          ? `${count(unused)} unused`
                          : 'none unused',
                ),
            );
        }
        const chosen = this.store.get('component');
        this.mark.style.top = `${(100 * chosen) / fit.rank}%`;
        this.mark.style.height = `${100 / fit.rank}%`;
        this.mark.dataset['number'] = String(chosen + 1);
        this.raster.setAttribute(
            'aria-label',
            `${this.layer.name}: ${this.neurons(this.layer.columns)} in ${plural(fit.rank, 'component')}`,
        );
        const layer = this.store.get('layer');
        this.title.setAttribute('aria-pressed', String(layer === this.layer.index));
        this.element.classList.toggle('dimmed', layer !== null && layer !== this.layer.index);
    }
}

export function heatmapView(store: Store): HTMLElement {
    const { element, sentence, body } = section('neurons', 'Neurons and components');
    const tip = h('div', { class: 'tip', hidden: true, role: 'status' });
    const grid = h('div', { class: 'heatmaps' });
    body.append(grid, tip);
    let shown: { model: Store['model']; maps: Heatmap[] } | null = null;
    store.watch(['rank', 'component', 'layer'], () => {
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
        }
        for (const map of shown.maps) map.show(fit);
        sentence.textContent =
            'A row is a component (the strongest on top), a column a neuron; bright where the neuron carries ' +
            'it. Neurons stand by the component that they carry most, those that carry nothing at ' +
            'the right. ' +
            `The marked row is component ${store.get('component') + 1}; point to see which neuron, click to ` +
            'choose a component.';
    });
    return element;
}
