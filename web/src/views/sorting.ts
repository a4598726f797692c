// The order of the components in the gallery.
import type { Fit } from '../fit';
import type { Sort } from '../store';

export const sortNames: Record<Sort, string> = {
    energy: 'Strongest first',
    layer: 'By first layer',
    purity: 'By class purity',
    stability: 'By stability',
};

export function sorted(fit: Fit, sort: Sort): number[] {
    const components = Array.from({ length: fit.rank }, (_, c) => c);
    if (sort === 'layer') {
        const layers = components.map((c) => fit.firstLayer(c));
        components.sort((a, b) => layers[a]! - layers[b]! || a - b);
    } else if (sort === 'purity') {
        const purities = components.map((c) => fit.purity(c));
        components.sort((a, b) => purities[b]! - purities[a]! || a - b);
    } else if (sort === 'stability') {
        components.sort((a, b) => (fit.stability(b) ?? 0) - (fit.stability(a) ?? 0) || a - b);
    }
    return components;
}
