// How many of a network's predictions are right, told without labels: an interval for every run, what each view of
// the network says alone, and why.
import { h, onWidth, section } from '../dom';
import { saveMenu, type Table } from '../exports';
import type { Verdict } from '../payload_types';
import type { Store } from '../store';
import { number, percent, plural, shorten } from '../words';
import { asPicture, chartStyle, Plot } from './charts';

const views = [
    { key: 'output', words: 'output alone' },
    { key: 'activations', words: 'layers alone' },
    { key: 'factorisation', words: 'components alone' },
] as const;

interface Row {
    name: string;
    verdict: Verdict;
    shown: boolean;
}

function rows(store: Store): Row[] {
    return store.runs.flatMap(({ run }, index) =>
        run.verdict?.accuracy === undefined
            ? []
            : [{ name: shorten(run.name, 24), verdict: run.verdict, shown: index === store.get('run') }],
    );
}

function verdictWords({ accuracy, low, high }: Verdict): string {
    return `about ${percent(accuracy!)} (${percent(low!)} to ${percent(high!)})`;
}

function draw(found: Row[], width: number): Element {
    const letters = Math.max(...found.map(({ name }) => name.length));
    const marginLeft = found.length > 1 ? Math.max(20, Math.min(width / 3, 14 + 8 * letters)) : 20;
    const chart = Plot.plot({
        width,
        height: 56 + 30 * found.length,
        marginLeft,
        marginRight: 24,
        marginTop: 10,
        marginBottom: 40,
        style: chartStyle,
        ariaLabel: 'Share of predictions that are right, with its 95 % interval',
        x: {
            domain: [0, 1],
            label: null,
            tickFormat: (share: number) => `${100 * share} %`,
            ticks: width < 420 ? 3 : 5,
        },
        y: {
            type: 'band',
            domain: found.map((_, i) => i),
            label: null,
            tickSize: 0,
            axis: found.length > 1 ? 'left' : null,
            tickFormat: (place: number) => found[place]!.name,
        },
        marks: [
            Plot.ruleY(found, {
                x1: 0,
                x2: 1,
                y: (_, i) => i,
                stroke: 'var(--line)',
                strokeWidth: 10,
                strokeLinecap: 'round',
            }),
            Plot.ruleY(found, {
                x1: (row: Row) => row.verdict.low!,
                x2: (row: Row) => row.verdict.high!,
                y: (_, i) => i,
                stroke: (row: Row) => (row.shown ? 'var(--accent)' : 'var(--null)'),
                strokeWidth: 10,
                strokeOpacity: 0.45,
                strokeLinecap: 'round',
            }),
            Plot.dot(found, {
                x: (row: Row) => row.verdict.accuracy!,
                y: (_, i) => i,
                r: 6,
                fill: (row: Row) => (row.shown ? 'var(--accent)' : 'var(--null)'),
                stroke: 'var(--surface)',
                strokeWidth: 2,
                title: (row: Row) => `${row.name}: ${verdictWords(row.verdict)}`,
            }),
        ],
    });
    return asPicture(chart);
}

function numbers(store: Store): Table {
    return [
        ['run', 'score', 'accuracy', 'low', 'high', 'withheld', ...views.map(({ words }) => words)],
        ...store.runs.flatMap(({ run }) =>
            run.verdict
                ? [
                      [
                          run.name,
                          run.verdict.score ?? '',
                          run.verdict.accuracy ?? '',
                          run.verdict.low ?? '',
                          run.verdict.high ?? '',
                          run.verdict.withheld ?? '',
                          ...views.map(({ key }) => run.verdict!.by[key] ?? ''),
                      ],
                  ]
                : [],
        ),
    ];
}

export function hasVerdict(store: Store): boolean {
    return store.runs.some(({ run }) => run.verdict !== undefined);
}

function items(sentences: string[]): HTMLElement[] {
    return sentences.map((sentence) => h('li', {}, sentence));
}

function viewScores(verdict: Verdict): string {
    return views
        .filter(({ key }) => verdict.by[key] !== undefined)
        .map(({ key, words }) => `${words} ${number(verdict.by[key]!, 2)}`)
        .join(', ');
}

export function verdictView(store: Store): HTMLElement {
    const { element, sentence, body, tools } = section('verdict', 'Told without labels');
    const answer = h('p', { class: 'answer' });
    const chart = h('div');
    const alone = h('p', { class: 'small' });
    const because = h('h3', {}, 'Why');
    const reasons = h('ul', { class: 'plain-list' });
    const careful = h('h3', {}, 'What it cannot see');
    const caveats = h('ul', { class: 'plain-list' });
    body.append(
        h(
            'div',
            { class: 'verdict' },
            h('figure', {}, answer, chart, alone),
            h('div', {}, because, reasons),
            h('div', {}, careful, caveats),
        ),
    );
    tools.append(saveMenu('verdict', body, () => numbers(store)));
    const redraw = onWidth(chart, (width) => {
        const found = rows(store);
        chart.replaceChildren(...(found.length ? [draw(found, width)] : []));
    });
    store.watch(
        [],
        () => {
            const { verdict } = store.model.run;
            element.hidden = !verdict;
            if (!verdict) return;
            const told = verdict.accuracy !== undefined;
            sentence.textContent =
                'How many of the network’s predictions are right, judged from unlabelled samples alone: how many classes it ' +
                'uses, how sure it is, and whether samples that are alike, to its layers and in their components, are named alike.';
            answer.textContent = told
                ? `About ${percent(verdict.accuracy!)} of its predictions are right`
                : 'Withheld';
            alone.textContent = told
                ? `${percent(verdict.low!)} to ${percent(verdict.high!)} holds 95 % of the networks of known accuracy ` +
                  `that are like this one (${verdict.family ?? 'its family'}). ` +
                  `Scores by one view: ${viewScores(verdict)}.`
                : `No verdict: ${verdict.withheld ?? 'unknown'}.` +
                  (verdict.score === undefined ? '' : ` Its score is ${number(verdict.score)}.`);
            because.textContent = told ? 'Why' : 'What was seen';
            const shift = store.model.run.shifts?.[0];
            reasons.replaceChildren(
                ...items([
                    ...verdict.reasons,
                    ...(shift
                        ? [
                              `${percent(shift.agreement)} of the predictions stay when shifted by ${plural(shift.pixels, 'pixel')}`,
                          ]
                        : []),
                ]),
            );
            caveats.replaceChildren(...items(verdict.caveats));
            because.hidden = !reasons.childElementCount;
            careful.hidden = !caveats.childElementCount;
            redraw();
        },
        element,
    );
    return element;
}
