// Run folders made from known factors, in the formats that nnpeek writes, for the tests of the report.
import fs from 'node:fs';
import path from 'node:path';

// Names as a hostile network or file may bear them.
export const hostile = {
    layer: '<img src=x onerror=alert(1)>',
    network: '</script><script>window.hacked=1</script>.onnx',
    data: '<!--<b>data</b>',
    className: '<i>one</i> & "two"',
    skipped: "<svg onload=window.hacked=1>'",
};

function randoms(seed) {
    let state = seed >>> 0;
    return () => {
        state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
        return (state + 0.5) / 2 ** 32;
    };
}

export function writeNpy(file, type, shape, values) {
    const sizes = shape.length === 1 ? `${shape[0]},` : shape.join(', ');
    const text = `{'descr': '${type}', 'fortran_order': False, 'shape': (${sizes}), }`;
    const header = text.padEnd(Math.ceil((text.length + 11) / 64) * 64 - 11) + '\n';
    const start = Buffer.alloc(10);
    start.write('\x93NUMPY\x01\x00', 'latin1');
    start.writeUInt16LE(header.length, 8);
    const array = type === '<i8' ? BigInt64Array.from(values, BigInt) : Float32Array.from(values);
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, Buffer.concat([start, Buffer.from(header, 'latin1'), Buffer.from(array.buffer)]));
}

function writeJson(file, value) {
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, JSON.stringify(value, null, 1));
}

// A soft spot in a map, so that components look like something.
function spot(channels, height, width, random) {
    const map = [];
    for (let c = 0; c < channels; c++) {
        const [y, x, size, weight] = [random() * height, random() * width, 0.08 + 0.2 * random(), random()];
        for (let i = 0; i < height; i++)
            for (let j = 0; j < width; j++) {
                const distance = ((i - y) / height) ** 2 + ((j - x) / width) ** 2;
                map.push(weight * Math.exp(-distance / (2 * size * size)));
            }
    }
    return map;
}

function product(sizes) {
    return sizes.reduce((all, size) => all * size, 1);
}

function norm(values) {
    return Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
}

// row += the first `rank` parts, by a row of the factor.
function addParts(row, amounts, parts, rank) {
    for (let r = 0; r < rank; r++) {
        const [amount, part] = [amounts[r], parts[r]];
        for (let i = 0; i < row.length; i++) row[i] += amount * part[i];
    }
}

// Blocks X_b = F W_b^T + noise of the largest rank; a fit of rank k has the first k columns.
function makeRun({ seed, samples, blocks, ranks, classes = 0, unused = 0 }) {
    const random = randoms(seed);
    const most = Math.max(...ranks, 1);
    const labels = Array.from({ length: samples }, (_, t) => (classes ? t % classes : 0));
    const factor = labels.map((label) =>
        Float32Array.from({ length: most }, (_, r) =>
            Math.fround(
                r % Math.max(1, classes) === label && random() < 0.9
                    ? 0.3 + 0.7 * random()
                    : 0.15 * random() * random(),
            ),
        ),
    );
    const made = blocks.map((block) => {
        const columns = product(block.shape);
        const parts = Array.from({ length: most }, (_, r) =>
            (block.shape.length === 3
                ? spot(...block.shape, random)
                : Array.from({ length: columns }, () => (random() < 0.5 ? 0 : random()))
            ).map((value) => value / (1 + r / 4)),
        );
        if (block.kind === 'layer') for (const part of parts) part.fill(0, columns - unused);
        const values = new Float32Array(samples * columns);
        for (let t = 0; t < samples; t++) {
            const noisy = columns - (block.kind === 'layer' ? unused : 0);
            const row = Float64Array.from({ length: columns }, (_, i) => (i < noisy ? 0.05 * random() : 0));
            addParts(row, factor[t], parts, most);
            values.set(block.kind === 'input' ? row.map((value) => Math.min(1, value)) : row, t * columns);
        }
        return { ...block, columns, parts, values };
    });
    const fits = ranks.map((rank) => {
        const results = made.map((block) => {
            const residuals = new Float32Array(samples);
            const written = block.parts.map((part) => Float32Array.from(part));
            for (let t = 0; t < samples; t++) {
                const row = new Float64Array(block.columns);
                addParts(row, factor[t], written, rank);
                let squares = 0;
                for (let i = 0; i < block.columns; i++)
                    squares += (block.values[t * block.columns + i] - row[i]) ** 2;
                residuals[t] = Math.sqrt(squares);
            }
            return { residuals, norm: norm(block.values), error: norm(residuals) };
        });
        return { rank, results };
    });
    return { samples, labels, factor, blocks: made, fits, unused, classes };
}

