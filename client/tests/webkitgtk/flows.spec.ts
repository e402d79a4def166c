import { Key } from "selenium-webdriver";
import { PASSWORD } from "../journeys/fixtures";
import { expect, test } from "./fixtures";

test("new visitor can find a ticket, sign up and pay", async ({ seller, newUser }) => {
  const title = `First night ${Date.now()}`;
  await seller.createTicket(title, 42.5);
  const user = await newUser({ isSignedIn: false });

  await user.goto("/");
  await user.fill("Search tickets", title);
  await user.click("button", "^Search");
  await user.click("link", title);
  await user.click("link", "^New here");
  await user.see("button", "^Sign up");
  await user.fill("Email", user.email);
  await user.fill("Password", PASSWORD);
  await user.click("button", "^Sign up");
  await user.click("button", "^Buy");
  await user.see("heading", "^Reserved for you");
  await user.click("button", "^Pay");

  await user.see("heading", "ticket is yours");
});

test("payment with 3-D Secure succeeds after the buyer approves it", async ({
  seller,
  newUser,
}) => {
  const user = await newUser();
  const order = await user.orderTicket(await seller.createTicket("Confirmed by the bank", 42.5));
  await user.goto(`/orders/${order.id}`);

  await user.click("radio", "3-D Secure");
  await user.click("button", "^Pay");
  await user.click("button", "^Approve");

  await user.see("heading", "ticket is yours");
});

test("streams update the ticket list and the ticket", async ({ seller, newUser }) => {
  const word = `live${Date.now()}`;
  const { id } = await seller.createTicket(`${word} one`);
  const user = await newUser({ isSignedIn: false });
  await user.goto(`/?q=${word}`);
  await user.see("link", `${word} one`);

  await seller.createTicket(`${word} two`);
  await user.click("button", "^Show 1 new ticket");
  await user.see("link", `${word} two`);

  await user.goto(`/tickets/${id}`);
  await user.see("heading", `${word} one`);
  await seller.request.put(`/api/tickets/${id}`, { data: { title: `${word} three`, price: 99 } });
  await user.see("heading", `${word} three`);
});

test("a ticket can be bought with the keyboard alone", async ({ seller, newUser }) => {
  const user = await newUser();
  const { id } = await seller.createTicket("Bought with the keyboard", 42.5);
  await user.goto(`/tickets/${id}`);
  await user.see("button", "^Buy");

  await user.tabTo(/^Skip to main content/);
  await user.press(Key.ENTER);
  await user.tabTo(/^Buy/);
  await user.press(Key.ENTER);
  await user.see("heading", "^Reserved for you");
  await user.tabTo(/^Pay/);
  await user.press(Key.ENTER);

  await user.see("heading", "ticket is yours");
});

test("Back from an order to its ticket shows the link to the order", async ({
  seller,
  newUser,
}) => {
  const user = await newUser();
  const { id } = await seller.createTicket("Opened with Back");
  await user.goto(`/tickets/${id}`);
  await user.click("button", "^Buy");
  await user.see("heading", "^Reserved for you");

  await user.driver.navigate().back();

  await user.see("link", "^Go to your order");
});

test("prices are the same for readers of another language", async ({ seller, newUser }) => {
  const user = await newUser({ isSignedIn: false });
  const { id } = await seller.createTicket("Read in German", 1234.5);
  await user.goto(`/tickets/${id}`);
  await user.see("heading", "Read in German");

  const [language, text] = await user.driver.executeScript<[string, string]>(
    "return [navigator.language, document.body.innerText]",
  );
  expect(language).toBe("de-DE");
  expect(text).toContain("$1,234.50");
});

test("a tab shows nothing of a user after another one signed in in another tab", async ({
  seller,
  newUser,
}) => {
  const [first, second] = [await newUser(), await newUser({ isSignedIn: false })];
  await second.signUp();
  await first.orderTicket(await seller.createTicket("Of the first user"));
  await second.orderTicket(await seller.createTicket("Of the second user"));
  await first.goto("/orders");
  await first.see("link", "Of the first user");
  const firstTab = await first.driver.getWindowHandle();

  await first.driver.switchTo().newWindow("tab");
  await first.goto("/signin");
  await first.fill("Email", second.email);
  await first.fill("Password", PASSWORD);
  await first.click("button", "^Sign in");
  await first.see("button", "^Sign out");
  await first.driver.switchTo().window(firstTab);

  await first.see("link", "Of the second user");
  expect(await first.byRole("link", "Of the first user")).toHaveLength(0);
});
