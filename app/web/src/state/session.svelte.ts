import { currentSession, limits, type Limits, type Session } from '../api/api';
import { Problem } from '../api/problem';

type Phase = 'checking' | 'out' | 'in';

/** Who is signed in. Knows nothing of what they have on the page. */
class SessionState {
  phase = $state<Phase>('checking');
  user = $state.raw<Session>();
  limits = $state.raw<Limits>();
  /** True when the server ended a session that the reader did not: their work is still here. */
  expired = $state(false);

  /** Takes up a session that the browser still has; false if there is none. */
  async resume(): Promise<boolean> {
    try {
      this.user = await currentSession();
      this.limits = await limits();
      return true;
    } catch (thrown) {
      if (!(thrown instanceof Problem && thrown.status === 401)) throw thrown;
      this.phase = 'out';
      return false;
    }
  }

  /** What belongs to the reader is loaded: they may come in. */
  begin(): void {
    this.phase = 'in';
    this.expired = false;
  }

  /** Passes a call's outcome on, and notices when it says that the session is over. */
  async guard<T>(call: Promise<T>): Promise<T> {
    try {
      return await call;
    } catch (thrown) {
      this.notice(thrown);
      throw thrown;
    }
  }

  notice(thrown: unknown): void {
    if (thrown instanceof Problem && thrown.status === 401 && this.phase === 'in') {
      this.phase = 'out';
      this.expired = true;
    }
  }

  end(): void {
    this.phase = 'out';
    this.user = undefined;
    this.expired = false;
  }
}

export const session = new SessionState();
