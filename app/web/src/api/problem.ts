/** The server's refusal (RFC 9457), or ours when the server could not be reached: then status is 0. */
export class Problem extends Error {
  override readonly name = 'Problem';
  readonly status: number;
  /** Seconds to wait before another try, when the server said so. */
  readonly retryAfter: number | undefined;

  constructor(status: number, detail: string, retryAfter?: number) {
    super(detail);
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

const fallbackDetail: Record<number, string> = {
  0: 'The server cannot be reached.',
  401: 'You are signed out.',
  404: 'This is not here any more.',
  413: 'The file is too large.',
  429: 'Too many requests.',
  502: 'The service behind this page does not answer.',
  503: 'The service is not ready.',
  504: 'The service took too long to answer.',
};

/** Reads a problem out of a response's parts; proxies on the way may answer in anything but JSON. */
export function problemFrom(status: number, body: unknown, retryAfterHeader: string | null): Problem {
  const said = spokenDetail(body);
  const detail = said ?? fallbackDetail[status] ?? `The server answered ${status}.`;
  const seconds = Number.parseInt(retryAfterHeader ?? '', 10);
  return new Problem(status, detail, Number.isFinite(seconds) && seconds >= 0 ? seconds : undefined);
}

/** What the reader can do about it, as one sentence; empty if the detail says it all. */
export function advice(problem: Problem): string {
  switch (problem.status) {
    case 0:
      return 'Check your connection, then try again.';
    case 401:
      return 'Sign in again; nothing that you typed is lost.';
    case 404:
      return 'Reload the page to see what is there now.';
    case 413:
      return 'Split the file, or ask your administrator to raise the limit.';
    case 415:
      return 'Choose a PDF; other formats have to be exported as PDF first.';
    case 422:
      return 'Change it and send it again.';
    case 429:
      return problem.retryAfter ? `Try again in ${problem.retryAfter} s.` : 'Wait a moment, then try again.';
    default:
      return problem.status >= 500
        ? 'Try again in a minute; if it stays like this, tell your administrator.'
        : '';
  }
}

/** Any thrown thing as a Problem, so that nothing fails without words. */
export function asProblem(thrown: unknown): Problem {
  if (thrown instanceof Problem) return thrown;
  return problemFrom(0, undefined, null);
}

/** True if the reader stopped it, which is no failure. */
export function isAbort(thrown: unknown): boolean {
  return thrown instanceof DOMException && thrown.name === 'AbortError';
}

function spokenDetail(body: unknown): string | undefined {
  if (typeof body !== 'object' || body === null) return undefined;
  const { detail, title, errors } = body as { detail?: unknown; title?: unknown; errors?: unknown };
  const words = [detail, title].find((text): text is string => typeof text === 'string' && text !== '');
  const reason = Array.isArray(errors)
    ? (errors[0] as { message?: unknown } | undefined)?.message
    : undefined;
  if (words === undefined) return undefined;
  const sentence = typeof reason === 'string' && !words.includes(reason) ? `${words}: ${reason}` : words;
  return sentence.charAt(0).toUpperCase() + sentence.slice(1);
}
