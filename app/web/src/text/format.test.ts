import { expect, test } from 'vitest';
import { formatBytes, plural } from './format';

test.each([
  [0, '0 B'],
  [999, '999 B'],
  [1000, '1 kB'],
  [1234, '1.2 kB'],
  [999_600, '1 MB'],
  [10_485_760, '10.5 MB'],
  [123_456_789, '123 MB'],
  [5_000_000_000_000, '5000 GB'],
])('%i bytes are %s', (bytes, words) => {
  expect(formatBytes(bytes)).toBe(words);
});

test('one is not many', () => {
  expect([plural(1, 'page'), plural(2, 'page'), plural(10_000, 'page')]).toEqual([
    '1 page',
    '2 pages',
    '10,000 pages',
  ]);
});
