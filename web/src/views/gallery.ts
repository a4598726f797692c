// The components: a picture each, their share of every layer, their classes.
import { layerColour } from '../colours';
import { evenColumns, h, onWidth, section } from '../dom';
import type { Fit } from '../fit';
import { saveMenu, type Table } from '../exports';
import { latentImage, latentSource } from '../pictures';
import { sorts, type Sort, type Store } from '../store';
import { list, percent, shorten } from '../words';
import { legend } from './charts';
import { sorted, sortNames } from './sorting';

const classesShown = 3;
const legible = 6; // layers whose names stand above; more have no colours that one could tell apart
const cardGap = 16;
const fewCards = { least: 112, most: 180 }; // the width of one where there are up to 12
const manyCards = { least: 84, most: 150 };

function bars(fit: Fit, component: number, most: number): HTMLElement {
    return h(
        'span',
        { class: 'bars', 'aria-hidden': 'true' },
        ...fit.model.layers.map((layer, index) => {
            const share = fit.share(layer, component);
            const width = most > 0 ? (100 * share) / most : 0;
            return h('span', {
                style: `width:${width.toFixed(1)}%;background:${layerColour(index, fit.model.layers.length)}`,
                title: `${layer.name}: ${percent(share)}`,
            });
        }),
    );
}

function classes(fit: Fit, component: number): HTMLElement | null {
    const found = fit.classes(component);
    if (!found) return null;
    return h(
        'span',
        { class: 'classes' },
        ...found
            .slice(0, classesShown)
            .flatMap(({ index, value }) => [
                h(
                    'span',
                    {},
                    h('b', {}, shorten(fit.model.labelName(index), 14)),
                    ` ${Math.round(100 * value)}`,
                ),
                ' ',
            ]),
    );
}

function card(store: Store, fit: Fit, component: number, most: number): HTMLButtonElement {
    const layers = fit.model.layers.map((layer) => `${percent(fit.share(layer, component))} of ${layer.name}`);
    const picture = latentImage(fit, component, '');
    picture.setAttribute('aria-hidden', 'true');
    return h(
        'button',
        {
            type: 'button',
            class: 'card',
            'data-component': component + 1,
            'aria-label': `Component ${component + 1}: ${list(layers)}`,
            click: () => store.set({ component }),
        },
        picture,
        h(
            'span',
            { class: 'line' },
            h('b', {}, String(component + 1)),
            h('span', {}, percent(fit.meanShare(component))),
        ),
        bars(fit, component, most),
        classes(fit, component),
    );
}

function numbers(store: Store): Table {
    const { fit, model } = store;
    if (!fit) return [];
    return [
        [
            'component',
            'column of samples.npy',
            'mean share',
            ...model.layers.map(({ name }) => `share of ${name}`),
        ]
            .concat(model.labels ? ['class', 'share of the class'] : [])
            .concat(fit.data.component_stability ? ['stability'] : []),
        ...sorted(fit, store.get('sort')).map((c) => {
            const first = fit.classes(c)?.[0];
            return [
                c + 1,
                fit.column[c]!,
                fit.meanShare(c),
                ...model.layers.map((layer) => fit.share(layer, c)),
                ...(model.labels ? [first ? model.labelName(first.index) : '', first?.value ?? 0] : []),
                ...(fit.data.component_stability ? [fit.stability(c)!] : []),
            ];
        }),
    ];
}

function sortSwitch(store: Store): HTMLElement {
    const select = h('select', { 'aria-label': 'Order of the components', class: 'sort' });
    select.addEventListener('change', () => store.set({ sort: select.value as Sort }));
    store.watch(['sort', 'rank'], () => {
        const known = { purity: store.model.labels, stability: store.fit?.data.component_stability };
        const possible = sorts.filter((sort) => !(sort in known) || known[sort as keyof typeof known]);
        select.replaceChildren(...possible.map((sort) => h('option', { value: sort }, sortNames[sort])));
        select.value = possible.includes(store.get('sort')) ? store.get('sort') : 'energy';
    });
    return select;
}

// What the order says, in words.
function orderWords(sort: Sort): string {
    if (sort === 'layer')
        return 'in the order of the first layer where each explains at least half of an equal share';
    if (sort === 'purity') return 'those first that a single class has most of';
    if (sort === 'stability') return 'those first that come back from other random starts';
    return 'strongest first';
}

export function galleryView(store: Store): HTMLElement {
    const { element, sentence, body, tools } = section('components', 'Components');
    const grid = h('div', { class: 'gallery' });
    const more = h('button', {
        type: 'button',
        class: 'more no-export',
        click: () => {
            grid.classList.add('all');
            more.remove();
        },
    });
    const key = h('div');
    store.watch(
        ['layer'],
        () => key.replaceChildren(...(store.model.layers.length <= legible ? [legend(store)] : [])),
        element,
    );
    body.append(key, grid, more);
    // Few are large, and the last row is full where it can be.
    let room = 0;
    const spread = (): void => {
        const many = store.fit?.rank ?? 0;
        if (room > 0)
            grid.style.setProperty(
                '--columns',
                String(evenColumns(many, room, cardGap, many <= 12 ? fewCards : manyCards)),
            );
    };
    onWidth(grid, (width) => {
        room = width;
        spread();
    });
    tools.append(
        sortSwitch(store),
        saveMenu('components', body, () => numbers(store)),
    );

    store.watch(
        ['rank', 'sort'],
        () => {
            const { fit, model } = store;
            if (!fit) return grid.replaceChildren();
            // All bars share one scale, so that a layer in which one component is large shows it.
            const largest = Math.max(
                ...model.layers.flatMap((layer) =>
                    Array.from({ length: fit.rank }, (_, c) => fit.share(layer, c)),
                ),
            );
            grid.replaceChildren(...sorted(fit, store.get('sort')).map((c) => card(store, fit, c, largest)));
            more.textContent = `Show all ${fit.rank} components`;
            more.hidden = fit.rank <= 12;
            spread();
            sentence.textContent =
                `Each picture is ${latentSource(model)}, ${orderWords(store.get('sort'))}; under it its mean share of ` +
                'what there is, the bars its share of each layer' +
                (model.layers.length > 1 ? ', the first on top' : '') +
                (model.labels ? ', then its classes in per cent (captions: the fit never sees labels).' : '.');
        },
        element,
    );
    store.watch(
        ['rank', 'sort', 'component'],
        () => {
            for (const button of grid.children)
                button.setAttribute(
                    'aria-pressed',
                    String((button as HTMLElement).dataset['component'] === String(store.get('component') + 1)),
                );
        },
        element,
    );
    return element;
}
