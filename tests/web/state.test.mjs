// What is chosen: it stands in the address, the browser's back takes it back, and keys alone reach it.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';

import { launch, load, open, report, settled, temporaryFolder } from './support.mjs';
import * as runs from './synthetic_runs.mjs';

const folder = temporaryFolder();
const names = ['full', 'colour', 'fitAlone', 'unfitted', 'tokens', 'signal', 'twoInputs', 'deep'];
const files = {};
const made = {};
let browser;

before(async () => {
    for (const name of names) {
        made[name] = runs[name](path.join(folder, name));
        files[name] = report([path.join(folder, name)], path.join(folder, `${name}.html`));
    }
    const three = ['full', 'colour', 'deep'].map((name) => path.join(folder, name));
    files.three = report(three, path.join(folder, 'three.html'));
    browser = await launch();
});
after(async () => {
    await browser?.close();
    fs.rmSync(folder, { recursive: true, force: true });
});

async function withPage(name, options, body) {
    const opened = await open(browser, files[name], options);
    try {
        await body(opened.page);
        assert.deepEqual(opened.problems, []);
    } finally {
        await opened.close();
    }
}

const hashOf = (page) => page.evaluate(() => location.hash);

// All that a reader sees of the choice.
async function seen(page) {
    await settled(page);
    return page.evaluate(() => {
        const text = (selector) => document.querySelector(selector)?.textContent ?? null;
        const value = (selector) => document.querySelector(selector)?.value ?? null;
        const samples = [...document.querySelectorAll('#samples .thumb')].map((thumb) => thumb.dataset.sample);
        return {
            run: text('.runs [aria-pressed=true]'),
            rank: text('.ranks [aria-pressed=true]'),
            component: text('#detail-title'),
            layer: value('select.layers'),
            sample: text('#sample-title'),
            neuron: text('.neuron-panel:not([hidden]) h3'),
            sort: value('.sort'),
            lit: value('.lit'),
            against: document.querySelector('.against')?.value ?? null,
            order: value('#samples .gallery-of-samples select'),
            gallery: samples.slice(0, 5).join(' '),
            zooms: [...document.querySelectorAll('.heatmap .ends')].map((ends) => ends.textContent).join('|'),
        };
    });
}

describe('the address', () => {
    const every = {
        full: '#rank=5&component=3&layer=dense&sample=11&neuron=3&class=1&sort=purity&order=unexplained&zoom=0%3A20-60',
        three: '#run=1&rank=5&component=2&against=3&order=place',
    };
    for (const [name, hash] of Object.entries(every))
        test(`holds all that can be chosen: ${name}`, () =>
            withPage(name, { hash }, async (page) => {
                const first = await seen(page);
                // Choose one more thing and take it back: the address that the page itself writes.
                await page.getByLabel('Next component').click();
                await settled(page);
                await page.getByLabel('Previous component').click();
                await settled(page);
                const sent = await hashOf(page);
                const there = await open(browser, files[name], { hash: sent });
                assert.deepEqual(await seen(there.page), first);
                await there.close();
                for (const [word, value] of new URLSearchParams(hash.slice(1)))
                    assert.equal(new URLSearchParams(sent.slice(1)).get(word), value, word);
            }));

    test('shows what it says', () =>
        withPage('full', { hash: every.full }, async (page) => {
            const shown = await seen(page);
            assert.equal(shown.rank, '5');
            assert.equal(shown.component, 'Component 3');
            assert.match(shown.sample, /^Sample 11\b/);
            assert.match(shown.neuron, /dense, neuron 3/);
            assert.deepEqual([shown.sort, shown.lit, shown.order], ['purity', '1', 'unexplained']);
            assert.match(shown.zooms, /^40 pixels of 144/);
        }));

    test('of the data’s order shows the data’s order', () =>
        withPage('full', { hash: '#order=place' }, async (page) =>
            assert.equal((await seen(page)).gallery, '0 1 2 3 4'),
        ));

    test('goes back and forth step by step', () =>
        withPage('full', { hash: '#rank=5' }, async (page) => {
            const apart = () => page.waitForTimeout(700); // slower than what counts as one step
            const first = await seen(page);
            await apart();
            await page.locator('.card').nth(2).click();
            const second = await seen(page);
            await apart();
            await page.locator('.ranks [data-rank="3"]').click();
            const third = await seen(page);
            assert.notDeepEqual(first, second);
            assert.notDeepEqual(second, third);
            for (const [go, expected] of [
                ['goBack', second],
                ['goBack', first],
                ['goForward', second],
                ['goForward', third],
            ]) {
                await page[go]();
                assert.deepEqual(await seen(page), expected, go);
            }
        }));

    test('of choices in quick succession is one step', () =>
        withPage('full', { hash: '#rank=5' }, async (page) => {
            await page.waitForTimeout(700);
            const long = await page.evaluate(() => history.length);
            await page.evaluate(() => {
                for (let i = 0; i < 4; i++) document.querySelector('[aria-label="Next component"]').click();
            });
            assert.equal(await page.evaluate(() => history.length), long + 1);
            await page.goBack();
            assert.equal((await seen(page)).component, 'Component 1');
        }));
});

