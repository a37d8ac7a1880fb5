import { describe, expect, test } from 'vitest';
import { Problem } from '../api/problem';
import { nextStage, unfitness, type UploadEvent, type UploadStage } from './upload-machine';

const waiting: UploadStage = { name: 'waiting' };
const sending: UploadStage = { name: 'sending', sent: 40, size: 100 };
const storing: UploadStage = { name: 'storing' };
const stored: UploadStage = { name: 'stored', existed: false };
const cancelled: UploadStage = { name: 'cancelled' };
const failed: UploadStage = { name: 'failed', reason: 'r', advice: 'a', canRetry: true };
const refused: UploadStage = { name: 'failed', reason: 'r', advice: 'a', canRetry: false };

describe('an upload', () => {
  test.each<[string, UploadStage, UploadEvent, UploadStage]>([
    [
      'starts when its turn comes',
      waiting,
      { type: 'start', size: 100 },
      { name: 'sending', sent: 0, size: 100 },
    ],
    [
      'tells how much has left',
      sending,
      { type: 'progress', sent: 50 },
      { name: 'sending', sent: 50, size: 100 },
    ],
    ['never goes back', sending, { type: 'progress', sent: 30 }, sending],
    ['waits for the server when all has left', sending, { type: 'progress', sent: 100 }, storing],
    ['is stored', storing, { type: 'accepted', existed: false }, stored],
    ['is stored even if the last progress never came', sending, { type: 'accepted', existed: false }, stored],
    [
      'knows that the file was there',
      storing,
      { type: 'accepted', existed: true },
      { name: 'stored', existed: true },
    ],
    ['can be cancelled before', waiting, { type: 'cancel' }, cancelled],
    ['can be cancelled on the way', sending, { type: 'cancel' }, cancelled],
    ['stays cancelled when an answer comes late', cancelled, { type: 'accepted', existed: false }, cancelled],
    ['stays cancelled when progress comes late', cancelled, { type: 'progress', sent: 90 }, cancelled],
    ['does not start once cancelled', cancelled, { type: 'start', size: 100 }, cancelled],
    ['stays stored when cancelled too late', stored, { type: 'cancel' }, stored],
    ['that is not fit is never sent', waiting, { type: 'unfit', reason: 'r', advice: 'a' }, refused],
    ['may be sent again after a failure that may pass', failed, { type: 'retry' }, waiting],
    ['may not be sent again if that cannot help', refused, { type: 'retry' }, refused],
  ])('%s', (_, stage, event, next) => {
    expect(nextStage(stage, event)).toEqual(next);
  });

  test('that is refused says why, what to do, and that trying again is no use', () => {
    const problem = new Problem(413, 'The file has 12 MB; 10 MB is the limit.');
    expect(nextStage(storing, { type: 'refused', problem })).toEqual({
      name: 'failed',
      reason: 'The file has 12 MB; 10 MB is the limit.',
      advice: 'Split the file, or ask your administrator to raise the limit.',
      canRetry: false,
    });
  });

  test.each([0, 401, 408, 429, 500, 502, 503])('that failed with %i can be sent again', (status) => {
    expect(nextStage(sending, { type: 'refused', problem: new Problem(status, 'x') })).toMatchObject({
      canRetry: true,
    });
  });
});

describe('a file', () => {
  const limits = { maxFileSizeBytes: 1000, maxPages: 10, generatedAnswers: true };
  const pdf = new TextEncoder().encode('%PDF-1.7\n');

  test.each<[string, number, Uint8Array, string | undefined]>([
    ['that is a PDF may be sent', 1000, pdf, undefined],
    ['may have something before its header', 1000, new TextEncoder().encode('\n\n%PDF-1.4'), undefined],
    ['that is empty is not sent', 0, new Uint8Array(), 'The file is empty.'],
    ['over the limit is not sent', 1001, pdf, 'The file has 1 kB; 1 kB is the limit here.'],
    [
      'that only has the name of a PDF is not sent',
      5,
      new TextEncoder().encode('hello'),
      'This is not a PDF, whatever its name says.',
    ],
  ])('%s', (_, size, head, reason) => {
    expect(unfitness(size, head, limits)?.reason).toBe(reason);
  });

  test('is sent for the server to judge while the limits are not known', () => {
    expect(unfitness(10 ** 9, pdf, undefined)).toBeUndefined();
  });
});
