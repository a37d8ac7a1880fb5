import { uploadDocument } from '../api/api';
import { asProblem, isAbort } from '../api/problem';
import { documents } from './documents.svelte';
import { session } from './session.svelte';
import { nextStage, unfitness, type UploadEvent, type UploadStage } from './upload-machine';

/** One file on its way. */
export class UploadItem {
  readonly id: number;
  readonly file: File;
  stage = $state.raw<UploadStage>({ name: 'waiting' });
  readonly abort = new AbortController();

  constructor(id: number, file: File) {
    this.id = id;
    this.file = file;
  }

  step(event: UploadEvent): void {
    this.stage = nextStage(this.stage, event);
  }
}

/** Files on their way, sent one after the other so that each gets the whole line. */
class Uploads {
  items = $state.raw<UploadItem[]>([]);
  #lastId = 0;
  #sending = false;

  add(files: Iterable<File>): void {
    const added = Array.from(files, (file) => new UploadItem(++this.#lastId, file));
    this.items = [...this.items, ...added];
    void this.#work();
  }

  cancel(item: UploadItem): void {
    item.step({ type: 'cancel' });
    item.abort.abort();
    this.dismiss(item);
  }

  retry(item: UploadItem): void {
    this.dismiss(item);
    this.add([item.file]);
  }

  dismiss(item: UploadItem): void {
    this.items = this.items.filter((other) => other !== item);
  }

  forget(): void {
    for (const item of this.items) this.cancel(item);
  }

  async #work(): Promise<void> {
    if (this.#sending) return;
    this.#sending = true;
    for (;;) {
      const item = this.items.find(({ stage }) => stage.name === 'waiting');
      if (!item) break;
      await this.#send(item);
    }
    this.#sending = false;
  }

  async #send(item: UploadItem): Promise<void> {
    const unfit = await whyUnfit(item.file);
    if (unfit) {
      item.step({ type: 'unfit', ...unfit });
      return;
    }
    item.step({ type: 'start', size: item.file.size });
    if (item.stage.name !== 'sending') return;
    try {
      const onProgress = (sent: number) => {
        item.step({ type: 'progress', sent });
      };
      const upload = await session.guard(uploadDocument(item.file, onProgress, item.abort.signal));
      item.step({ type: 'accepted', existed: upload.existed });
      documents.add(upload.document);
      if (!upload.existed) this.dismiss(item);
    } catch (thrown) {
      if (!isAbort(thrown)) item.step({ type: 'refused', problem: asProblem(thrown) });
    }
  }
}

async function whyUnfit(file: File): Promise<{ reason: string; advice: string } | undefined> {
  try {
    const head = new Uint8Array(await file.slice(0, 1024).arrayBuffer());
    return unfitness(file.size, head, session.limits);
  } catch {
    return { reason: 'The file cannot be read.', advice: 'A folder cannot be sent; choose the PDFs in it.' };
  }
}

export const uploads = new Uploads();
