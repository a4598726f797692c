// Builds the report's page: node build.mjs WORK OUTPUT [--no-check]
//
// WORK is a folder with package.json and node_modules; the sources beside this script are copied into it, so
// that nothing is ever written into the source tree. OUTPUT becomes one HTML file with a marker where the
// library puts the payload.
import { createHash } from 'node:crypto';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const source = path.dirname(fileURLToPath(import.meta.url));
const [work, output] = process.argv
    .slice(2)
    .filter((word) => !word.startsWith('--'))
    .map((word) => path.resolve(word));
if (!work || !output) {
    console.error('usage: node build.mjs WORK OUTPUT [--no-check]');
    process.exit(2);
}
const require = createRequire(path.join(work, 'package.json'));
const esbuild = require('esbuild');
const { compile } = require('json-schema-to-typescript');

// The same text stands in src/report/template.c.
const payloadMarker = '@nnpeek-payload@';

function copySources() {
    fs.rmSync(path.join(work, 'src'), { recursive: true, force: true });
    fs.cpSync(path.join(source, 'src'), path.join(work, 'src'), { recursive: true });
    fs.copyFileSync(path.join(source, 'tsconfig.json'), path.join(work, 'tsconfig.json'));
}

async function generateTypes() {
    const schema = JSON.parse(fs.readFileSync(path.join(source, 'payload.schema.json'), 'utf8'));
    const types = await compile(schema, 'Payload', { bannerComment: '', unknownAny: true, format: false });
    fs.writeFileSync(path.join(work, 'src', 'payload_types.ts'), types);
}

function checkTypes() {
    const compiler = require.resolve('typescript/bin/tsc');
    const result = spawnSync(process.execPath, [compiler, '-p', work], { stdio: 'inherit' });
    if (result.status !== 0) process.exit(1);
}

async function bundle() {
    return esbuild.build({
        entryPoints: [path.join(work, 'src', 'main.ts')],
        bundle: true,
        minify: true,
        format: 'iife',
        target: ['es2021', 'chrome100', 'firefox100', 'safari15'],
        charset: 'ascii', // so that no encoding can change the script, whose digest stands in the page's policy
        legalComments: 'none',
        write: false,
        metafile: true,
        absWorkingDir: work,
        outfile: 'page.js',
        logLevel: 'warning',
    });
}

// The licence text of every package that has code in the bundle.
function licences(metafile) {
    const packages = new Set();
    for (const [file, { bytesInOutput }] of Object.entries(Object.values(metafile.outputs)[0].inputs)) {
        const found = /^node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(file);
        if (found && bytesInOutput > 0) packages.add(found[1]);
    }
    const permissive = new Set([
        'MIT',
        'ISC',
        'BSD-2-Clause',
        'BSD-3-Clause',
        'Apache-2.0',
        'Unlicense',
        '0BSD',
    ]);
    const parts = [];
    for (const name of [...packages].sort()) {
        const folder = path.join(work, 'node_modules', name);
        const { version, license } = JSON.parse(fs.readFileSync(path.join(folder, 'package.json'), 'utf8'));
        if (!permissive.has(license))
            throw new Error(`${name} ${version} has the licence ${license}, which is not permissive`);
        const file = fs.readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
        const text = file ? fs.readFileSync(path.join(folder, file), 'utf8').trim() : `Licence: ${license}.`;
        parts.push(`${name} ${version} (${license})\n\n${text}`);
    }
    return parts.join(`\n\n${'-'.repeat(72)}\n\n`);
}

function escape(text) {
    return text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');
}

function assemble(script, style, licenceText) {
    const digest = createHash('sha256').update(script, 'utf8').digest('base64');
    const policy = [
        "default-src 'none'",
        `script-src 'sha256-${digest}'`,
        "style-src 'unsafe-inline'", // charts set styles on their marks
        'img-src data: blob:',
        "base-uri 'none'",
        "form-action 'none'",
    ].join('; ');
    const parts = {
        policy: policy,
        style: style,
        licences: escape(licenceText),
        payload: payloadMarker,
        script: script,
    };
    const template = fs.readFileSync(path.join(source, 'page.html'), 'utf8');
    return template.replace(/\{\{(\w+)\}\}/g, (_, name) => {
        if (!(name in parts)) throw new Error(`page.html asks for {{${name}}}, which the build does not make`);
        return parts[name];
    });
}

copySources();
await generateTypes();
if (!process.argv.includes('--no-check')) checkTypes();
const built = await bundle();
const script = built.outputFiles[0].text;
if (/<\/script/i.test(script) || /<!--/.test(script))
    throw new Error('the bundle holds text that would end its script element');
// In this order: what depends on the room there is comes last.
const style = ['base', 'top', 'components', 'numbers', 'views', 'widths']
    .map((name) => fs.readFileSync(path.join(source, 'style', `${name}.css`), 'utf8'))
    .join('\n');
const css = (await esbuild.transform(style, { loader: 'css', minify: true, charset: 'ascii' })).code;
const licenceText = licences(built.metafile);
fs.writeFileSync(path.join(work, 'licences.txt'), `${licenceText}\n`); // web/licences.txt is a copy: a test compares
const page = assemble(script, css, licenceText);
if (page.split(payloadMarker).length !== 2)
    throw new Error(`${payloadMarker} does not stand exactly once in the page`);
fs.writeFileSync(output, page);
