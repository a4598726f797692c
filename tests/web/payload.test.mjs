// What the library puts into the page: it follows the schema, and says what the run's files say.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { decode, load, payloadOf, report, temporaryFolder } from './support.mjs';
import * as runs from './synthetic_runs.mjs';

const folder = temporaryFolder();
after(() => fs.rmSync(folder, { recursive: true, force: true }));

const schemaFile = path.join(path.dirname(fileURLToPath(import.meta.url)), '../../web/payload.schema.json');
const Ajv = load('ajv').default;
const validate = new Ajv({ allErrors: true }).compile(JSON.parse(fs.readFileSync(schemaFile, 'utf8')));

function made(name, make) {
    const run = make(path.join(folder, name));
    const payload = payloadOf(report([path.join(folder, name)], path.join(folder, `${name}.html`)));
    return { run, payload, shown: payload.runs[0] };
}

// A byte's step at a value v of a column with the largest value m, in the scale (q / 255)^2: half of it is the
// error allowed.
function assertPacked(packed, values, columns) {
    const found = decode(packed);
    assert.equal(found.length, values.length);
    for (let i = 0; i < values.length; i++) {
        const largest = packed.scale[i % columns];
        const step = (2 * Math.sqrt(values[i] * largest) + largest / 255) / 255;
        assert.ok(
            Math.abs(found[i] - values[i]) <= 0.51 * step + 1e-5 * largest,
            `entry ${i}: ${found[i]} for ${values[i]}`,
        );
    }
}