// What a capture holds: of the parts of a split tensor (`whole` is its name) the difference.
function captured(blocks) {
    return blocks.flatMap((block) => {
        if (!block.whole) return [block];
        if (block.name.endsWith('-')) return [];
        const less = blocks.find(({ name }) => name === `${block.whole}-`);
        return [
            {
                ...block,
                name: block.whole,
                file: `${block.whole}.npy`,
                values: block.values.map((value, i) => value - less.values[i]),
            },
        ];
    });
}

function writeCapture(folder, run, facts) {
    const blocks = captured(run.blocks);
    for (const block of blocks)
        writeNpy(path.join(folder, block.file), '<f4', [run.samples, block.columns], block.values);
    if (run.classes) writeNpy(path.join(folder, 'labels.npy'), '<i8', [run.samples], run.labels);
    writeJson(path.join(folder, 'manifest.json'), {
        network: { name: facts.network, digest: '0123456789abcdef' },
        data: { name: facts.data, count: run.samples * 5, class_names: facts.classNames ?? [] },
        samples: {
            count: run.samples,
            chosen: 'random',
            seed: 3,
            indices: Array.from({ length: run.samples }, (_, t) => 5 * t),
        },
        blocks: blocks.map((block) => ({
            name: block.name,
            file: block.file,
            kind: block.kind,
            operator: block.kind === 'layer' ? 'Relu' : '',
            node: block.name,
            shape: block.shape,
            columns: block.columns,
            type: 'float32',
            reduction: null,
            fit: true,
            channel: block.channel ?? null,
            ...block.facts,
        })),
        skipped: facts.skipped ?? [],
        options: { layers: 'auto', batch: 64, deep: { inside: [1, 2] } },
        preprocess: { scale: 1, mean: [0] },
        seed: 3,
        version: '0.1.0',
        created: '2026-11-23T20:30:00Z',
    });
}

function writeFits(folder, run) {
    for (const { rank, results } of run.fits) {
        const into = path.join(folder, `rank-${rank}`);
        writeNpy(
            path.join(into, 'samples.npy'),
            '<f4',
            [run.samples, rank],
            run.factor.flatMap((row) => [...row.subarray(0, rank)]),
        );
        run.blocks.forEach((block) =>
            writeNpy(
                path.join(into, block.file),
                '<f4',
                [block.columns, rank],
                Array.from(
                    { length: block.columns * rank },
                    (_, i) => block.parts[i % rank][Math.floor(i / rank)],
                ),
            ),
        );
        writeNpy(
            path.join(into, 'errors.npy'),
            '<f4',
            [run.samples, run.blocks.length],
            Array.from(
                { length: run.samples * run.blocks.length },
                (_, i) => results[i % run.blocks.length].residuals[Math.floor(i / run.blocks.length)],
            ),
        );
        const error = norm(results.map((result) => result.error));
        const entries = run.blocks.reduce((sum, block) => sum + block.columns, 0) * run.samples;
        writeJson(path.join(into, 'fit.json'), {
            rank,
            rule: 'mu',
            seed: 3,
            iterations: 120,
            stop: 'tolerance',
            seconds: 0.25,
            objective: [9, 4, error ** 2],
            rmse: error / Math.sqrt(entries),
            relative_error: error / norm(results.map((result) => result.norm)),
            blocks: run.blocks.map((block, b) => ({
                name: block.name,
                file: block.file,
                shape: [run.samples, block.columns],
                norm: results[b].norm,
                weight: 1,
                rmse: results[b].error / Math.sqrt(run.samples * block.columns),
                relative_error: results[b].error / results[b].norm,
            })),
            options: { rule: 'mu', tolerance: 1e-5 },
        });
    }
}

// What measures.json holds where everything was asked for; the numbers are easy to know again.
export const asked = {
    alignment: (a, b) => (a === b ? 1 : 0.9 - 0.1 * (a + b)),
    transmitted: (rank, a, b) => 0.5 - rank / 20 + 0.01 * (3 * a + b),
    stability: (rank, r) => 0.9 - 0.1 * ((2 * r) % rank),
};

