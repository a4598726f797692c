// How large a report is, how soon its first picture is there, how long it takes to answer.
//
//   NNPEEK_WEB=build/web node bench/page.mjs REPORT.html [--runs N] [--json]
//
// Two times, in the page's own clock: from the event to the first picture after it, which shows what is chosen, and to
// the end of all drawing, views out of sight included. Medians, and the slowest first picture, of some tries.
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

const words = process.argv.slice(2);
const option = (name) => (words.includes(name) ? words.splice(words.indexOf(name), 2)[1] : null);
const opened = Number(option('--runs') ?? 5);
const asJson = words.includes('--json') && words.splice(words.indexOf('--json'), 1).length > 0;
const [file] = words;
if (!file || !process.env.NNPEEK_WEB) {
    console.error('usage: NNPEEK_WEB=build/web node bench/page.mjs REPORT.html [--runs N] [--json]');
    process.exit(2);
}
const load = createRequire(path.join(path.resolve(process.env.NNPEEK_WEB), 'package.json'));
const { chromium } = load('playwright-core');
const address = `file://${path.resolve(file)}`;

const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
const settled = (page) => page.waitForFunction(() => document.body.getAttribute('aria-busy') === 'false');

// What a reader does: where it happens, and what is done there; `i` counts the tries.
const kinds = [
    ['next component', '#components', () => document.querySelector('[aria-label="Next component"]').click()],
    ['component from the gallery', '#components', (i) => document.querySelectorAll('.card')[i % 4].click()],
    ['rank', '#components', (i) => choose('.ranks [data-rank], .ranks input', i)],
    ['order of the components', '#components', (i) => select('.sort', i)],
    ['layer', '#detail', (i) => select('select.layers', i)],
    ['component from the flow', '#flow', (i) => click(document.querySelectorAll('.band .node')[i * 3])],
    ['pointer over the flow', '#flow', (i) => over(document.querySelectorAll('.band .node')[i * 3])],
    ['sample from a thumbnail', '#sample', (i) => document.querySelectorAll('#detail .thumb')[i + 1].click()],
    ['next sample', '#sample', () => document.querySelector('[aria-label="Next sample"]').click()],
    ['sample on the map', '#samples', (i) => at('.map-of-samples', 0.3 + i / 20, 0.5, 'click')],
    ['pointer over the map', '#samples', (i) => at('.map-of-samples', 0.3 + i / 20, 0.5, 'pointermove')],
    ['order of the samples', '#samples', (i) => select('.gallery-of-samples select', i)],
    ['class on the map', '#samples', (i) => select('.lit', i)],
    [
        'more samples',
        '#samples',
        () => document.querySelector('.gallery-of-samples .link:not([hidden])')?.click(),
    ],
    ['rank slider', '#errors', (i) => slide('.rank-slider input', i)],
    ['rank from a chart', '#errors', (i) => at('#errors .chart svg', i % 2 ? 0.2 : 0.9, 0.5, 'click')],
    [
        'layer from a legend',
        '#spectra',
        (i) => document.querySelectorAll('#spectra .legend button')[i % 2].click(),
    ],
    ['neuron', '#neurons', (i) => press('.heat', 0.2 + i / 20)],
    ['zoom', '#neurons', (i) => key('.heat', i % 2 ? '-' : '+')],
    ['pointer over a heatmap', '#neurons', (i) => at('.heat', 0.2 + i / 20, 0.5, 'pointermove')],
    ['theme', '#components', (i) => select('[aria-label="Light or dark"]', i)],
];

