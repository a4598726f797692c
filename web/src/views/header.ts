// What was looked at, and the numbers one wants first.
import { layerColour } from '../colours';
import { h } from '../dom';
import type { Fit } from '../fit';
import type { Layer } from '../layer';
import type { RunModel } from '../model';
import type { Store } from '../store';
import { count, date, number, percent, plural, ranks, shorten } from '../words';

function facts(model: RunModel): string {
    const { run } = model;
    const when = date(run.created);
    const samples = plural(run.sample_count, 'sample');
    const of =
        run.data?.count && run.data.count > run.sample_count
            ? `${samples} of ${count(run.data.count)}`
            : samples;
    return [
        of,
        model.ranks.length
            ? `${model.ranks.length === 1 ? 'rank' : 'ranks'} ${ranks(model.ranks)}`
            : 'not factorised yet',
        run.seed === undefined ? null : `seed ${run.seed}`,
        when,
    ]
        .filter(Boolean)
        .map((fact) => fact!.replace(/ /g, '\u00a0'))
        .join(' · ');
}

// A part of a sentence: words, or a component to choose.
type Words = (string | { component: number })[];

const layersInFull = 6; // each with its number; more are a column each

function headline(value: string, caption: string, style: string | null = null): HTMLElement {
    return h(
        'div',
        { class: style ? 'headline measured' : 'headline', style },
        h('dt', {}, caption),
        h('dd', {}, value),
    );
}

function explainedHeadline(model: RunModel, fit: Fit, layer: Layer): HTMLElement {
    const share = fit.explained(layer);
    const colour = layerColour(layer.index, model.layers.length);
    return headline(
        percent(share),
        `of ${shorten(layer.label, 28)} explained`,
        `--share:${(100 * share).toFixed(1)}%;--colour:${colour}`,
    );
}

// How much is explained of each of many layers: a column a layer, in the order of the network.
function explainedColumns(model: RunModel, fit: Fit, layers: Layer[]): HTMLElement {
    const words = layers.map((layer) => `${layer.label} ${percent(fit.explained(layer))}`);
    return h(
        'figure',
        { class: 'columns-of-layers' },
        h(
            'div',
            { role: 'img', 'aria-label': `Explained of each layer: ${words.join(', ')}` },
            ...layers.map((layer, i) =>
                h(
                    'span',
                    { title: words[i] },
                    h('i', {
                        style:
                            `height:${(100 * fit.explained(layer)).toFixed(1)}%;` +
                            `background:${layerColour(layer.index, model.layers.length)}`,
                    }),
                ),
            ),
        ),
        h('figcaption', {}, `explained of each of the ${layers.length} layers, first to last`),
    );
}

// How much is explained of every layer, with its colour; of many, of the input, the first and the last.
function headlines(model: RunModel, fit: Fit | null): HTMLElement[] {
    const found: HTMLElement[] = [];
    const fitted = fit ? model.layers.filter((layer) => fit.has(layer)) : [];
    const shown = fitted.length > layersInFull ? [fitted[0]!, fitted[1]!, fitted[fitted.length - 1]!] : fitted;
    for (const layer of shown) found.push(explainedHeadline(model, fit!, layer));
    const neurons = model.layers.filter((layer) => layer.kind === 'layer');
    if (neurons.length && neurons.every((layer) => layer.unusedCount !== null)) {
        const unused = neurons.reduce((sum, layer) => sum + layer.unusedCount!, 0);
        const all = neurons.reduce((sum, layer) => sum + layer.columns, 0);
        found.push(headline(count(unused), `of ${count(all)} neurons unused`));
    }
    const output = model.run.output;
    if (output?.effective_rank !== undefined)
        found.push(
            headline(
                number(output.effective_rank, 2),
                output.classes ? `of ${output.classes} output directions in use` : 'output directions in use',
            ),
        );
    const { verdict } = model.run;
    if (verdict?.accuracy !== undefined)
        found.push(
            headline(
                `~${percent(verdict.accuracy)}`,
                `right, told without labels (${percent(verdict.low!)} to ${percent(verdict.high!)})`,
            ),
        );
    const shift = model.run.shifts?.[0];
    if (shift && verdict?.accuracy === undefined)
        found.push(
            headline(
                percent(shift.agreement),
                `of the predictions stay when shifted by ${plural(shift.pixels, 'pixel')}`,
            ),
        );
    return found;
}

// How much is explained, and where most and least.
function explained(model: RunModel, fit: Fit): Words {
    const layers = model.layers.filter((layer) => fit.has(layer));
    const parts = layers.map((layer) => ({ layer, explained: fit.explained(layer) }));
    const best = parts.reduce((a, b) => (b.explained > a.explained ? b : a));
    const worst = parts.reduce((a, b) => (b.explained < a.explained ? b : a));
    const many = plural(fit.rank, 'component');
    const explain = fit.rank === 1 ? 'explains' : 'explain';
    if (parts.length === 1) return [`${many} ${explain} ${percent(best.explained)} of ${best.layer.label}.`];
    const all = layers.length === 2 ? 'both blocks' : `all ${plural(layers.length, 'block')}`;
    const shared = `${many} that ${all} share ${explain}`;
    if (percent(best.explained) === percent(worst.explained))
        return [`${shared} ${percent(best.explained)} of each.`];
    return [
        `${shared} most of ${shorten(best.layer.label, 40)} (${percent(best.explained)} of its energy) and ` +
            `least of ${shorten(worst.layer.label, 40)} (${percent(worst.explained)}).`,
    ];
}

