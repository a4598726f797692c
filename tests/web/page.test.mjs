// The report in a real browser: every view shows something, all follow what is chosen, nothing leaves the page.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';

import { launch, open, report, settled, temporaryFolder } from './support.mjs';
import * as runs from './synthetic_runs.mjs';

const folder = temporaryFolder();
const names = [
    'full',
    'colour',
    'fitAlone',
    'smallest',
    'unfitted',
    'large',
    'tokens',
    'signal',
    'twoInputs',
    'wide',
];
const made = {};
let browser;

before(async () => {
    for (const name of names) {
        const run = runs[name](path.join(folder, name));
        made[name] = { run, file: report([path.join(folder, name)], path.join(folder, `${name}.html`)) };
    }
    made.two = {
        file: report([path.join(folder, 'full'), path.join(folder, 'colour')], path.join(folder, 'two.html')),
    };
    browser = await launch();
});
after(async () => {
    await browser?.close();
    fs.rmSync(folder, { recursive: true, force: true });
});

// Opens a report, runs the body, and requires that nothing went wrong meanwhile.
async function withPage(name, options, body) {
    const opened = await open(browser, made[name].file, options);
    try {
        await body(opened.page);
        assert.deepEqual(opened.problems, []);
    } finally {
        await opened.close();
    }
}

// A canvas with at least two colours.
async function isPainted(canvas) {
    return canvas.evaluate((element) => {
        const { data } = element.getContext('2d').getImageData(0, 0, element.width, element.height);
        for (let i = 4; i < data.length; i += 4)
            if (data[i] !== data[0] || data[i + 1] !== data[1] || data[i + 2] !== data[2]) return true;
        return false;
    });
}

async function pixels(canvas) {
    return canvas.evaluate((element) => {
        const { data } = element.getContext('2d').getImageData(0, 0, element.width, element.height);
        return { width: element.width, height: element.height, data: Array.from(data) };
    });
}

const sections = (page) => page.locator('section').evaluateAll((all) => all.map((section) => section.id));
const hashOf = (page) => page.evaluate(() => location.hash);

// What all views say of the state, read from the page alone.
async function state(page) {
    await settled(page);
    return page.evaluate(() => {
        const text = (selector) => document.querySelector(selector)?.textContent ?? null;
        const data = (selector, name) =>
            [...document.querySelectorAll(selector)].map((element) => element.dataset[name]);
        return {
            toolbar: text('.toolbar .chosen'),
            rank: data('.ranks [aria-pressed=true]', 'rank'),
            card: data('.card[aria-pressed=true]', 'component'),
            band: data('.band.chosen', 'component'),
            detail: text('#detail-title'),
            rows: data('.row-mark', 'number'),
            sample: text('#sample-title'),
            thumb: data('#detail .thumb[aria-pressed=true]', 'sample'),
        };
    });
}

