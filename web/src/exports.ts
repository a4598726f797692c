// Figures and numbers as files. A figure is drawn again as SVG from what the browser laid out: texts, bars,
// pictures and charts at their places, on the page's background.
import { h } from './dom';

const svgSpace = 'http://www.w3.org/2000/svg';
const margin = 16;

export type Table = (string | number)[][];

function node(tag: string, attributes: Record<string, string | number>, text = ''): SVGElement {
    const element = document.createElementNS(svgSpace, tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
    if (text) element.textContent = text;
    return element;
}

function rounded(value: number): number {
    return Math.round(value * 100) / 100;
}

// The properties that style sheets give to charts.
const drawn = ['fill', 'fill-opacity', 'stroke', 'stroke-width', 'stroke-opacity', 'stroke-dasharray'];
const written = ['font-family', 'font-size', 'font-weight', 'text-anchor', 'paint-order', 'stroke-linejoin'];

// A chart with its styles written out, so that it looks the same without the page.
function chart(source: SVGSVGElement, x: number, y: number): SVGElement {
    const copy = source.cloneNode(true) as SVGSVGElement;
    const originals = [source, ...source.querySelectorAll('*')];
    const copies = [copy, ...copy.querySelectorAll('*')];
    originals.forEach((original, index) => {
        const target = copies[index]!;
        target.removeAttribute('class');
        target.removeAttribute('style');
        if (!(original instanceof SVGGraphicsElement) || original === source) return;
        const style = getComputedStyle(original);
        const text = original instanceof SVGTextContentElement;
        for (const name of text ? [...drawn, ...written] : drawn)
            target.setAttribute(name, style.getPropertyValue(name));
    });
    for (const style of copy.querySelectorAll('style')) style.remove();
    const box = source.getBoundingClientRect();
    for (const [name, value] of Object.entries({ x, y, width: box.width, height: box.height }))
        copy.setAttribute(name, String(rounded(value)));
    copy.setAttribute('overflow', 'visible');
    return copy;
}

function isSeen(style: CSSStyleDeclaration): boolean {
    return style.visibility !== 'hidden' && style.display !== 'none' && Number(style.opacity) > 0;
}

function transparent(colour: string): boolean {
    return colour === 'transparent' || /^rgba\(.*,\s*0\)$|\/\s*0\)$/.test(colour);
}

// A text as lines where the browser broke it.
function words(text: Text, style: CSSStyleDeclaration, left: number, top: number, into: SVGElement): void {
    const range = document.createRange();
    const content = text.data;
    let from = 0;
    let line: DOMRect | null = null;
    const write = (to: number): void => {
        const part = content.slice(from, to).replace(/\s+/g, ' ').trim();
        if (part && line)
            into.append(
                node(
                    'text',
                    {
                        x: rounded(line.left - left),
                        y: rounded(line.top - top + line.height * 0.78),
                        fill: style.color,
                        'font-family': style.fontFamily,
                        'font-size': style.fontSize,
                        'font-weight': style.fontWeight,
                    },
                    part,
                ),
            );
        from = to;
    };
    for (let i = 0; i < content.length; i++) {
        range.setStart(text, i);
        range.setEnd(text, i + 1);
        const box = range.getClientRects()[0];
        if (!box || box.width === 0) continue;
        if (!line) {
            if (/\s/.test(content[i]!)) continue; // a text starts where its first letter is
            line = box;
        } else if (Math.abs(box.top - line.top) > line.height / 2) {
            write(i);
            line = /\s/.test(content[i]!) ? null : box;
        }
    }
    write(content.length);
}

