// Starts the real thing on loopback: a mongod, and the application twice, with a language model and
// without. MONGOD_BIN and CHATPDF_BIN name the binaries; build chatpdf after the page, which it holds.
//
//   MONGOD_BIN=... CHATPDF_BIN=... node e2e/serve.mjs        prints the addresses, runs until Ctrl-C
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { MongoClient } from 'mongodb';
import { startModel } from './model.mjs';

export const credentials = { username: 'admin', password: 'page-tests-only' };
/** Bytes; small, so that a file over the limit is made quickly. */
export const maxFileSize = 4 * 1024 * 1024;

const startTimeout = 90_000;

/**
 * @typedef {object} Stack
 * @property {string} generated address of the page whose answers a model writes
 * @property {string} extractive address of the page without a model
 * @property {string} model address of the model server
 * @property {() => Promise<void>} stop
 */

/** @returns {Promise<Stack>} */
export async function start() {
  const mongod = binary('MONGOD_BIN', 'a mongod, 4.4 or later');
  const chatpdf = binary('CHATPDF_BIN', 'the binary made by: npm run build && go build -o chatpdf ..');
  const folder = await mkdtemp(join(tmpdir(), 'chatpdf-page-'));
  /** @type {(() => Promise<void>)[]} */
  const stops = [() => rm(folder, { recursive: true, force: true })];
  const stop = async () => {
    for (const one of stops.splice(0).reverse()) await one();
  };
  try {
    const database = await startMongod(mongod, folder, stops);
    const model = await startModel();
    stops.push(model.stop);
    const withModel = { OPENAI_API_KEY: 'none-needed', OPENAI_BASE_URL: model.url };
    const generated = await startApp(chatpdf, folder, 'generated', database, withModel, stops);
    const extractive = await startApp(chatpdf, folder, 'extractive', database, {}, stops);
    return { generated, extractive, model: model.url, stop };
  } catch (reason) {
    await stop();
    throw reason;
  }
}

/** @param {string} name @param {string} meaning @returns {string} */
function binary(name, meaning) {
  const path = process.env[name];
  if (!path) throw new Error(`${name} is not set: it is the path of ${meaning}.`);
  return path;
}

/** @param {string} path @param {string} folder @param {(() => Promise<void>)[]} stops */
async function startMongod(path, folder, stops) {
  const port = await freePort();
  const data = join(folder, 'db');
  await mkdir(data);
  const options = ['--dbpath', data, '--port', String(port), '--bind_ip', '127.0.0.1', '--replSet', 'page'];
  run(
    path,
    [...options, '--nounixsocket', '--wiredTigerCacheSizeGB', '0.25'],
    {},
    join(folder, 'mongod.log'),
    stops,
  );
  const client = new MongoClient(`mongodb://127.0.0.1:${port}/?directConnection=true`, {
    serverSelectionTimeoutMS: startTimeout,
  });
  try {
    const members = [{ _id: 0, host: `127.0.0.1:${port}` }];
    await client.db('admin').command({ replSetInitiate: { _id: 'page', members } });
    await until('mongod becomes primary', join(folder, 'mongod.log'), async () => {
      const { isWritablePrimary } = await client.db('admin').command({ hello: 1 });
      return isWritablePrimary === true;
    });
  } finally {
    await client.close();
  }
  return `mongodb://127.0.0.1:${port}`;
}

/**
 * @param {string} path
 * @param {string} folder
 * @param {string} name
 * @param {string} database
 * @param {Record<string, string>} more
 * @param {(() => Promise<void>)[]} stops
 * @returns {Promise<string>} the address of the page
 */
async function startApp(path, folder, name, database, more, stops) {
  const ports = { backend: await freePort(), frontend: await freePort() };
  const cache =
    process.env.CHATPDF_CACHE ??
    join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'chatpdf-operator');
  const shared = { METRICS_ADDRESS: '127.0.0.1:0', MAX_FILE_SIZE: String(maxFileSize), LOG_FORMAT: 'text' };
  const backend = {
    ...shared,
    ...more,
    LISTEN_ADDRESS: `127.0.0.1:${ports.backend}`,
    MONGODB_URI: `${database}/${name}?replicaSet=page`,
    INITIAL_ADMIN_USERNAME: credentials.username,
    INITIAL_ADMIN_PASSWORD: credentials.password,
    CACHE_DIR: join(cache, 'page-tests', name),
    // One machine does in a minute what many readers do in an hour.
    RATE_LIMIT: '100000',
    RATE_LIMIT_PER_SECOND: '10000',
    RATE_LIMIT_BURST: '10000',
  };
  const frontend = {
    ...shared,
    LISTEN_ADDRESS: `127.0.0.1:${ports.frontend}`,
    BACKEND_URL: `http://127.0.0.1:${ports.backend}`,
  };
  run(path, ['backend'], backend, join(folder, `${name}-backend.log`), stops);
  run(path, ['frontend'], frontend, join(folder, `${name}-frontend.log`), stops);
  const url = `http://127.0.0.1:${ports.frontend}`;
  await until(
    `${name} is healthy`,
    join(folder, `${name}-backend.log`),
    async () => (await fetch(`${url}/health`)).ok,
  );
  return url;
}

/**
 * @param {string} path
 * @param {string[]} args
 * @param {Record<string, string>} env
 * @param {string} log
 * @param {(() => Promise<void>)[]} stops
 */
function run(path, args, env, log, stops) {
  const output = openSync(log, 'a');
  const child = spawn(path, args, {
    env: { PATH: process.env.PATH, HOME: homedir(), ...env },
    stdio: ['ignore', output, output],
  });
  const ended = new Promise((resolve) => child.once('exit', resolve).once('error', resolve));
  stops.push(async () => {
    child.kill('SIGTERM');
    const gaveUp = new AbortController();
    await Promise.race([
      ended,
      pause(30_000, undefined, { signal: gaveUp.signal }).then(() => child.kill('SIGKILL')),
    ]);
    gaveUp.abort();
  });
}

/** Tries until it holds; if it never does, says so with the end of the log. @param {string} what @param {string} log @param {() => Promise<boolean>} holds */
async function until(what, log, holds) {
  const deadline = Date.now() + startTimeout;
  for (;;) {
    if (await holds().catch(() => false)) return;
    if (Date.now() > deadline) {
      const end = (await readFile(log, 'utf8')).slice(-2000);
      throw new Error(`waited ${startTimeout / 1000} s until ${what}; its log ends with:\n${end}`);
    }
    await pause(100);
  }
}

/** @returns {Promise<number>} */
async function freePort() {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address ? address.port : 0;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const stack = await start();
  console.log(`with a model     ${stack.generated}\nwithout a model  ${stack.extractive}`);
  console.log(`user ${credentials.username}, password ${credentials.password}`);
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => void stack.stop());
}