describe('every view', () => {
    const factorised = ['components', 'flow', 'detail', 'sample', 'samples'];
    const expected = {
        full: [...factorised, 'verdict', 'errors', 'spectra', 'neurons', 'relations', 'overlap', 'making'],
        colour: [...factorised, 'errors', 'neurons', 'making'],
        fitAlone: [...factorised, 'errors', 'neurons', 'making'],
        smallest: [...factorised, 'errors', 'neurons', 'making'],
        unfitted: ['verdict', 'spectra', 'making'],
        large: [...factorised, 'errors', 'neurons', 'making'],
        tokens: [...factorised, 'errors', 'neurons', 'overlap', 'making'],
        signal: [...factorised, 'errors', 'neurons', 'making'],
        twoInputs: [...factorised, 'errors', 'neurons', 'making'],
        wide: [...factorised, 'errors', 'neurons', 'making'],
    };
    for (const name of names)
        test(`of "${name}" shows something and says what it is`, () =>
            withPage(name, {}, async (page) => {
                assert.deepEqual(await sections(page), expected[name]);
                for (const sentence of await page.locator('.sentence').allTextContents())
                    assert.match(sentence, /\w.*\.$/);
                for (const id of expected[name]) {
                    const box = await page.locator(`#${id} .body`).boundingBox();
                    assert.ok(box && box.height > 40, `${id} is empty`);
                }
                for (const chart of await page.locator('.chart svg').all())
                    assert.ok((await chart.locator('path, circle, rect').count()) > 0, 'an empty chart');
                for (const selector of ['.card canvas', '.portrait canvas', '.heat']) {
                    const canvases = await page.locator(selector).all();
                    if (name !== 'unfitted') assert.ok(canvases.length > 0, `${selector} is missing`);
                    for (const canvas of canvases) assert.ok(await isPainted(canvas), `${selector} is blank`);
                }
            }));

    test('counts what the files hold', () =>
        withPage('full', { hash: '#rank=3' }, async (page) => {
            const { run } = made.full;
            assert.equal(await page.locator('.card').count(), 3);
            assert.equal(await page.locator('.band').count(), 3);
            const explained = run.fits[1].results.map(
                ({ error, norm }) => 100 * Math.max(0, 1 - (error / norm) ** 2),
            );
            const shown = (await page.locator('.headline dd').allTextContents())
                .slice(0, 3)
                .map((text) => Number.parseFloat(text));
            shown.forEach((value, i) =>
                assert.ok(Math.abs(value - explained[i]) <= 0.5, `${value} for ${explained[i]}`),
            );
            assert.deepEqual(await page.locator('.headline').nth(3).locator('dd, dt').allTextContents(), [
                'of 308 neurons unused',
                '8',
            ]);
            assert.equal(await page.locator('.heatmap').count(), 3);
            assert.equal(await page.locator('#making table').first().locator('tbody tr').count(), 3);
        }));

    test('draws the pixels of the files', () =>
        withPage('full', { hash: '#rank=5&sample=7' }, async (page) => {
            const { values, columns } = made.full.run.blocks[0];
            const { width, height, data } = await pixels(page.locator('#sample .images canvas').first());
            assert.deepEqual([width, height], [12, 12]);
            for (let i = 0; i < columns; i++)
                assert.ok(Math.abs(data[4 * i] - 255 * values[7 * columns + i]) <= 1.01, `pixel ${i}`);
            const made_ = await pixels(page.locator('#sample .images canvas').nth(1));
            const { factor, blocks } = made.full.run;
            for (let i = 0; i < columns; i++) {
                const sum = factor[7].reduce((all, amount, r) => all + amount * blocks[0].parts[r][i], 0);
                assert.ok(
                    Math.abs(made_.data[4 * i] - 255 * Math.min(1, sum)) <= 4,
                    `reconstructed pixel ${i}`,
                );
            }
        }));

    test('draws three channels as colour', () =>
        withPage('colour', {}, async (page) => {
            const { data } = await pixels(page.locator('.portrait canvas'));
            assert.ok(
                data.some((value, i) => i % 4 === 0 && Math.abs(value - data[i + 1]) > 20),
                'the picture is grey',
            );
            assert.equal(await page.locator('.heatmap').count(), 2);
            assert.match(await page.locator('.heatmap').first().textContent(), /input 3 × 10 × 8/);
        }));
});

