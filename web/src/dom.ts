// Building elements. Texts become text nodes, never markup.
type Child = Node | string | null | undefined | false;
type Attributes = Record<string, string | number | boolean | ((event: Event) => void) | null | undefined>;

function fill(element: Element, attributes: Attributes, children: Child[]): void {
    for (const [name, value] of Object.entries(attributes)) {
        if (value === null || value === undefined || value === false) continue;
        if (typeof value === 'function') element.addEventListener(name, value);
        else element.setAttribute(name, value === true ? '' : String(value));
    }
    for (const child of children) if (child) element.append(child);
}

export function h<K extends keyof HTMLElementTagNameMap>(
    tag: K,
    attributes: Attributes = {},
    ...children: Child[]
): HTMLElementTagNameMap[K] {
    const element = document.createElement(tag);
    fill(element, attributes, children);
    return element;
}

export function svg<K extends keyof SVGElementTagNameMap>(
    tag: K,
    attributes: Attributes = {},
    ...children: Child[]
): SVGElementTagNameMap[K] {
    const element = document.createElementNS('http://www.w3.org/2000/svg', tag);
    fill(element, attributes, children);
    return element;
}

// A view: a heading, the sentence that says what one sees, and a body that the view fills.
export interface Section {
    element: HTMLElement;
    title: HTMLElement;
    sentence: HTMLElement;
    body: HTMLElement;
    tools: HTMLElement; // beside the heading: what the view can be told
}

export function section(id: string, title: string): Section {
    const heading = h('h2', { id: `${id}-title` }, title);
    const sentence = h('p', { class: 'sentence' });
    const body = h('div', { class: 'body' });
    const tools = h('div', { class: 'tools' });
    const element = h(
        'section',
        { id, 'aria-labelledby': `${id}-title` },
        h('div', { class: 'heading' }, heading, tools),
        sentence,
        body,
    );
    return { element, title: heading, sentence, body, tools };
}

// Calls draw with the element's width, now and whenever it changes.
export function onWidth(element: HTMLElement, draw: (width: number) => void): () => void {
    let width = 0;
    const redraw = (): void => {
        if (width > 0) draw(width);
    };
    new ResizeObserver((entries) => {
        const found = Math.floor(entries[0]?.contentRect.width ?? 0);
        if (found === width) return;
        width = found;
        redraw();
    }).observe(element);
    return redraw;
}

// How many columns of `least` to `most` pixels leave the fewest places empty in the last row; the more the better.
export function evenColumns(
    many: number,
    width: number,
    gap: number,
    { least, most }: { least: number; most: number },
): number {
    const highest = Math.max(1, Math.floor((width + gap) / (least + gap)));
    const lowest = Math.min(highest, Math.max(1, Math.ceil((width + gap) / (most + gap))));
    let best = highest;
    const empty = (columns: number): number => (columns - (many % columns)) % columns;
    for (let columns = highest; columns >= lowest; columns--) if (empty(columns) < empty(best)) best = columns;
    return best;
}
