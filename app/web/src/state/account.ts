import { signIn, signOut } from '../api/api';
import { Problem } from '../api/problem';
import { conversation } from './conversation.svelte';
import { documents } from './documents.svelte';
import { session } from './session.svelte';
import { uploads } from './uploads.svelte';
import { viewer } from './viewer.svelte';

/** Takes up the browser's session, if it has one. */
export async function start(): Promise<void> {
  if (!(await session.resume())) return;
  await documents.refresh();
  session.begin();
}

/** Signs in. Whoever comes back after an expired session finds their work; anyone else a clean page. */
export async function enter(username: string, password: string): Promise<void> {
  const before = session.user?.username;
  await signIn(username, password);
  if (!(await session.resume()))
    throw new Problem(400, 'The browser did not keep the session cookie: allow cookies for this page.');
  if (before !== undefined && before !== session.user?.username) forget();
  await documents.refresh();
  session.begin();
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
