// The way through the network: a column a layer, a band a component with its picture at both ends, the unexplained
// rest in grey beneath.
import { layerColour } from '../colours';
import { h, onWidth, section, svg } from '../dom';
import { saveMenu, type Table } from '../exports';
import type { Fit } from '../fit';
import { partWords, type Layer } from '../layer';
import type { Store } from '../store';
import { percent, shorten } from '../words';
import { ends, roomsOf, type Span } from './flow_ends';

const thickest = 12; // a column
const shortest = 460; // a column
const longest = 860;
const labelRoom = 44;
const leastSpacing = 92; // of columns that all have a label, if names are long

function strongestFirst(fit: Fit, layer: Layer): number[] {
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

// A plane in which the network runs along and a block's energy lies across; upright swaps them on the screen.
function path(upright: boolean, a: number, b: number, left: Span, right: Span): string {
    const at = (along: number, across: number): string => {
        const [x, y] = upright ? [across, along] : [along, across];
        return `${x.toFixed(1)},${y.toFixed(1)}`;
    };
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

// "Component 3: input 5.8 %, relu1 5.1 % (× 0.88)".
function describe(fit: Fit, layers: Layer[], component: number): string {
    const parts = layers.map((layer, index) => {
        const share = fit.share(layer, component);
        const before = index > 0 ? fit.share(layers[index - 1]!, component) : 0;
        const change = before > 0 ? ` (× ${(share / before).toFixed(2)})` : '';
        return `${shorten(layer.label, 40)} ${percent(share)}${change}`;
    });
    return `Component ${component + 1}: ${parts.join(', ')}`;
}

function describeRest(fit: Fit, layers: Layer[]): string {
    const parts = layers.map((layer) => `${shorten(layer.label, 40)} ${percent(1 - fit.explained(layer))}`);
    return `Not explained: ${parts.join(', ')}`;
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

function draw(store: Store, fit: Fit, width: number, length: number): SVGSVGElement {
    const layers = store.model.layers.filter((layer) => fit.has(layer));
    const upright = layers.length === 1; // a bar that lies
    const rooms = roomsOf(width);
    const chosen = store.get('component');
    const across = upright ? width : length; // the length of a column
    const step = upright ? Math.max(120, Math.min(150, 700 / layers.length)) : 0;
    const between = (width - rooms.left - rooms.right) / Math.max(1, layers.length - 1);
    const node = Math.max(4, Math.min(thickest, between / 5));
    const thickness = upright ? 56 : node;
    const along = upright ? step * (layers.length - 1) + thickness : width - rooms.left - rooms.right;
    const place = layers.map((_, index) =>
        upright ? labelRoom + index * step : rooms.left + (index * (along - node)) / (layers.length - 1),
    );
    const all = layers.map((layer) => spans(fit, layer, across));
    const height = upright ? along + labelRoom : across + labelRoom + 6;
    const root = svg('svg', {
        width,
        height,
        viewBox: `0 0 ${width} ${height}`,
        class: 'flow',
        role: 'img',
        'aria-label': `The way through the network. ${describe(fit, layers, chosen)}.`,
    });
    const order = Array.from({ length: fit.rank + 1 }, (_, c) => c)
        .filter((c) => c !== chosen)
        .concat(chosen);

    for (const c of order) {
        const rest = c === fit.rank;
        const group = svg(
            'g',
            {
                class: rest ? 'rest' : c === chosen ? 'band chosen' : 'band',
                ...(rest ? {} : { 'data-component': c + 1, click: () => store.set({ component: c }) }),
            },
        );
        layers.forEach((_, i) => {
            if (i + 1 < layers.length)
                group.append(
                    svg('path', {
                        d: path(upright, place[i]! + node, place[i + 1]!, all[i]![c]!, all[i + 1]![c]!),
                    }),
                );
            group.append(svg('rect', { class: 'node', ...bar(upright, place[i]!, all[i]![c]!, thickness) }));
        });
        if (!rest && !upright)
            group.append(
                ...ends(fit, c, rooms, {
                    first: { layer: layers[0]!, at: place[0]!, span: all[0]![c]! },
                    last: {
                        layer: layers[layers.length - 1]!,
                        at: place[layers.length - 1]! + node,
                        span: all[layers.length - 1]![c]!,
                    },
                }),
            );
        root.append(group);
    }

    const spacing = along / Math.max(1, layers.length - 1);
    const named = labelled(layers, upright ? leastSpacing : spacing, store.get('layer'));
    const apart = spacing * Math.ceil(spacingFor(layers) / spacing);
    layers.forEach((layer, i) => {
        if (!named[i]) return;
        const span = all[i]![chosen]!;
        const middle = (span.from + span.to) / 2;
        const last = i === layers.length - 1 && layers.length > 1;
        const crowded = i === layers.length - 2 && spacing < 104; // the last one's stands at its left
        const value = percent(fit.share(layer, chosen));
        if (!crowded)
            root.append(
            upright
                ? svg(
                      'text',
                      {
                          class: 'value',
                          x: Math.min(width - 22, Math.max(22, middle)),
                          y: place[i]! + thickness + 14,
                          'text-anchor': 'middle',
                      },
                      value,
                  )
                : svg(
                      'text',
                      {
                          class: 'value',
                          x: last ? place[i]! - 6 : place[i]! + thickness + 6,
                          y: Math.max(10, middle + 4),
                          'text-anchor': last ? 'end' : 'start',
                      },
                      value,
                  ),
        );
        const anchor = upright ? 'start' : 'middle';
        const x = upright ? 0 : place[i]! + node / 2;
        const y = upright ? place[i]! - 20 : across + 20;
        const room = upright ? 40 : labelRoomOf(i === 0 ? Math.min(apart, 2 * rooms.left) : apart);
        const name = shorten(layer.label, room);
        const explained = percent(fit.explained(layer));
        const details = `${explained} explained`;
        const long = `${layer.size} · ${details}`;
        root.append(
            svg(
                'g',
                {
                    class: store.get('layer') === layer.index ? 'layer-label chosen' : 'layer-label',
                    'data-layer': layer.index,
                    click: () =>
                        store.set({ layer: store.get('layer') === layer.index ? null : layer.index }),
                },
                svg(
                    'title',
                    {},
                    `${layer.name}: ${layer.size}, ${details}${partWords(layer) && `; ${partWords(layer)}`}`,
                ),
                svg('text', { x, y, 'text-anchor': anchor }, dot(layer.index, store.model.layers.length), name),
                svg(
                    'text',
                    { x, y: y + 16, 'text-anchor': anchor, class: 'small' },
                    long.length <= room * 1.2 ? long : details.length <= room * 1.2 ? details : explained,
                ),
            ),
        );
    });
    return root;
}

// Wide pages take the columns of the page apart, so that each section is one.
function isTakenApart(column: HTMLElement): boolean {
    return getComputedStyle(column).display === 'contents';
}

// The columns are as long as it takes to end where what stands beside ends.
function lengthBeside(frame: HTMLElement, neighbour: HTMLElement): number {
    const own = frame.closest('section')!;
    const column = isTakenApart(own.parentElement!) ? own : own.parentElement!;
    const beside = isTakenApart(neighbour.parentElement!) ? neighbour : neighbour.parentElement!;
    if (beside.getBoundingClientRect().left < own.getBoundingClientRect().right - 1) return shortest;
    const others = column.offsetHeight - frame.offsetHeight;
    return Math.round(Math.max(shortest, Math.min(longest, beside.offsetHeight - others - labelRoom - 6)));
}

function numbers(store: Store): Table {
    const { fit } = store;
    if (!fit) return [];
    const layers = store.model.layers.filter((layer) => fit.has(layer));
    return [
        ['component', ...layers.map((layer) => layer.name)],
        ...Array.from({ length: fit.rank }, (_, c) => [
            String(c + 1),
            ...layers.map((layer) => fit.share(layer, c)),
        ]),
        ['not explained', ...layers.map((layer) => 1 - fit.explained(layer))],
    ];
}

// Up and down along the column of the chosen layer (or of the first), left and right from layer to layer.
function press(store: Store, event: KeyboardEvent): void {
    const { fit } = store;
    if (!fit) return;
    const layers = store.model.layers.filter((layer) => fit.has(layer));
    const at = layers.findIndex(({ index }) => index === store.get('layer'));
    const along = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const across = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (along === undefined && across === undefined) return;
    event.preventDefault();
    if (along !== undefined) {
        const next = Math.max(0, Math.min(layers.length - 1, at + along));
        store.set({ layer: layers[next]!.index });
        return;
    }
    const column = strongestFirst(fit, layers[Math.max(0, at)]!);
    const place = column.indexOf(store.get('component')) + across!;
    if (column[place] !== undefined) store.set({ component: column[place]! });
}

// What a band is, beside the pointer: its share of every layer, and how it changes.
function point(store: Store, event: PointerEvent, tip: HTMLElement): void {
    const { fit } = store;
    const band = event.target instanceof Element ? event.target.closest('.band, .rest') : null;
    tip.hidden = !band || !fit;
    if (!band || !fit) return;
    const layers = store.model.layers.filter((layer) => fit.has(layer));
    const component = Number(band.getAttribute('data-component')) - 1;
    tip.textContent = component < 0 ? describeRest(fit, layers) : describe(fit, layers, component);
    tip.style.left = `${Math.max(8, Math.min(event.clientX + 14, window.innerWidth - tip.offsetWidth - 8))}px`;
    tip.style.top = `${event.clientY + 18}px`;
}

// `neighbour` stands at its right where the page is wide, and `neighbour`'s column on other pages.
export function flowView(store: Store, neighbour: HTMLElement): HTMLElement {
    const { element, sentence, body, title, tools } = section('flow', 'The way through the network');
    const frame = h('div', { class: 'frame', tabindex: 0, role: 'application' });
    const tip = h('div', { class: 'tip', hidden: true, role: 'status' });
    body.append(frame, tip);
    frame.addEventListener('keydown', (event) => press(store, event));
    frame.addEventListener('pointermove', (event) => point(store, event, tip));
    frame.addEventListener('pointerleave', () => (tip.hidden = true));
    tools.append(saveMenu('flow', frame, () => numbers(store)));
    let length = 0;
    const redraw = onWidth(frame, (width) => {
        const { fit } = store;
        length = lengthBeside(frame, neighbour);
        frame.replaceChildren(...(fit ? [draw(store, fit, width, length)] : []));
    });
    let wanted = 0;
    const beside = new ResizeObserver(() => {
        clearTimeout(wanted);
        wanted = setTimeout(() => {
            if (Math.abs(lengthBeside(frame, neighbour) - length) > 4) redraw();
        }, 120);
    });
    beside.observe(neighbour);
    beside.observe(neighbour.parentElement!);
    store.watch(
        ['rank', 'component', 'layer'],
        () => {
            const several = store.model.layers.length > 1;
            title.textContent = !several
                ? 'What each component explains'
                : store.model.run.network
                  ? 'The way through the network'
                  : 'From block to block';
            sentence.textContent = several
                ? `Each column is a ${store.model.run.network ? 'layer' : 'block'} and its length all of its energy; each band is a component’s share, the ` +
                  'largest on top, so that what gains importance rises (× says how much from first to last); the pale ' +
                  'rest is not explained.'
                : 'The bar is all of the block’s energy, each band a component’s share, the largest first; the pale rest ' +
                  'is not explained.';
            if (store.fit)
                frame.setAttribute(
                    'aria-label',
                    `${describe(store.fit, store.model.layers.filter((layer) => store.fit!.has(layer)), store.get('component'))}; ` +
                        'up and down choose a component, left and right a layer',
                );
            redraw();
        },
        element,
    );
    return element;
}
