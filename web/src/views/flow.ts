// The way through the network: a column a layer, a band a component, the unexplained rest in grey beneath.
import { h, onWidth, section, svg } from '../dom';
import { saveMenu, type Table } from '../exports';
import type { Fit } from '../fit';
import { partWords, type Layer } from '../layer';
import type { Store } from '../store';
import { percent, shorten } from '../words';

const node = 12; // thickness of a column
const shortest = 380; // a column
const longest = 1000;
const labelRoom = 44;
const leastSpacing = 92; // of columns that all have a label
const narrow = 520; // narrower than this the network runs downwards

interface Span {
    from: number;
    to: number;
}

// Where each component stands in a layer, strongest first; the last span is the rest.
function spans(fit: Fit, layer: Layer, length: number): Span[] {
    const order = Array.from({ length: fit.rank }, (_, c) => c).sort(
        (a, b) => fit.share(layer, b) - fit.share(layer, a) || a - b,
    );
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

// Letters of a label: those at the ends start or end at their column, the others stand around theirs.
function labelRoomOf(spacing: number, atEnd: boolean): number {
    return Math.max(5, Math.floor((spacing * (atEnd ? 0.54 : 0.8)) / 8.2));
}

// Which layers have a label where there is no room for all: every n-th, the ends, the chosen one instead of its
// neighbours.
function labelled(layers: Layer[], spacing: number, chosen: number | null): boolean[] {
    const every = Math.ceil(leastSpacing / spacing);
    const last = layers.length - 1;
    const at = layers.findIndex((layer) => layer.index === chosen);
    return layers.map((_, i) => {
        if (i === 0 || i === last || i === at) return true;
        return i % every === 0 && last - i >= every && (at < 0 || Math.abs(i - at) >= every);
    });
}

function draw(store: Store, fit: Fit, width: number, length: number): SVGSVGElement {
    const layers = store.model.layers.filter((layer) => fit.has(layer));
    const upright = width < narrow || layers.length === 1;
    const chosen = store.get('component');
    const across = upright ? width : length; // the length of a column
    const step = upright ? Math.max(120, Math.min(150, 700 / layers.length)) : 0;
    const thickness = layers.length === 1 ? 56 : node;
    const along = upright ? step * (layers.length - 1) + thickness : width;
    const place = layers.map((_, index) =>
        upright ? labelRoom + index * step : (index * (along - node)) / (layers.length - 1),
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
            svg('title', {}, rest ? describeRest(fit, layers) : describe(fit, layers, c)),
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
        root.append(group);
    }

    const spacing = width / Math.max(1, layers.length - 1);
    const named = labelled(layers, upright ? leastSpacing : spacing, store.get('layer'));
    const apart = spacing * Math.ceil(leastSpacing / spacing);
    layers.forEach((layer, i) => {
        if (!named[i]) return;
        const span = all[i]![chosen]!;
        const middle = (span.from + span.to) / 2;
        const last = i === layers.length - 1 && layers.length > 1;
        const value = percent(fit.share(layer, chosen));
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
        const first = i === 0 || upright;
        const anchor = first ? 'start' : last ? 'end' : 'middle';
        const x = upright ? 0 : first ? place[i]! : last ? place[i]! + node : place[i]! + node / 2;
        const y = upright ? place[i]! - 20 : across + 20;
        const room = upright ? 40 : labelRoomOf(apart, first || last);
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
                svg('text', { x, y, 'text-anchor': anchor }, name),
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

// The columns are as long as it takes to end where the neighbouring column of the page ends.
function lengthBeside(frame: HTMLElement, neighbour: HTMLElement): number {
    const own = frame.closest('.stack');
    if (!(own instanceof HTMLElement)) return shortest;
    const beside = neighbour.getBoundingClientRect().left > own.getBoundingClientRect().right - 1;
    if (!beside) return shortest;
    const others = own.offsetHeight - frame.offsetHeight;
    return Math.round(Math.max(shortest, Math.min(longest, neighbour.offsetHeight - others - labelRoom - 6)));
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

export function flowView(store: Store, neighbour: HTMLElement): HTMLElement {
    const { element, sentence, body, title, tools } = section('flow', 'The way through the network');
    const frame = h('div', { class: 'frame' });
    body.append(frame);
    tools.append(saveMenu('flow', frame, () => numbers(store)));
    let length = 0;
    const redraw = onWidth(frame, (width) => {
        const { fit } = store;
        length = lengthBeside(frame, neighbour);
        frame.replaceChildren(...(fit ? [draw(store, fit, width, length)] : []));
    });
    let wanted = 0;
    new ResizeObserver(() => {
        clearTimeout(wanted);
        wanted = setTimeout(() => {
            if (Math.abs(lengthBeside(frame, neighbour) - length) > 4) redraw();
        }, 120);
    }).observe(neighbour);
    store.watch(
        ['rank', 'component', 'layer'],
        () => {
            const several = store.model.layers.length > 1;
            title.textContent = several ? 'The way through the network' : 'What each component explains';
            sentence.textContent =
                (several
                    ? 'A column is a layer, its length all of the layer’s energy; '
                    : 'The bar is all of the block’s energy; ') +
                'each band is a component’s share, the largest first' +
                (several ? ', so that a component which gains importance rises. ' : '. ') +
                `The pale rest is not explained. Component ${store.get('component') + 1} is chosen.`;
            redraw();
        },
        element,
    );
    return element;
}
