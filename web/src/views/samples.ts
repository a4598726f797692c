// All samples: a map by composition, and a gallery in a chosen order.
import { h, onWidth, section } from '../dom';
import { embed } from '../embedding';
import { saveMenu, type Table } from '../exports';
import { largest, type Fit } from '../fit';
import { markSample, sampleButton, samplePicture } from '../pictures';
import { orders, type Order, type Store } from '../store';
import { count, percent, plural, shorten } from '../words';

const inset = 14; // of the outermost points
const reach = 24; // pixels from which a point is taken to be meant
const cell = 64; // of the grid that shows pictures
const pictured = 24; // their longer side
const shades = 6; // steps from a sample that has nothing of the component to one that is nothing else
const page = 96; // pictures of the gallery at a time: full rows of 16, 12 and 6
const fewer = 24; // where they are wide, or the window is narrow

// How much each sample is marked, 0 .. 1: its class is the chosen one, or its share of the chosen component.
function marks(store: Store, fit: Fit): Float32Array {
    const lit = store.get('lit');
    const { labels } = store.model;
    const found = new Float32Array(store.model.run.sample_count);
    if (lit !== null && labels) {
        labels.forEach((label, t) => (found[t] = label === lit ? 1 : 0));
        return found;
    }
    const component = store.get('component');
    for (let t = 0; t < found.length; t++) found[t] = fit.roots[t * fit.rank + component]! ** 2;
    const most = largest(found, 1)[0]?.value ?? 0;
    return most > 0 ? found.map((value) => value / most) : found;
}

class SampleMap {
    readonly element: HTMLElement;
    private readonly raster = h('canvas', { tabindex: 0, role: 'application', class: 'map-of-samples' });
    private readonly tip = h('div', { class: 'tip', hidden: true, role: 'status' });
    private readonly drawn = h('canvas'); // all but the mark of the chosen sample, which moves often
    private width = 0;
    private height = 0;
    private xs = new Float32Array(0);
    private ys = new Float32Array(0);

