// What the tests of the report share: the program under test, the browser, reading a report's payload.
//
//   NNPEEK               the nnpeek program (its verb `report` is used)
//   NNPEEK_WEB           the folder with node_modules: web/ in the build folder
//   NNPEEK_CHROMIUM      another browser than Debian's
//   NNPEEK_SCREENSHOTS   where pictures of the pages go; unset: none are taken
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';

for (const name of ['NNPEEK', 'NNPEEK_WEB'])
    if (!process.env[name]) throw new Error(`${name} is not set: see the head of tests/web/support.mjs`);
export const load = createRequire(path.join(path.resolve(process.env.NNPEEK_WEB), 'package.json'));
export const screenshots = process.env.NNPEEK_SCREENSHOTS;

export function temporaryFolder() {
    return fs.mkdtempSync(path.join(os.tmpdir(), 'nnpeek-web-'));
}

// Makes a report of run folders and gives the path of the page.
export function report(runs, output) {
    execFileSync(process.env.NNPEEK, ['report', ...runs, '-o', output], {
        stdio: ['ignore', 'ignore', 'pipe'],
    });
    return output;
}

export function payloadOf(file) {
    const html = fs.readFileSync(file, 'utf8');
    const start = '<script type="application/json" id="payload">';
    const from = html.indexOf(start) + start.length;
    return JSON.parse(html.slice(from, html.indexOf('</script>', from)));
}

export function decode(packed) {
    const bytes = Buffer.from(packed.data, 'base64');
    if (packed.type === 'int32')
        return Array.from({ length: bytes.length / 4 }, (_, i) => bytes.readInt32LE(4 * i));
    if (packed.type === 'byte')
        return Array.from(bytes, (byte) => packed.low + (byte * (packed.high - packed.low)) / 255);
    const columns = packed.shape[1];
    return Array.from(bytes, (byte, i) => packed.scale[i % columns] * (byte / 255) ** 2);
}

// Chromium without its windows opens a page in half of the time.
export async function launch() {
    const { chromium } = load('playwright-core');
    const executablePath =
        process.env.NNPEEK_CHROMIUM ??
        ['/usr/bin/chromium-headless-shell', '/usr/bin/chromium'].find((file) => fs.existsSync(file));
    if (!executablePath || !fs.existsSync(executablePath))
        throw new Error(
            'there is no Chromium: install chromium-headless-shell, or name a browser in NNPEEK_CHROMIUM',
        );
    return chromium.launch({
        executablePath,
        args: [
            '--no-sandbox',
            '--disable-gpu',
            '--disable-dev-shm-usage',
            '--disable-extensions',
            '--force-device-scale-factor=1',
        ],
    });
}

// Views that are not in sight are drawn a little later; the page says when none waits.
export async function settled(page) {
    await page.waitForFunction(() => document.body.getAttribute('aria-busy') === 'false');
}

// Opens a page and notes everything it must not do; `problems` has to stay empty.
export async function open(
    browser,
    file,
    { hash = '', width = 1280, height = 900, colorScheme = 'light' } = {},
) {
    const context = await browser.newContext({ viewport: { width, height }, colorScheme });
    const page = await context.newPage();
    const problems = [];
    page.on('console', (message) => {
        if (['error', 'warning'].includes(message.type())) problems.push(`console: ${message.text()}`);
    });
    page.on('pageerror', (error) => problems.push(`exception: ${error.message}`));
    page.on('dialog', (dialog) => {
        problems.push(`dialog: ${dialog.message()}`);
        void dialog.dismiss();
    });
    page.on('request', (request) => {
        if (!/^(data|blob):/.test(request.url()) && request.url().split('#')[0] !== `file://${file}`)
            problems.push(`request: ${request.url()}`);
    });
    await page.goto(`file://${file}${hash}`);
    await settled(page);
    return { page, problems, close: () => context.close() };
}
