import { SvelteMap, SvelteSet } from 'svelte/reactivity';
import { deleteDocument, getDocument, listDocuments, type PdfDocument } from '../api/api';
import { asProblem, Problem } from '../api/problem';
import { session } from './session.svelte';

/** Milliseconds between looks at work in progress: quick at first, then easy on the rate limit. */
const firstLook = 700;
const slowestLook = 4000;
/** Pending documents that are looked up one by one because they are not among the newest. */
const lookedUpSingly = 5;

/** The reader's documents, newest first, as the server knows them. */
class Documents {
  #byId = new SvelteMap<string, PdfDocument>();
  /** Those chosen to be asked; none means all. */
  readonly chosen = new SvelteSet<string>();
  loaded = $state(false);
  problem = $state.raw<Problem>();
  #next = $state<string>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #delay = firstLook;

  readonly all = $derived([...this.#byId.values()].sort(newestFirst));
  readonly ready = $derived(this.all.filter((document) => document.state === 'ready'));
  readonly #pending = $derived(this.all.filter(isPending));
  readonly hasMore = $derived(this.#next !== undefined);

  async refresh(): Promise<void> {
    try {
      const list = await session.guard(listDocuments());
      this.#byId.clear();
      this.#take(list.documents);
      this.#next = list.next;
      for (const id of this.chosen) if (!this.#byId.has(id)) this.chosen.delete(id);
      this.loaded = true;
      this.problem = undefined;
      this.watch();
    } catch (thrown) {
      this.problem = asProblem(thrown);
    }
  }

  async loadMore(): Promise<void> {
    try {
      const list = await session.guard(listDocuments(this.#next));
      this.#take(list.documents);
      this.#next = list.next;
    } catch (thrown) {
      this.problem = asProblem(thrown);
    }
  }

  add(document: PdfDocument): void {
    this.#take([document]);
    this.#delay = firstLook;
    this.watch();
  }

  /** Deletes it at the server; throws the Problem if that is refused. */
  async remove(document: PdfDocument): Promise<void> {
    try {
      await session.guard(deleteDocument(document.id));
    } catch (thrown) {
      if (!(thrown instanceof Problem && thrown.status === 404)) throw thrown;
    }
    this.#drop(document.id);
  }

  choose(id: string, wanted: boolean): void {
    if (wanted) this.chosen.add(id);
    else this.chosen.delete(id);
  }

  /** Looks again, ever more slowly, while a document is being read; a hidden page waits. */
  watch(): void {
    clearTimeout(this.#timer);
    if (this.#pending.length === 0) return;
    this.#timer = setTimeout(() => void this.#look(), this.#delay);
    this.#delay = Math.min(this.#delay * 1.4, slowestLook);
  }

  forget(): void {
    clearTimeout(this.#timer);
    this.#byId.clear();
    this.chosen.clear();
    this.#next = undefined;
    this.loaded = false;
    this.problem = undefined;
  }

  async #look(): Promise<void> {
    if (globalThis.document.hidden) {
      globalThis.document.addEventListener('visibilitychange', () => void this.#look(), { once: true });
      return;
    }
    try {
      const list = await session.guard(listDocuments());
      this.#take(list.documents);
      const seen = new Set(list.documents.map(({ id }) => id));
      const unseen = this.#pending.filter(({ id }) => !seen.has(id)).slice(0, lookedUpSingly);
      for (const { id } of unseen) await this.#lookUp(id);
      this.problem = undefined;
    } catch (thrown) {
      const problem = asProblem(thrown);
      // Whoever signs in again looks anew.
      if (problem.status === 401) return;
      if (problem.status === 429) this.#delay = (problem.retryAfter ?? 10) * 1000;
      else this.problem = problem;
    }
    this.watch();
  }

  async #lookUp(id: string): Promise<void> {
    try {
      this.#take([await session.guard(getDocument(id))]);
    } catch (thrown) {
      if (!(thrown instanceof Problem && thrown.status === 404)) throw thrown;
      this.#drop(id);
    }
  }

  #take(documents: PdfDocument[]): void {
    for (const document of documents) this.#byId.set(document.id, document);
  }

  #drop(id: string): void {
    this.#byId.delete(id);
    this.chosen.delete(id);
  }
}

export function isPending(document: PdfDocument): boolean {
  return document.state === 'queued' || document.state === 'processing';
}

function newestFirst(a: PdfDocument, b: PdfDocument): number {
  return b.createdAt.localeCompare(a.createdAt) || b.id.localeCompare(a.id);
}

export const documents = new Documents();