describe('the way through the network', () => {
    test('says how much a component gains from first to last, with its picture at both ends', () =>
        withPage('full', { hash: '#rank=5' }, async (page) => {
            const shares = await page.evaluate(() =>
                [...document.querySelectorAll('.shares td:nth-child(2)')].map((cell) =>
                    Number.parseFloat(cell.textContent),
                ),
            );
            const band = page.locator('.band[data-component="1"]');
            assert.equal(await band.locator('image').count(), 2);
            const words = await band.locator('.change').textContent();
            const times = Number(words.replace('× ', ''));
            assert.ok(Math.abs(times / (shares.at(-1) / shares[0]) - 1) < 0.06, `${words} for ${shares}`);
        }));

    test('answers arrows and the pointer', () =>
        withPage('full', { hash: '#rank=5' }, async (page) => {
            const frame = page.locator('#flow .frame');
            await frame.focus();
            await page.keyboard.press('ArrowRight');
            await page.keyboard.press('ArrowRight');
            assert.match(await hashOf(page), /layer=/);
            const before = (await seen(page)).component;
            await page.keyboard.press('ArrowDown');
            assert.notEqual((await seen(page)).component, before);
            assert.ok(
                await frame.evaluate((element) => element === document.activeElement),
                'the focus is lost',
            );
            await page.locator('.band[data-component="4"] .node').first().hover();
            assert.match(await page.locator('#flow .tip').textContent(), /^Component 4: .*× \d/);
        }));

    test('of many layers has thin columns and few names, and the layers of less weight unfold', () =>
        withPage('deep', { hash: '#rank=8' }, async (page) => {
            assert.equal(await page.locator('#detail .layer').count(), 5);
            await page.locator('.more-layers > summary').click();
            await page.locator('.more-layers .layer').first().waitFor();
            assert.equal(await page.locator('#detail .layer').count(), 9);
            assert.equal(await page.locator('.columns-of-layers span').count(), 10);
            const labels = await page
                .locator('.layer-label')
                .evaluateAll((all) =>
                    all.map((label) => label.getBoundingClientRect()).map(({ left, right }) => [left, right]),
                );
            for (let i = 1; i < labels.length; i++)
                assert.ok(labels[i][0] >= labels[i - 1][1], 'labels overlap');
        }));
});

