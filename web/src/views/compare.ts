// Two runs beside each other: which component of one is which of the other, and what only one of them has.
import { align, leastCosine, type Alignment, type Pair } from '../alignment';
import { h, section } from '../dom';
import { saveMenu, type Table } from '../exports';
import type { Fit } from '../fit';
import { latentImage } from '../pictures';
import type { Store } from '../store';
import { number, percent, plural, shorten } from '../words';

// The fit of the other run that has most nearly as many components as the one shown.
function counterpart(store: Store): Fit | null {
    const { fit, other } = store;
    if (!fit || !other || !other.ranks.length) return null;
    const place = other.ranks.reduce(
        (best, rank, i) => (Math.abs(rank - fit.rank) < Math.abs(other.ranks[best]! - fit.rank) ? i : best),
        0,
    );
    return other.fit(place);
}

function picture(store: Store, fit: Fit, component: number, own: boolean): HTMLElement {
    const image = latentImage(fit, component, '');
    image.setAttribute('aria-hidden', 'true');
    const run = store.runs.indexOf(fit.model);
    const name = shorten(fit.model.run.name, 30);
    return h(
        'button',
        {
            type: 'button',
            class: 'card',
            'aria-label': `Component ${component + 1} of ${name}, ${percent(fit.meanShare(component))}`,
            ...(own ? { 'data-own': component + 1 } : {}),
            'aria-pressed': String(own && component === store.get('component')),
            click: () =>
                own
                    ? store.set({ component })
                    : store.set({ run, rank: fit.model.ranks.indexOf(fit.rank), component }),
        },
        image,
        h(
            'span',
            { class: 'line' },
            h('b', {}, String(component + 1)),
            h('span', {}, percent(fit.meanShare(component))),
        ),
    );
}

function pairs(store: Store, fit: Fit, other: Fit, found: Alignment): HTMLElement[] {
    const together = found.pairs.filter((pair) => pair.own !== null && pair.other !== null);
    const only = (list: Pair[], from: Fit, own: boolean): HTMLElement | null =>
        list.length
            ? h(
                  'div',
                  {},
                  h('h3', {}, `Only in ${shorten(from.model.run.name, 40)}`),
                  h(
                      'ol',
                      { class: 'alone' },
                      ...list.map((pair) =>
                          h(
                              'li',
                              {},
                              picture(store, from, (own ? pair.own : pair.other)!, own),
                              h('span', { class: 'small dim' }, `nearest ${pair.cosine.toFixed(2)}`),
                          ),
                      ),
                  ),
              )
            : null;
    const ownOnly = only(
        found.pairs.filter((pair) => pair.other === null),
        fit,
        true,
    );
    const otherOnly = only(
        found.pairs.filter((pair) => pair.own === null),
        other,
        false,
    );
    return [
        h(
            'div',
            {},
            h(
                'h3',
                {},
                `In both: ${shorten(fit.model.run.name, 30)} left, ${shorten(other.model.run.name, 30)} right`,
            ),
            together.length
                ? h(
                      'ol',
                      { class: 'aligned' },
                      ...together.map((pair) =>
                          h(
                              'li',
                              {},
                              h(
                                  'div',
                                  { class: 'two' },
                                  picture(store, fit, pair.own!, true),
                                  picture(store, other, pair.other!, false),
                              ),
                              h('span', { class: 'small dim' }, `alike ${pair.cosine.toFixed(2)}`),
                          ),
                      ),
                  )
                : h('p', { class: 'small' }, 'No component of one resembles one of the other.'),
        ),
        ...(ownOnly ? [ownOnly] : []),
        ...(otherOnly ? [otherOnly] : []),
    ];
}