function askedMeasures(run) {
    const names = run.blocks.map(({ name }) => name);
    const square = (value) => names.map((_, a) => names.map((_, b) => value(a, b)));
    const without = (name, by) => ({
        [name]: {
            blocks: Object.fromEntries(
                names.map((block, b) => [
                    block,
                    {
                        effective_rank: 10 * by + b,
                        singular_values: Array.from(
                            { length: 20 },
                            (_, i) => 30 * Math.exp(-i / (by * (5 + b))),
                        ),
                    },
                ]),
            ),
            output: { effective_rank: 1.1 * by, mutual_information: 0.1, mean_confidence: 0.4, classes: 3 },
        },
    });
    return {
        pairs: { blocks: names, samples: run.samples, linear_cka: square(asked.alignment) },
        transmission: {
            blocks: names,
            held_out: [0, 7, 9],
            mean_error: names.map((_, b) => 0.8 + 0.01 * b),
            ranks: [2, 5].map((rank) => ({
                rank,
                relative_error: square((a, b) => asked.transmitted(rank, a, b)),
                from_all: names.map(() => 0.1),
            })),
        },
        shifts: [1, 2, 3].map((pixels) => ({ pixels, agreement: 1 - pixels / 10, effective_invariance: 0.5 })),
        predictions: { samples: run.samples, classes: 3 },
        verdict: {
            score: 0.91,
            accuracy: 0.93,
            low: 0.86,
            high: 0.97,
            withheld: null,
            family: 'paper on <b>MNIST</b>',
            parts: {},
            by: { output: 0.95, activations: 0.9, factorisation: 0.88, all: 0.91, input: 0.8 },
            reasons: [
                'it uses 2.9 of its 3 classes',
                `neighbours in ${run.blocks[1]?.name ?? 'x'} get the same class in 84 %`,
            ],
            caveats: ['the samples are taken to be of all classes alike'],
        },
        nulls: { ...without('untrained network', 1), ...without('shuffled pixels', 2) },
        rank: { recommended: 3, reason: 'the smallest within one standard error' },
        fit: {
            ranks: run.fits.map(({ rank }) => ({
                rank,
                held_out_error: 0.4 + 0.01 * (rank - 3) ** 2,
                held_out_standard_error: 0.02,
                stability: 0.85,
                component_stability: Array.from({ length: rank }, (_, r) => asked.stability(rank, r)),
            })),
        },
    };
}

function writeMeasures(file, run, output, more = {}) {
    writeJson(file, {
        blocks: Object.fromEntries(
            run.blocks.map((block, b) => [
                block.name,
                {
                    norm: norm(block.values),
                    mean: 0.1,
                    zeros: 0.25,
                    unused: block.kind === 'layer' ? run.unused : 0,
                    columns: block.columns,
                    effective_rank: 4.5 + b,
                    singular_values: Array.from({ length: 20 }, (_, i) => 50 * Math.exp(-i / (3 + b))),
                    singular_value_samples: run.samples,
                },
            ]),
        ),
        output,
        fit: { ranks: [] },
        version: '0.1.0',
        ...more,
    });
}

// Grey pictures, a convolutional and a dense layer with hostile names, labels, everything measured.
export function full(folder) {
    const run = makeRun({
        seed: 1,
        samples: 60,
        ranks: [2, 3, 5],
        classes: 3,
        unused: 4,
        blocks: [
            { name: 'input', file: 'input.npy', kind: 'input', shape: [1, 12, 12], channel: 0 },
            { name: hostile.layer, file: 'layer.npy', kind: 'layer', shape: [8, 6, 6] },
            { name: 'dense', file: 'dense.npy', kind: 'layer', shape: [20] },
        ],
    });
    writeCapture(path.join(folder, 'capture'), run, {
        network: hostile.network,
        data: hostile.data,
        classNames: ['zero', hostile.className, 'two'],
        skipped: [{ name: hostile.skipped, operator: 'Conv', reason: 'its values are signed' }],
    });
    writeFits(path.join(folder, 'fit'), run);
    writeMeasures(
        path.join(folder, 'measures.json'),
        run,
        {
            effective_rank: 2.8,
            mutual_information: 1.2,
            mean_confidence: 0.9,
            classes: 3,
        },
        askedMeasures(run),
    );
    return run;
}

// Three channels of input, one block each; no labels, no measures.
export function colour(folder) {
    const run = makeRun({
        seed: 2,
        samples: 40,
        ranks: [4],
        blocks: [
            ...[0, 1, 2].map((channel) => ({
                name: `input.${channel}`,
                file: `input.${channel}.npy`,
                kind: 'input',
                shape: [1, 10, 8],
                channel,
            })),
            { name: 'relu1', file: 'relu1.npy', kind: 'layer', shape: [6, 4, 4] },
        ],
    });
    writeCapture(path.join(folder, 'capture'), run, { network: 'colour.onnx', data: 'pictures/' });
    writeFits(path.join(folder, 'fit'), run);
    return run;
}

