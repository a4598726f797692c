// Pictures of pages in short, so that they can be compared loosely: how high a page is, and how light it is where.
// Letters differ from machine to machine, a view that is missing or black is seen.
//
//   NNPEEK_FINGERPRINTS=write   keeps what is seen now as what is right; look at the pictures before
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const file = path.join(path.dirname(fileURLToPath(import.meta.url)), 'fingerprints.json');
const writes = process.env.NNPEEK_FINGERPRINTS === 'write';
const kept = fs.existsSync(file) ? JSON.parse(fs.readFileSync(file, 'utf8')) : {};
const [columns, rows] = [12, 24];

// The mean light of every field of a grid, a hexadecimal digit each.
export async function fingerprint(browser, picture) {
    const context = await browser.newContext();
    const page = await context.newPage();
    const found = await page.evaluate(
        async ({ data, columns, rows }) => {
            const image = new Image();
            image.src = `data:image/png;base64,${data}`;
            await image.decode();
            const whole = new OffscreenCanvas(image.width, image.height);
            const pixels = whole.getContext('2d', { willReadFrequently: true });
            pixels.drawImage(image, 0, 0);
            let light = '';
            for (let row = 0; row < rows; row++)
                for (let column = 0; column < columns; column++) {
                    const [x, y] = [(column * image.width) / columns, (row * image.height) / rows];
                    const { data: field } = pixels.getImageData(
                        x,
                        y,
                        image.width / columns,
                        image.height / rows,
                    );
                    let sum = 0;
                    for (let i = 0; i < field.length; i += 4)
                        sum += 0.299 * field[i] + 0.587 * field[i + 1] + 0.114 * field[i + 2];
                    light += Math.round((15 * sum) / (field.length / 4) / 255).toString(16);
                }
            return { height: image.height, light };
        },
        { data: picture.toString('base64'), columns, rows },
    );
    await context.close();
    return found;
}

// What a page looked like; the one given where it is to be kept.
export function known(key, now) {
    if (writes) kept[key] = now;
    return kept[key];
}

export function remember() {
    if (!writes) return;
    const sorted = Object.keys(kept).sort();
    const lines = sorted.map((key) => `    ${JSON.stringify(key)}: ${JSON.stringify(kept[key])}`);
    fs.writeFileSync(file, `{\n${lines.join(',\n')}\n}\n`);
}

// By how much heights differ, and the light, 0 .. 1 on average.
export function difference(a, b) {
    const light = [...a.light].reduce(
        (sum, digit, i) => sum + Math.abs(Number.parseInt(digit, 16) - Number.parseInt(b.light[i], 16)) / 15,
        0,
    );
    return { height: Math.abs(a.height - b.height) / a.height, light: light / a.light.length };
}
