// What is chosen, always in reach: the rank, the component, the layer, light or dark.
import { h } from '../dom';
import { latentImage } from '../pictures';
import type { Store } from '../store';
import { shorten } from '../words';

type Theme = 'system' | 'light' | 'dark';

function themeSwitch(): HTMLElement {
    const names: Record<Theme, string> = { system: 'Auto', light: 'Light', dark: 'Dark' };
    const select = h(
        'select',
        { 'aria-label': 'Light or dark' },
        ...(Object.keys(names) as Theme[]).map((theme) => h('option', { value: theme }, names[theme])),
    );
    const apply = (): void => {
        if (select.value === 'system') delete document.documentElement.dataset['theme'];
        else document.documentElement.dataset['theme'] = select.value;
    };
    try {
        select.value = localStorage.getItem('nnpeek-theme') ?? 'system';
    } catch {
        // A page opened from disk may not be allowed to remember.
    }
    if (!select.value) select.value = 'system';
    apply();
    select.addEventListener('change', () => {
        apply();
        try {
            localStorage.setItem('nnpeek-theme', select.value);
        } catch {
            // As above.
        }
    });
    return select;
}

// As many as have room as buttons; more are a slider.
const buttonsShown = 8;

// All runs' ranks may differ, so that the slider counts places and says ranks.
function rankSlider(store: Store): HTMLElement[] {
    const { ranks } = store.model;
    const slider = h('input', {
        type: 'range',
        min: 0,
        max: ranks.length - 1,
        step: 1,
        value: store.get('rank'),
        'aria-label': 'Rank',
        'aria-valuetext': String(ranks[store.get('rank')]),
    });
    slider.addEventListener('input', () => store.set({ rank: Number(slider.value) }));
    return [h('span', { class: 'label' }, 'Rank'), h('b', {}, String(ranks[store.get('rank')])), slider];
}

function rankSwitch(store: Store): HTMLElement {
    const element = h('div', { class: 'choice ranks', role: 'group', 'aria-label': 'Rank' });
    store.watch(['rank'], () => {
        const focused = element.contains(document.activeElement);
        if (store.model.ranks.length > buttonsShown) {
            const slider = element.querySelector('input');
            const text = String(store.model.ranks[store.get('rank')]);
            if (slider?.max !== String(store.model.ranks.length - 1)) {
                element.replaceChildren(...rankSlider(store));
            } else {
                slider.value = String(store.get('rank'));
                slider.setAttribute('aria-valuetext', text);
                element.querySelector('b')!.textContent = text;
            }
            return;
        }
        element.replaceChildren(
            h('span', { class: 'label' }, 'Rank'),
            ...store.model.ranks.map((rank, index) =>
                h(
                    'button',
                    {
                        type: 'button',
                        'data-rank': rank,
                        ...(rank === store.model.run.recommended?.rank
                            ? { class: 'recommended', title: 'The recommended rank' }
                            : {}),
                        'aria-pressed': String(index === store.get('rank')),
                        click: () => store.set({ rank: index }),
                    },
                    String(rank),
                ),
            ),
        );
        if (focused) element.querySelector<HTMLElement>('[aria-pressed=true]')?.focus();
    });
    return element;
}

function componentSwitch(store: Store): HTMLElement {
    const step = (by: number): void => {
        const rank = store.fit?.rank ?? 1;
        store.set({ component: (store.get('component') + by + rank) % rank });
    };
    const shown = h('span', { class: 'chosen', 'aria-live': 'polite' });
    const picture = h('span', { class: 'thumbnail' });
    store.watch(['rank', 'component'], () => {
        const { fit } = store;
        if (!fit) return;
        shown.replaceChildren(
            h('span', { class: 'word' }, 'Component '),
            `${store.get('component') + 1} of ${fit.rank}`,
        );
        picture.replaceChildren(latentImage(fit, store.get('component'), ''));
        picture.firstElementChild?.setAttribute('aria-hidden', 'true');
    });
    return h(
        'div',
        { class: 'choice components' },
        h('button', { type: 'button', 'aria-label': 'Previous component', click: () => step(-1) }, '‹'),
        picture,
        shown,
        h('button', { type: 'button', 'aria-label': 'Next component', click: () => step(1) }, '›'),
    );
}

function layerSwitch(store: Store): HTMLElement {
    const select = h('select', { 'aria-label': 'Layer', class: 'layers' });
    select.addEventListener('change', () =>
        store.set({ layer: select.value === '' ? null : Number(select.value) }),
    );
    store.watch(['layer'], () => {
        select.replaceChildren(
            h('option', { value: '' }, 'All layers'),
            ...store.model.layers.map((layer) => h('option', { value: layer.index }, shorten(layer.label, 24))),
        );
        select.value = String(store.get('layer') ?? '');
    });
    return select;
}

export function toolbarView(store: Store): HTMLElement {
    return h(
        'nav',
        { class: 'toolbar', 'aria-label': 'What is shown' },
        ...(store.runs.some((run) => run.ranks.length > 0) ? [rankSwitch(store), componentSwitch(store)] : []),
        h('span', { class: 'settings' }, layerSwitch(store), themeSwitch()),
    );
}
