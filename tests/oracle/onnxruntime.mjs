// Every tensor of a network by ONNX Runtime: `node onnxruntime.mjs JOB.json`, as peers.py calls it.
//
// The job: {modules, model, inputs: [{name, type, shape, file}], samples, threads, optimize, output, time}. A file holds the samples
// one after another; each is run alone (shape is that of one sample, with its 1 before). output: float32 tensors, for each
// all samples one after another, in one file; where it begins and the shape of one sample go to standard output as JSON.
// time: instead, the seconds of all samples once more with the tensors of one sample kept (`kept`), and once more with them
// written into files of that folder (`written`).
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

const job = JSON.parse(fs.readFileSync(process.argv[2], 'utf8'));
const ort = createRequire(path.join(path.resolve(job.modules), 'package.json'))('onnxruntime-node');
const arrays = { float32: Float32Array, int64: BigInt64Array, int32: Int32Array };

const session = await ort.InferenceSession.create(job.model, {
    graphOptimizationLevel: job.optimize ? 'all' : 'disabled',
    intraOpNumThreads: job.threads ?? 1,
    interOpNumThreads: 1,
    logSeverityLevel: 3,
});

const feeds = [];
for (let t = 0; t < job.samples; t++) feeds.push({});
for (const { name, type, shape, file } of job.inputs) {
    const bytes = fs.readFileSync(file);
    const all = new arrays[type](bytes.buffer, bytes.byteOffset, bytes.length / arrays[type].BYTES_PER_ELEMENT);
    const size = shape.reduce((a, b) => a * b, 1);
    feeds.forEach((feed, t) => (feed[name] = new ort.Tensor(type, all.slice(t * size, (t + 1) * size), shape)));
}

async function seconds(files) {
    const start = performance.now();
    for (const feed of feeds) {
        const result = await session.run(feed);
        for (const [name, file] of files) fs.writeSync(file, result[name].data);
    }
    return (performance.now() - start) / 1000;
}

if (job.time) {
    await seconds([]);
    const kept = await seconds([]);
    const files = session.outputNames.map((name, i) => [name, fs.openSync(path.join(job.time, String(i)), 'w')]);
    console.log(JSON.stringify({ version: ort.env.versions.node, seconds: { kept, written: await seconds(files) } }));
} else {
    const results = [];
    for (const feed of feeds) results.push(await session.run(feed));
    const tensors = [];
    const file = fs.openSync(job.output, 'w');
    let start = 0;
    for (const name of session.outputNames) {
        const first = results[0][name];
        if (first.type !== 'float32') continue;
        tensors.push({ name, shape: first.dims, start });
        for (const result of results) start += fs.writeSync(file, result[name].data);
    }
    fs.closeSync(file);
    console.log(JSON.stringify({ version: ort.env.versions.node, tensors }));
}
