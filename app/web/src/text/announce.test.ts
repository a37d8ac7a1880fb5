import { expect, test } from 'vitest';
import { Announcer } from './announce';

test('whole sentences are announced, never half of one', () => {
  const announcer = new Announcer();
  expect(announcer.next('It is so. And th', 0, false)).toBe('It is so.');
  expect(announcer.next('It is so. And this', 9000, false)).toBe('');
});

test('announcements leave time to be listened to', () => {
  const announcer = new Announcer();
  expect(announcer.next('One. ', 0, false)).toBe('One.');
  expect(announcer.next('One. Two. ', 1000, false)).toBe('');
  expect(announcer.next('One. Two. Three. ', 5000, false)).toBe('Two. Three.');
});

test('the end is announced at once, and nothing twice', () => {
  const announcer = new Announcer();
  expect(announcer.next('One. ', 0, false)).toBe('One.');
  expect(announcer.next('One. Two', 100, true)).toBe('Two');
  expect(announcer.next('One. Two', 9000, true)).toBe('');
});

test('markers and signs are not spoken', () => {
  const announcer = new Announcer();
  expect(announcer.next('# Title\n- **It** is `so` [1][2].\n', 0, true)).toBe('Title It is so.');
});
