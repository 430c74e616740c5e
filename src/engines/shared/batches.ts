interface Asker<Question, Answer> {
  question: Question;
  resolve(answer: Answer): void;
  reject(error: unknown): void;
}

/**
 * Collects questions that are cheaper to answer together. There is one batch at a time: those who ask in one turn of the
 * event loop share one, and those who ask while it is answered share the next.
 */
export class Batches<Question, Answer> {
  readonly #answer: (questions: Question[]) => Answer[] | Promise<Answer[]>;
  #askers: Asker<Question, Answer>[] = [];
  #isAnswering = false;

  /** @param answer answers questions in their order */
  constructor(answer: (questions: Question[]) => Answer[] | Promise<Answer[]>) {
    this.#answer = answer;
  }

  ask(question: Question): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#askers.push({ question, resolve, reject });
      if (this.#isAnswering) return;
      this.#isAnswering = true;
      queueMicrotask(() => void this.#answerAll());
    });
  }

  async #answerAll(): Promise<void> {
    while (this.#askers.length > 0) {
      const batch = this.#askers;
      this.#askers = [];
      try {
        const answers = await this.#answer(batch.map(({ question }) => question));
        for (const [index, { resolve }] of batch.entries()) resolve(answers[index]);
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    this.#isAnswering = false;
  }
}