describe('the payload', () => {
    const all = ['full', 'colour', 'fitAlone', 'smallest', 'unfitted', 'large'];
    for (const name of [...all, 'tokens', 'signal', 'twoInputs', 'wide'])
        test(`of the run "${name}" follows the schema`, () => {
            const { payload } = made(name, runs[name]);
            assert.ok(validate(payload), JSON.stringify(validate.errors, null, 1));
        });

    test('of something else does not', () => {
        const { payload } = made('full', runs.full);
        payload.runs[0].ranks[0].rank = 'two';
        assert.ok(!validate(payload));
    });

    test('holds the factors, errors, labels and pictures of the files', () => {
        const { run, shown } = made('full', runs.full);
        assert.equal(shown.sample_count, run.samples);
        assert.deepEqual(decode(shown.labels), run.labels);
        assert.deepEqual(
            decode(shown.sample_indices),
            run.labels.map((_, t) => 5 * t),
        );
        assert.deepEqual(
            shown.ranks.map((rank) => rank.rank),
            [2, 3, 5],
        );
        shown.ranks.forEach((rank, place) => {
            assertPacked(
                rank.samples,
                run.factor.flatMap((row) => [...row.subarray(0, rank.rank)]),
                rank.rank,
            );
            rank.blocks.forEach((block, b) => {
                assert.equal(shown.blocks[block.block].name, run.blocks[b].name);
                const { columns, parts } = run.blocks[b];
                assertPacked(
                    block.loadings,
                    Array.from(
                        { length: columns * rank.rank },
                        (_, i) => parts[i % rank.rank][Math.floor(i / rank.rank)],
                    ),
                    rank.rank,
                );
                const error = run.fits[place].results[b].error / run.fits[place].results[b].norm;
                assert.ok(Math.abs(block.relative_error - error) < 1e-5 * error);
            });
            const residuals = run.fits[place].results.map((result) => result.residuals);
            assertPacked(
                rank.errors,
                Array.from({ length: run.samples * 3 }, (_, i) => residuals[i % 3][Math.floor(i / 3)]),
                3,
            );
        });
        const pixels = decode(shown.pictures.inputs[0].pixels);
        assert.deepEqual(shown.pictures.inputs[0].pixels.shape, [60, 1, 12, 12]);
        pixels.forEach((pixel, i) => assert.ok(Math.abs(pixel - run.blocks[0].values[i]) <= 0.51 / 255));
    });

    test('bears the digests of the files it was made from', () => {
        const first = made('full', runs.full).shown;
        const file = path.join(folder, 'full', 'fit', 'rank-3', 'fit.json');
        fs.writeFileSync(file, fs.readFileSync(file, 'utf8').replace('0.25', '0.26'));
        const second = payloadOf(report([path.join(folder, 'full')], path.join(folder, 'again.html'))).runs[0];
        assert.match(first.digest, /^[0-9a-f]{16}$/);
        assert.equal(first.digest, second.digest);
        assert.deepEqual(
            first.ranks.map(({ digest }, i) => digest === second.ranks[i].digest),
            [true, false, true],
        );
    });

    test('gives arrays without a capture the shape of a sample', () => {
        const { run, shown } = made('fitAlone', runs.fitAlone);
        shown.blocks.forEach((block, b) => assert.deepEqual(block.shape, [run.blocks[b].columns]));
    });

    test('divides the explained energy as the factors do', () => {
        const { run, shown } = made('full', runs.full);
        for (const rank of shown.ranks)
            rank.blocks.forEach((block, b) => {
                const { parts } = run.blocks[b];
                const raw = Array.from({ length: rank.rank }, (_, r) =>
                    Array.from(
                        { length: rank.rank },
                        (_, s) =>
                            run.factor.reduce((sum, row) => sum + row[r] * row[s], 0) *
                            parts[r].reduce((sum, value, i) => sum + value * parts[s][i], 0),
                    ).reduce((sum, value) => sum + value, 0),
                );
                const total = raw.reduce((sum, value) => sum + value, 0);
                const explained = Math.max(0, 1 - block.relative_error ** 2);
                block.shares.forEach((share, r) =>
                    assert.ok(
                        Math.abs(share - (explained * raw[r]) / total) < 1e-5,
                        `share ${r} of block ${b}`,
                    ),
                );
            });
    });

    test('names the neurons that no sample uses', () => {
        const { run, shown } = made('full', runs.full);
        const { columns } = run.blocks[1];
        assert.deepEqual(
            decode(shown.blocks[1].unused),
            [4, 3, 2, 1].map((back) => columns - back),
        );
    });

    test('averages maps that are too large', () => {
        const { run, shown } = made('large', runs.large);
        const [, height, width] = shown.blocks[0].view;
        assert.ok(height <= 64 && width <= 64, `${height} x ${width}`);
        const step = Math.ceil(150 / height);
        const pixels = decode(shown.pictures.inputs[0].pixels);
        for (const [y, x] of [
            [0, 0],
            [height - 1, width - 1],
            [7, 11],
        ]) {
            let [sum, entries] = [0, 0];
            for (let i = y * step; i < Math.min(150, (y + 1) * step); i++)
                for (let j = x * step; j < Math.min(131, (x + 1) * step); j++, entries++)
                    sum += run.blocks[0].values[i * 131 + j];
            assert.ok(Math.abs(pixels[y * width + x] - sum / entries) <= 0.51 / 255, `pixel ${y}, ${x}`);
        }
    });

    // Loadings as the page orders them, from the place in the file that `column` gives for an entry.
    const assertLaidOut = (shown, run, name, column) => {
        const block = run.blocks.find((candidate) => candidate.name === name);
        const found = shown.ranks[0].blocks.find(({ block: place }) => shown.blocks[place].name === name);
        const { rank } = shown.ranks[0];
        assertPacked(
            found.loadings,
            Array.from(
                { length: block.columns * rank },
                (_, i) => block.parts[i % rank][column(Math.floor(i / rank))],
            ),
            rank,
        );
    };

    test('gives tokens and channels that come last as maps', () => {
        const { run, shown } = made('tokens', runs.tokens);
        const part = shown.blocks.find(({ name }) => name === 'mlp-');
        assert.deepEqual([part.view, part.lead, part.shape], [[5, 4, 3], 1, [13, 5]]);
        const [all, features] = [13, 5];
        for (const name of ['mlp+', 'mlp-'])
            assertLaidOut(shown, run, name, (entry) => (entry % all) * features + Math.floor(entry / all));
        assertLaidOut(shown, run, 'last', (entry) => (entry % 12) * 6 + Math.floor(entry / 12));
    });

    test('says what drives either part of a split tensor', () => {
        const { run, shown } = made('tokens', runs.tokens);
        const [more, less] = ['mlp+', 'mlp-'].map((name) => run.blocks.find((block) => block.name === name));
        const strongest = (feature, sign) => {
            const most = run.labels.map((_, t) =>
                Math.max(
                    ...Array.from({ length: 13 }, (__, token) => {
                        const at = t * 65 + token * 5 + feature;
                        return sign * (more.values[at] - less.values[at]);
                    }),
                ),
            );
            return most.indexOf(Math.max(...most));
        };
        for (const [name, sign] of [
            ['mlp+', 1],
            ['mlp-', -1],
        ]) {
            const { drivers } = shown.blocks.find((block) => block.name === name);
            const samples = decode(drivers.samples);
            decode(drivers.units).forEach((feature, place) =>
                assert.equal(samples[8 * place], strongest(feature, sign)),
            );
        }
    });

    test('holds every input of the network', () => {
        const { run, shown } = made('twoInputs', runs.twoInputs);
        const { inputs } = shown.pictures;
        assert.deepEqual(
            inputs.map((input) => [input.blocks, input.channels, input.height, input.width]),
            [
                [[0], 1, 8, 8],
                [[1], 1, 1, 6],
            ],
        );
        inputs.forEach(({ pixels }, i) =>
            decode(pixels).forEach((value, k) =>
                assert.ok(
                    Math.abs(value - run.blocks[i].values[k]) <= (0.51 * (pixels.high - pixels.low)) / 255,
                ),
            ),
        );
    });

    test('keeps the strongest channels larger where maps became small', () => {
        const { run, shown } = made('wide', runs.wide);
        const [rank] = shown.ranks;
        const found = rank.blocks[1];
        const { view, step } = shown.blocks[1];
        assert.ok(view[1] < 14 && step > 1);
        assert.deepEqual(found.details.view, [14, 14]);
        const channels = decode(found.details.channels);
        const maps = decode(found.details.maps);
        const many = channels.length / rank.rank;
        const { parts } = run.blocks[1];
        for (const r of [0, 17, 39])
            for (let m = 0; m < many; m++) {
                const from = channels[r * many + m] * 196;
                for (let i = 0; i < 196; i += 5) {
                    const value = maps[(m * 196 + i) * rank.rank + r];
                    assert.ok(Math.abs(value - parts[r][from + i]) < 0.01, `component ${r}, place ${i}`);
                }
            }
    });

    test('holds several runs', () => {
        for (const name of ['full', 'colour']) runs[name](path.join(folder, name));
        const payload = payloadOf(
            report([path.join(folder, 'full'), path.join(folder, 'colour')], path.join(folder, 'two.html')),
        );
        assert.ok(validate(payload));
        assert.deepEqual(
            payload.runs.map((run) => run.name),
            ['full', 'colour'],
        );
    });

    test('keeps the page small', () => {
        made('full', runs.full);
        assert.ok(fs.statSync(path.join(folder, 'full.html')).size < 1e6);
    });
});

