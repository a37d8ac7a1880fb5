import { ask, type AnswerEvent, type AnswerMode, type Citation } from '../api/api';
import { asProblem, isAbort, Problem } from '../api/problem';
import { documents } from './documents.svelte';
import { session } from './session.svelte';

/** asking: nothing has come yet. broken: the answer ended before it was complete. */
export type TurnState = 'asking' | 'answering' | 'done' | 'stopped' | 'broken' | 'failed';

/** A question and what came of it. */
export class Turn {
  readonly id: number;
  readonly question: string;
  readonly documentIds: string[];
  state = $state<TurnState>('asking');
  mode = $state<AnswerMode>('generated');
  text = $state('');
  citations = $state.raw<Citation[]>([]);
  problem = $state.raw<Problem>();
  readonly abort = new AbortController();

  readonly underWay = $derived(this.state === 'asking' || this.state === 'answering');

  constructor(id: number, question: string, documentIds: string[]) {
    this.id = id;
    this.question = question;
    this.documentIds = documentIds;
  }

  citation(id: number): Citation | undefined {
    return this.citations.find((citation) => citation.id === id);
  }

  take(event: AnswerEvent): void {
    switch (event.type) {
      case 'answer':
        this.mode = event.mode;
        break;
      case 'token':
        this.state = 'answering';
        this.text += event.text;
        break;
      case 'citation':
        this.citations = [...this.citations, event.citation];
        break;
      case 'done':
        this.mode = event.answer.mode;
        this.text = event.answer.text;
        this.citations = event.answer.citations;
        this.state = event.answer.complete ? 'done' : 'broken';
        break;
      case 'error':
        this.fail(event.problem);
        break;
    }
  }

  /** Words that have come stay; only a turn without any is a failure. */
  fail(problem: Problem): void {
    this.problem = problem;
    this.state = this.text === '' ? 'failed' : 'broken';
  }
}

/** The questions of this visit, oldest first, and the one being typed. */
class Conversation {
  turns = $state.raw<Turn[]>([]);
  draft = $state('');
  #lastId = 0;

  readonly current = $derived(this.turns.at(-1));
  readonly busy = $derived(this.current?.underWay ?? false);

  async ask(question: string, documentIds = [...documents.chosen]): Promise<void> {
    const text = question.trim();
    if (text === '' || this.busy) return;
    const turn = new Turn(++this.#lastId, text, documentIds);
    this.turns = [...this.turns, turn];
    this.draft = '';
    await this.#follow(turn);
    if (turn.problem?.status === 401) this.#giveBack(turn);
  }

  askAgain(turn: Turn): Promise<void> {
    return this.ask(turn.question, turn.documentIds);
  }

  stop(): void {
    this.current?.abort.abort();
  }

  forget(): void {
    this.stop();
    this.turns = [];
    this.draft = '';
  }

  async #follow(turn: Turn): Promise<void> {
    try {
      for await (const event of ask(turn.question, turn.documentIds, turn.abort.signal)) turn.take(event);
      if (turn.underWay) turn.fail(new Problem(0, 'The connection ended before the answer did.'));
    } catch (thrown) {
      if (isAbort(thrown)) turn.state = 'stopped';
      else {
        session.notice(thrown);
        turn.fail(asProblem(thrown));
      }
    }
  }

  // The session ended before the question was taken: it goes back where it was typed.
  #giveBack(turn: Turn): void {
    this.turns = this.turns.filter((other) => other !== turn);
    if (this.draft === '') this.draft = turn.question;
  }
}

export const conversation = new Conversation();
