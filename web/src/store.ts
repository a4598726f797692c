// The one state that all views share, and its form in the URL's hash.
import type { Fit } from './fit';
import type { Layer, RunModel } from './model';

export interface State {
    run: number;
    rank: number; // place in the run's ranks
    component: number; // by energy, 0 is the strongest
    layer: number | null; // null: all alike
    sample: number | null; // null: the one that has most of the component
}

type Key = keyof State;
type Listener = () => void;

// A rank that shows structure without being long to read.
const usualRank = 20;

export class Store {
    private state: State;
    private readonly listeners: { keys: Key[]; listener: Listener }[] = [];
    private writing = false;

    constructor(readonly runs: RunModel[]) {
        this.state = { run: 0, rank: this.usualRank(0), component: 0, layer: null, sample: null };
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

    // Calls the listener now, and whenever one of the keys changes. Another run changes everything.
    watch(keys: Key[], listener: Listener): void {
        this.listeners.push({ keys: [...keys, 'run'], listener });
        listener();
    }

    set(patch: Partial<State>): void {
        const before = this.state;
        const wanted = { ...before, ...patch };
        if (wanted.run !== before.run) {
            wanted.rank =
                patch.rank ?? this.nearestRank(wanted.run, this.model.ranks[before.rank] ?? usualRank);
            wanted.layer = patch.layer ?? null;
            wanted.sample = patch.sample ?? null;
        } else if (wanted.rank !== before.rank && patch.component === undefined) {
            const [from, to] = [this.model.fit(before.rank), this.model.fit(wanted.rank)];
            if (from && to) wanted.component = to.closest(from, before.component);
        }
        this.state = this.allowed(wanted);
        const changed = (Object.keys(before) as Key[]).filter((key) => before[key] !== this.state[key]);
        if (changed.length === 0) return;
        this.writeHash();
        for (const { keys, listener } of this.listeners)
            if (keys.some((key) => changed.includes(key))) listener();
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
        return {
            run,
            rank,
            component: within(state.component, model.ranks[rank] ?? 1),
            layer: orNull(state.layer, model.layers.length),
            sample: orNull(state.sample, model.run.sample_count),
        };
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
        this.writing = true;
        history.replaceState(null, '', `#${words.toString()}`);
        this.writing = false;
    }
}
