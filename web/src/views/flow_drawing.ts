// The drawing of the way through the network: made once for a rank and a size, marked for what is chosen.
import { layerColour } from '../colours';
import { svg } from '../dom';
import type { Fit } from '../fit';
import { partWords, type Layer } from '../layer';
import type { Store } from '../store';
import { percent, shorten } from '../words';
import { ends, roomsOf, type Span } from './flow_ends';

const thickest = 12; // a column
export const labelRoom = 44;
const leastSpacing = 92; // of columns that all have a label, if names are long

export function strongestFirst(fit: Fit, layer: Layer): number[] {
    return Array.from({ length: fit.rank }, (_, c) => c).sort(
        (a, b) => fit.share(layer, b) - fit.share(layer, a) || a - b,
    );
}

// Where each component stands in a layer, strongest first; the last span is the rest.
function spans(fit: Fit, layer: Layer, length: number): Span[] {
    const order = strongestFirst(fit, layer);
    const found: Span[] = new Array<Span>(fit.rank + 1);
    let place = 0;
    for (const c of order) {
        const size = fit.share(layer, c) * length;
        found[c] = { from: place, to: place + size };
        place += size;
    }
    found[fit.rank] = { from: place, to: length };
    return found;
}

// The network runs along, a block's energy lies across.
function path(a: number, b: number, left: Span, right: Span): string {
    const at = (x: number, y: number): string => `${x.toFixed(1)},${y.toFixed(1)}`;
    const middle = (a + b) / 2;
    return (
        `M${at(a, left.from)}C${at(middle, left.from)} ${at(middle, right.from)} ${at(b, right.from)}` +
        `L${at(b, right.to)}C${at(middle, right.to)} ${at(middle, left.to)} ${at(a, left.to)}Z`
    );
}

function bar(upright: boolean, along: number, span: Span, thickness: number): Record<string, string> {
    const size = Math.max(0, span.to - span.from);
    const [x, y, width, height] = upright
        ? [span.from, along, size, thickness]
        : [along, span.from, thickness, size];
    return { x: x.toFixed(1), y: y.toFixed(1), width: width.toFixed(1), height: height.toFixed(1) };
}

// Letters of a label: it stands around its column.
function labelRoomOf(spacing: number): number {
    return Math.max(5, Math.floor((spacing * 0.9) / 8.2) - 2);
}

function spacingFor(layers: Layer[]): number {
    return Math.min(leastSpacing, 8.2 * Math.max(...layers.map(({ label }) => label.length)) + 28);
}

// Which layers have a label where there is no room for all: every n-th, the ends, the chosen one instead of its
// neighbours.
function labelled(layers: Layer[], spacing: number, chosen: number | null): boolean[] {
    const every = Math.ceil(spacingFor(layers) / spacing);
    const last = layers.length - 1;
    const at = layers.findIndex((layer) => layer.index === chosen);
    return layers.map((_, i) => {
        if (i === 0 || i === last || i === at) return true;
        return i % every === 0 && last - i >= every && (at < 0 || Math.abs(i - at) >= every);
    });
}

// A layer's colour before its name.
function dot(layer: number, total: number): SVGTSpanElement {
    return svg('tspan', { style: `fill:${layerColour(layer, total)}` }, '● ');
}

export class FlowDrawing {
    readonly root: SVGSVGElement;
    private readonly layers: Layer[];
    private readonly upright: boolean; // a single bar, that lies
    private readonly place: number[]; // of every column, along the network
    private readonly spacing: number; // of the columns
    private readonly node: number; // thickness of a column
    private readonly spans: Span[][]; // of every layer and component
    private readonly bands: SVGGElement[];
    private readonly labels = svg('g', {});
    private readonly left: number; // what stands before the first column

    constructor(
        private readonly store: Store,
        private readonly fit: Fit,
        private readonly width: number,
        private readonly length: number, // of a column
    ) {
        this.layers = store.model.layers.filter((layer) => fit.has(layer));
        const many = this.layers.length;
        this.upright = many === 1;
        const rooms = roomsOf(width);
        const along = width - rooms.left - rooms.right;
        this.left = rooms.left;
        this.node = this.upright ? 56 : Math.max(4, Math.min(thickest, along / (many - 1) / 5));
        this.spacing = this.upright ? width : (along - this.node) / (many - 1);
        this.place = this.layers.map((_, i) => (this.upright ? labelRoom : rooms.left + i * this.spacing));
        this.spans = this.layers.map((layer) => spans(fit, layer, this.upright ? width : length));
        const height = this.upright ? this.node + 2 * labelRoom : length + labelRoom + 6;
        this.bands = Array.from({ length: fit.rank }, (_, c) => this.band(c, 'band'));
        this.root = svg(
            'svg',
            { width, height, viewBox: `0 0 ${width} ${height}`, class: 'flow', 'aria-hidden': 'true' },
            this.band(fit.rank, 'rest'),
            ...this.bands,
            this.labels,
        );
        this.mark();
    }

