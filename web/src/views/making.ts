// How it was made: what one needs to make it again, or to doubt it.
import { h, section } from '../dom';
import { allData } from '../all_data';
import { commands } from '../commands';
import { download } from '../exports';
import { isPart, sizeWords } from '../layer';
import type { Block, Payload, Rank, Run, Setting } from '../payload_types';
import type { Store } from '../store';
import { count, number, percent, plural } from '../words';

type Row = [string, string | null | undefined];

function facts(rows: Row[]): HTMLElement {
    return h(
        'dl',
        { class: 'facts' },
        ...rows.flatMap(([name, value]) =>
            value === null || value === undefined || value === ''
                ? []
                : [h('dt', {}, name), h('dd', {}, value)],
        ),
    );
}

function table(caption: string, head: string[], rows: string[][], empty: string): HTMLElement {
    const heading = h('h3', {}, caption);
    if (!rows.length) return h('div', {}, heading, h('p', { class: 'small' }, empty));
    return h(
        'div',
        {},
        heading,
        h(
            'table',
            { class: 'data' },
            h('thead', {}, h('tr', {}, ...head.map((word) => h('th', { scope: 'col' }, word)))),
            h(
                'tbody',
                {},
                ...rows.map((row) =>
                    h('tr', {}, ...row.map((cell, i) => h('td', { 'data-label': head[i]! }, cell))),
                ),
            ),
        ),
    );
}

// A single setting that bears the list's own name is just a value ("none").
function settings(list: Setting[] | undefined, own = ''): string {
    if (list?.length === 1 && list[0]!.name === own) return list[0]!.value;
    return (list ?? []).map(({ name, value }) => `${name.replace(/_/g, '-')} ${value}`).join(', ');
}

// Whether a block takes part in the fit; of a tensor that was split both parts stand for it.
function taken(blocks: Block[], { name, fit }: Block): string {
    if (!fit) return 'no';
    return blocks.some((block) => block.name === `${name}+`) ? 'as + and −' : 'yes';
}

const listed = 12; // tensors that were left out, in one table; more stand by their reason

// "20 Conv, 18 Add", the most first.
function operators(list: Run['skipped']): string {
    const counts = new Map<string, number>();
    for (const { operator } of list) counts.set(operator, (counts.get(operator) ?? 0) + 1);
    return [...counts]
        .sort((a, b) => b[1] - a[1])
        .map(([operator, many]) => `${count(many)} ${operator || 'without operator'}`)
        .join(', ');
}

function leftOutFor(reason: string, list: Run['skipped']): HTMLElement {
    return h(
        'details',
        {},
        h('summary', {}, `${plural(list.length, 'tensor')}: ${reason || 'no reason given'}`),
        h('p', { class: 'small dim' }, operators(list)),
        h(
            'ul',
            { class: 'small left-out' },
            ...list.map(({ name, operator }) => h('li', { title: operator }, name)),
        ),
    );
}

// Every tensor that was not captured, with the reason.
function leftOut(run: Run): HTMLElement {
    if (run.skipped.length <= listed)
        return table(
            'Left out',
            ['name', 'operator', 'why'],
            run.skipped.map((entry) => [entry.name, entry.operator, entry.reason]),
            run.network
                ? 'Nothing: every layer asked for was captured.'
                : 'Nothing is known of the network: these blocks were factorised as they are.',
        );
    const reasons = new Map<string, Run['skipped']>();
    for (const entry of run.skipped) reasons.set(entry.reason, [...(reasons.get(entry.reason) ?? []), entry]);
    return h(
        'div',
        {},
        h('h3', {}, `Left out: ${plural(run.skipped.length, 'tensor')}`),
        ...[...reasons].sort((a, b) => b[1].length - a[1].length).map(([why, list]) => leftOutFor(why, list)),
    );
}

// On a sketch of the data first where there was one, then on the data.
function iterations({ iterations: many, sketch_iterations: before }: Rank): string {
    if (many === undefined) return '–';
    return before ? `${count(before)} on a sketch, ${count(many)} on all` : count(many);
}

// What to type to have the same once more.
function again(run: Run): HTMLElement | null {
    const lines = commands(run);
    if (!lines.length) return null;
    return h(
        'div',
        {},
        h('h3', {}, 'The same again'),
        h(
            'p',
            { class: 'small dim' },
            'The commands with all options as they were resolved; networks and data by the names that the run knows, ' +
                'which may need their folders before them.',
        ),
        h('pre', { class: 'commands' }, lines.join('\n')),
    );
}

