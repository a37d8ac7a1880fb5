// Everything that the page says to its server, /api/v1, and what it gets back. Nothing else in the
// page opens a connection, except the PDF reader, which fetches ranges of fileUrl().
import { Problem, asProblem, isAbort, problemFrom } from './problem';
import { readEvents } from './sse';

export interface Session {
  username: string;
  role: 'admin' | 'user';
}

export interface Limits {
  maxFileSizeBytes: number;
  maxPages: number;
  /** False without a language model: answers are quotes then. */
  generatedAnswers: boolean;
}

export type DocumentState = 'queued' | 'processing' | 'ready' | 'failed';

export interface PdfDocument {
  id: string;
  name: string;
  /** Bytes. */
  size: number;
  sha256: string;
  state: DocumentState;
  /** 0 until known. */
  pages: number;
  pagesDone: number;
  failure?: { code: string; message: string };
  createdAt: string;
}

export interface DocumentList {
  documents: PdfDocument[];
  /** The id to go on after; absent on the last page of the list. */
  next?: string;
}

/** Fractions of a page's width and height as displayed, origin in the upper left corner. */
export interface Rect {
  x0: number;
  y0: number;
  x1: number;
  y1: number;
}

export interface Citation {
  /** The number in the marker. */
  id: number;
  documentId: string;
  documentName: string;
  /** From 1. */
  page: number;
  /** Bytes in the page's text, half open. */
  start: number;
  end: number;
  quote: string;
  /** One a line. */
  rects: Rect[];
}

export type AnswerMode = 'generated' | 'extractive';

export interface Answer {
  mode: AnswerMode;
  /** Markdown with markers [n]. */
  text: string;
  /** False when the model's stream broke off. */
  complete: boolean;
  citations: Citation[];
  usage: { promptTokens: number; completionTokens: number };
}

export type AnswerEvent =
  | { type: 'answer'; mode: AnswerMode }
  | { type: 'token'; text: string }
  | { type: 'citation'; citation: Citation }
  | { type: 'done'; answer: Answer }
  | { type: 'error'; problem: Problem };

export interface Upload {
  /** The document that the server made of the file, or found. */
  document: PdfDocument;
  /** The same bytes were here already. */
  existed: boolean;
}

const base = '/api/v1';

export function signIn(username: string, password: string): Promise<void> {
  return send('POST', '/session', { username, password });
}

export function currentSession(): Promise<Session> {
  return send('GET', '/session');
}

export function signOut(): Promise<void> {
  return send('DELETE', '/session');
}

export function limits(): Promise<Limits> {
  return send('GET', '/limits');
}

export function listDocuments(after?: string): Promise<DocumentList> {
  const query = new URLSearchParams({ limit: '100', ...(after === undefined ? {} : { after }) });
  return send('GET', `/documents?${query.toString()}`);
}

export function getDocument(id: string): Promise<PdfDocument> {
  return send('GET', `/documents/${encodeURIComponent(id)}`);
}

export function deleteDocument(id: string): Promise<void> {
  return send('DELETE', `/documents/${encodeURIComponent(id)}`);
}

/** Where the PDF itself is; it answers byte ranges. */
export function fileUrl(documentId: string): string {
  return `${base}/documents/${encodeURIComponent(documentId)}/file`;
}

/** Sends a PDF. Only XMLHttpRequest tells how much of a body has left. */
export function uploadDocument(
  file: File,
  onProgress: (bytesSent: number) => void,
  signal: AbortSignal,
): Promise<Upload> {
  const request = new XMLHttpRequest();
  const form = new FormData();
  form.append('file', file, file.name);
  return new Promise((resolve, reject) => {
    const fail = (status: number) => {
      reject(problemFrom(status, parsed(request.responseText), request.getResponseHeader('Retry-After')));
    };
    // The body has a little more than the file in it: boundaries and a header.
    request.upload.onprogress = (event) => {
      onProgress(Math.min(event.loaded, file.size));
    };
    request.onload = () => {
      const answer = parsed(request.responseText) as { document?: PdfDocument } | undefined;
      if (request.status >= 200 && request.status < 300 && answer?.document) {
        resolve({ document: answer.document, existed: request.status === 200 });
      } else fail(request.status);
    };
    request.onerror = () => {
      fail(0);
    };
    request.onabort = () => {
      reject(new DOMException('cancelled', 'AbortError'));
    };
    signal.addEventListener('abort', () => {
      request.abort();
    });
    request.open('POST', `${base}/documents`);
    request.setRequestHeader('Accept', 'application/json');
    request.send(form);
  });
}

/** Asks about some documents, or about all if none is named, and gives the answer as it comes. */
export async function* ask(
  question: string,
  documentIds: string[],
  signal: AbortSignal,
): AsyncGenerator<AnswerEvent, void, undefined> {
  const body = { question, ...(documentIds.length > 0 ? { documentIds } : {}) };
  const response = await request('POST', '/questions', body, 'text/event-stream', signal);
  if (!response.body) return;
  for await (const event of readEvents(response.body)) {
    const data = parsed(event.data);
    switch (event.type) {
      case 'answer':
        yield { type: 'answer', mode: (data as { mode: AnswerMode }).mode };
        break;
      case 'token':
        yield { type: 'token', text: (data as { text: string }).text };
        break;
      case 'citation':
        yield { type: 'citation', citation: data as Citation };
        break;
      case 'done':
        yield { type: 'done', answer: data as Answer };
        return;
      case 'error':
        yield {
          type: 'error',
          problem: problemFrom((data as { status?: number }).status ?? 500, data, null),
        };
        return;
    }
  }
}

async function send<T>(method: string, path: string, body?: unknown): Promise<T> {
  const response = await request(method, path, body, 'application/json', AbortSignal.timeout(30_000));
  return (response.status === 204 ? undefined : await response.json()) as T;
}

async function request(
  method: string,
  path: string,
  body: unknown,
  accept: string,
  signal: AbortSignal,
): Promise<Response> {
  const init: RequestInit = { method, signal, headers: { Accept: accept } };
  if (body !== undefined) {
    init.headers = { Accept: accept, 'Content-Type': 'application/json' };
    init.body = JSON.stringify(body);
  }
  let response: Response;
  try {
    response = await fetch(base + path, init);
  } catch (thrown) {
    throw isAbort(thrown) ? thrown : asProblem(thrown);
  }
  if (response.ok) return response;
  throw problemFrom(response.status, parsed(await response.text()), response.headers.get('Retry-After'));
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