// What gains and what fades on the way, as shares of what is explained of the first and of the last layer.
function way(model: RunModel, fit: Fit): Words | null {
    const layers = model.layers.filter((layer) => fit.has(layer));
    const [first, last] = [layers[0]!, layers[layers.length - 1]!];
    if (layers.length < 2 || fit.rank < 2 || !fit.explained(first) || !fit.explained(last)) return null;
    const part = (layer: typeof first, c: number): number => fit.share(layer, c) / fit.explained(layer);
    const change = Array.from({ length: fit.rank }, (_, c) => ({ c, by: part(last, c) - part(first, c) }));
    const gains = change.reduce((a, b) => (b.by > a.by ? b : a));
    const fades = change.reduce((a, b) => (b.by < a.by ? b : a));
    const moved = change.reduce((sum, { by }) => sum + Math.max(0, by), 0);
    const from = (c: number): string => `${percent(part(first, c))} to ${percent(part(last, c))}`;
    const names = `${shorten(first.label, 30)} to ${shorten(last.label, 30)}`;
    if (moved < 0.02)
        return [`From ${names} hardly any component changes its weight (${percent(moved)} in all).`];
    return [
        `From ${names} ${percent(moved)} of the weight moves: `,
        { component: gains.c },
        ` gains most (${from(gains.c)} of what is explained), `,
        { component: fades.c },
        ` fades most (${from(fades.c)}).`,
    ];
}

// How the components stand to the classes, where labels are known; else how many matter at the end.
function meaning(model: RunModel, fit: Fit): Words | null {
    const components = Array.from({ length: fit.rank }, (_, c) => c);
    if (model.labels && model.classes.length > 1 && fit.rank > 1) {
        const pure = components.filter((c) => fit.purity(c) > 0.5);
        const best = components.reduce((a, b) => (fit.purity(b) > fit.purity(a) ? b : a));
        const name = shorten(model.labelName(fit.classes(best)?.[0]?.index ?? 0), 30);
        const purest: Words = [
            { component: best },
            `, ${percent(fit.purity(best))} of which is class ${name}.`,
        ];
        if (!pure.length) return ['No component belongs mostly to one class; the purest is ', ...purest];
        const found = new Set(pure.map((c) => fit.classes(c)![0]!.index)).size;
        const of = plural(model.classes.length, 'class', 'classes');
        if (pure.length === 1) return [`One component belongs mostly to one of the ${of}: `, ...purest];
        return [
            `${count(pure.length)} components belong mostly to one class each, ` +
                `${found === model.classes.length ? `to all ${of}` : `to ${count(found)} of the ${of}`} in all; ` +
                'the purest is ',
            ...purest,
        ];
    }
    const layers = model.layers.filter((layer) => fit.has(layer));
    const last = layers[layers.length - 1]!;
    const shares = components.map((c) => fit.share(last, c)).sort((a, b) => b - a);
    const total = shares.reduce((sum, share) => sum + share, 0);
    if (fit.rank < 3 || !(total > 0)) return null;
    let needed = 0;
    for (let sum = 0; sum < total / 2 && needed < fit.rank; needed++) sum += shares[needed]!;
    return [`Half of what is explained of ${shorten(last.label, 40)} lies in ${plural(needed, 'component')}.`];
}

// Three sentences that follow from the numbers.
function summary(store: Store, fit: Fit): (Node | string)[] {
    const { model } = store;
    return [explained(model, fit), way(model, fit), meaning(model, fit)].flatMap((sentence) =>
        !sentence
            ? []
            : [
                  ...sentence.map((part) =>
                      typeof part === 'string'
                          ? part
                          : h(
                                'button',
                                {
                                    type: 'button',
                                    class: 'mention',
                                    click: () => store.set({ component: part.component }),
                                },
                                `component ${part.component + 1}`,
                            ),
                  ),
                  ' ',
              ],
    );
}

export function headerView(store: Store): HTMLElement {
    const title = h('h1');
    const meta = h('p', { class: 'meta' });
    const words = h('p', { class: 'summary' });
    const numbers = h('dl', { class: 'headlines' });
    const many = h('div');
    const chooser = h('div', { class: 'runs', role: 'group', 'aria-label': 'Run shown' });
    store.runs.forEach((run, index) => {
        const button = h(
            'button',
            { type: 'button', click: () => store.set({ run: index }) },
            shorten(run.run.name, 40),
        );
        chooser.append(button);
    });
    store.watch(['rank'], () => {
        const { model, fit } = store;
        title.textContent = model.title;
        meta.textContent = facts(model);
        words.replaceChildren(...(fit ? summary(store, fit) : []));
        numbers.replaceChildren(...headlines(model, fit));
        const fitted = fit ? model.layers.filter((layer) => fit.has(layer)) : [];
        many.replaceChildren(...(fitted.length > layersInFull ? [explainedColumns(model, fit!, fitted)] : []));
        [...chooser.children].forEach((button, index) =>
            button.setAttribute('aria-pressed', String(index === store.get('run'))),
        );
    });
    return h(
        'header',
        {},
        h('div', { class: 'titles' }, title, meta, store.runs.length > 1 && chooser),
        words,
        h('div', { class: 'figures' }, numbers, many),
    );
}
