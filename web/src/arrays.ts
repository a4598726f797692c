// From the payload's packed arrays (base64 of binary) to typed arrays.
import type { Packed } from './payload_types';

function bytesOf(packed: Packed): Uint8Array {
    const text = atob(packed.data);
    const bytes = new Uint8Array(text.length);
    for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
    return bytes;
}

// Rows x columns, row-major: byte q of column c stands for scale[c] (q / 255)^2.
export function unpackRoot8(packed: Packed): Float32Array {
    const bytes = bytesOf(packed);
    const columns = packed.shape[1] ?? 1;
    const scale = packed.scale ?? [];
    const values = new Float32Array(bytes.length);
    for (let i = 0; i < bytes.length; i++) {
        const root = bytes[i]! / 255;
        values[i] = (scale[i % columns] ?? 0) * root * root;
    }
    return values;
}

export function unpackInt32(packed: Packed): Int32Array {
    const bytes = bytesOf(packed);
    const view = new DataView(bytes.buffer);
    const values = new Int32Array(bytes.length / 4);
    for (let i = 0; i < values.length; i++) values[i] = view.getInt32(4 * i, true);
    return values;
}

export interface Quantised {
    bytes: Uint8Array;
    low: number;
    high: number;
}

export function unpackBytes(packed: Packed): Quantised {
    return { bytes: bytesOf(packed), low: packed.low ?? 0, high: packed.high ?? 1 };
}