function facts(fit: Fit, other: Fit): HTMLElement {
    const cell = (text: string, label: string): HTMLElement => h('td', { 'data-label': label }, text);
    const [left, right] = [shorten(fit.model.run.name, 24), shorten(other.model.run.name, 24)];
    const rows = fit.model.layers
        .filter((layer) => fit.has(layer))
        .map((layer) => {
            const same = other.model.layers.find(({ name }) => name === layer.name);
            const there = same !== undefined && other.has(same);
            return h(
                'tr',
                {},
                cell(shorten(layer.label, 40), 'layer'),
                cell(percent(fit.explained(layer)), `explained, ${left}`),
                cell(there ? percent(other.explained(same)) : '–', `explained, ${right}`),
                cell(
                    layer.effectiveRank === null ? '–' : number(layer.effectiveRank),
                    `effective rank, ${left}`,
                ),
                cell(
                    there && same.effectiveRank !== null ? number(same.effectiveRank) : '–',
                    `effective rank, ${right}`,
                ),
            );
        });
    const head = ['layer', `explained, ${left}`, `explained, ${right}`];
    head.push(`effective rank, ${left}`, `effective rank, ${right}`);
    return h(
        'table',
        { class: 'data' },
        h('thead', {}, h('tr', {}, ...head.map((word) => h('th', { scope: 'col' }, word)))),
        h('tbody', {}, ...rows),
    );
}

function numbers(store: Store): Table {
    const [fit, other] = [store.fit, counterpart(store)];
    const found = fit && other ? align(fit, other) : null;
    if (!fit || !other || !found) return [['component', 'component of the other run', 'cosine']];
    return [
        [`component of ${fit.model.run.name}`, `component of ${other.model.run.name}`, 'cosine'],
        ...found.pairs.map((pair) => [
            pair.own === null ? '' : pair.own + 1,
            pair.other === null ? '' : pair.other + 1,
            pair.cosine,
        ]),
    ];
}

function runSwitch(store: Store): HTMLElement {
    const select = h('select', { 'aria-label': 'Compare with', class: 'against' });
    select.addEventListener('change', () => store.set({ against: Number(select.value) }));
    store.watch(['against'], () => {
        select.replaceChildren(
            ...store.runs.flatMap((run, index) =>
                run === store.model ? [] : [h('option', { value: index }, shorten(run.run.name, 30))],
            ),
        );
        select.value = String(store.other ? store.runs.indexOf(store.other) : '');
        select.hidden = store.runs.length < 3;
    });
    return select;
}

export function compareView(store: Store): HTMLElement {
    const { element, sentence, body, tools } = section('comparison', 'Comparison');
    tools.append(
        runSwitch(store),
        saveMenu('comparison', body, () => numbers(store)),
    );
    store.watch(
        ['rank', 'against'],
        () => {
            const [fit, other] = [store.fit, counterpart(store)];
            if (!fit || !other) {
                sentence.textContent = 'The runs cannot be compared: one of them is not factorised yet.';
                body.replaceChildren();
                return;
            }
            const found = align(fit, other);
            const both = found?.pairs.filter((pair) => pair.own !== null && pair.other !== null).length ?? 0;
            sentence.textContent =
                `${fit.model.run.name} at rank ${fit.rank} beside ${other.model.run.name} at rank ${other.rank}. ` +
                (found
                    ? `${plural(both, 'component')} of ${Math.min(fit.rank, other.rank)} have a counterpart: ` +
                      `they are paired so that the ${found.basis} agree best (cosine, 1: the same), and under ` +
                      `${leastCosine} they count as found in one run only. Click one to look into it.`
                    : 'Their inputs differ in size and no layer or sample is the same, so their components ' +
                      'cannot be paired.');
            body.replaceChildren(facts(fit, other), ...(found ? pairs(store, fit, other, found) : []));
        },
        element,
    );
    store.watch(
        ['rank', 'component', 'against'],
        () => {
            for (const button of body.querySelectorAll<HTMLElement>('[data-own]'))
                button.setAttribute(
                    'aria-pressed',
                    String(button.dataset['own'] === String(store.get('component') + 1)),
                );
        },
        element,
    );
    return element;
}
