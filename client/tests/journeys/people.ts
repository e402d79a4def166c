import {
  type APIRequestContext,
  type BrowserContextOptions,
  test as base,
  expect,
  type Page,
} from "@playwright/test";

export const PASSWORD = "correct horse battery staple";

let people = 0;
const freshEmail = () => `somebody-${process.pid}-${people++}@example.com`;

/** Somebody who does without a browser what is not what a journey looks at. */
export class Trader {
  constructor(
    readonly request: APIRequestContext,
    readonly email: string,
  ) {}

  signUp(): Promise<unknown> {
    return this.post("/api/users/signup", { email: this.email, password: PASSWORD });
  }

  offer(title: string, price = 25): Promise<{ id: string }> {
    return this.post("/api/tickets", { title, price });
  }

  /** One that payments has heard of, too. */
  async order(ticket: { id: string }): Promise<{ id: string }> {
    const order = await this.post<{ id: string }>("/api/orders", { ticketId: ticket.id });
    await this.sees(`/api/payments?orderId=${order.id}`, []);
    return order;
  }

  /** Waits until what is to be seen at a path has all that is wanted. */
  async sees(path: string, wanted: unknown[] | Record<string, unknown>): Promise<void> {
    await expect(async () => {
      const answer = await this.request.get(path);
      expect(answer.ok(), await answer.text()).toBe(true);
      expect(await answer.json()).toMatchObject(wanted);
    }).toPass({ intervals: [100], timeout: 30_000 });
  }

  async post<T>(path: string, data: object): Promise<T> {
    let body: T | undefined;
    // What was just made is known everywhere only a moment later: a 404 until then.
    await expect(async () => {
      const answer = await this.request.post(path, { data });
      expect(answer.ok(), await answer.text()).toBe(true);
      body = await answer.json();
    }).toPass({ intervals: [100], timeout: 30_000 });
    return body as T;
  }
}

/** Somebody with a browser of their own. */
export class Person extends Trader {
  constructor(
    readonly page: Page,
    email: string,
  ) {
    super(page.request, email);
  }

  async pay(card = "Pays at once"): Promise<void> {
    await this.page.getByRole("radio", { name: new RegExp(card) }).check();
    await this.page.getByRole("button", { name: /^Pay / }).click();
  }
}

type People = {
  /** Opens a browser for somebody without an account. */
  visitor: (options?: BrowserContextOptions) => Promise<Person>;
  /** The same for somebody who has just signed up. */
  somebody: () => Promise<Person>;
};

type Regulars = {
  /** Sells what the journeys buy. */
  seller: Trader;
};

export const test = base.extend<People, Regulars>({
  seller: [
    async ({ playwright }, use) => {
      const request = await playwright.request.newContext({ baseURL: process.env.MARKET_URL });
      const seller = new Trader(request, freshEmail());
      await seller.signUp();
      await use(seller);
      await request.dispose();
    },
    { scope: "worker" },
  ],
  visitor: async ({ browser, baseURL }, use) => {
    const opened: Person[] = [];
    await use(async (options) => {
      const context = await browser.newContext({ baseURL, ...options });
      const person = new Person(await context.newPage(), freshEmail());
      opened.push(person);
      return person;
    });
    for (const { page } of opened) {
      await page.unrouteAll({ behavior: "ignoreErrors" });
      await page.context().close();
    }
  },
  somebody: async ({ visitor }, use) => {
    await use(async () => {
      const person = await visitor();
      await person.signUp();
      return person;
    });
  },
});

export { expect };
