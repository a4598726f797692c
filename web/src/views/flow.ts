// The way through the network: a column a layer, a band a component with its picture at both ends, the unexplained
// rest in grey beneath.
import { h, onWidth, section } from '../dom';
import { saveMenu, type Table } from '../exports';
import type { Fit } from '../fit';
import type { Layer } from '../layer';
import type { Store } from '../store';
import { percent, shorten } from '../words';
import { FlowDrawing, labelRoom, strongestFirst } from './flow_drawing';

const shortest = 460; // a column
const longest = 860;

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

// Wide pages take the columns of the page apart, so that each section is one.
function isTakenApart(column: HTMLElement): boolean {
    return getComputedStyle(column).display === 'contents';
}

// The columns are as long as it takes to end where what stands beside ends.
function lengthBeside(frame: HTMLElement, neighbour: HTMLElement): number {
    const own = frame.closest('section')!;
    const column = isTakenApart(own.parentElement!) ? own : own.parentElement!;
    const beside = isTakenApart(neighbour.parentElement!) ? neighbour : neighbour.parentElement!;
    if (beside.getBoundingClientRect().left < own.getBoundingClientRect().right - 1)
        return Math.round(Math.max(shortest, Math.min(0.85 * own.offsetWidth, longest)));
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
    let drawing: FlowDrawing | null = null;
    const redraw = onWidth(frame, (width) => {
        const { fit } = store;
        length = lengthBeside(frame, neighbour);
        drawing = fit && new FlowDrawing(store, fit, width, length);
        frame.replaceChildren(...(drawing ? [drawing.root] : []));
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
        ['rank'],
        () => {
            const several = store.model.layers.length > 1;
            title.textContent = !several
                ? 'What each component explains'
                : store.model.run.network
                  ? 'The way through the network'
                  : 'From block to block';
            sentence.textContent = several
                ? `Each column is a ${store.model.run.network ? 'layer' : 'block'} and its length all of its ` +
                  'energy; each band is a component’s share, the largest on top, so that what gains importance ' +
                  'rises (× says how much from first to last); the pale rest is not explained.'
                : 'The bar is all of the block’s energy, each band a component’s share, the largest first; the ' +
                  'pale rest is not explained.';
            redraw();
        },
        element,
    );
    store.watch(
        ['rank', 'component', 'layer'],
        () => {
            const { fit, model } = store;
            if (!fit) return;
            const layers = model.layers.filter((layer) => fit.has(layer));
            frame.setAttribute(
                'aria-label',
                `${describe(fit, layers, store.get('component'))}; ` +
                    'up and down choose a component, left and right a layer',
            );
            drawing?.mark();
        },
        element,
    );
    return element;
}
