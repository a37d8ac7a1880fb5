// Measures what a first visit loads, and fails if its JavaScript has grown over the budget.
import { readdir, readFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';

const budget = 60_000;
const dist = new URL('../dist/', import.meta.url);

/** @param {string} path */
const gzipped = async (path) => gzipSync(await readFile(new URL(path, dist)), { level: 9 }).length;

/** @param {number} bytes */
const kB = (bytes) => `${(bytes / 1000).toFixed(1)} kB`.padStart(9);

const page = await readFile(new URL('index.html', dist), 'utf8');
const initial = [...page.matchAll(/(?:src|href)="\/(assets\/[^"]+\.(?:js|css))"/g)].map(
  (match) => match[1] ?? '',
);
const later = (await readdir(new URL('assets/', dist)))
  .map((name) => `assets/${name}`)
  .filter((path) => /\.(js|css)$/.test(path) && !initial.includes(path));

let javascript = 0;
for (const path of initial) {
  const size = await gzipped(path);
  if (path.endsWith('.js')) javascript += size;
  console.log(`initial  ${kB(size)}  ${path}`);
}
for (const path of later) console.log(`later    ${kB(await gzipped(path))}  ${path}`);

const verdict = javascript <= budget ? 'within' : 'OVER';
console.log(
  `initial JavaScript ${kB(javascript).trim()} gzip, ${verdict} the budget of ${kB(budget).trim()}`,
);
if (javascript === 0 || javascript > budget) process.exitCode = 1;
