import { fileUrl } from '../api/api';
import {
  around,
  boxOf,
  columnAround,
  fitScale,
  gap,
  nearPages,
  nextZoom,
  pageAt,
  pageTops,
  readableZoom,
  scrollFor,
  type PageSize,
} from './layout';
import { linesOf, openPdf, sizeOf, whyNotOpened, type PDFDocumentProxy, type PDFPageProxy } from './pdf';
import type { ViewerTarget } from '../state/viewer.svelte';

/** How far the view is scrolled, in CSS pixels. */
export interface Place {
  top: number;
  left: number;
}

/** A place in the document that stays put while pages change their size: a page and how far down it. */
interface Anchor {
  index: number;
  fraction: number;
}

/**
 * One open document: its pages, how large they are drawn, and where the reader is in it. A page is
 * believed to be as large as the first until it comes near and says otherwise.
 */
export class Reader {
  readonly documentId: string;
  pdf = $state.raw<PDFDocumentProxy>();
  problem = $state('');
  sizes = $state.raw<PageSize[]>([]);
  zoom = $state(1);
  viewWidth = $state(0);
  viewHeight = $state(0);
  scrollTop = $state(0);
  #shown: ViewerTarget | undefined;
  /** The reader has chosen a zoom; what is shown next keeps it. */
  #zoomedByHand = false;
  #anchor = $state.raw<Anchor>({ index: 0, fraction: 0 });
  /** The middle of the view as a fraction of the width. */
  #centre = $state(0.5);
  readonly #pages: Promise<PDFPageProxy>[] = [];
  readonly #task;

  readonly fit = $derived(this.sizes[0] && this.viewWidth > 0 ? fitScale(this.sizes[0], this.viewWidth) : 1);
  readonly scale = $derived(this.fit * this.zoom);
  readonly tops = $derived(pageTops(this.sizes, this.scale));
  readonly width = $derived(Math.max(...this.sizes.map(({ width }) => width * this.scale), this.viewWidth));
  readonly near = $derived(nearPages(this.tops, this.scrollTop, this.viewHeight));
  /** The page that fills the upper part of the view, from 1. */
  readonly page = $derived(pageAt(this.tops, this.scrollTop + this.viewHeight / 3) + 1);

  constructor(documentId: string) {
    this.documentId = documentId;
    this.#task = openPdf(fileUrl(documentId));
  }

  /** Resolves when there is something to show: the document, or the reason why not. */
  async load(): Promise<void> {
    try {
      const pdf = await this.#task.promise;
      const first = sizeOf(await pdf.getPage(1));
      this.sizes = Array.from({ length: pdf.numPages }, () => first);
      this.pdf = pdf;
    } catch (thrown) {
      this.problem = whyNotOpened(thrown);
    }
  }

  close(): Promise<void> {
    return this.#task.destroy();
  }

  /** The page of this index, from 0; its real size is known afterwards. */
  async pageAt(index: number): Promise<PDFPageProxy> {
    if (!this.pdf) throw new Error('the document is not open');
    const pending = this.#pages[index] ?? this.pdf.getPage(index + 1);
    this.#pages[index] = pending;
    const page = await pending;
    const size = sizeOf(page);
    const believed = this.sizes[index];
    if (believed?.width !== size.width || believed.height !== size.height) {
      this.sizes = this.sizes.with(index, size);
    }
    return page;
  }

  /** Brings a sentence, or a page's top, into sight. */
  async show(target: ViewerTarget): Promise<void> {
    this.#shown = target;
    const index = this.#indexOf(target.page);
    const page = await this.pageAt(index);
    const sentence = around(target.rects);
    const column = sentence && columnAround(sentence, await linesOf(page));
    // Meanwhile the reader may have followed another one.
    if (this.#shown !== target) return;
    if (column && !this.#zoomedByHand) this.zoom = readableZoom(column, this.fit);
    const view = { width: this.viewWidth, height: this.viewHeight };
    const whole = column && boxOf(column, this.#sizeOf(index));
    const box = whole && whole.width > view.width ? boxOf(sentence, this.#sizeOf(index)) : whole;
    this.scrolled(scrollFor(this.tops[index] ?? 0, box, view, this.leftOf(index)));
  }

  goTo(page: number): void {
    const top = this.tops[this.#indexOf(page)] ?? 0;
    const left = this.#centre * this.width - this.viewWidth / 2;
    this.scrolled({ top: Math.max(top - gap, 0), left });
  }

  leftOf(index: number): number {
    return (this.width - (this.sizes[index]?.width ?? 0) * this.scale) / 2;
  }

  fitWidth(): void {
    this.zoom = 1;
    this.#zoomedByHand = true;
  }

  zoomBy(direction: 1 | -1): void {
    this.#zoomedByHand = true;
    this.zoom = nextZoom(this.zoom, direction, this.sizes, this.fit);
  }

  /** The view is here now, or shall be: place() answers the same. */
  scrolled(place: Place): void {
    this.scrollTop = place.top;
    const index = pageAt(this.tops, place.top);
    const height = (this.sizes[index]?.height ?? 1) * this.scale;
    this.#anchor = { index, fraction: (place.top - (this.tops[index] ?? 0)) / height };
    this.#centre = (place.left + this.viewWidth / 2) / this.width;
  }

  /** Where the view has to be scrolled to, so that the reader sees what they saw at other sizes. */
  place(): Place {
    const { index, fraction } = this.#anchor;
    const height = (this.sizes[index]?.height ?? 0) * this.scale;
    return {
      top: (this.tops[index] ?? 0) + fraction * height,
      left: this.#centre * this.width - this.viewWidth / 2,
    };
  }

  #sizeOf(index: number): PageSize {
    const { width, height } = this.sizes[index] ?? { width: 1, height: 1 };
    return { width: width * this.scale, height: height * this.scale };
  }

  #indexOf(page: number): number {
    return Math.min(Math.max(page, 1), this.sizes.length) - 1;
  }
}