    constructor(private readonly store: Store) {
        this.element = h('div', { class: 'frame' }, this.raster, this.tip);
        onWidth(this.element, (width) => {
            this.width = width;
            this.height = Math.round(Math.max(260, Math.min(560, width * 0.72)));
            this.draw();
        });
        this.raster.addEventListener('pointermove', (event) => this.point(event));
        this.raster.addEventListener('pointerleave', () => (this.tip.hidden = true));
        this.raster.addEventListener('click', (event) => {
            const sample = this.nearest(event.offsetX, event.offsetY);
            if (sample !== null) store.set({ sample });
        });
        this.raster.addEventListener('keydown', (event) => this.press(event));
        // Colours come from the style sheet, and do not follow a change of theme by themselves.
        window.matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.draw());
        new MutationObserver(() => this.draw()).observe(document.documentElement, {
            attributeFilter: ['data-theme'],
        });
    }

    draw(): void {
        const { fit } = this.store;
        const context = this.drawn.getContext('2d');
        if (!fit || !context || this.width === 0) return;
        const { x, y } = embed(fit);
        this.drawn.width = this.width * this.density;
        this.drawn.height = this.height * this.density;
        context.scale(this.density, this.density);
        this.xs = x.map((value) => inset + value * (this.width - 2 * inset));
        this.ys = y.map((value) => this.height - inset - value * (this.height - 2 * inset));
        this.dots(context, marks(this.store, fit));
        this.pictures(context);
        this.mark();
    }

    private get density(): number {
        return Math.min(2, window.devicePixelRatio);
    }

    // Shows what was drawn, and the chosen sample on it.
    mark(): void {
        const context = this.raster.getContext('2d');
        if (!this.drawn.width || !context || !this.xs.length) return;
        this.raster.width = this.drawn.width;
        this.raster.height = this.drawn.height;
        this.raster.style.height = `${this.height}px`;
        context.drawImage(this.drawn, 0, 0);
        context.scale(this.density, this.density);
        this.cross(context);
        this.raster.setAttribute(
            'aria-label',
            `Map of ${plural(this.xs.length, 'sample')}; sample ${this.store.sample ?? 0} is chosen; arrow keys choose ` +
                'the next one in that direction',
        );
    }

    private dots(context: CanvasRenderingContext2D, amounts: Float32Array): void {
        const style = getComputedStyle(this.raster);
        const [grey, accent] = [style.getPropertyValue('--null'), style.getPropertyValue('--accent')];
        const many = amounts.length;
        const size = many > 20000 ? 1.5 : many > 4000 ? 2.5 : many > 400 ? 4 : 8;
        const steps = Array.from(amounts, (value) => Math.min(shades, Math.round(value * shades)));
        // The most marked last, so that nothing covers them.
        for (let step = 0; step <= shades; step++) {
            context.fillStyle = step === 0 ? grey : accent;
            context.globalAlpha = step === 0 ? 0.55 : 0.25 + (0.75 * step) / shades;
            for (let t = 0; t < steps.length; t++) {
                if (steps[t] !== step) continue;
                if (size > 2) {
                    context.beginPath();
                    context.arc(this.xs[t]!, this.ys[t]!, size / 2 + (step === shades ? 0.5 : 0), 0, 7);
                    context.fill();
                } else {
                    context.fillRect(this.xs[t]! - size / 2, this.ys[t]! - size / 2, size, size);
                }
            }
        }
        context.globalAlpha = 1;
    }

    // In every cell of a grid the sample nearest to its middle, so that one sees what lies where.
    private pictures(context: CanvasRenderingContext2D): void {
        const { model } = this.store;
        if (!model.pictured) return;
        const best = new Map<number, { sample: number; distance: number }>();
        for (let t = 0; t < this.xs.length; t++) {
            if (!model.hasPicture(t)) continue;
            const [column, row] = [Math.floor(this.xs[t]! / cell), Math.floor(this.ys[t]! / cell)];
            const [dx, dy] = [this.xs[t]! - (column + 0.5) * cell, this.ys[t]! - (row + 0.5) * cell];
            const distance = dx * dx + dy * dy;
            const key = row * 10000 + column;
            if (distance < (best.get(key)?.distance ?? (cell / 3) ** 2)) best.set(key, { sample: t, distance });
        }
        context.globalAlpha = 0.9;
        for (const { sample } of best.values()) {
            const image = samplePicture(model, sample, '');
            if (!image) continue;
            const scale = pictured / Math.max(image.height, image.width);
            const [w, h] = [image.width * scale, image.height * scale];
            context.drawImage(image, this.xs[sample]! - w / 2, this.ys[sample]! - h / 2, w, h);
        }
        context.globalAlpha = 1;
    }

    private cross(context: CanvasRenderingContext2D): void {
        const sample = this.store.sample;
        if (sample === null) return;
        context.strokeStyle = getComputedStyle(this.raster).getPropertyValue('--ink');
        context.lineWidth = 2;
        context.beginPath();
        context.arc(this.xs[sample]!, this.ys[sample]!, 8, 0, 7);
        context.stroke();
    }

    private nearest(x: number, y: number): number | null {
        let best: number | null = null;
        let least = reach * reach;
        for (let t = 0; t < this.xs.length; t++) {
            const distance = (this.xs[t]! - x) ** 2 + (this.ys[t]! - y) ** 2;
            if (distance < least) [least, best] = [distance, t];
        }
        return best;
    }

    private point(event: PointerEvent): void {
        const sample = this.nearest(event.offsetX, event.offsetY);
        this.tip.hidden = sample === null;
        if (sample === null) return;
        const { model, fit } = this.store;
        const component = this.store.get('component');
        const name = model.className(sample);
        const button = sampleButton(model, sample, false, () => undefined);
        this.tip.replaceChildren(
            ...(button.querySelector('img') ? [button.querySelector('img')!] : []),
            `Sample ${count(sample)}${name === null ? '' : `, ${shorten(name, 30)}`}: ` +
                `${percent(fit!.roots[sample * fit!.rank + component]! ** 2)} component ${component + 1}`,
        );
        const left = Math.min(event.clientX + 14, window.innerWidth - this.tip.offsetWidth - 8);
        this.tip.style.left = `${Math.max(8, left)}px`;
        this.tip.style.top = `${event.clientY + 18}px`;
    }

    // The nearest sample within the quarter of the plane that an arrow points to.
    private press(event: KeyboardEvent): void {
        const directions: Record<string, [number, number]> = {
            ArrowLeft: [-1, 0],
            ArrowRight: [1, 0],
            ArrowUp: [0, -1],
            ArrowDown: [0, 1],
        };
        const direction = directions[event.key];
        const from = this.store.sample;
        if (!direction || from === null) return;
        event.preventDefault();
        let best: number | null = null;
        let least = Infinity;
        for (let t = 0; t < this.xs.length; t++) {
            const [dx, dy] = [this.xs[t]! - this.xs[from]!, this.ys[t]! - this.ys[from]!];
            const along = dx * direction[0] + dy * direction[1];
            const across = Math.abs(dx * direction[1]) + Math.abs(dy * direction[0]);
            if (along <= 0.01 || across > along) continue;
            if (along + across < least) [least, best] = [along + across, t];
        }
        if (best !== null) this.store.set({ sample: best });
    }
}

const orderNames: Record<Order, string> = {
    component: 'Most of the component',
    unexplained: 'Least explained',
    explained: 'Best explained',
    place: 'As in the data',
};

// What is left of each sample over all layers, each layer counted alike.
function unexplained(store: Store, fit: Fit): Float32Array | null {
    const sums = new Float32Array(store.model.run.sample_count);
    let layers = 0;
    for (const layer of store.model.layers) {
        const residuals = fit.residuals(layer);
        if (!residuals) continue;
        const energy = residuals.values.reduce((sum, value) => sum + value * value, 0);
        if (energy > 0) residuals.values.forEach((value, t) => (sums[t]! += (value * value) / energy));
        layers++;
    }
    return layers ? sums : null;
}

