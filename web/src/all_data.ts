// The whole payload as plain JSON: packed arrays become lists of numbers, one list a row.
import { unpackBytes, unpackInt32, unpackRoot8 } from './arrays';
import type { Packed, Payload } from './payload_types';

function isPacked(value: object): value is Packed {
    return 'type' in value && 'shape' in value && 'data' in value;
}

function valuesOf(packed: Packed): ArrayLike<number> {
    if (packed.type === 'int32') return unpackInt32(packed);
    if (packed.type === 'root8') return unpackRoot8(packed);
    const { bytes, low, high } = unpackBytes(packed);
    return Float32Array.from(bytes, (byte) => low + (byte * (high - low)) / 255);
}

// Four digits are more than eight bits hold.
function* packedText(packed: Packed): Generator<string> {
    const values = valuesOf(packed);
    const row = packed.shape.length > 1 ? packed.shape.slice(1).reduce((all, size) => all * size, 1) : 0;
    const part = (from: number, to: number): string => {
        const words: string[] = [];
        for (let i = from; i < to; i++) words.push(String(Number(values[i]!.toPrecision(4))));
        return words.join(',');
    };
    if (packed.type === 'int32' || !row) {
        yield `[${Array.from(values).join(',')}]`;
        return;
    }
    yield '[';
    for (let from = 0; from < values.length; from += row)
        yield `${from ? ',\n' : ''}[${part(from, Math.min(values.length, from + row))}]`;
    yield ']';
}

function* text(value: unknown): Generator<string> {
    if (value === null || typeof value !== 'object') {
        yield JSON.stringify(value) ?? 'null';
    } else if (Array.isArray(value)) {
        yield '[';
        for (let i = 0; i < value.length; i++) {
            if (i) yield ',';
            yield* text(value[i]);
        }
        yield ']';
    } else if (isPacked(value)) {
        yield* packedText(value);
    } else {
        yield '{';
        let first = true;
        for (const [name, member] of Object.entries(value)) {
            if (member === undefined) continue;
            yield `${first ? '' : ',\n'}${JSON.stringify(name)}:`;
            yield* text(member);
            first = false;
        }
        yield '}';
    }
}

// In pieces, since one string could grow too long for the browser.
export function allData(payload: Payload): Blob {
    const pieces: BlobPart[] = [];
    let piece: string[] = [];
    let length = 0;
    for (const word of text(payload)) {
        piece.push(word);
        length += word.length;
        if (length > 1 << 20) {
            pieces.push(piece.join(''));
            [piece, length] = [[], 0];
        }
    }
    pieces.push(piece.join(''));
    return new Blob(pieces, { type: 'application/json' });
}
