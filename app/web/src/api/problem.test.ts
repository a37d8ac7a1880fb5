import { describe, expect, test } from 'vitest';
import { advice, asProblem, Problem, problemFrom } from './problem';

describe('a refusal', () => {
  test.each<[string, number, unknown, string]>([
    [
      'is said in the server’s words',
      413,
      { title: 'Too large', detail: 'the file has 12 MB' },
      'The file has 12 MB',
    ],
    ['falls back on its title', 418, { title: 'teapot' }, 'Teapot'],
    [
      'names the field that is wrong',
      422,
      { detail: 'validation failed', errors: [{ message: 'question is empty' }] },
      'Validation failed: question is empty',
    ],
    [
      'of a proxy, without JSON, still has words',
      502,
      undefined,
      'The service behind this page does not answer.',
    ],
    ['that nobody knows has its number', 499, 'html', 'The server answered 499.'],
  ])('%s', (_, status, body, words) => {
    expect(problemFrom(status, body, null).message).toBe(words);
  });

  test.each([
    ['7', 7],
    ['0', 0],
    [null, undefined],
    ['Wed, 21 Oct 2026 07:28:00 GMT', undefined],
  ])('Retry-After %j is %j seconds', (header, seconds) => {
    expect(problemFrom(429, undefined, header).retryAfter).toBe(seconds);
  });

  test.each([0, 401, 404, 413, 415, 422, 429, 500, 502, 503])('%i comes with what to do', (status) => {
    expect(advice(new Problem(status, 'x'))).not.toBe('');
  });

  test('a wait is told in seconds', () => {
    expect(advice(new Problem(429, 'x', 12))).toContain('12 s');
  });

  test('a failure of the network is one, too', () => {
    expect(asProblem(new TypeError('Failed to fetch'))).toMatchObject({ status: 0 });
  });
});