function copyInto(element: Element, left: number, top: number, into: SVGElement): void {
    const style = getComputedStyle(element);
    if (!isSeen(style) || element.classList.contains('no-export')) return;
    const box = element.getBoundingClientRect();
    if (box.width === 0 || box.height === 0) return;
    const [x, y] = [rounded(box.left - left), rounded(box.top - top)];
    const size = { width: rounded(box.width), height: rounded(box.height) };
    if (element instanceof SVGSVGElement) {
        into.append(chart(element, x, y));
        return;
    }
    if (!transparent(style.backgroundColor)) {
        const round = Math.min(box.height / 2, Number.parseFloat(style.borderTopLeftRadius) || 0);
        into.append(node('rect', { x, y, ...size, rx: rounded(round), fill: style.backgroundColor }));
    }
    if (element instanceof HTMLCanvasElement || element instanceof HTMLImageElement) {
        into.append(
            node('image', {
                x,
                y,
                ...size,
                href: element instanceof HTMLImageElement ? element.src : element.toDataURL('image/png'),
                preserveAspectRatio: 'none',
                style: style.imageRendering === 'pixelated' ? 'image-rendering:pixelated' : '',
            }),
        );
    }
    if (style.outlineStyle !== 'none' && !transparent(style.outlineColor)) {
        const width = Number.parseFloat(style.outlineWidth) || 0;
        if (width > 0 && width < 5)
            into.append(
                node('rect', {
                    x,
                    y,
                    ...size,
                    fill: 'none',
                    stroke: style.outlineColor,
                    'stroke-width': width,
                }),
            );
    }
    for (const child of element.childNodes)
        if (child instanceof Text) words(child, style, left, top, into);
        else if (child instanceof Element) copyInto(child, left, top, into);
}

// What an element shows, as one SVG document.
export function figureOf(element: Element): { text: string; width: number; height: number } {
    const box = element.getBoundingClientRect();
    const width = Math.ceil(box.width) + 2 * margin;
    const height = Math.ceil(box.height) + 2 * margin;
    const root = node('svg', { width, height, viewBox: `0 0 ${width} ${height}` });
    const surface = getComputedStyle(document.body).backgroundColor;
    root.append(node('rect', { width, height, fill: surface }));
    const content = node('g', {});
    copyInto(element, box.left - margin, box.top - margin, content);
    root.append(content);
    return { text: new XMLSerializer().serializeToString(root), width, height };
}

async function pngOf(element: Element): Promise<Blob> {
    const { text, width, height } = figureOf(element);
    const address = URL.createObjectURL(new Blob([text], { type: 'image/svg+xml' }));
    try {
        const image = new Image();
        image.src = address;
        await image.decode();
        const scale = Math.min(2, 8000 / Math.max(width, height));
        const target = h('canvas', { width: Math.round(width * scale), height: Math.round(height * scale) });
        const context = target.getContext('2d');
        if (!context) throw new Error('this browser draws no pictures');
        context.scale(scale, scale);
        context.drawImage(image, 0, 0);
        return await new Promise((done, failed) =>
            target.toBlob(
                (blob) => (blob ? done(blob) : failed(new Error('no picture was made'))),
                'image/png',
            ),
        );
    } finally {
        URL.revokeObjectURL(address);
    }
}

// Commas separate, quotes protect; a cell that a spreadsheet would take for a formula gets an apostrophe.
export function csvOf(table: Table): string {
    const cell = (value: string | number): string => {
        if (typeof value === 'number') return Number.isFinite(value) ? String(value) : '';
        const safe = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
        return /[",\r\n]/.test(safe) ? `"${safe.replace(/"/g, '""')}"` : safe;
    };
    return table.map((row) => row.map(cell).join(',') + '\r\n').join('');
}

export function download(name: string, blob: Blob): void {
    const address = URL.createObjectURL(blob);
    const link = h('a', { href: address, download: name });
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

// The menu of a view: its figure as SVG or PNG, its numbers as CSV.
export function saveMenu(name: string, figure: Element, numbers: () => Table): HTMLElement {
    const menu = h('details', { class: 'save no-export' });
    const entry = (kind: string, make: () => Blob | Promise<Blob>): HTMLElement =>
        h(
            'button',
            {
                type: 'button',
                'data-save': kind,
                'aria-label': `Save ${name} as ${kind.toUpperCase()}`,
                click: () => {
                    void Promise.resolve(make()).then((blob) => {
                        download(`nnpeek-${name}.${kind}`, blob);
                        menu.open = false;
                    });
                },
            },
            kind.toUpperCase(),
        );
    menu.append(
        h('summary', { 'aria-label': `Save ${name}` }, 'Save'),
        h(
            'span',
            { class: 'kinds' },
            entry('svg', () => new Blob([figureOf(figure).text], { type: 'image/svg+xml' })),
            entry('png', () => pngOf(figure)),
            entry('csv', () => new Blob([csvOf(numbers())], { type: 'text/csv' })),
        ),
    );
    document.addEventListener('click', (event) => {
        if (!(event.target instanceof Node && menu.contains(event.target))) menu.open = false;
    });
    menu.addEventListener('keydown', (event) => {
        if (event.key !== 'Escape') return;
        menu.open = false;
        menu.querySelector('summary')?.focus();
    });
    return menu;
}
