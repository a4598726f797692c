// The commands that make a run again, from its options as resolved.
import type { Rank, Run, Setting } from './payload_types';

// A word that a shell takes as it stands.
function quoted(word: string): string {
    return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replace(/'/g, `'\\''`)}'`;
}

function flags(settings: Setting[] | undefined, apart: string[] = []): string[] {
    return (settings ?? [])
        .filter(({ name }) => !apart.includes(name))
        .map(({ name, value }) => `--${name.replace(/_/g, '-')} ${quoted(value)}`);
}

// The network's inputs by name, where it has several: each has data of its own.
function severalInputs(run: Run): boolean {
    return new Set(run.blocks.filter(({ kind }) => kind === 'input').map(({ input }) => input)).size > 1;
}

function capture(run: Run): string[] {
    if (!run.network || !run.data) return [];
    const data = severalInputs(run) ? '--input NAME=DATA for each input' : `--data ${quoted(run.data.name)}`;
    const words = [quoted(run.network.name), data, ...flags(run.options)];
    return [`nnpeek capture ${words.join(' ')} -o ${quoted(`${run.name}/capture`)}`];
}

// Ranks of the same options are one sweep, and what a sweep shares they share again.
function sweeps(run: Run): Rank[][] {
    const found = new Map<string, Rank[]>();
    for (const rank of run.ranks) {
        const key = flags(rank.options, ['rank']).join(' ');
        found.set(key, [...(found.get(key) ?? []), rank]);
    }
    return [...found.values()];
}

// What was done with negative values, as the names of the blocks tell.
function signed(run: Run, { blocks }: Rank): string[] {
    const names = blocks.map(({ block }) => run.blocks[block]!.name);
    const halves = names.filter((name) => name.endsWith('+'));
    if (!halves.length) return [];
    return [names.includes(`${halves[0]!.slice(0, -1)}-`) ? '--signed split' : '--signed positive'];
}

// The arrays that were factorised: both halves of one that was split are of the same file.
function arrays(run: Run, { blocks }: Rank): string[] {
    const names = blocks.map(({ block }) => run.blocks[block]!.name);
    const whole = (name: string): string =>
        /[+-]$/.test(name) && names.includes(`${name.slice(0, -1)}+`) ? name.slice(0, -1) : name;
    return [...new Set(names.map(whole))];
}

function weights(run: Run, { blocks }: Rank): string[] {
    return blocks.flatMap(({ block, weight = 1 }) =>
        weight === 1 ? [] : [`--weight ${quoted(`${run.blocks[block]!.name}=${weight}`)}`],
    );
}

function fit(run: Run, ranks: Rank[]): string {
    const first = ranks[0]!;
    const from = run.network
        ? [quoted(`${run.name}/capture`)]
        : arrays(run, first).map((name) => quoted(`${name}.npy`));
    const words = [
        ...from,
        `--ranks ${ranks.map(({ rank }) => rank).join(',')}`,
        ...flags(first.options, ['rank']),
        ...weights(run, first),
        ...signed(run, first),
    ];
    return `nnpeek fit ${words.join(' ')} -o ${quoted(run.network ? `${run.name}/fit` : run.name)}`;
}

export function commands(run: Run): string[] {
    const made = [...capture(run), ...sweeps(run).map((ranks) => fit(run, ranks))];
    return made.length ? [...made, `nnpeek report ${quoted(run.name)}`] : [];
}