describe('layers of other kinds', () => {
    test('tokens lie on their grid, the one without a place apart, both signs in one layer', () =>
        withPage('tokens', { hash: '#layer=mlp' }, async (page) => {
            assert.deepEqual(await page.locator('.layer h3 button').allTextContents(), ['mlp', 'last']);
            const layer = page.locator('#detail .layer').first();
            assert.match(await layer.textContent(), /13 tokens × 5/);
            assert.match(await layer.textContent(), /positive \(\+\) and its negative part \(−\)/);
            assert.match(await layer.textContent(), /1 token without a place/);
            const map = layer.locator('.map > canvas:first-child').first();
            const { width, height, data } = await pixels(map);
            assert.deepEqual([width, height], [5, 4]);
            const seen = (x, y) => data[4 * (y * width + x) + 3];
            assert.deepEqual([seen(0, 0), seen(0, 1), seen(1, 0), seen(2, 3)], [255, 0, 0, 255]);
            assert.match(await map.getAttribute('aria-label'), /^Channel \d[+−]: /);
        }));

    test('what a pointer says of a token is where it is', () =>
        withPage('tokens', {}, async (page) => {
            const heat = page.locator('.heatmap').nth(1).locator('.heat');
            await heat.scrollIntoViewIfNeeded();
            const box = await heat.boundingBox();
            const words = new Set();
            for (let x = 3; x < box.width; x += 20) {
                await heat.hover({ position: { x, y: 12 } });
                words.add((await page.locator('#neurons .tip').textContent()).split(' · ')[0]);
            }
            for (const word of words)
                assert.match(
                    word,
                    /^channel [0-4][+−], (token 0 \(without a place\)|row [0-3], column [0-2] of the tokens)$/,
                );
            assert.ok(words.size > 20);
        }));

    test('signals and lines are drawn as such', () =>
        withPage('signal', {}, async (page) => {
            assert.equal(await page.locator('.card canvas.drawn').count(), 4);
            assert.equal(await page.locator('#sample .images canvas.drawn').count(), 3);
            const layer = page.locator('#detail .layer').first();
            assert.ok((await layer.locator('.map > canvas.drawn').count()) >= 4);
            assert.match(await page.locator('.heatmap').first().textContent(), /input 2 × 1,100/);
            for (const canvas of await page.locator('canvas.drawn').all()) assert.ok(await isPainted(canvas));
        }));

    test('every input is there, and a layer says how it was reduced', () =>
        withPage('twoInputs', { hash: '#sample=3' }, async (page) => {
            const captions = await page.locator('#sample .images figcaption').allTextContents();
            assert.equal(captions.length, 6);
            assert.match(captions[0], /in image/);
            assert.match(captions[3], /in features/);
            assert.match(await page.locator('.portrait').textContent(), /in features/);
            const layers = await page.locator('#detail .layer').allTextContents();
            assert.match(layers[0], /features 6.*entr(y|ies) of 6.*entry \d/);
            assert.match(layers[1], /relu1 5 × 56 × 56, as means over a 2 × 2 grid/);
            assert.match(
                await page.locator('#making').textContent(),
                /5 × 56 × 56, as means over a 2 × 2 grid/,
            );
        }));

    test('the strongest channels are larger than all others have room to be', () =>
        withPage('wide', {}, async (page) => {
            const maps = page.locator('#detail .layer').first().locator('.map > canvas:first-child');
            for (let i = 0; i < 6; i++) assert.equal((await pixels(maps.nth(i))).width, 14);
            await page.locator('#detail .layer summary').first().click();
            await maps.nth(6).waitFor();
            assert.ok((await pixels(maps.nth(6))).width < 14);
        }));

    test('what was left out stands by its reason', () =>
        withPage('tokens', {}, async (page) => {
            const making = page.locator('#making');
            assert.match(await making.textContent(), /Left out: 40 tensors/);
            const reasons = await making.locator('details:not(.licences) summary').allTextContents();
            assert.deepEqual(reasons, ['30 tensors: not asked for', '10 tensors: a view of another tensor']);
            await making.locator('summary', { hasText: 'another tensor' }).click();
            assert.ok(await making.getByText('/blocks/39', { exact: true }).isVisible());
        }));
});

