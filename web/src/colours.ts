// Colour scales that stay in order without colour vision.

// Viridis (S. van der Walt, N. Smith), as polynomials fitted by M. Zucker.
const viridisTerms = [
    [0.2777273272234177, 0.005407344544966578, 0.3340998053353061],
    [0.1050930431085774, 1.404613529898575, 1.384590162594685],
    [-0.3308618287255563, 0.214847559468213, 0.09509516302823659],
    [-4.634230498983486, -5.799100973351585, -19.33244095627987],
    [6.228269936347081, 14.17993336680509, 56.69055260068105],
    [4.776384997670288, -13.74514537774601, -65.35303263337234],
    [-5.435455855934631, 4.645852612178535, 26.3124352495832],
] as const;

// 256 colours, three bytes each. Entry 0 stands for exactly zero and is darker than the smallest value.
export const viridis: Uint8Array = (() => {
    const table = new Uint8Array(256 * 3);
    for (let i = 1; i < 256; i++) {
        const t = i / 255;
        for (let channel = 0; channel < 3; channel++) {
            const value = viridisTerms.reduceRight((sum, term) => sum * t + term[channel]!, 0);
            table[3 * i + channel] = Math.round(255 * Math.min(1, Math.max(0, value)));
        }
    }
    table.set([34, 10, 46], 0);
    return table;
})();

// 0 .. 1 to an entry of viridis; only 0 itself gives entry 0.
export function viridisEntry(value: number): number {
    if (!(value > 0)) return 0;
    return Math.max(1, Math.min(255, Math.round(value * 255)));
}

// 0 .. 1 as a colour for style sheets, and the ink that can be read on it.
export function viridisPaint(value: number): string {
    const entry = 3 * Math.max(1, viridisEntry(value));
    return `rgb(${viridis[entry]},${viridis[entry + 1]},${viridis[entry + 2]})`;
}

export function inkOn(value: number): string {
    const entry = 3 * Math.max(1, viridisEntry(value));
    const [r, g, b] = [0, 1, 2].map((i) => {
        const part = viridis[entry + i]! / 255;
        return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    }) as [number, number, number];
    const light = 0.2126 * r + 0.7152 * g + 0.0722 * b;
    return light > 0.179 ? '#000' : '#fff'; // where both stand out alike (WCAG's contrast)
}

// Differences -1 .. 1: blue where there is less, orange where there is more, dark where there is none.
export function difference(value: number): [number, number, number] {
    const size = Math.min(1, Math.abs(value));
    const [r, g, b] = value < 0 ? [64, 156, 255] : [255, 145, 40];
    const base = 22;
    return [base + (r - base) * size, base + (g - base) * size, base + (b - base) * size];
}

// The colour of a layer wherever it stands: of Okabe and Ito's palette as style variables, those that are not the
// colour of what is chosen; a run of hues where there are many layers.
export function layerColour(index: number, total: number): string {
    if (total <= 6) return `var(--layer-${index})`;
    return `oklch(var(--layer-light) 0.11 ${Math.round(300 - (190 * index) / Math.max(1, total - 1))})`;
}