describe('three runs', () => {
    test('are beside each other in tables and charts, each with its own dashes', () =>
        withPage('three', {}, async (page) => {
            const head = await page.locator('#comparison th').allTextContents();
            for (const name of ['full', 'colour', 'deep'])
                assert.ok(
                    head.some((word) => word.startsWith(`explained, ${name}`)),
                    `${name}: ${head}`,
                );
            const dashes = await page
                .locator('#errors .dash line')
                .evaluateAll((all) => all.map((line) => line.getAttribute('stroke-dasharray')));
            assert.equal(new Set(dashes).size, 3);
            await page.locator('.against').selectOption('2');
            await settled(page);
            assert.match(await page.locator('#comparison .sentence').textContent(), /beside deep/);
        }));
});

describe('the same again', () => {
    test('the commands hold the options as resolved, hostile names in quotes', () =>
        withPage('full', {}, async (page) => {
            const [capture, fit, last] = (await page.locator('.commands').textContent()).split('\n');
            const quoted = `'${runs.hostile.network.replaceAll("'", `'\\''`)}'`;
            assert.ok(capture.startsWith(`nnpeek capture ${quoted} --data `), capture);
            assert.match(capture, /--layers auto --batch 64/);
            assert.equal(fit, 'nnpeek fit full/capture --ranks 2,3,5 --rule mu --tolerance 1e-05 -o full/fit');
            assert.equal(last, 'nnpeek report full');
        }));

    test('what was done with negative values', () =>
        withPage('tokens', {}, async (page) =>
            assert.match(await page.locator('.commands').textContent(), / --signed split -o tokens\/fit\n/),
        ));

    test('arrays alone', () =>
        withPage('fitAlone', {}, async (page) => {
            const words = await page.locator('.commands').textContent();
            assert.match(words, /^nnpeek fit .*\.npy --ranks /);
        }));
});

describe('keys alone', () => {
    test('reach every view, in order, with a focus that is seen', () =>
        withPage('full', { hash: '#rank=5&layer=dense&neuron=3' }, async (page) => {
            const reached = new Set();
            let before = -Infinity;
            let unseen = 0;
            for (let presses = 0; presses < 400; presses++) {
                await page.keyboard.press('Tab');
                const at = await page.evaluate(() => {
                    const element = document.activeElement;
                    if (!element || element === document.body) return null;
                    const style = getComputedStyle(element);
                    const outlined = style.outlineStyle !== 'none' && Number.parseFloat(style.outlineWidth) > 0;
                    const name =
                        element.getAttribute('aria-label') || element.textContent || element.labels?.length;
                    return { section: element.closest('section, header, nav')?.id || 'top', outlined, name };
                });
                if (!at) break;
                assert.ok(at.name, `a stop without a name in ${at.section}`);
                if (!at.outlined) unseen++;
                reached.add(at.section);
                before = presses;
            }
            assert.ok(before < 399, 'there is no end to it');
            assert.equal(unseen, 0);
            for (const id of [
                'components',
                'flow',
                'detail',
                'sample',
                'samples',
                'errors',
                'spectra',
                'neurons',
                'making',
            ])
                assert.ok(reached.has(id), `${id} is not reached`);
        }));
});

describe('for everyone', () => {
    const axe = fs.readFileSync(load.resolve('axe-core/axe.min.js'), 'utf8');
    // All of them with the long tests; else those that differ most.
    for (const name of process.env.NNPEEK_LONG ? [...names, 'three'] : ['tokens', 'three'])
        test(`axe finds nothing in "${name}", light and dark`, async () => {
            const context = await browser.newContext({
                viewport: { width: 1280, height: 900 },
                bypassCSP: true,
            });
            const page = await context.newPage();
            await page.goto(`file://${files[name]}`);
            await settled(page);
            await page.evaluate(axe);
            const found = [];
            for (const colorScheme of ['light', 'dark']) {
                await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
                await page.waitForTimeout(100);
                found.push(
                    ...(await page.evaluate(async () =>
                        (await window.axe.run(document)).violations.map(
                            ({ id, nodes }) =>
                                `${id}: ${nodes.slice(0, 2).map((node) => node.html.slice(0, 120))}`,
                        ),
                    )),
                );
            }
            await context.close();
            assert.deepEqual(found, []);
        });
});
