import { describe, expect, test } from 'vitest';
import { EventParser, readEvents, type ServerEvent } from './sse';

describe('events of a stream', () => {
  const answer = 'event: token\ndata: {"text":"Zwölf "}\n\n: keep-alive\n\nevent: done\ndata: {}\n\n';
  const expected = [
    { type: 'token', data: '{"text":"Zwölf "}' },
    { type: 'done', data: '{}' },
  ];

  test.each([1, 2, 3, 7, 1000])('are the same however the text is cut (%i characters a piece)', (length) => {
    const parser = new EventParser();
    const events = [];
    for (let at = 0; at < answer.length; at += length)
      events.push(...parser.push(answer.slice(at, at + length)));
    expect(events).toEqual(expected);
  });

  test.each(['\n', '\r\n', '\r'])('are the same whatever ends a line (%j)', (end) => {
    const text = `${answer.replaceAll('\n', end)}:${end}`;
    const parser = new EventParser();
    expect(text.split(/(?:)/u).flatMap((character) => parser.push(character))).toEqual(expected);
  });

  test.each<[string, string, { type: string; data: string }[]]>([
    ['several data lines are joined', 'data: a\ndata: b\n\n', [{ type: 'message', data: 'a\nb' }]],
    ['only one space after the colon goes', 'data:  a\n\n', [{ type: 'message', data: ' a' }]],
    ['no space is needed', 'data:a\n\n', [{ type: 'message', data: 'a' }]],
    ['a line without colon is a field without value', 'data\n\n', [{ type: 'message', data: '' }]],
    ['an event without data is none', 'event: done\n\n', []],
    ['its type does not leak into the next', 'event: done\n\ndata: a\n\n', [{ type: 'message', data: 'a' }]],
    [
      'comments, ids and unknown fields say nothing',
      ': hi\nid: 1\nretry: 5\nfoo: bar\ndata: a\n\n',
      [{ type: 'message', data: 'a' }],
    ],
    ['a byte order mark is skipped', '\uFEFFdata: a\n\n', [{ type: 'message', data: 'a' }]],
    ['what is not finished is not given', 'data: a\n', []],
  ])('%s', (_, text, events) => {
    expect(new EventParser().push(text)).toEqual(events);
  });

  test('an event without end is refused instead of filling the memory', () => {
    const parser = new EventParser();
    const chunk = `data: ${'x'.repeat(1024 * 1024)}\n`;
    expect(() => {
      for (let times = 0; times < 8; times++) parser.push(chunk);
    }).toThrow('without end');
  });
});

async function all(events: AsyncIterable<ServerEvent>): Promise<ServerEvent[]> {
  const result = [];
  for await (const event of events) result.push(event);
  return result;
}

describe('a response body', () => {
  const bytes = new TextEncoder().encode('data: Größe\n\n');

  test('may be cut inside a character', async () => {
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        for (const byte of bytes) controller.enqueue(Uint8Array.of(byte));
        controller.close();
      },
    });
    expect(await all(readEvents(body))).toEqual([{ type: 'message', data: 'Größe' }]);
  });

  test('that goes silent is given up', async () => {
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(bytes);
      },
    });
    await expect(all(readEvents(body, 5))).rejects.toThrow('silent');
  });

  test('is let go when nobody listens any more', async () => {
    let cancelled = false;
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(bytes);
      },
      cancel() {
        cancelled = true;
      },
    });
    for await (const event of readEvents(body)) {
      expect(event.data).toBe('Größe');
      break;
    }
    expect(cancelled).toBe(true);
  });
});
