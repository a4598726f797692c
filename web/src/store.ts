// The one state that all views share, and its form in the URL's hash.
import type { Fit } from './fit';
import { Drawing } from './drawing';
import type { Layer } from './layer';
import type { RunModel } from './model';

export interface State {
    run: number;
    rank: number; // place in the run's ranks
    component: number; // by energy, 0 is the strongest
    layer: number | null; // null: all alike
    sample: number | null; // null: the one that has most of the component
    neuron: number | null; // of the layer, in the numbering of its view
    sort: Sort; // of the components in the gallery
    lit: number | null; // the class marked on the map; null: the component is
    against: number | null; // the run it is compared with; null: the next one
    order: Order; // of the gallery of samples
    zoom: string; // what the heatmaps show: "1:40-80" are neurons 40 to 79 of layer 1 in the order drawn
}

export const sorts = ['energy', 'layer', 'purity', 'stability'] as const;
export type Sort = (typeof sorts)[number];

export const orders = ['component', 'unexplained', 'explained', 'place'] as const;
export type Order = (typeof orders)[number];

type Key = keyof State;

// A rank that shows structure without being long to read.
const usualRank = 20;

// Choices that follow each other faster (a slider, a key held down) are one step of the browser's history.
const oneStep = 600; // milliseconds

export class Store {
    private state: State;
    private readonly watchers: { keys: Key[]; draw: () => void }[] = [];
    private readonly drawing = new Drawing();
    private written = -Infinity; // when the address was
    private writing: ReturnType<typeof setTimeout> | undefined;

    constructor(readonly runs: RunModel[]) {
        this.state = this.fromHash();
        // Back and forward, or an address typed in.
        window.addEventListener('hashchange', () => this.change(this.fromHash()));
    }

    get<K extends Key>(key: K): State[K] {
        return this.state[key];
    }

    get model(): RunModel {
        return this.runs[this.state.run]!;
    }

    get fit(): Fit | null {
        return this.model.fit(this.state.rank);
    }

    get layer(): Layer | null {
        return this.state.layer === null ? null : (this.model.layers[this.state.layer] ?? null);
    }

    // The sample that is shown: the chosen one, or the one that has most of the component.
    get sample(): number | null {
        return this.state.sample ?? this.fit?.top(this.state.component)[0]?.index ?? null;
    }

    // Calls draw soon, and whenever one of the keys changes: at once where `place` is on the screen (or is left
    // out), a little later elsewhere. Another run changes everything.
    watch(keys: Key[], draw: () => void, place?: Element): void {
        const task = this.drawing.task(draw, place);
        this.watchers.push({ keys: [...keys, 'run'], draw: task });
        task();
    }

    // Draws what waits and is in sight; the rest follows.
    flush(): void {
        this.drawing.flush();
    }

    set(patch: Partial<State>): void {
        const before = this.state;
        const wanted = { ...before, ...patch };
        if (wanted.run !== before.run) {
            wanted.rank =
                patch.rank ?? this.nearestRank(wanted.run, this.model.ranks[before.rank] ?? usualRank);
            wanted.layer = patch.layer ?? null;
            wanted.sample = patch.sample ?? null;
            wanted.lit = null;
            if (patch.against === undefined && before.against === wanted.run) wanted.against = before.run;
        } else if (wanted.rank !== before.rank && patch.component === undefined) {
            const [from, to] = [this.model.fit(before.rank), this.model.fit(wanted.rank)];
            if (from && to) wanted.component = to.closest(from, before.component);
        }
        if (wanted.layer !== before.layer && patch.neuron === undefined) wanted.neuron = null;
        if (wanted.rank !== before.rank || wanted.run !== before.run) wanted.zoom = patch.zoom ?? '';
        if (!this.change(this.allowed(wanted))) return;
        // After the picture: browsers take their time for it where the page is large.
        clearTimeout(this.writing);
        this.writing = setTimeout(() => this.writeHash(), 0);
    }

    // Takes the state, and draws what follows from it; false where nothing is new.
    private change(state: State): boolean {
        const before = this.state;
        this.state = state;
        const changed = (Object.keys(before) as Key[]).filter((key) => before[key] !== state[key]);
        if (changed.length === 0) return false;
        for (const { keys, draw } of this.watchers) if (keys.some((key) => changed.includes(key))) draw();
        this.drawing.flush();
        return true;
    }