// Run in the page: helpers of the above, by name.
function install() {
    const fire = (element, Kind, type, more) =>
        element.dispatchEvent(new Kind(type, { bubbles: true, cancelable: true, pointerId: 1, ...more }));
    const point = (element, x, y) => {
        const box = element.getBoundingClientRect();
        return { clientX: box.left + x * box.width, clientY: box.top + y * box.height };
    };
    Object.assign(window, {
        click: (element) => fire(element, MouseEvent, 'click', {}),
        over: (element) => fire(element, PointerEvent, 'pointermove', point(element, 0.5, 0.5)),
        at: (selector, x, y, type) => {
            const element = document.querySelector(selector);
            fire(element, type === 'click' ? MouseEvent : PointerEvent, type, point(element, x, y));
        },
        press: (selector, x) => {
            const element = document.querySelector(selector);
            element.setPointerCapture = () => undefined; // of an event that no finger made
            fire(element, PointerEvent, 'pointerdown', point(element, x, 0.3));
            fire(element, PointerEvent, 'pointerup', point(element, x, 0.3));
        },
        key: (selector, name) =>
            fire(document.querySelector(selector), KeyboardEvent, 'keydown', { key: name }),
        select: (selector, i) => {
            const element = document.querySelector(selector);
            const options = [...element.options].filter((one) => !one.hidden);
            element.value = options[(i + 1) % options.length].value;
            fire(element, Event, 'change', {});
        },
        slide: (selector, i) => {
            const element = document.querySelector(selector);
            element.value = String((i + 1) % (Number(element.max) + 1));
            fire(element, Event, 'input', {});
        },
        choose: (selector, i) => {
            const found = document.querySelectorAll(selector);
            if (found[0]?.matches('input')) window.slide(selector, i);
            else found[(i + 1) % found.length].click();
        },
    });
}

async function openings(browser) {
    const found = [];
    for (let run = 0; run < opened; run++) {
        const page = await (await browser.newContext({ viewport: { width: 1280, height: 900 } })).newPage();
        await page.goto(address);
        await settled(page);
        found.push(
            await page.evaluate(() => ({
                first: performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? NaN,
                all: performance.now(),
            })),
        );
        await page.context().close();
    }
    return { first: median(found.map(({ first }) => first)), all: median(found.map(({ all }) => all)) };
}

async function answers(browser) {
    const page = await (await browser.newContext({ viewport: { width: 1280, height: 900 } })).newPage();
    await page.goto(address);
    await settled(page);
    await page.evaluate(install);
    const found = [];
    for (const [name, where, act] of kinds) {
        if (!(await page.locator(where).count())) continue;
        await page.locator(where).scrollIntoViewIfNeeded();
        const times = [];
        for (let i = 0; i < 8; i++) {
            await settled(page);
            await page.waitForTimeout(80);
            const time = await page.evaluate(
                ({ body, i }) =>
                    new Promise((done) => {
                        const act = new Function(`return ${body}`)();
                        requestAnimationFrame(() => {
                            const start = performance.now();
                            act(i);
                            requestAnimationFrame(() => {
                                const first = performance.now() - start;
                                const wait = () => {
                                    if (document.body.getAttribute('aria-busy') === 'true') setTimeout(wait, 1);
                                    else done({ first, all: performance.now() - start });
                                };
                                setTimeout(wait, 0);
                            });
                        });
                    }),
                { body: act.toString(), i },
            );
            times.push(time);
        }
        const first = times.map((time) => time.first);
        found.push({
            name,
            first: median(first),
            slowest: Math.max(...first),
            all: median(times.map(({ all }) => all)),
        });
    }
    await page.context().close();
    return found;
}

const browser = await chromium.launch({
    executablePath: process.env.NNPEEK_CHROMIUM ?? '/usr/bin/chromium-headless-shell',
    args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
});
const result = {
    megabytes: fs.statSync(file).size / 1e6,
    opening: await openings(browser),
    answers: await answers(browser).catch((error) => {
        console.error(error);
        return [];
    }),
};
await browser.close();
if (asJson) {
    console.log(JSON.stringify(result, null, 1));
} else {
    const ms = (value) => Math.round(value).toString().padStart(6);
    const { first, all } = result.opening;
    console.log(
        `${result.megabytes.toFixed(1)} MB; first picture ${Math.round(first)} ms, all drawn ${Math.round(all)} ms`,
    );
    console.log(`${'milliseconds until'.padEnd(28)} answer slowest    all`);
    for (const { name, ...times } of result.answers)
        console.log(`${name.padEnd(28)} ${ms(times.first)} ${ms(times.slowest)} ${ms(times.all)}`);
}
