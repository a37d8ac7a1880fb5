import type { Citation, Rect } from '../api/api';

/** What the reader wants to see: a document, and a sentence in it if they followed a citation. */
export interface ViewerTarget {
  documentId: string;
  documentName: string;
  page: number;
  /** The number of the marker that was followed. */
  marker?: number;
  quote?: string;
  rects: Rect[];
}

/**
 * Which document is open. Opening one adds a step to the browser's history, so that the back button
 * of a phone closes the sheet instead of leaving the page.
 */
class ViewerState {
  target = $state.raw<ViewerTarget>();
  #opener: HTMLElement | undefined;

  open(target: ViewerTarget, opener: HTMLElement): void {
    if (!this.target) history.pushState({ viewer: true }, '');
    this.#opener = opener;
    this.target = target;
  }

  openCitation(citation: Citation, opener: HTMLElement): void {
    const { id: marker, documentId, documentName, page, quote, rects } = citation;
    this.open({ documentId, documentName, page, marker, quote, rects }, opener);
  }

  /** True while the sentence of this citation is what is shown. */
  shows(citation: Citation): boolean {
    return this.target?.rects === citation.rects;
  }

  /** Closes it; focus goes back to what opened it. */
  close(): void {
    if (this.target) history.back();
  }

  /** Closes it if it shows this document, which is no more. */
  closeDocument(id: string): void {
    if (this.target?.documentId === id) this.close();
  }

  forget(): void {
    if (this.target) history.back();
    this.target = undefined;
    this.#opener = undefined;
  }

  /** The browser went back. */
  hide(): void {
    if (!this.target) return;
    this.target = undefined;
    const opener = this.#opener;
    this.#opener = undefined;
    queueMicrotask(() => {
      if (opener?.isConnected) opener.focus();
    });
  }
}

export const viewer = new ViewerState();
