/** One server-sent event. */
export interface ServerEvent {
  type: string;
  data: string;
}

/** Characters of one event that are held at most; a server that sends more is not ours. */
const maxEventLength = 4 * 1024 * 1024;

/**
 * Turns text as it arrives, cut anywhere, into events as the HTML standard reads them: lines end in
 * LF, CR or CRLF; several data lines are joined; comments, ids and retry times carry nothing for us.
 */
export class EventParser {
  #rest = '';
  #type = '';
  #data: string[] = [];
  #length = 0;
  #started = false;

  push(text: string): ServerEvent[] {
    this.#rest += text;
    if (!this.#started && this.#rest !== '') {
      this.#started = true;
      if (this.#rest.startsWith('\uFEFF')) this.#rest = this.#rest.slice(1);
    }
    const events: ServerEvent[] = [];
    let from = 0;
    for (;;) {
      const end = this.#lineEnd(from);
      if (!end) break;
      const event = this.#line(this.#rest.slice(from, end.at));
      if (event) events.push(event);
      from = end.next;
    }
    this.#rest = this.#rest.slice(from);
    if (this.#length + this.#rest.length > maxEventLength) {
      throw new Error('the server sent an event without end');
    }
    return events;
  }

  // A CR at the very end of what has come so far may be half of a CRLF: it waits for the next piece.
  #lineEnd(from: number): { at: number; next: number } | undefined {
    for (let at = from; at < this.#rest.length; at++) {
      const character = this.#rest[at];
      if (character === '\n') return { at, next: at + 1 };
      if (character === '\r') {
        if (at + 1 === this.#rest.length) return undefined;
        return { at, next: this.#rest[at + 1] === '\n' ? at + 2 : at + 1 };
      }
    }
    return undefined;
  }

  #line(line: string): ServerEvent | undefined {
    if (line === '') return this.#dispatch();
    const colon = line.indexOf(':');
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'event') this.#type = value;
    if (field === 'data') {
      this.#data.push(value);
      this.#length += value.length;
    }
    return undefined;
  }

  #dispatch(): ServerEvent | undefined {
    const event = { type: this.#type || 'message', data: this.#data.join('\n') };
    const empty = this.#data.length === 0;
    this.#type = '';
    this.#data = [];
    this.#length = 0;
    return empty ? undefined : event;
  }
}

/**
 * The events of a response body. The server sends a comment every 15 s at least, so silence of
 * stallAfter milliseconds means that the connection is dead, whatever the browser believes.
 */
export async function* readEvents(
  body: ReadableStream<Uint8Array>,
  stallAfter = 45_000,
): AsyncGenerator<ServerEvent, void, undefined> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  const parser = new EventParser();
  try {
    for (;;) {
      const { done, value } = await orStalled(reader.read(), stallAfter);
      if (done) return;
      yield* parser.push(decoder.decode(value, { stream: true }));
    }
  } finally {
    reader.cancel().catch(() => undefined);
  }
}

function orStalled<T>(promise: Promise<T>, after: number): Promise<T> {
  let timer: ReturnType<typeof setTimeout>;
  const stalled = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new Error('the connection to the server went silent'));
    }, after);
  });
  return Promise.race([promise, stalled]).finally(() => {
    clearTimeout(timer);
  });
}