    private band(component: number, name: string): SVGGElement {
        const { layers, place, node, upright, fit } = this;
        const all = this.spans;
        const rest = name === 'rest';
        const choose = (): void => this.store.set({ component });
        const group = svg('g', {
            class: name,
            ...(rest ? {} : { 'data-component': component + 1, click: choose }),
        });
        layers.forEach((_, i) => {
            const [from, to] = [all[i]![component]!, all[i + 1]?.[component]];
            if (to) group.append(svg('path', { d: path(place[i]! + node, place[i + 1]!, from, to) }));
            group.append(svg('rect', { class: 'node', ...bar(upright, place[i]!, from, node) }));
        });
        const last = layers.length - 1;
        if (!rest && !upright)
            group.append(
                ...ends(fit, component, roomsOf(this.width), {
                    first: { layer: layers[0]!, at: place[0]!, span: all[0]![component]! },
                    last: { layer: layers[last]!, at: place[last]! + node, span: all[last]![component]! },
                }),
            );
        return group;
    }

    // Marks the chosen component, which lies above the others, and writes its shares.
    mark(): void {
        const chosen = this.store.get('component');
        this.bands.forEach((band, c) => band.classList.toggle('chosen', c === chosen));
        this.labels.before(this.bands[chosen]!);
        const named = labelled(this.layers, this.spacing, this.store.get('layer'));
        this.labels.replaceChildren(
            ...this.layers.flatMap((layer, i) =>
                named[i]
                    ? [this.valueOf(layer, i, chosen), this.labelOf(layer, i)].filter((part) => part !== null)
                    : [],
            ),
        );
    }

    // The chosen component's share, beside its band.
    private valueOf(layer: Layer, i: number, chosen: number): SVGElement | null {
        const span = this.spans[i]![chosen]!;
        const middle = (span.from + span.to) / 2;
        const last = i === this.layers.length - 1 && i > 0;
        if (i === this.layers.length - 2 && this.spacing < 104) return null; // the last one's stands there
        const at = this.place[i]!;
        const where = this.upright
            ? {
                  x: Math.min(this.width - 22, Math.max(22, middle)),
                  y: at + this.node + 14,
                  'text-anchor': 'middle',
              }
            : {
                  x: last ? at - 6 : at + this.node + 6,
                  y: Math.max(10, middle + 4),
                  'text-anchor': last ? 'end' : 'start',
              };
        return svg('text', { class: 'value', ...where }, percent(this.fit.share(layer, chosen)));
    }

    // The layer's name under its column, and as much of its size and of what is explained as there is room for.
    private labelOf(layer: Layer, i: number): SVGElement {
        const { store, upright } = this;
        const apart = this.spacing * Math.ceil(spacingFor(this.layers) / this.spacing);
        const room = upright ? 40 : labelRoomOf(i === 0 ? Math.min(apart, 2 * this.left) : apart);
        const anchor = upright ? 'start' : 'middle';
        const x = upright ? 0 : this.place[i]! + this.node / 2;
        const y = upright ? this.place[i]! - 24 : this.length + 20;
        const explained = percent(this.fit.explained(layer));
        const details = `${explained} explained`;
        const long = `${layer.size} · ${details}`;
        const chosen = store.get('layer') === layer.index;
        return svg(
            'g',
            {
                class: chosen ? 'layer-label chosen' : 'layer-label',
                'data-layer': layer.index,
                click: () => store.set({ layer: chosen ? null : layer.index }),
            },
            svg(
                'title',
                {},
                `${layer.name}: ${layer.size}, ${details}${partWords(layer) && `; ${partWords(layer)}`}`,
            ),
            svg(
                'text',
                { x, y, 'text-anchor': anchor },
                dot(layer.index, store.model.layers.length),
                shorten(layer.label, room),
            ),
            svg(
                'text',
                { x, y: y + 16, 'text-anchor': anchor, class: 'small' },
                long.length <= room * 1.2 ? long : details.length <= room * 1.2 ? details : explained,
            ),
        );
    }
}
