// Reads the payload, builds the page, connects the views to the one store.
import { h } from './dom';
import { RunModel } from './model';
import type { Payload } from './payload_types';
import { Store } from './store';
import { compareView } from './views/compare';
import { detailView } from './views/detail';
import { errorView } from './views/errors';
import { flowView } from './views/flow';
import { galleryView } from './views/gallery';
import { headerView } from './views/header';
import { heatmapView } from './views/heatmaps';
import { makingView } from './views/making';
import { hasOverlap, overlapView } from './views/overlap';
import { hasRelations, relationView } from './views/relations';
import { sampleView } from './views/sample';
import { samplesView } from './views/samples';
import { spectrumView } from './views/spectra';
import { toolbarView } from './views/toolbar';
import { hasVerdict, verdictView } from './views/verdict';

const manyLayers = 4;
const fewComponents = 10;

// The shorter of two columns stays in view while the longer one is read: at its end where it is higher than
// the window.
function stick(element: HTMLElement): void {
    const place = (): void => {
        const top = Math.min(70, window.innerHeight - element.offsetHeight - 16);
        element.style.setProperty('--stick', `${top}px`);
    };
    new ResizeObserver(place).observe(element);
    window.addEventListener('resize', place);
}

// Layers among each other and classes among each other, side by side where there is room.
function relations(store: Store): HTMLElement[] {
    const found = [
        ...(hasRelations(store) ? [relationView(store)] : []),
        ...(hasOverlap(store) ? [overlapView(store)] : []),
    ];
    return found.length < 2 ? found : [h('div', { class: 'pair relations-and-overlap' }, ...found)];
}

function build(payload: Payload, licences: string): { store: Store; parts: HTMLElement[] } {
    const store = new Store(payload.runs.map((run) => new RunModel(run)));
    const factorised = store.runs.some((run) => run.ranks.length > 0);
    const measured = store.runs.some((run) =>
        run.run.blocks.some((block) => block.measures?.singular_values.length),
    );
    // Views draw in the order in which they are made: what is chosen is marked before it is shown at length.
    const top = [headerView(store), toolbarView(store)];
    const left = h('div', { class: 'stack' });
    const right = h('div', { class: 'stack' });
    const both = h(
        'div',
        { class: 'pair explore' },
        h('div', { class: 'side' }, left),
        h('div', { class: 'side aside' }, right),
    );
    const charts = h('div', { class: 'pair charts' });
    stick(left);
    stick(right);
    if (factorised) {
        const gallery = galleryView(store);
        const detail = detailView(store);
        const sample = sampleView(store);
        right.append(detail);
        left.append(gallery, flowView(store, detail));
        // Of many layers the component alone is as long as what stands at its left.
        const many = store.runs.some(({ layers }) => layers.length > manyLayers);
        (many ? both : right).append(sample);
        both.classList.toggle('tall', many);
        // Few components leave room for their way under them, however wide the page is.
        store.watch(['rank'], () => both.classList.toggle('few', (store.fit?.rank ?? 0) <= fewComponents));
        // On a wide page each of them is a column of its own.
        for (const own of both.querySelectorAll('section')) stick(own);
        charts.append(errorView(store));
    }
    if (measured) charts.append(spectrumView(store));
    const verdict = hasVerdict(store) ? [verdictView(store)] : [];
    const views = factorised
        ? [
              both,
              ...(store.runs.length > 1 ? [compareView(store)] : []),
              samplesView(store),
              ...verdict,
              charts,
              heatmapView(store),
              ...relations(store),
          ]
        : [...verdict, charts, ...(hasRelations(store) ? [relationView(store)] : [])];
    return {
        store,
        parts: [...top, h('main', {}, ...views, makingView(store, payload, licences))],
    };
}

const page = document.getElementById('page');
const data = document.getElementById('payload')?.textContent ?? '';
const licences = (document.getElementById('licences') as HTMLTemplateElement | null)?.content.textContent ?? '';
if (page) {
    try {
        const payload = JSON.parse(data) as Payload;
        if (payload.format !== 'nnpeek-report' || payload.schema !== 1)
            throw new Error('it was written for another version of this page');
        const { store, parts } = build(payload, licences);
        page.replaceChildren(...parts);
        store.flush();
        document.title = `${payload.runs.map((run) => run.network?.name ?? run.name).join(', ')} – nnpeek`;
    } catch (error) {
        page.replaceChildren(
            h(
                'p',
                { class: 'failure', role: 'alert' },
                `This report cannot be shown: ${error instanceof Error ? error.message : String(error)}. ` +
                    'Make it again with nnpeek report.',
            ),
        );
        console.error(error);
    }
}
