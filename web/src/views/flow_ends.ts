// What stands at the two ends of a band: the component's number and picture, and at the last layer how it has changed.
import { svg } from '../dom';
import type { Fit } from '../fit';
import type { Layer } from '../layer';
import { latentImage } from '../pictures';

export interface Span {
    from: number;
    to: number;
}

export interface End {
    layer: Layer;
    at: number; // where the column ends, along the network
    span: Span;
}

const apart = 8; // from the column
const leastPicture = 11; // a band that is thinner has none

// What there is room for beside the columns.
export interface Rooms {
    picture: number; // its longer side
    left: number;
    right: number;
}

export function roomsOf(width: number): Rooms {
    return width < 430 ? { picture: 26, left: 60, right: 116 } : { picture: 40, left: 76, right: 132 };
}

const pictures = new WeakMap<Fit, Map<number, { address: string; ratio: number }>>();

// A component's picture as an address, made once: a choice draws all bands again.
function pictureOf(fit: Fit, component: number): { address: string; ratio: number } {
    let known = pictures.get(fit);
    if (!known) pictures.set(fit, (known = new Map()));
    let found = known.get(component);
    if (!found) {
        const image = latentImage(fit, component, '');
        found = { address: image.toDataURL('image/png'), ratio: image.width / image.height };
        known.set(component, found);
    }
    return found;
}

// "× 1.9", "new" where there was nothing before, "gone" where nothing is left.
export function change(from: number, to: number): string {
    if (!(from > 0)) return to > 0 ? 'new' : '';
    if (!(to > 0)) return 'gone';
    const times = to / from;
    return times >= 1000 ? 'new' : `× ${times.toFixed(times < 10 ? 2 : 0)}`;
}

function end(
    fit: Fit,
    component: number,
    { at, span }: End,
    rooms: Rooms,
    side: -1 | 1,
    words: string,
): SVGElement[] {
    const room = span.to - span.from - 3;
    if (room < leastPicture) return [];
    const { address, ratio } = pictureOf(fit, component);
    const height = Math.min(rooms.picture, room, rooms.picture / ratio);
    const width = height * ratio;
    const middle = (span.from + span.to) / 2;
    const x = side < 0 ? at - apart - width : at + apart;
    const frame = { x, y: middle - height / 2, width, height };
    const anchor = side < 0 ? 'end' : 'start';
    const text = (place: number, words: string, name: string): SVGElement =>
        svg('text', { x: place, y: middle + 4.5, 'text-anchor': anchor, class: name }, words);
    const number = at + side * (apart + Math.min(rooms.picture, rooms.picture * ratio) + 7);
    return [
        svg('image', { ...frame, href: address, preserveAspectRatio: 'none', class: 'latent' }),
        svg('rect', { ...frame, class: 'frame-of-latent', rx: 2 }),
        text(number, String(component + 1), 'number'),
        ...(words ? [text(number + (component < 99 ? 24 : 32), words, 'change')] : []),
    ];
}

export function ends(
    fit: Fit,
    component: number,
    rooms: Rooms,
    { first, last }: { first: End; last: End },
): SVGElement[] {
    const words = change(fit.share(first.layer, component), fit.share(last.layer, component));
    return [...end(fit, component, first, rooms, -1, ''), ...end(fit, component, last, rooms, 1, words)];
}