describe('what is chosen', () => {
    const all = (shown, component) => {
        assert.equal(shown.toolbar, `Component ${component} of ${shown.rank[0]}`);
        assert.deepEqual(shown.card, [String(component)]);
        assert.deepEqual(shown.band, [String(component)]);
        assert.equal(shown.detail, `Component ${component}`);
        assert.deepEqual(new Set(shown.rows), new Set([String(component)]));
    };

    test('a component, from the gallery, the flow, the arrows and a heatmap', () =>
        withPage('full', { hash: '#rank=5' }, async (page) => {
            all(await state(page), 1);
            await page.locator('.card').nth(2).click();
            all(await state(page), 3);
            assert.match(await hashOf(page), /component=3/);
            await page.locator('.band[data-component="2"] .node').first().click();
            all(await state(page), 2);
            await page.getByLabel('Next component').click();
            all(await state(page), 3);
            await page.getByLabel('Previous component').click();
            all(await state(page), 2);
            const heat = page.locator('.heat').first();
            const box = await heat.boundingBox();
            await heat.click({ position: { x: 10, y: (box.height * 4.5) / 5 } });
            all(await state(page), 5);
        }));

    test('a rank, from the switch and from a chart', () =>
        withPage('full', { hash: '#rank=5&component=2' }, async (page) => {
            await page.locator('.ranks button', { hasText: '3' }).click();
            const shown = await state(page);
            assert.deepEqual(shown.rank, ['3']);
            assert.equal(await page.locator('.card').count(), 3);
            assert.equal(await page.locator('.band').count(), 3);
            all(shown, Number(shown.card[0]));
            const chart = page.locator('#errors .chart').first();
            const box = await chart.boundingBox();
            await chart.click({ position: { x: 50, y: box.height / 2 } });
            assert.deepEqual((await state(page)).rank, ['2']);
        }));

    test('a rank keeps the component that the same samples have', () =>
        withPage('full', { hash: '#rank=5&component=1' }, async (page) => {
            const columns = async () =>
                Number(/Column (\d+)/.exec(await page.locator('.portrait').textContent())[1]);
            for (let component = 1; component <= 3; component++) {
                await page.locator('.ranks button', { hasText: '3' }).click();
                await settled(page);
                await page
                    .locator('.card')
                    .nth(component - 1)
                    .click();
                await settled(page);
                const column = await columns();
                await page.locator('.ranks button', { hasText: '5' }).click();
                await settled(page);
                assert.equal(await columns(), column); // the fits share their factors, column by column
            }
        }));

    test('a sample, from the thumbnails and by its number', () =>
        withPage('full', { hash: '#rank=5' }, async (page) => {
            const thumb = page.locator('#detail .thumb').nth(3);
            const number = await thumb.getAttribute('data-sample');
            await thumb.click();
            const shown = await state(page);
            assert.match(shown.sample, new RegExp(`^Sample ${number}\\b`));
            assert.deepEqual(shown.thumb, [number]);
            assert.match(await hashOf(page), new RegExp(`sample=${number}\\b`));
            await page.getByLabel('Number of the sample').fill('59');
            await page.getByLabel('Number of the sample').press('Enter');
            assert.match((await state(page)).sample, /^Sample 59\b/);
            const part = page.locator('#sample .part').nth(1);
            const component = Number(await part.locator('b').textContent());
            await part.click();
            all(await state(page), component);
            assert.match((await state(page)).sample, /^Sample 59\b/);
        }));

    test('a layer, in charts, detail and heatmaps', () =>
        withPage('full', {}, async (page) => {
            await page.locator('#errors .legend button').nth(2).click();
            await settled(page);
            assert.match(await hashOf(page), /layer=dense/);
            assert.equal(await page.locator('.layers select, select.layers').inputValue(), '2');
            assert.equal(await page.locator('.heatmap.dimmed').count(), 2);
            assert.equal(await page.locator('#detail .layer.chosen').count(), 1);
            assert.equal(await page.locator('.layer-label.chosen').count(), 1);
            const faint = await page
                .locator('#errors .chart')
                .first()
                .locator('path[stroke-opacity="0.25"]')
                .count();
            assert.ok(faint >= 2, 'the other curves do not step back');
        }));

    test('the weaker channels, when they are asked for', () =>
        withPage('full', { hash: '#rank=5' }, async (page) => {
            const part = page.locator('#detail .layer').first();
            assert.equal(await part.locator('.map > canvas:first-child').count(), 6);
            await part.locator('summary').click();
            await part.locator('details canvas').first().waitFor();
            const shown = await part.locator('.map').count();
            const more = Number(/^(\d+) more channel/.exec(await part.locator('summary').textContent())[1]);
            assert.equal(shown, 6 + more);
        }));

    test('comes back from the address', () =>
        withPage('full', { hash: '#rank=5&component=4&layer=dense&sample=11' }, async (page) => {
            const shown = await state(page);
            assert.deepEqual(shown.rank, ['5']);
            all(shown, 4);
            assert.match(shown.sample, /^Sample 11\b/);
            assert.equal(await page.locator('.heatmap.dimmed').count(), 2);
            await page.evaluate(() => (location.hash = '#rank=2&component=2'));
            await page.waitForFunction(
                () => document.querySelector('#detail-title').textContent === 'Component 2',
            );
            assert.deepEqual((await state(page)).rank, ['2']);
        }));

    for (const hash of ['#rank=99&component=77&sample=-4&layer=none', '#component=x&sample=1e9', '#%%%'])
        test(`an address that says nothing sensible (${hash})`, () =>
            withPage('full', { hash }, async (page) => all(await state(page), 1)));

    test('another run', () =>
        withPage('two', {}, async (page) => {
            assert.deepEqual(await page.locator('.runs button').allTextContents(), ['full', 'colour']);
            assert.equal(await page.locator('.card').count(), 5);
            await page.locator('.runs button').nth(1).click();
            await settled(page);
            assert.equal(await page.locator('h1').textContent(), 'colour.onnx on pictures/');
            assert.equal(await page.locator('.card').count(), 4);
            assert.match(await hashOf(page), /run=2/);
            assert.ok(
                (await page.locator('#errors g[stroke-dasharray] path').count()) > 0,
                'the other run is not in the charts',
            );
            all(await state(page), 1);
        }));

    test('by keyboard alone', () =>
        withPage('full', { hash: '#rank=5' }, async (page) => {
            for (let presses = 0; presses < 60; presses++) {
                await page.keyboard.press('Tab');
                if (await page.evaluate(() => document.activeElement?.matches('.card[data-component="2"]')))
                    break;
            }
            await page.keyboard.press('Enter');
            all(await state(page), 2);
        }));
});

