// The text of the sample PDF: how to look after an installation, as this project does it.

/** The sentence that the page tests ask for; it stands on this page and nowhere else. */
export const planted = {
  question: 'How long is a primary given to hand over before it is stopped?',
  sentence:
    'A primary is given 120 seconds to hand over before it is stopped, so that no write that a reader has seen is ever lost.',
  page: 4,
};

/** One entry a page: a title, paragraphs, and what is set apart in a list. */
export const pages = [
  {
    title: 'Looking after ChatPDF',
    subtitle: 'A handbook for those who run it',
    paragraphs: [
      'This handbook says what an installation consists of, what it does by itself, and what is left to the people who run it. It is short on purpose: whatever can be decided by the operator is decided by the operator, and whatever has to be known is written where it is needed.',
      'One custom resource describes one installation. The operator reads it, looks at what exists, and takes one step towards what is wanted; then it looks again. Nothing that it does depends on having watched the step before, and so it can be stopped at any moment.',
      'Readers see none of this. They sign in, upload their documents, ask, and follow each answer to the sentence that it comes from. An answer without a source is not an answer, and the page never shows one.',
    ],
    list: [],
  },
  {
    title: '1  What is installed',
    paragraphs: [
      'The front end serves the page and passes requests on. It keeps nothing, and any number of copies may run side by side. The back end takes uploads, reads them page by page, and answers questions; it keeps nothing either, because everything that must last is in the database.',
      'The database is a replica set of one or three members. With three, the loss of any one of them is noticed by nobody but the people who run it. Every connection to it is encrypted and every client proves who it is, from the first second on.',
      'Uploaded files are stored in the database too. One backup therefore holds everything, and what it holds belongs together: there is never a document without its pages, nor a page without its document.',
    ],
    list: [
      'One front end needs 64 MiB of memory and next to no processor time.',
      'One back end needs 1 GiB while it reads long documents.',
      'One database member needs 2 GiB and a volume of 20 GiB to begin with.',
    ],
  },
  {
    title: '2  How a document is read',
    paragraphs: [
      'An upload is answered as soon as it is stored, and reading goes on behind it. The work is a queue in the database: whoever takes a job holds a lease on it, and when a worker is killed, the lease runs out and another one takes over where the first one stopped.',
      'Pages are read in a separate process with a limit on memory and time. A damaged file can end that process and nothing else. The reader is told which file it was and what can be done about it.',
      'For every sentence the back end remembers the page, the characters, and the rectangles that its lines fill. The rectangles are fractions of the page as a reader sees it, so a viewer can draw them at any size without knowing how the file was made.',
    ],
    list: [
      'Scanned pages without a text layer are reported, not guessed.',
      'A password-protected file is refused with a sentence that says so.',
    ],
  },
  {
    title: '3  Restarts and upgrades',
    paragraphs: [
      'Members of the database are restarted one at a time, the primary last. Before anything is stopped the operator asks every member how it is, and waits while one of them is still catching up.',
      `The primary itself is asked to step down first. ${planted.sentence} If nobody can take over in that time, the restart is put off and the reason is written into the status of the resource.`,
      'An upgrade of the operator changes no running pod. What it would change is shown as an update that waits for the next maintenance window, with a backup taken before it begins.',
      'A new version of the application is rolled out one pod at a time. Each new pod has to answer its probes before the next old one is stopped, and when one of them does not, the release before it comes back by itself.',
      'Readers who are in the middle of an answer keep it: a pod that is asked to stop takes no new questions, finishes those that it has, and hands its unfinished documents back to the queue.',
    ],
    list: [],
  },
  {
    title: '4  Backups',
    paragraphs: [
      'A backup is a single encrypted archive with a manifest beside it. It is taken from a secondary, so that readers do not notice, and it is consistent with itself because it is read at one point in time.',
      'A backup that was never restored is a hope. Once a week the latest one is therefore restored into a database of its own, its documents are counted and their checksums compared, and only then is it called good.',
      'Retention follows two rules at once: backups older than thirty days are deleted, and the seven newest are kept whatever their age. A clock that is wrong can therefore never delete everything.',
    ],
    list: [],
  },
  {
    title: '5  When something is wrong',
    paragraphs: [
      'Look at the conditions of the resource first. Each of them names the object that is in trouble and the next thing to do, in one sentence. Events tell what changed and when; metrics tell how much.',
      'If the language model cannot be reached, questions are still answered: the passages that fit best are quoted word for word, with the same boxes on the same pages. Readers are told that this is so.',
      'If a volume fills up, uploads are refused before the database is in danger. Grow the volume by changing one number in the resource; no restart is needed where the storage class allows it.',
    ],
    list: [],
  },
];