    private nearestRank(run: number, rank: number): number {
        const ranks = this.runs[run]!.ranks;
        return ranks.reduce(
            (best, value, place) => (Math.abs(value - rank) < Math.abs(ranks[best]! - rank) ? place : best),
            0,
        );
    }

    private usualRank(run: number): number {
        return this.nearestRank(run, usualRank);
    }

    private allowed(state: State): State {
        const within = (value: number, length: number): number =>
            Number.isInteger(value) && value >= 0 && value < length ? value : 0;
        const run = within(state.run, this.runs.length);
        const model = this.runs[run]!;
        const rank = within(state.rank, model.ranks.length);
        const orNull = (value: number | null, length: number): number | null =>
            value !== null && Number.isInteger(value) && value >= 0 && value < length ? value : null;
        const layer = orNull(state.layer, model.layers.length);
        const entries = layer === null ? 0 : model.layers[layer]!.entries;
        const against = orNull(state.against, this.runs.length);
        return {
            run,
            rank,
            component: within(state.component, model.ranks[rank] ?? 1),
            layer,
            sample: orNull(state.sample, model.run.sample_count),
            neuron: orNull(state.neuron, entries),
            sort: sorts.includes(state.sort) ? state.sort : 'energy',
            lit: state.lit !== null && model.classes.includes(state.lit) ? state.lit : null,
            against: against === run ? null : against,
            order: orders.includes(state.order) ? state.order : 'component',
            zoom: /^\d+:\d+-\d+(,\d+:\d+-\d+)*$/.test(state.zoom) ? state.zoom : '',
        };
    }

    // The run that the shown one is compared with.
    get other(): RunModel | null {
        if (this.runs.length < 2) return null;
        return this.runs[this.state.against ?? (this.state.run + 1) % this.runs.length]!;
    }

    // #run=1&rank=20&component=3&layer=relu1&sample=12, counted as a person counts; what is left out is as at first.
    private fromHash(): State {
        const words = new URLSearchParams(location.hash.slice(1));
        const found = (name: string): number | null => (words.has(name) ? Number(words.get(name)) : null);
        const run = (found('run') ?? 1) - 1;
        const model = this.runs[run] ?? this.runs[0]!;
        const rank = model.ranks.indexOf(found('rank') ?? -1);
        const layer = model.layers.findIndex((candidate) => candidate.name === words.get('layer'));
        const against = found('against');
        return this.allowed({
            run,
            rank: rank >= 0 ? rank : this.usualRank(this.runs.indexOf(model)),
            component: (found('component') ?? 1) - 1,
            layer: layer >= 0 ? layer : null,
            sample: found('sample'),
            neuron: found('neuron'),
            sort: words.get('sort') as Sort,
            lit: found('class'),
            against: against === null ? null : against - 1,
            order: words.get('order') as Order,
            zoom: words.get('zoom') ?? '',
        });
    }

    private writeHash(): void {
        const words = new URLSearchParams();
        if (this.runs.length > 1) words.set('run', String(this.state.run + 1));
        const rank = this.model.ranks[this.state.rank];
        if (rank !== undefined) words.set('rank', String(rank));
        words.set('component', String(this.state.component + 1));
        if (this.layer) words.set('layer', this.layer.name);
        if (this.state.sample !== null) words.set('sample', String(this.state.sample));
        if (this.state.neuron !== null) words.set('neuron', String(this.state.neuron));
        if (this.state.lit !== null) words.set('class', String(this.state.lit));
        if (this.state.sort !== 'energy') words.set('sort', this.state.sort);
        if (this.state.against !== null) words.set('against', String(this.state.against + 1));
        if (this.state.order !== 'component') words.set('order', this.state.order);
        if (this.state.zoom) words.set('zoom', this.state.zoom);
        const step = performance.now() - this.written > oneStep;
        this.written = performance.now();
        const address = `#${words.toString()}`;
        try {
            if (step) history.pushState(null, '', address);
            else history.replaceState(null, '', address);
        } catch {
            // A browser that finds this too often: the address follows with the next choice.
        }
    }
}