function ordered(store: Store, fit: Fit, order: Order, many: number): number[] {
    const total = store.model.run.sample_count;
    const { labels } = store.model;
    const lit = store.get('lit');
    let values: Float32Array;
    if (order === 'component') values = fit.amounts(store.get('component'));
    else if (order === 'place') values = Float32Array.from({ length: total }, (_, t) => total - t);
    else {
        values = unexplained(store, fit) ?? new Float32Array(total);
        if (order === 'explained') values = values.map((value) => -value);
    }
    if (lit !== null && labels) values = values.map((value, t) => (labels[t] === lit ? value : -Infinity));
    return largest(values, many)
        .filter((amount) => amount.value > -Infinity)
        .map((amount) => amount.index);
}

function classSwitch(store: Store): HTMLElement {
    const select = h('select', { 'aria-label': 'What the map marks', class: 'lit' });
    select.addEventListener('change', () =>
        store.set({ lit: select.value === '' ? null : Number(select.value) }),
    );
    store.watch(['lit', 'component'], () => {
        select.replaceChildren(
            h('option', { value: '' }, `Component ${store.get('component') + 1}`),
            ...store.model.classes
                .slice(0, 1000)
                .map((label) => h('option', { value: label }, shorten(store.model.labelName(label), 24))),
        );
        select.value = String(store.get('lit') ?? '');
        select.hidden = store.model.classes.length === 0;
    });
    return select;
}

function numbers(store: Store): Table {
    const { fit, model } = store;
    if (!fit) return [];
    const { x, y } = embed(fit);
    const components = Array.from({ length: fit.rank }, (_, c) => c);
    return [
        ['sample', 'place in the data', 'class', 'x', 'y', ...components.map((c) => `component ${c + 1}`)],
        ...Array.from(x, (_, t) => [
            t,
            model.placeInData(t),
            model.className(t) ?? '',
            x[t]!,
            y[t]!,
            ...components.map((c) => Number((fit.roots[t * fit.rank + c]! ** 2).toPrecision(4))),
        ]),
    ];
}

export function samplesView(store: Store): HTMLElement {
    const { element, sentence, body, tools } = section('samples', 'Samples');
    const map = new SampleMap(store);
    const thumbs = h('div', { class: 'thumbs' });
    const order = h(
        'select',
        { 'aria-label': 'Order of the gallery' },
        ...orders.map((name) => h('option', { value: name }, orderNames[name])),
    );
    let shown = 0;
    const atOnce = (): number =>
        store.model.pictured?.shape && !window.matchMedia('(max-width: 560px)').matches ? page : fewer;
    const more = h('button', {
        type: 'button',
        class: 'plain link',
        click: () => {
            shown += atOnce();
            fill();
        },
    });
    const fill = (): void => {
        const { fit, model } = store;
        if (!fit) return;
        const samples = ordered(store, fit, store.get('order'), shown + 1);
        thumbs.replaceChildren(
            ...samples
                .slice(0, shown)
                .map((t) => sampleButton(model, t, t === store.sample, (sample) => store.set({ sample }))),
        );
        more.textContent = `Show ${atOnce()} more`;
        more.hidden = samples.length <= shown;
    };
    order.addEventListener('change', () => store.set({ order: order.value as Order }));
    const gallery = h(
        'div',
        { class: 'gallery-of-samples' },
        h('p', { class: 'choice no-export' }, order),
        thumbs,
        more,
    );
    body.append(h('div', { class: 'samples-row' }, map.element, gallery));
    tools.append(
        classSwitch(store),
        saveMenu('samples', body, () => numbers(store)),
    );

    store.watch(
        ['rank', 'component', 'lit'],
        () => {
            const { fit, model } = store;
            if (!fit) return;
            const lit = store.get('lit');
            const what =
                lit === null
                    ? `the more it is coloured, the larger its share of component ${store.get('component') + 1}`
                    : `coloured are those of class ${shorten(model.labelName(lit), 30)}`;
            // With one component there is nothing to tell samples apart by.
            map.element.hidden = fit.rank < 2;
            sentence.textContent =
                fit.rank < 2
                    ? 'The samples in a chosen order; of one component all have the same composition, so that a map ' +
                      'would show nothing.'
                    : `Each point is a sample, and ${what}; near ones are made of the same components (the plane shows ` +
                      `${percent(embed(fit).explained)} of how compositions differ: the less, the less nearness says).`;
            const unknown = !unexplained(store, fit);
            for (const option of order.options)
                option.hidden = unknown && ['unexplained', 'explained'].includes(option.value);
            map.draw();
        },
        element,
    );
    store.watch(
        ['rank', 'component', 'lit', 'order'],
        () => {
            shown = atOnce();
            order.value = store.get('order');
            fill();
        },
        element,
    );
    // With the component changes the sample that has most of it.
    store.watch(
        ['sample', 'component'],
        () => {
            map.mark();
            markSample(thumbs, store.sample);
        },
        element,
    );
    return element;
}
