import { type BrowserContextOptions, test as base, expect, type Page } from "@playwright/test";

export const PASSWORD = "correct horse battery staple";

let people = 0;

/** Somebody with a browser of their own. */
export class Person {
  constructor(
    readonly page: Page,
    readonly email: string,
  ) {}

  /** Does what a form would do, where the form is not what is looked at. */
  async post<T>(path: string, body: object): Promise<T> {
    let answer = await this.page.request.post(path, { data: body });
    // What was just made is known everywhere only a moment later.
    for (let tries = 0; answer.status() === 404 && tries < 40; tries++) {
      await this.page.waitForTimeout(100);
      answer = await this.page.request.post(path, { data: body });
    }
    expect(answer.ok(), await answer.text()).toBe(true);
    return answer.json();
  }

  offer(title: string, price = 25): Promise<{ id: string }> {
    return this.post("/api/tickets", { title, price });
  }

  order(ticket: { id: string }): Promise<{ id: string }> {
    return this.post("/api/orders", { ticketId: ticket.id });
  }

  async pay(card = "Pays at once"): Promise<void> {
    await this.page.getByRole("radio", { name: card }).check();
    await this.page.getByRole("button", { name: /^Pay / }).click();
  }
}

type People = {
  /** Somebody without an account. */
  visitor: (options?: BrowserContextOptions) => Promise<Person>;
  /** Somebody who has just signed up. */
  somebody: (options?: BrowserContextOptions) => Promise<Person>;
};

export const test = base.extend<People>({
  visitor: async ({ browser }, use, info) => {
    await use(async (options) => {
      const context = await browser.newContext({ baseURL: process.env.MARKET_URL, ...options });
      const email = `person${info.workerIndex}-${people++}-${Date.now()}@example.com`;
      return new Person(await context.newPage(), email);
    });
    for (const context of browser.contexts()) await context.close();
  },
  somebody: async ({ visitor }, use) => {
    await use(async (options) => {
      const person = await visitor(options);
      await person.post("/api/users/signup", { email: person.email, password: PASSWORD });
      return person;
    });
  },
});

export { expect };
