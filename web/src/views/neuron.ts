// The chosen neuron: which components it carries, which samples drive it most.
import { h } from '../dom';
import type { Fit } from '../fit';
import { place, unitName, unitOf, type Layer } from '../layer';
import { markSample, sampleButton } from '../pictures';
import type { Store } from '../store';
import { percent, shorten } from '../words';

const partsShown = 5;

function parts(store: Store, fit: Fit, layer: Layer, neuron: number): HTMLElement {
    const { values } = fit.strengths(layer);
    const own = Array.from(
        values.subarray(neuron * fit.rank, (neuron + 1) * fit.rank),
        (value, component) => ({
            component,
            value,
        }),
    )
        .filter((part) => part.value > 0)
        .sort((a, b) => b.value - a.value);
    const total = own.reduce((sum, part) => sum + part.value, 0);
    if (!own.length) return h('p', { class: 'small' }, 'It carries no component.');
    return h(
        'ol',
        { class: 'parts' },
        ...own.slice(0, partsShown).map(({ component, value }) =>
            h(
                'li',
                {},
                h(
                    'button',
                    {
                        type: 'button',
                        class: component === store.get('component') ? 'part plainly chosen' : 'part plainly',
                        'aria-label': `Component ${component + 1}: ${percent(value / total)}`,
                        click: () => store.set({ component }),
                    },
                    h('b', {}, String(component + 1)),
                    h(
                        'span',
                        { class: 'track' },
                        h('span', { style: `width:${(100 * value) / own[0]!.value}%` }),
                    ),
                    h('span', { class: 'amount' }, percent(value / total)),
                ),
            ),
        ),
    );
}

export function neuronPanel(store: Store, element: Element): HTMLElement {
    const panel = h('div', { class: 'neuron-panel', 'aria-live': 'polite' });
    store.watch(
        ['rank', 'component', 'layer', 'neuron'],
        () => {
            const { fit, layer, model } = store;
            const neuron = store.get('neuron');
            panel.hidden = !fit || !layer || neuron === null || !fit.has(layer);
            if (!fit || !layer || neuron === null || panel.hidden) return;
            const unit = unitOf(layer, neuron);
            const samples = model.drivers(layer).get(unit) ?? [];
            const what = layer.flat ? 'it' : `channel ${unitName(layer, unit)}`;
            panel.replaceChildren(
                h('h3', {}, `${shorten(layer.label, 40)}, ${place(layer, neuron)}`),
                h(
                    'div',
                    { class: 'columns' },
                    h(
                        'div',
                        {},
                        h('p', { class: 'small dim' }, 'The components it carries, by what they contribute'),
                        parts(store, fit, layer, neuron),
                    ),
                    samples.length > 0 &&
                        h(
                            'div',
                            {},
                            h('p', { class: 'small dim' }, `The samples that drive ${what} most`),
                            h(
                                'div',
                                { class: 'thumbs large' },
                                ...samples.map((sample) =>
                                    sampleButton(model, sample, sample === store.sample, (chosen) =>
                                        store.set({ sample: chosen }),
                                    ),
                                ),
                            ),
                        ),
                ),
            );
        },
        element,
    );
    store.watch(['sample'], () => markSample(panel, store.sample), element);
    return panel;
}