// What `nnpeek fit a.npy b.npy` leaves: rank folders directly inside, no capture.
export function fitAlone(folder) {
    const run = makeRun({
        seed: 3,
        samples: 30,
        ranks: [2, 4],
        blocks: [
            { name: 'a', file: 'a.npy', kind: 'layer', shape: [17] },
            { name: 'b', file: 'b.npy', kind: 'layer', shape: [40] },
        ],
    });
    writeFits(folder, run);
    return run;
}

// The smallest: one block, rank 1.
export function smallest(folder) {
    const run = makeRun({
        seed: 4,
        samples: 12,
        ranks: [1],
        blocks: [{ name: 'relu', file: 'relu.npy', kind: 'layer', shape: [5] }],
    });
    writeCapture(path.join(folder, 'capture'), run, { network: 'small.onnx', data: 'numbers.npy' });
    writeFits(path.join(folder, 'fit'), run);
    return run;
}

// Captured and measured, not yet factorised.
export function unfitted(folder) {
    const run = makeRun({
        seed: 5,
        samples: 20,
        ranks: [],
        blocks: [
            { name: 'input', file: 'input.npy', kind: 'input', shape: [1, 6, 6], channel: 0 },
            { name: 'relu', file: 'relu.npy', kind: 'layer', shape: [9] },
        ],
    });
    writeCapture(path.join(folder, 'capture'), run, { network: 'early.onnx', data: 'mnist:test' });
    writeMeasures(path.join(folder, 'measures.json'), run, null, {
        predictions: { samples: run.samples, classes: 3 },
        verdict: {
            ...{ score: null, accuracy: null, low: null, high: null, family: null },
            withheld: 'only <i>40</i> samples',
            by: { output: null },
            reasons: [],
            caveats: [],
        },
    });
    return run;
}

// Pictures and maps so large that the page shows them smaller; many components.
export function large(folder) {
    const run = makeRun({
        seed: 6,
        samples: 24,
        ranks: [2, 30],
        blocks: [
            { name: 'input', file: 'input.npy', kind: 'input', shape: [1, 150, 131], channel: 0 },
            { name: 'relu1', file: 'relu1.npy', kind: 'layer', shape: [2, 70, 70] },
        ],
    });
    writeCapture(path.join(folder, 'capture'), run, { network: 'large.onnx', data: 'photos/' });
    writeFits(path.join(folder, 'fit'), run);
    return run;
}

// A transformer on pictures: tokens on a 4 x 3 grid and one apart, of a tensor that was split by sign; many
// tensors left out for two reasons.
export function tokens(folder) {
    const facts = { layout: 'tokens', token_grid: [4, 3], token_lead: 1 };
    const part = (sign) => ({
        name: `mlp${sign}`,
        file: `mlp${sign}.npy`,
        kind: 'layer',
        shape: [13, 5],
        whole: 'mlp',
        facts,
    });
    const run = makeRun({
        seed: 8,
        samples: 40,
        ranks: [3],
        classes: 2,
        blocks: [
            { name: 'input', file: 'input.npy', kind: 'input', shape: [1, 12, 9], channel: 0 },
            part('+'),
            part('-'),
            {
                name: 'last',
                file: 'last.npy',
                kind: 'layer',
                shape: [4, 3, 6],
                facts: { layout: 'channels-last' },
            },
        ],
    });
    writeCapture(path.join(folder, 'capture'), run, {
        network: 'vit.onnx',
        data: 'mnist:test',
        skipped: Array.from({ length: 40 }, (_, i) => ({
            name: `/blocks/${i}`,
            operator: i % 2 ? 'MatMul' : 'Add',
            reason: i < 30 ? 'not asked for' : 'a view of another tensor',
        })),
    });
    writeFits(path.join(folder, 'fit'), run);
    return run;
}

// Signals of two channels, layers of lines.
export function signal(folder) {
    const lines = { layout: 'channels-first' };
    const run = makeRun({
        seed: 9,
        samples: 30,
        ranks: [2, 4],
        blocks: [
            {
                name: 'input',
                file: 'input.npy',
                kind: 'input',
                shape: [2, 1100],
                facts: { ...lines, input: 'x' },
            },
            { name: 'relu1', file: 'relu1.npy', kind: 'layer', shape: [4, 32], facts: lines },
            { name: 'relu2', file: 'relu2.npy', kind: 'layer', shape: [7], facts: { layout: 'flat' } },
        ],
    });
    writeCapture(path.join(folder, 'capture'), run, { network: 'cnn1d.onnx', data: 'signals.npy' });
    writeFits(path.join(folder, 'fit'), run);
    return run;
}