describe('names and the network', () => {
    test('hostile names are shown as text', () =>
        withPage('full', { hash: '#rank=5' }, async (page) => {
            await page.locator('#making').scrollIntoViewIfNeeded();
            assert.equal(await page.evaluate(() => window.hacked), undefined);
            // Pictures of samples are the page's own, data within it.
            const foreign = 'img:not([src^="data:image/png;base64,"]), h1 b, td svg, .classes i';
            assert.equal(await page.locator(foreign).count(), 0);
            assert.equal(await page.locator('script').count(), 2);
            assert.equal(
                await page.locator('h1').textContent(),
                `${runs.hostile.network} on ${runs.hostile.data}`,
            );
            const text = await page.locator('#page').textContent();
            for (const name of Object.values(runs.hostile))
                assert.ok(text.includes(name) || name === runs.hostile.className, `${name} is not shown`);
            assert.ok(text.includes('<i>one</i'), 'the name of the class is not shown');
            assert.ok(
                (await page.locator('.heatmap h3 button').allTextContents()).includes(runs.hostile.layer),
            );
        }));

    test('the page forbids itself every connection', async () => {
        const { page, problems, close } = await open(browser, made.full.file);
        const outcome = await page.evaluate(async () => {
            const blocked = [];
            document.addEventListener('securitypolicyviolation', (event) =>
                blocked.push(event.effectiveDirective),
            );
            await fetch('https://example.invalid/').catch(() => undefined);
            const image = document.createElement('img');
            image.src = 'https://example.invalid/a.png';
            const script = document.createElement('script');
            script.textContent = 'window.hacked = 1';
            document.body.append(image, script);
            await new Promise((done) => setTimeout(done, 200));
            return { blocked, hacked: window.hacked };
        });
        await close();
        assert.equal(outcome.hacked, undefined);
        for (const directive of ['connect-src', 'img-src', 'script-src-elem'])
            assert.ok(outcome.blocked.includes(directive), directive);
        assert.ok(
            problems.every(
                (problem) =>
                    problem.includes('Content Security Policy') ||
                    problem.includes('content security policy') ||
                    problem.startsWith('request: https://example.invalid'),
            ),
            problems.join('\n'),
        );
    });

    test('the licences of the bundled packages are in it', () =>
        withPage('full', {}, async (page) => {
            const text = await page.locator('.licences pre').textContent();
            assert.match(text, /@observablehq\/plot 0\.\d+\.\d+ \(ISC\)/);
            assert.match(text, /Copyright .*Observable/);
            assert.match(text, /d3-scale /);
            // And in the repository; after a change of packages: cp build/web/licences.txt web/
            const kept = fs.readFileSync(new URL('../../web/licences.txt', import.meta.url), 'utf8');
            assert.equal(kept.trim(), text.trim());
        }));
});