describe('a run that is not whole', () => {
    const refused = (name, spoil, words) =>
        test(name, () => {
            const run = path.join(folder, 'spoilt');
            fs.rmSync(run, { recursive: true, force: true });
            runs.full(run);
            spoil(run);
            const page = path.join(folder, 'spoilt.html');
            assert.throws(
                () => report([run], page),
                (error) => {
                    const sentence = String(error.stderr).trim();
                    assert.match(sentence, words);
                    assert.ok(error.status === 1 || error.status === 2, `status ${error.status}`);
                    return true;
                },
            );
            assert.ok(!fs.existsSync(page), 'a page was left');
        });
    refused(
        'an empty folder',
        (run) => {
            fs.rmSync(run, { recursive: true });
            fs.mkdirSync(run);
        },
        /spoilt: .*neither/,
    );
    refused(
        'loadings of another shape',
        (run) => runs.writeNpy(path.join(run, 'fit/rank-3/layer.npy'), '<f4', [7, 3], new Array(21).fill(1)),
        /layer\.npy: .*7 x 3/,
    );
    refused(
        'a negative loading',
        (run) => runs.writeNpy(path.join(run, 'fit/rank-2/dense.npy'), '<f4', [20, 2], new Array(40).fill(-1)),
        /dense\.npy: row 0, column 0/,
    );
    refused(
        'a broken manifest',
        (run) => fs.writeFileSync(path.join(run, 'capture/manifest.json'), '{"blocks": ['),
        /manifest\.json/,
    );
    refused(
        'labels of another length',
        (run) => runs.writeNpy(path.join(run, 'capture/labels.npy'), '<i8', [3], [0, 1, 2]),
        /labels\.npy: .*3 labels for 60/,
    );
    refused(
        'a missing matrix',
        (run) => fs.rmSync(path.join(run, 'fit/rank-5/samples.npy')),
        /rank-5\/samples\.npy/,
    );
    refused(
        'a truncated picture file',
        (run) => fs.truncateSync(path.join(run, 'capture/input.npy'), 900),
        /input\.npy/,
    );
});
