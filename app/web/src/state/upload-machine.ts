import type { Limits } from '../api/api';
import type { Problem } from '../api/problem';
import { advice } from '../api/problem';
import { formatBytes } from '../text/format';

/** How far one file is on its way to the server. */
export type UploadStage =
  | { name: 'waiting' }
  | { name: 'sending'; sent: number; size: number }
  /** All bytes have left; the server has not answered yet. */
  | { name: 'storing' }
  | { name: 'stored'; existed: boolean }
  | { name: 'failed'; reason: string; advice: string; canRetry: boolean }
  | { name: 'cancelled' };

export type UploadEvent =
  | { type: 'start'; size: number }
  | { type: 'progress'; sent: number }
  | { type: 'accepted'; existed: boolean }
  | { type: 'refused'; problem: Problem }
  | { type: 'unfit'; reason: string; advice: string }
  | { type: 'cancel' }
  | { type: 'retry' };

/** The next stage. An event that makes no sense in a stage changes nothing: answers can come late. */
export function nextStage(stage: UploadStage, event: UploadEvent): UploadStage {
  switch (event.type) {
    case 'start':
      return stage.name === 'waiting' ? { name: 'sending', sent: 0, size: event.size } : stage;
    case 'progress':
      if (stage.name !== 'sending') return stage;
      if (event.sent >= stage.size) return { name: 'storing' };
      return { ...stage, sent: Math.max(stage.sent, event.sent) };
    case 'accepted':
      return isUnderWay(stage) ? { name: 'stored', existed: event.existed } : stage;
    case 'refused':
      if (!isUnderWay(stage)) return stage;
      return {
        name: 'failed',
        reason: event.problem.message,
        advice: advice(event.problem),
        canRetry: mayPassLater(event.problem.status),
      };
    case 'unfit':
      if (stage.name !== 'waiting') return stage;
      return { name: 'failed', reason: event.reason, advice: event.advice, canRetry: false };
    case 'cancel':
      return stage.name === 'waiting' || isUnderWay(stage) ? { name: 'cancelled' } : stage;
    case 'retry':
      return stage.name === 'failed' && stage.canRetry ? { name: 'waiting' } : stage;
  }
}

/** Why a file need not be sent at all, or undefined if it may be. head: its first kilobyte. */
export function unfitness(
  size: number,
  head: Uint8Array,
  limits: Limits | undefined,
): { reason: string; advice: string } | undefined {
  if (size === 0) {
    return { reason: 'The file is empty.', advice: 'Save it again, then choose it once more.' };
  }
  if (limits && size > limits.maxFileSizeBytes) {
    return {
      reason: `The file has ${formatBytes(size)}; ${formatBytes(limits.maxFileSizeBytes)} is the limit here.`,
      advice: 'Split it, or ask your administrator to raise the limit.',
    };
  }
  // Readers accept a PDF whose header starts anywhere in the first kilobyte.
  if (!new TextDecoder('latin1').decode(head).includes('%PDF-')) {
    return {
      reason: 'This is not a PDF, whatever its name says.',
      advice: 'Export or print it as PDF first.',
    };
  }
  return undefined;
}

function isUnderWay(stage: UploadStage): boolean {
  return stage.name === 'sending' || stage.name === 'storing';
}

function mayPassLater(status: number): boolean {
  return status === 0 || status === 401 || status === 408 || status === 429 || status >= 500;
}
