import { signOut } from '../api/api';
import { conversation } from './conversation.svelte';
import { documents } from './documents.svelte';
import { session } from './session.svelte';
import { uploads } from './uploads.svelte';
import { viewer } from './viewer.svelte';

/** Takes up the browser's session, if it has one. */
export async function start(): Promise<void> {
  await session.resume();
  if (session.phase === 'in') await documents.refresh();
}

/** Signs in. Whoever comes back after an expired session finds their work; anyone else a clean page. */
export async function enter(username: string, password: string): Promise<void> {
  const before = session.user?.username;
  await session.signIn(username, password);
  if (session.phase !== 'in') return;
  if (before !== undefined && before !== session.user?.username) forget();
  await documents.refresh();
}

export async function leave(): Promise<void> {
  await session.guard(signOut());
  forget();
  session.end();
}

function forget(): void {
  uploads.forget();
  conversation.forget();
  documents.forget();
  viewer.forget();
}
