// pdf.js, set up for this page: own worker, ranges instead of whole files, nothing evaluated, no
// scripts of the document, no WebAssembly (the page's security policy allows neither).
import * as pdfjs from 'pdfjs-dist/legacy/build/pdf.mjs';
import workerUrl from 'pdfjs-dist/legacy/build/pdf.worker.min.mjs?url';
import type { PDFDocumentLoadingTask, PDFDocumentProxy, PDFPageProxy, RenderTask } from 'pdfjs-dist';
import type { Rect } from '../api/api';
import type { PageSize } from './layout';

export type { PDFDocumentProxy, PDFPageProxy };

/** Bytes of one range request: few enough requests for the rate limit, small enough for a phone. */
const rangeChunkSize = 256 * 1024;
/** Pixels of one image inside a PDF; a bomb is larger. */
const maxImagePixels = 64 * 1024 * 1024;
/** Pixels of one canvas; phones refuse more. */
const maxCanvasPixels = 16 * 1024 * 1024;
/** CSS pixels in a PDF point. */
const pixelsPerPoint = 96 / 72;

pdfjs.GlobalWorkerOptions.workerSrc = workerUrl;

/** Starts to open a document; destroy() the task to end the worker and the requests behind it. */
export function openPdf(url: string): PDFDocumentLoadingTask {
  const assets = new URL(`${import.meta.env.BASE_URL}assets/pdfjs-${pdfjs.version}/`, location.href).href;
  return pdfjs.getDocument({
    url,
    rangeChunkSize,
    disableAutoFetch: true,
    disableStream: true,
    enableXfa: false,
    useWasm: false,
    maxImageSize: maxImagePixels,
    cMapUrl: `${assets}cmaps/`,
    standardFontDataUrl: `${assets}standard_fonts/`,
    // The shipped fonts, so that a page looks the same on every machine and its boxes fit what is drawn.
    useSystemFonts: false,
    wasmUrl: `${assets}wasm/`,
    verbosity: pdfjs.VerbosityLevel.ERRORS,
  });
}

export function sizeOf(page: PDFPageProxy): PageSize {
  const { width, height } = page.getViewport({ scale: pixelsPerPoint });
  return { width, height };
}

/** Where the page's words stand, run by run, as fractions of the page. */
export async function linesOf(page: PDFPageProxy): Promise<Rect[]> {
  const viewport = page.getViewport({ scale: 1 });
  const { items } = await page.getTextContent();
  return items.flatMap((item) => {
    if (!('transform' in item) || item.str.trim() === '') return [];
    const [a, b, c, d, x, y] = item.transform as [number, number, number, number, number, number];
    const along = item.width / Math.hypot(a, b);
    const corners = [
      viewport.convertToViewportPoint(x, y),
      viewport.convertToViewportPoint(x + a * along + c, y + b * along + d),
    ];
    const [xs, ys] = [0, 1].map((axis) => corners.map((corner) => Number(corner[axis])));
    if (!xs || !ys) return [];
    return {
      x0: Math.min(...xs) / viewport.width,
      y0: Math.min(...ys) / viewport.height,
      x1: Math.max(...xs) / viewport.width,
      y1: Math.max(...ys) / viewport.height,
    };
  });
}

/** Draws a page; scale 1 is its real size. The promise rejects when the task is cancelled. */
export function drawPage(page: PDFPageProxy, canvas: HTMLCanvasElement, scale: number): RenderTask {
  const css = page.getViewport({ scale: scale * pixelsPerPoint });
  const most = Math.sqrt(maxCanvasPixels / (css.width * css.height));
  const density = Math.min(globalThis.devicePixelRatio, most);
  const viewport = page.getViewport({ scale: scale * pixelsPerPoint * density });
  canvas.width = Math.floor(viewport.width);
  canvas.height = Math.floor(viewport.height);
  return page.render({ canvas, viewport, annotationMode: pdfjs.AnnotationMode.ENABLE });
}

/** Lays selectable text over a page. */
export function textLayer(page: PDFPageProxy, container: HTMLElement): pdfjs.TextLayer {
  const viewport = page.getViewport({ scale: pixelsPerPoint });
  return new pdfjs.TextLayer({ textContentSource: page.streamTextContent(), container, viewport });
}

/** A sentence for a document that could not be opened. */
export function whyNotOpened(thrown: unknown): string {
  if (thrown instanceof pdfjs.PasswordException) return 'The document is protected by a password.';
  if (thrown instanceof pdfjs.InvalidPDFException) return 'The document is damaged.';
  if (thrown instanceof pdfjs.ResponseException && thrown.status === 404)
    return 'The document is not here any more.';
  if (thrown instanceof pdfjs.ResponseException && thrown.status === 429) {
    return 'Too many requests; wait a moment, then try again.';
  }
  return 'The document could not be loaded.';
}

export function isUnauthorized(thrown: unknown): boolean {
  return thrown instanceof pdfjs.ResponseException && thrown.status === 401;
}
