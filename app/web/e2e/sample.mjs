// Makes the PDFs that the page tests upload. Nothing binary is kept in the repository.
import PDFDocument from 'pdfkit';
import { pages } from './handbook.mjs';

/** @typedef {InstanceType<typeof PDFDocument>} Pdf */

const ink = '#1d1b16';
const soft = '#5c574b';

/**
 * The handbook as a PDF. Two editions differ in a byte or two, so that the server takes them for two documents.
 * @param {string} edition
 * @returns {Promise<Buffer>}
 */
export function handbook(edition) {
  const pdf = begin(edition, {});
  pages.forEach((page, index) => {
    pdf.addPage({ size: 'A4', margins: { top: 84, bottom: 60, left: 84, right: 84 } });
    drawPage(pdf, page, index + 1);
  });
  return bytesOf(pdf);
}

/** The sentences of sideways(), by page. */
export const sideways = {
  rotated: 'The lighthouse keeper counted forty-one ships before the fog came in.',
  cropped: 'The orchard behind the mill gave nine hundred baskets of pears that year.',
};

/**
 * Pages that are not shown as they are stored: the first on its side, the second with its edges cut off.
 * @param {string} edition
 * @returns {Promise<Buffer>}
 */
export function sidewaysPdf(edition) {
  const pdf = begin(edition, {});
  pdf.addPage({ size: 'A4', margin: 0 });
  Object.assign(pdf.page.dictionary.data, { Rotate: 90 });
  // Shown coordinates (u, v) are stored at (v, height - u).
  pdf.transform(0, -1, 1, 0, 0, pdf.page.height);
  pdf.font('Times-Roman').fontSize(16).text(sideways.rotated, 200, 300, { lineBreak: false });
  pdf.addPage({ size: 'A4', margin: 0 });
  Object.assign(pdf.page.dictionary.data, { CropBox: [80, 200, 560, 700] });
  pdf.text(sideways.cropped, 120, 320, { width: 300 });
  return bytesOf(pdf);
}

/**
 * A PDF of three megabytes, nearly all of them in an attachment that no page shows.
 * @param {string} edition
 * @returns {Promise<Buffer>}
 */
export function longPdf(edition) {
  const pdf = begin(edition, { compress: false });
  const ballast = Buffer.alloc(3_000_000, 'ballast ');
  pdf.file(ballast, { name: 'ballast.txt', hidden: true });
  for (let page = 1; page <= 3; page++)
    pdf.addPage().text(`This is page ${page} of a document that is mostly ballast.`);
  return bytesOf(pdf);
}

/**
 * A PDF that nobody can read without its password.
 * @param {string} edition
 * @returns {Promise<Buffer>}
 */
export function lockedPdf(edition) {
  const pdf = begin(edition, { userPassword: 'correct horse' });
  pdf.addPage().text('Nobody shall read this.');
  return bytesOf(pdf);
}

/**
 * @param {string} edition
 * @param {PDFKit.PDFDocumentOptions} options
 * @returns {Pdf}
 */
function begin(edition, options) {
  return new PDFDocument({
    ...options,
    autoFirstPage: false,
    info: { Title: 'Looking after ChatPDF', Keywords: edition, CreationDate: new Date(0) },
  });
}

/**
 * @param {Pdf} pdf
 * @param {typeof pages[number]} page
 * @param {number} number
 */
function drawPage(pdf, page, number) {
  pdf
    .fillColor(ink)
    .font('Times-Bold')
    .fontSize(page.subtitle ? 30 : 20)
    .text(page.title);
  if (page.subtitle) pdf.moveDown(0.2).fillColor(soft).font('Times-Italic').fontSize(15).text(page.subtitle);
  pdf.moveDown(1).fillColor(ink).font('Times-Roman').fontSize(12);
  for (const paragraph of page.paragraphs) pdf.text(paragraph, { lineGap: 4.5 }).moveDown(0.8);
  if (page.list.length > 0) pdf.list(page.list, { bulletRadius: 1.6, lineGap: 4.5, textIndent: 14 });
  pdf.page.margins.bottom = 0;
  pdf
    .fillColor(soft)
    .fontSize(10)
    .text(String(number), 84, 790, { width: pdf.page.width - 168, align: 'center' });
}

/** @param {Pdf} pdf @returns {Promise<Buffer>} */
async function bytesOf(pdf) {
  pdf.end();
  return Buffer.concat(/** @type {Buffer[]} */ (await pdf.toArray()));
}
