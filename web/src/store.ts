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
}

export const sorts = ['energy', 'layer', 'purity', 'stability'] as const;
export type Sort = (typeof sorts)[number];

type Key = keyof State;

// A rank that shows structure without being long to read.
const usualRank = 20;

export class Store {
    private state: State;
    private readonly watchers: { keys: Key[]; draw: () => void }[] = [];
    private readonly drawing = new Drawing();
    private writing = false;

    constructor(readonly runs: RunModel[]) {
        this.state = {
            run: 0,
            rank: this.usualRank(0),
            component: 0,
            layer: null,
            sample: null,
            neuron: null,
            sort: 'energy',
            lit: null,
            against: null,
        };
        this.state = this.allowed({ ...this.state, ...this.readHash(this.state) });
        window.addEventListener('hashchange', () => {
            if (!this.writing) this.set(this.readHash(this.state));
        });
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
        this.state = this.allowed(wanted);
        const changed = (Object.keys(before) as Key[]).filter((key) => before[key] !== this.state[key]);
        if (changed.length === 0) return;
        this.writeHash();
        for (const { keys, draw } of this.watchers) if (keys.some((key) => changed.includes(key))) draw();
        this.drawing.flush();
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
        };
    }

    // The run that the shown one is compared with.
    get other(): RunModel | null {
        if (this.runs.length < 2) return null;
        return this.runs[this.state.against ?? (this.state.run + 1) % this.runs.length]!;
    }

    // #run=1&rank=20&component=3&layer=relu1&sample=12, counted as a person counts.
    private readHash(state: State): Partial<State> {
        const words = new URLSearchParams(location.hash.slice(1));
        const patch: Partial<State> = {};
        const found = (name: string): number | null => (words.has(name) ? Number(words.get(name)) : null);
        const run = found('run');
        if (run !== null) patch.run = run - 1;
        const model = this.runs[patch.run ?? state.run] ?? this.runs[0]!;
        const rank = found('rank');
        if (rank !== null && model.ranks.includes(rank)) patch.rank = model.ranks.indexOf(rank);
        const component = found('component');
        if (component !== null) patch.component = component - 1;
        const layer = model.layers.findIndex((candidate) => candidate.name === words.get('layer'));
        patch.layer = layer >= 0 ? layer : null;
        patch.sample = found('sample');
        patch.neuron = found('neuron');
        patch.lit = found('class');
        patch.sort = (words.get('sort') ?? 'energy') as Sort;
        const against = found('against');
        patch.against = against === null ? null : against - 1;
        return patch;
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
        this.writing = true;
        history.replaceState(null, '', `#${words.toString()}`);
        this.writing = false;
    }
}
