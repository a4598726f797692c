// Two runs beside each other: which component of one is which of the other, and what only one of them has.
import { align, leastCosine, type Alignment, type Pair } from '../alignment';
import { h, section } from '../dom';
import { saveMenu, type Table } from '../exports';
import type { Fit } from '../fit';
import type { RunModel } from '../model';
import { latentImage } from '../pictures';
import type { Store } from '../store';
import { number, percent, plural, shorten } from '../words';
import { layerDot } from './charts';

// The fit of a run that has most nearly as many components.
function nearestFit(run: RunModel, rank: number): Fit | null {
    if (!run.ranks.length) return null;
    const place = run.ranks.reduce(
        (best, value, i) => (Math.abs(value - rank) < Math.abs(run.ranks[best]! - rank) ? i : best),
        0,
    );
    return run.fit(place);
}

function counterpart(store: Store): Fit | null {
    const { fit, other } = store;
    return fit && other && nearestFit(other, fit.rank);
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
        ...(ownOnly || otherOnly
            ? [h('div', { class: 'alones' }, ...[ownOnly, otherOnly].filter((part) => part !== null))]
            : []),
    ];
}

// What every run explains of each layer, and how many directions the layer has there; the run shown first.
function facts(store: Store, fit: Fit): HTMLElement {
    const others = store.runs.flatMap((run) => (run === store.model ? [] : [nearestFit(run, fit.rank)]));
    const fits = [fit, ...others.filter((other) => other !== null)];
    const names = fits.map(({ model, rank }) => `${shorten(model.run.name, 24)} (rank ${rank})`);
    const head = [
        'layer',
        ...names.map((name) => `explained, ${name}`),
        ...names.map((name) => `effective rank, ${name}`),
    ];
    const rows = fit.model.layers
        .filter((layer) => fit.has(layer))
        .map((layer) => {
            const same = fits.map((one) => {
                const there = one.model.layers.find(({ name }) => name === layer.name);
                return there && one.has(there) ? { one, there } : null;
            });
            const cells = [
                ...same.map((found) => (found ? percent(found.one.explained(found.there)) : '–')),
                ...same.map((found) =>
                    found && found.there.effectiveRank !== null ? number(found.there.effectiveRank) : '–',
                ),
            ];
            return h(
                'tr',
                {},
                h(
                    'td',
                    { 'data-label': head[0]! },
                    h('span', {}, layerDot(layer.index, fit.model.layers.length), shorten(layer.label, 40)),
                ),
                ...cells.map((text, i) => h('td', { 'data-label': head[i + 1]! }, text)),
            );
        });
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
                `${fit.model.run.name} at rank ${fit.rank} beside ${other.model.run.name} at rank ${other.rank}: ` +
                (found
                    ? `${plural(both, 'component')} of ${Math.min(fit.rank, other.rank)} have a counterpart, ` +
                      `paired so that the ${found.basis} agree best (cosine, 1: the same); under ` +
                      `${leastCosine} they count as found in one run only.`
                    : 'their inputs differ in size and no layer or sample is the same, so their components ' +
                      'cannot be paired.');
            body.replaceChildren(facts(store, fit), ...(found ? pairs(store, fit, other, found) : []));
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