const stops: Record<string, string> = { tolerance: 'converged', iterations: 'iterations used up' };

export function makingView(store: Store, payload: Payload, licences: string): HTMLElement {
    const { element, sentence, body, tools } = section('making', 'How it was made');
    tools.append(
        h(
            'button',
            {
                type: 'button',
                class: 'plain link',
                'data-save': 'json',
                click: () => download('nnpeek-report.json', allData(payload)),
            },
            'All data as JSON',
        ),
    );
    sentence.textContent =
        'What went in, with which options and seeds, how each fit ended, what was left out and why, and how to do it again.';
    store.watch(
        ['rank'],
        () => {
            const { model } = store;
            const { run } = model;
            const fits = run.ranks.map((rank) => [
                String(rank.rank),
                rank.rule ?? '–',
                rank.seed === undefined ? '–' : String(rank.seed),
                iterations(rank),
                rank.stop ? (stops[rank.stop] ?? rank.stop) : '–',
                rank.seconds === undefined ? '–' : `${number(rank.seconds, 2)} s`,
                number(rank.rmse),
                number(rank.relative_error),
                percent(1 - rank.relative_error ** 2),
                rank.digest ?? '–',
            ]);
            const whole = run.blocks.filter((block) => !isPart(run.blocks, block));
            const blocks = whole.map((block) => [
                block.name,
                block.operator || block.kind,
                sizeWords(block),
                taken(run.blocks, block),
                block.measures?.norm === undefined ? '–' : number(block.measures.norm),
                block.measures?.zeros === undefined ? '–' : percent(block.measures.zeros),
                block.measures?.unused === undefined ? '–' : count(block.measures.unused),
            ]);
            const smaller = run.blocks.filter((block) => block.step !== undefined).map((block) => block.name);
            body.replaceChildren(
                facts([
                    ['Run', run.name],
                    [
                        'Network',
                        run.network
                            ? `${run.network.name}${run.network.digest ? `, digest ${run.network.digest}` : ''}`
                            : null,
                    ],
                    [
                        'Data',
                        run.data
                            ? `${run.data.name}${run.data.count ? `, ${plural(run.data.count, 'sample')}` : ''}`
                            : null,
                    ],
                    ['Samples', `${count(run.sample_count)}${run.chosen ? `, ${run.chosen}` : ''}`],
                    ['Labels', model.labels ? 'shown as captions, never used in the fit' : 'none'],
                    ['Preprocessing', settings(run.preprocess, 'preprocess')],
                    ['Capture options', settings(run.options)],
                    [
                        'Update rule',
                        store.fit?.data.citation
                            ? `${store.fit.data.rule}: ${store.fit.data.citation}`
                            : store.fit?.data.rule,
                    ],
                    ['Fit options', settings(store.fit?.data.options)],
                    ['Seed', run.seed === undefined ? null : String(run.seed)],
                    ['Capture', run.digest ? `digest ${run.digest} of its manifest` : null],
                    [
                        'Made',
                        [run.created, run.version ? `nnpeek ${run.version}` : null]
                            .filter(Boolean)
                            .join(' with '),
                    ],
                    [
                        'This page',
                        `nnpeek ${payload.version}; arrays are rounded to 8 bits, the .npy files are exact` +
                            (smaller.length ? `; shown smaller than they are: ${smaller.join(', ')}` : ''),
                    ],
                ]),
                table(
                    'Fits',
                    [
                        'rank',
                        'rule',
                        'seed',
                        'iterations',
                        'ended',
                        'time',
                        'RMSE',
                        'relative error',
                        'explained',
                        'digest',
                    ],
                    fits,
                    'Not factorised yet: nnpeek fit does it.',
                ),
                table(
                    'Blocks',
                    ['name', 'operator', 'shape', 'in the fit', 'norm', 'zeros', 'unused'],
                    blocks,
                    'None.',
                ),
                leftOut(run),
                ...[again(run)].filter((part) => part !== null),
                h(
                    'details',
                    { class: 'licences' },
                    h('summary', {}, 'Licences of the software in this page'),
                    h('pre', {}, licences),
                ),
            );
        },
        element,
    );
    return element;
}
