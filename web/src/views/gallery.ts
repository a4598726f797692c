// The components: a picture each, their share of every layer, their classes.
import { h, section } from '../dom';
import type { Fit } from '../fit';
import { saveMenu, type Table } from '../exports';
import { latentImage, latentSource } from '../pictures';
import { sorts, type Sort, type Store } from '../store';
import { list, percent, shorten } from '../words';
import { sorted, sortNames } from './sorting';

const classesShown = 3;

function bars(fit: Fit, component: number, most: number[]): HTMLElement {
    return h(
        'span',
        { class: 'bars', 'aria-hidden': 'true' },
        ...fit.model.layers.map((layer, index) => {
            const share = fit.share(layer, component);
            const width = most[index]! > 0 ? (100 * share) / most[index]! : 0;
            return h('span', {
                style: `width:${width.toFixed(1)}%`,
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

function card(store: Store, fit: Fit, component: number, most: number[]): HTMLButtonElement {
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
        class: 'more',
        click: () => {
            grid.classList.add('all');
            more.remove();
        },
    });
    body.append(grid, more);
    tools.append(
        sortSwitch(store),
        saveMenu('components', grid, () => numbers(store)),
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
            const most = model.layers.map(() => largest);
            grid.style.setProperty('--card', fit.rank <= 12 ? '150px' : '104px');
            grid.replaceChildren(...sorted(fit, store.get('sort')).map((c) => card(store, fit, c, most)));
            more.textContent = `Show all ${fit.rank} components`;
            more.hidden = fit.rank <= 12;
            const names = model.layers.map((layer) => shorten(layer.label, 24));
            const barWords =
                names.length === 1
                    ? `the bar is its share of ${names[0]}`
                    : names.length <= 5
                      ? `the bars are its share of ${list(names)}, from top to bottom`
                      : `the bars are its share of every layer, ${names[0]} on top`;
            sentence.textContent =
                `What inputs and layers share, ${orderWords(store.get('sort'))}: the picture is ${latentSource(model)}, ` +
                'the number its mean share, ' +
                `${barWords}.` +
                (model.labels
                    ? ' Below, its classes in per cent; labels are captions, the fit never sees them.'
                    : '');
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
