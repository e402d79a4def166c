import {
  type APIRequestContext,
  type BrowserContextOptions,
  test as base,
  expect,
  type Page,
} from "@playwright/test";

export const PASSWORD = "correct horse battery staple";

let userCount = 0;
export const uniqueEmail = () => `user-${process.pid}-${userCount++}@example.com`;

/** A user who calls the API without a browser, to prepare what a journey needs. */
export class ApiUser {
  constructor(
    readonly request: APIRequestContext,
    readonly email: string,
  ) {}

  signUp(): Promise<unknown> {
    return this.post("/api/users/signup", { email: this.email, password: PASSWORD });
  }

  createTicket(title: string, price = 25): Promise<{ id: string }> {
    return this.post("/api/tickets", { title, price });
  }

  /** Order a ticket, and wait until the payments service knows the order. */
  async orderTicket(ticket: { id: string }): Promise<{ id: string }> {
    const order = await this.post<{ id: string }>("/api/orders", { ticketId: ticket.id });
    await this.waitFor(`/api/payments?orderId=${order.id}`, []);
    return order;
  }

  /** Wait until the response at a path contains the expected values. */
  async waitFor(path: string, expected: unknown[] | Record<string, unknown>): Promise<void> {
    await expect(async () => {
      const response = await this.request.get(path);
      expect(response.ok(), await response.text()).toBe(true);
      expect(await response.json()).toMatchObject(expected);
    }).toPass({ intervals: [100], timeout: 30_000 });
  }

  async post<T>(path: string, data: object): Promise<T> {
    let body: T | undefined;
    // Other services know a new document with a short delay: they respond with a 404 until then.
    await expect(async () => {
      const response = await this.request.post(path, { data });
      expect(response.ok(), await response.text()).toBe(true);
      body = await response.json();
    }).toPass({ intervals: [100], timeout: 30_000 });
    return body as T;
  }
}

/** A user with a browser context of their own. */
export class BrowserUser extends ApiUser {
  constructor(
    readonly page: Page,
    email: string,
  ) {
    super(page.request, email);
  }

  async pay(card = "Payment succeeds"): Promise<void> {
    await this.page.getByRole("radio", { name: new RegExp(card) }).check();
    await this.page.getByRole("button", { name: /^Pay / }).click();
  }
}

type TestFixtures = {
  /** Opens a browser for a visitor without an account. */
  newVisitor: (options?: BrowserContextOptions) => Promise<BrowserUser>;
  /** Opens a browser for a new user who is signed in. */
  newSignedInUser: () => Promise<BrowserUser>;
};

type WorkerFixtures = {
  /** Sells the tickets of the journeys. */
  seller: ApiUser;
};

export const test = base.extend<TestFixtures, WorkerFixtures>({
  seller: [
    async ({ playwright }, use) => {
      const request = await playwright.request.newContext({ baseURL: process.env.STACK_URL });
      const seller = new ApiUser(request, uniqueEmail());
      await seller.signUp();
      await use(seller);
      await request.dispose();
    },
    { scope: "worker" },
  ],
  newVisitor: async ({ browser, baseURL }, use) => {
    const visitors: BrowserUser[] = [];
    await use(async (options) => {
      const context = await browser.newContext({ baseURL, ...options });
      const visitor = new BrowserUser(await context.newPage(), uniqueEmail());
      visitors.push(visitor);
      return visitor;
    });
    for (const { page } of visitors) {
      await page.unrouteAll({ behavior: "ignoreErrors" });
      await page.context().close();
    }
  },
  newSignedInUser: async ({ newVisitor }, use) => {
    await use(async () => {
      const user = await newVisitor();
      await user.signUp();
      return user;
    });
  },
});

export { expect };