// A picture and a list of numbers go in; one layer was reduced.
export function twoInputs(folder) {
    const run = makeRun({
        seed: 10,
        samples: 30,
        ranks: [2, 3],
        blocks: [
            {
                name: 'image',
                file: 'image.npy',
                kind: 'input',
                shape: [1, 8, 8],
                channel: 0,
                facts: { input: 'image', layout: 'channels-first' },
            },
            {
                name: 'features',
                file: 'features.npy',
                kind: 'input',
                shape: [6],
                facts: { input: 'features', layout: 'flat' },
            },
            {
                name: 'relu1',
                file: 'relu1.npy',
                kind: 'layer',
                shape: [5, 2, 2],
                facts: { layout: 'channels-first', reduction: 'grid:2', full_shape: [5, 56, 56] },
            },
        ],
    });
    writeCapture(path.join(folder, 'capture'), run, { network: 'two.onnx', data: 'digits and features' });
    writeFits(path.join(folder, 'fit'), run);
    return run;
}

// Layers so many and so wide that their maps become very small: a component's strongest channels stay larger.
export function wide(folder) {
    const run = makeRun({
        seed: 11,
        samples: 12,
        ranks: [40],
        blocks: [
            { name: 'input', file: 'input.npy', kind: 'input', shape: [1, 16, 16], channel: 0 },
            ...[1, 2].map((i) => ({
                name: `relu${i}`,
                file: `relu${i}.npy`,
                kind: 'layer',
                shape: [160, 14, 14],
                facts: { layout: 'channels-first' },
            })),
        ],
    });
    writeCapture(path.join(folder, 'capture'), run, { network: 'resnet.onnx', data: 'photos/' });
    writeFits(path.join(folder, 'fit'), run);
    return run;
}

// More layers than have room one below the other.
export function deep(folder) {
    const run = makeRun({
        seed: 12,
        samples: 40,
        ranks: [4, 8],
        blocks: [
            { name: 'input', file: 'input.npy', kind: 'input', shape: [1, 12, 12], channel: 0 },
            ...Array.from({ length: 9 }, (_, i) => ({
                name: `layers.${i}.relu`,
                file: `relu${i}.npy`,
                kind: 'layer',
                shape: [12, 5, 5],
                facts: { layout: 'channels-first' },
            })),
        ],
    });
    writeCapture(path.join(folder, 'capture'), run, { network: 'deep.onnx', data: 'photos/' });
    writeFits(path.join(folder, 'fit'), run);
    return run;
}

// The run "full" once more, with its components in another order: `order[r]` of the old ones is the new r-th.
export function reordered(folder, order) {
    const run = full(folder);
    run.factor = run.factor.map((row) => Float32Array.from(order, (r) => row[r]));
    for (const block of run.blocks) block.parts = order.map((r) => block.parts[r]);
    run.fits = run.fits.filter(({ rank }) => rank === order.length);
    fs.rmSync(path.join(folder, 'fit'), { recursive: true });
    writeFits(path.join(folder, 'fit'), run);
    return run;
}

// Many samples: the sizes that the page promises to stand. Each sample has two of the components; `layers` are shapes.
export function many(folder, { samples, ranks, side = 8, layers = [[24]] }) {
    const random = randoms(7);
    const most = Math.max(...ranks);
    const blocks = [
        { name: 'input', file: 'input.npy', kind: 'input', shape: [1, side, side], channel: 0 },
        ...layers.map((shape, i) => ({ name: `relu${i + 1}`, file: `relu${i + 1}.npy`, kind: 'layer', shape })),
    ].map((bare) => {
        const block = { ...bare, columns: product(bare.shape) };
        return {
            ...block,
            parts: Array.from({ length: most }, () =>
                Array.from({ length: block.columns }, () => random() ** 4),
            ),
            values: Float32Array.from({ length: samples * block.columns }, random),
        };
    });
    const factor = Array.from({ length: samples }, (_, t) => {
        const row = new Float32Array(most);
        row[t % most] = 0.5 + random();
        row[Math.floor(random() * most)] += random();
        return row;
    });
    const residuals = Float32Array.from({ length: samples }, () => 0.5 + random());
    const run = {
        samples,
        labels: Array.from({ length: samples }, (_, t) => t % 10),
        factor,
        blocks,
        fits: ranks.map((rank) => ({
            rank,
            results: blocks.map(() => ({ residuals, norm: 10 * Math.sqrt(samples), error: norm(residuals) })),
        })),
        unused: 0,
        classes: 10,
    };
    writeCapture(path.join(folder, 'capture'), run, { network: 'many.onnx', data: 'many/' });
    writeFits(path.join(folder, 'fit'), run);
    return run;
}
