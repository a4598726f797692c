// How much is left against rank: the relative error of every layer, held-out errors, stability, the paper's RMSE.
import { h, onWidth, section } from '../dom';
import { saveMenu, type Table } from '../exports';
import type { RunModel } from '../model';
import type { Store } from '../store';
import { number, percent } from '../words';
import { legend, runKey } from './charts';
import {
    heldOut,
    heldOutChart,
    relativeChart,
    rmseChart,
    sameLayer,
    stability,
    stabilityChart,
} from './rank_charts';

function numbers(store: Store): Table {
    const layers = store.model.layers;
    return [
        [
            'run',
            'rank',
            'RMSE',
            'relative error',
            ...layers.map(({ name }) => `relative error of ${name}`),
        ].concat(['held-out error', 'stability']),
        ...store.runs.flatMap((model) =>
            model.run.ranks.map((rank, place) => [
                model.run.name,
                rank.rank,
                rank.rmse,
                rank.relative_error,
                ...layers.map((layer) => {
                    const same = sameLayer(model, store, layer.index);
                    const fit = model.fit(place)!;
                    return same && fit.has(same) ? fit.relativeError(same) : '';
                }),
                rank.held_out_error ?? '',
                rank.stability ?? '',
            ]),
        ),
    ];
}

// What the measures say of the rank, where they were asked.
function advice(model: RunModel): string {
    const { recommended } = model.run;
    if (!recommended) return '';
    const { rank, reason } = recommended;
    return rank === undefined
        ? ` No rank is recommended: ${reason.replace(/^none: /, '')}.`
        : ` Recommended: rank ${rank}, ${reason}.`;
}

export function errorView(store: Store): HTMLElement {
    const { element, sentence, body, tools } = section('errors', 'Error against rank');
    const key = h('div');
    const panels = [
        panel(store, relativeChart, () => 'Relative error of each layer (0: all is explained)'),
        panel(store, heldOutChart, () =>
            heldOut(store).length ? 'Error held out, on what the fit did not see, with its standard error' : '',
        ),
        panel(store, stabilityChart, () =>
            stability(store).length ? 'Stability (1: all random starts find the same)' : '',
        ),
        panel(store, rmseChart, () => 'RMSE of all blocks together, as in the paper'),
    ];
    const figures = h('div', { class: 'charts-row small-charts' }, ...panels.map(({ figure }) => figure));
    const charts = h('div', {}, key, figures);
    body.append(rankSlider(store), charts);
    tools.append(saveMenu('errors', charts, () => numbers(store)));
    store.watch(
        ['rank', 'layer'],
        () => {
            const { fit } = store;
            key.replaceChildren(legend(store), ...[runKey(store)].filter((part) => part !== null));
            for (const { redraw } of panels) redraw();
            if (!fit) return;
            sentence.textContent =
                `How much is left, the more components there are: at rank ${fit.rank}, the line, all blocks ` +
                `together have a relative error of ${number(fit.data.relative_error)} ` +
                `(${percent(1 - fit.data.relative_error ** 2)} explained) and an RMSE of ${number(fit.data.rmse)}` +
                `${store.runs.length > 1 ? '; dashed are the other runs' : ''}.` +
                advice(store.model);
        },
        element,
    );
    return element;
}

// A chart with its caption; hidden where there is nothing to say.
function panel(
    store: Store,
    draw: (store: Store, width: number) => Element,
    words: () => string,
): { figure: HTMLElement; redraw: () => void } {
    const caption = h('figcaption');
    const chart = h('div', { class: 'chart' });
    const figure = h('figure', {}, caption, chart);
    const onChart = onWidth(chart, (width) => {
        chart.replaceChildren(...(store.fit && !figure.hidden ? [draw(store, width)] : []));
    });
    const redraw = (): void => {
        caption.textContent = words();
        figure.hidden = !caption.textContent;
        onChart();
    };
    return { figure, redraw };
}

// Goes through the ranks that were fitted, to see what each more brings.
function rankSlider(store: Store): HTMLElement {
    const words = h('b');
    const slider = h('input', { type: 'range', min: 0, step: 1, 'aria-label': 'Rank shown' });
    slider.addEventListener('input', () => store.set({ rank: Number(slider.value) }));
    const element = h('label', { class: 'rank-slider no-export' }, 'Rank', slider, words);
    store.watch(['rank'], () => {
        const { ranks } = store.model;
        element.hidden = ranks.length < 2;
        slider.max = String(ranks.length - 1);
        slider.value = String(store.get('rank'));
        words.textContent = String(ranks[store.get('rank')] ?? '');
        slider.setAttribute('aria-valuetext', words.textContent);
    });
    return element;
}
