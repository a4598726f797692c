// What the page looks like: it fits at every width, in both themes, and as it did when its pictures were last looked at.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';

import { difference, fingerprint, known, remember } from './fingerprints.mjs';
import { launch, open, report, screenshots, settled, temporaryFolder } from './support.mjs';
import * as runs from './synthetic_runs.mjs';

const long = Boolean(process.env.NNPEEK_LONG);
const folder = temporaryFolder();
const names = [
    ...['full', 'colour', 'fitAlone', 'smallest', 'unfitted', 'large', 'tokens', 'signal', 'twoInputs', 'wide'],
    'deep',
];
const files = {};
let browser;

before(async () => {
    for (const name of long ? names : ['full', 'colour', 'tokens']) {
        runs[name](path.join(folder, name));
        files[name] = report([path.join(folder, name)], path.join(folder, `${name}.html`));
    }
    files.two = report([path.join(folder, 'full'), path.join(folder, 'colour')], path.join(folder, 'two.html'));
    browser = await launch();
});
after(async () => {
    await browser?.close();
    remember();
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

// Nothing wider than the window, nothing that scrolls inside, no text outside of it.
async function assertFits(page, width) {
    const found = await page.evaluate(() => {
        const wrong = [];
        if (document.documentElement.scrollWidth > innerWidth)
            wrong.push(`the page is ${document.documentElement.scrollWidth} wide`);
        for (const element of document.querySelectorAll('#page *')) {
            const style = getComputedStyle(element);
            const scrolls = [style.overflowX, style.overflowY].some(
                (value) => value === 'auto' || value === 'scroll',
            );
            if (
                scrolls &&
                (element.scrollHeight > element.clientHeight + 1 ||
                    element.scrollWidth > element.clientWidth + 1)
            )
                wrong.push(`${element.tagName} ${element.className} scrolls`);
        }
        for (const element of document.querySelectorAll(
            '#page svg text, #page p, #page h1, #page h2, #page h3, #page td, #page dd, #page button',
        )) {
            const box = element.getBoundingClientRect();
            if (box.width && (box.left < -1 || box.right > innerWidth + 1))
                wrong.push(`"${element.textContent.slice(0, 40)}" is cut off (to ${Math.round(box.right)})`);
        }
        return wrong;
    });
    assert.deepEqual(found, [], `at ${width}`);
}

// Where columns stand beside each other, none may be much shorter than the longest.
async function assertNoHole(page, width) {
    const found = await page.evaluate(() => {
        const boxes = [...document.querySelectorAll('.explore section')].map((section) => {
            const { left, top, bottom } = section.getBoundingClientRect();
            return { id: section.id, left, top, bottom };
        });
        const columns = new Map();
        for (const box of boxes) columns.set(box.left, Math.max(columns.get(box.left) ?? 0, box.bottom));
        const ends = [...columns.values()];
        const top = Math.min(...boxes.map((box) => box.top));
        return { ends, share: (Math.max(...ends) - Math.min(...ends)) / (Math.max(...ends) - top) };
    });
    assert.ok(!(found.share > 0.6), `at ${width} a column ends at ${JSON.stringify(found.ends)}`);
}

describe('at every width', () => {
    // With the long tests all pages at all widths in both themes; else those that differ most.
    const widths = long ? [360, 768, 1280, 1920, 2560] : [360, 1280];
    const both = ['light', 'dark'];
    const themes = long ? { 360: both, 1280: both, 2560: both } : { 360: ['dark'], 1280: ['light'] };
    for (const name of long ? [...names, 'two'] : ['full', 'tokens', 'two'])
        test(`"${name}" fits, and looks as it did`, () =>
            withPage(name, { hash: name === 'large' ? '#rank=30' : '' }, async (page) => {
                for (const width of widths) {
                    await page.setViewportSize({ width, height: width < 700 ? 740 : 1000 });
                    await settled(page);
                    await page.waitForTimeout(250); // charts are drawn once their width is known
                    await assertFits(page, width);
                    await assertNoHole(page, width);
                    for (const colorScheme of themes[width] ?? []) {
                        await page.emulateMedia({ colorScheme });
                        await page.waitForTimeout(50);
                        const picture = await page.screenshot({ fullPage: true });
                        const key = `${name}-${width}-${colorScheme}`;
                        if (screenshots) {
                            fs.mkdirSync(screenshots, { recursive: true });
                            fs.writeFileSync(path.join(screenshots, `${key}.png`), picture);
                        }
                        const now = await fingerprint(browser, picture);
                        const before = known(key, now);
                        assert.ok(before, `${key} is new: look at its picture, then NNPEEK_FINGERPRINTS=write`);
                        const { height, light } = difference(before, now);
                        assert.ok(height < 0.15, `${key}: ${before.height} pixels high, now ${now.height}`);
                        assert.ok(
                            light < 0.09,
                            `${key} looks different: ${light.toFixed(3)} of black to white`,
                        );
                    }
                    await page.emulateMedia({ colorScheme: 'light' });
                }
            }));

    test('two different pages do not look alike', async () => {
        const found = [];
        for (const [name, colorScheme] of [
            ['full', 'light'],
            ['full', 'dark'],
            ['colour', 'light'],
        ]) {
            const { page, close } = await open(browser, files[name], { colorScheme });
            found.push(await fingerprint(browser, await page.screenshot({ fullPage: true })));
            await close();
        }
        assert.ok(difference(found[0], found[1]).light > 0.09, 'light and dark');
        const other = difference(found[0], found[2]);
        assert.ok(other.light > 0.09 || other.height > 0.15, 'two reports');
    });
});

describe('themes', () => {
    test('light and dark differ, and the switch overrules the system', () =>
        withPage('full', { colorScheme: 'dark' }, async (page) => {
            const surface = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
            const dark = await surface();
            await page.getByLabel('Light or dark').selectOption('light');
            const light = await surface();
            assert.notEqual(dark, light);
            await page.getByLabel('Light or dark').selectOption('dark');
            assert.equal(await surface(), dark);
        }));

    // What axe does not look at: texts in charts, on what is drawn beneath them.
    for (const colorScheme of ['light', 'dark'])
        test(`texts in pictures can be read: ${colorScheme}`, () =>
            withPage('full', { hash: '#rank=5&layer=dense', colorScheme }, async (page) => {
                const found = await page.evaluate(() => {
                    const parse = (colour) =>
                        (/^rgba?\((.*)\)$/.exec(colour)?.[1] ?? '').split(',').map(Number);
                    const light = (colour) => {
                        const [r, g, b] = parse(colour).map((part) => {
                            const value = part / 255;
                            return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
                        });
                        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
                    };
                    const contrast = (a, b) => {
                        const [low, high] = [light(a), light(b)].sort((x, y) => x - y);
                        return (high + 0.05) / (low + 0.05);
                    };
                    const surface = getComputedStyle(document.body).backgroundColor;
                    const read = new Map();
                    const texts = [...document.querySelectorAll('svg text, .matrix .values span')];
                    return texts.flatMap((text) => {
                        const style = getComputedStyle(text);
                        const svg = text instanceof SVGElement;
                        const ink = svg ? style.fill : style.color;
                        const box = text.getBoundingClientRect();
                        const [x, y] = [box.left + box.width / 2, box.top + box.height / 2];
                        const inside = ({ left, right, top, bottom }) =>
                            left < x && x < right && top < y && y < bottom;
                        // A number in a cell stands on the cell; an outlined one on the outline; others on the page.
                        const cell = svg
                            ? [
                                  ...text
                                      .closest('svg')
                                      .querySelectorAll('g[aria-hidden] rect, rect[fill^=rgb]'),
                              ].find((rect) => inside(rect.getBoundingClientRect()))
                            : null;
                        let ground = style.stroke !== 'none' && svg ? style.stroke : surface;
                        if (cell) ground = getComputedStyle(cell).fill;
                        if (!svg) {
                            const canvas = text.closest('.plane').querySelector('canvas');
                            const area = canvas.getBoundingClientRect();
                            const at = (place, start, size, many) =>
                                Math.floor(((place - start) / size) * many);
                            if (!read.has(canvas))
                                read.set(
                                    canvas,
                                    canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height)
                                        .data,
                                );
                            const row = at(y, area.top, area.height, canvas.height);
                            const place = 4 * (row * canvas.width + at(x, area.left, area.width, canvas.width));
                            ground = `rgb(${read
                                .get(canvas)
                                .subarray(place, place + 3)
                                .join(',')})`;
                        }
                        const ratio = contrast(ink, ground);
                        return box.width && ratio < 4.5
                            ? [`${text.textContent}: ${ink} on ${ground}: ${ratio.toFixed(2)}`]
                            : [];
                    });
                });
                assert.deepEqual(found, []);
            }));

    test('nothing moves for those who asked for that', () =>
        withPage('full', {}, async (page) => {
            const moves = () =>
                page.evaluate(() =>
                    [...document.querySelectorAll('#page *')].some((element) =>
                        ['transitionDuration', 'animationDuration'].some(
                            (name) => Number.parseFloat(getComputedStyle(element)[name]) > 0,
                        ),
                    ),
                );
            await page.emulateMedia({ reducedMotion: 'no-preference' });
            assert.ok(await moves());
            await page.emulateMedia({ reducedMotion: 'reduce' });
            assert.ok(!(await moves()));
        }));
});

describe('Firefox', () => {
    const firefox = ['/usr/bin/firefox-esr', '/usr/bin/firefox'].find((file) => fs.existsSync(file));
    test('opens it from disk', { skip: !firefox && 'it is not installed' }, async () => {
        const picture = path.join(folder, 'firefox.png');
        const profile = path.join(folder, 'firefox');
        fs.mkdirSync(profile);
        execFileSync(
            firefox,
            [
                ...['--headless', '--no-remote', '--profile', profile, '--window-size', '1280,900'],
                ...['--screenshot', picture, `file://${files.full}#rank=5`],
            ],
            { stdio: 'ignore', timeout: 120000, env: { ...process.env, HOME: folder, MOZ_HEADLESS: '1' } },
        );
        const { page, close } = await open(browser, files.full, { hash: '#rank=5' });
        const here = await fingerprint(browser, await page.screenshot());
        await close();
        const there = await fingerprint(browser, fs.readFileSync(picture));
        // The same first screen, but for letters and controls.
        const { light } = difference(here, there);
        assert.ok(light < 0.12, `it looks different there: ${light.toFixed(3)}`);
    });
});
