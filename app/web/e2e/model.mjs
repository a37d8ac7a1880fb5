// A language model server that speaks the OpenAI protocol and answers from what it is shown, so that
// the tests can watch an answer while it comes. It is held, let go and broken off by its controls.
import { once } from 'node:events';
import { createServer } from 'node:http';

/**
 * @typedef {{ input: string[], model: string }} EmbeddingRequest
 * @typedef {{ messages: { content: string }[] }} ChatRequest
 *
 * @typedef {object} Model
 * @property {string} url its base URL, for OPENAI_BASE_URL
 * @property {() => Promise<void>} stop
 */

const dimensions = 64;

/** What the next answers do: run through, hold in the middle, break off there, or refuse to begin. */
let course = 'run';
/** Answers whose reader has gone before their end. */
let abandoned = 0;
/** @type {Set<() => void>} */
const waiting = new Set();

/** @returns {Promise<Model>} */
export async function startModel() {
  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}/v1`,
    stop: async () => {
      letGo();
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** @param {import('node:http').IncomingMessage} request @param {import('node:http').ServerResponse} response */
async function answer(request, response) {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  switch (`${request.method} ${request.url}`) {
    case 'GET /v1/course':
      json(response, { course, abandoned });
      return;
    case 'PUT /v1/course':
      course = text;
      if (course !== 'hold') letGo();
      json(response, { course });
      return;
    case 'POST /v1/embeddings':
      json(response, embeddings(/** @type {EmbeddingRequest} */ (JSON.parse(text))));
      return;
    case 'POST /v1/chat/completions':
      await chat(/** @type {ChatRequest} */ (JSON.parse(text)), response);
      return;
  }
  response.writeHead(404).end();
}

/** @param {ChatRequest} body @param {import('node:http').ServerResponse} response */
async function chat(body, response) {
  const shown = body.messages.at(-1)?.content ?? '';
  const [first, ...rest] = bestSentences(shown);
  const words = first
    ? `**In short:** ${first.text} [${first.number}]\n\nAlso:\n\n${rest.map((one) => `- ${one.text} [${one.number}]`).join('\n')}`
    : 'NOT_FOUND';
  if (course === 'refuse') {
    response.writeHead(400).end();
    return;
  }
  response.on('close', () => {
    if (!response.writableFinished) abandoned++;
  });
  response.writeHead(200, { 'Content-Type': 'text/event-stream' });
  const pieces = words.split(/(?<=\s)/);
  for (const [index, piece] of pieces.entries()) {
    if (index === 6 && course === 'hold') await letGoOrClosed(response);
    if (index === 6 && course === 'break') {
      response.end();
      return;
    }
    if (response.destroyed) return;
    send(response, { delta: { content: piece }, finish_reason: null });
  }
  send(response, { delta: {}, finish_reason: 'stop' });
  response.end('data: [DONE]\n\n');
}

/** @param {import('node:http').ServerResponse} response @param {object} choice */
function send(response, choice) {
  const chunk = {
    id: 'c',
    object: 'chat.completion.chunk',
    created: 0,
    model: 'm',
    choices: [{ index: 0, ...choice }],
  };
  response.write(`data: ${JSON.stringify(chunk)}\n\n`);
}

/** @param {import('node:http').ServerResponse} response @returns {Promise<void>} */
function letGoOrClosed(response) {
  return new Promise((resolve) => {
    waiting.add(resolve);
    response.once('close', resolve);
  });
}

function letGo() {
  for (const resolve of waiting) resolve();
  waiting.clear();
}

/** The numbered sentences that share most with the question; a rare word counts more. @param {string} shown */
function bestSentences(shown) {
  const question = new Set(wordsOf(shown.slice(shown.lastIndexOf('Question:') + 'Question:'.length)));
  const sentences = [...shown.matchAll(/^\[(\d+)\] (.+)$/gm)].map(([, number = '', text = '']) => {
    const shared = [...question].filter((word) => wordsOf(text).includes(word));
    return { number, text, shared };
  });
  /** @param {string} word */
  const weight = (word) => 1 / sentences.filter(({ shared }) => shared.includes(word)).length;
  return sentences
    .filter(({ shared }) => shared.length >= 2)
    .map((sentence) => ({ ...sentence, score: sentence.shared.reduce((sum, word) => sum + weight(word), 0) }))
    .sort((one, other) => other.score - one.score)
    .filter(({ score }, _, [best]) => score >= (best?.score ?? 0) / 3)
    .slice(0, 3);
}

/** @param {EmbeddingRequest} body */
function embeddings({ input, model }) {
  const data = input.map((text, index) => ({ object: 'embedding', index, embedding: vectorOf(text) }));
  return { object: 'list', model, data, usage: { prompt_tokens: 1, total_tokens: 1 } };
}

/** Texts that share words get vectors that lie near each other. @param {string} text */
function vectorOf(text) {
  const vector = Array.from({ length: dimensions }, () => 0.01);
  for (const word of wordsOf(text)) {
    const place = Number.parseInt(word, 36) % dimensions;
    vector[place] = (vector[place] ?? 0) + 1;
  }
  return vector;
}

/** @param {string} text @returns {string[]} */
function wordsOf(text) {
  return text.toLowerCase().match(/[a-z0-9]{3,}/g) ?? [];
}

/** @param {import('node:http').ServerResponse} response @param {object} value */
function json(response, value) {
  response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(value));
}
