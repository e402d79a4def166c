import type { ApiUser } from "./fixtures";

/** A page in one of its states, and how to get there. */
export type PageState = {
  name: string;
  isSignedIn: boolean;
  /** Prepare the state, and return the path of the page. */
  prepare: (user: ApiUser, seller: ApiUser) => Promise<string>;
};

const path = (value: string) => async () => value;

export const PAGES: PageState[] = [
  { name: "tickets", isSignedIn: false, prepare: ticketList },
  {
    name: "tickets, empty search",
    isSignedIn: true,
    prepare: path("/?q=nothing+has+this+title"),
  },
  { name: "ticket, visitor", isSignedIn: false, prepare: ticketOfSeller },
  { name: "ticket, buyer", isSignedIn: true, prepare: ticketOfSeller },
  { name: "ticket, reserved", isSignedIn: true, prepare: reservedTicket },
  { name: "ticket, sold", isSignedIn: false, prepare: soldTicket },
  { name: "ticket, own", isSignedIn: true, prepare: (user) => newTicket(user) },
  {
    name: "edit ticket",
    isSignedIn: true,
    prepare: async (user) => `${await newTicket(user)}/edit`,
  },
  { name: "sell a ticket", isSignedIn: true, prepare: path("/tickets/new") },
  { name: "my tickets", isSignedIn: true, prepare: myTickets },
  { name: "my orders", isSignedIn: true, prepare: myOrders },
  { name: "my orders, empty", isSignedIn: true, prepare: path("/orders") },
  { name: "order, reserved", isSignedIn: true, prepare: reservedOrder },
  {
    name: "order, needs confirmation",
    isSignedIn: true,
    prepare: (user, seller) => paidOrder(user, seller, "threeDSecure2Required"),
  },
  {
    name: "order, complete",
    isSignedIn: true,
    prepare: (user, seller) => paidOrder(user, seller, "visa"),
  },
  { name: "order, cancelled", isSignedIn: true, prepare: cancelledOrder },
  { name: "sign in", isSignedIn: false, prepare: path("/signin?next=/orders") },
  { name: "sign up", isSignedIn: false, prepare: path("/signup") },
  { name: "forgot password", isSignedIn: false, prepare: path("/forgot-password") },
  {
    name: "reset password, invalid link",
    isSignedIn: false,
    prepare: path("/reset-password?token=unknown"),
  },
  { name: "API documentation", isSignedIn: false, prepare: path("/api/docs") },
  { name: "about", isSignedIn: false, prepare: path("/about") },
  { name: "help", isSignedIn: true, prepare: path("/help") },
  { name: "terms", isSignedIn: false, prepare: path("/terms") },
  { name: "privacy", isSignedIn: false, prepare: path("/privacy") },
  { name: "not found", isSignedIn: false, prepare: path("/nowhere") },
];

async function ticketList(_: ApiUser, seller: ApiUser): Promise<string> {
  await seller.createTicket("Philharmonic: Mahler's Second, row 4", 86);
  await seller.createTicket("Open-air cinema: Metropolis", 14);
  await seller.createTicket(
    "Night train to the sea, couchette, with breakfast and a window that opens",
    129.5,
  );
  return "/";
}

async function newTicket(owner: ApiUser): Promise<string> {
  const { id } = await owner.createTicket("Organ recital by candlelight", 12.5);
  return `/tickets/${id}`;
}

function ticketOfSeller(_: ApiUser, seller: ApiUser): Promise<string> {
  return newTicket(seller);
}

async function reservedTicket(_: ApiUser, seller: ApiUser): Promise<string> {
  const ticket = await seller.createTicket("Ice hockey derby", 38.4);
  const order = await seller.orderTicket(ticket);
  await seller.waitFor(`/api/tickets/${ticket.id}`, { orderId: order.id });
  return `/tickets/${ticket.id}`;
}

async function soldTicket(_: ApiUser, seller: ApiUser): Promise<string> {
  const ticket = await seller.createTicket("Harp quartet, stalls", 31);
  const order = await seller.orderTicket(ticket);
  await seller.post("/api/payments", { orderId: order.id, token: "pm_card_visa" });
  await seller.waitFor(`/api/tickets/${ticket.id}`, { reservedUntil: null });
  return `/tickets/${ticket.id}`;
}

async function myTickets(user: ApiUser): Promise<string> {
  await user.createTicket("Lighthouse tour with tea", 9.75);
  await user.orderTicket(await user.createTicket("Circus, front row", 52));
  return "/tickets/mine";
}

async function reservedOrder(user: ApiUser, seller: ApiUser): Promise<string> {
  const { id } = await user.orderTicket(await seller.createTicket("La Traviata, box 3", 164));
  return `/orders/${id}`;
}

async function paidOrder(user: ApiUser, seller: ApiUser, card: string): Promise<string> {
  const { id } = await user.orderTicket(await seller.createTicket("Velodrome, six-day night", 45));
  await user.post("/api/payments", { orderId: id, token: `pm_card_${card}` });
  const status = card === "visa" ? "complete" : "awaiting:payment";
  await user.waitFor(`/api/orders/${id}`, { status });
  return `/orders/${id}`;
}

async function cancelledOrder(user: ApiUser, seller: ApiUser): Promise<string> {
  const order = await user.orderTicket(await seller.createTicket("Museum night, all houses", 19.5));
  await user.request.delete(`/api/orders/${order.id}`);
  return `/orders/${order.id}`;
}

async function myOrders(user: ApiUser, seller: ApiUser): Promise<string> {
  await paidOrder(user, seller, "visa");
  await cancelledOrder(user, seller);
  await reservedOrder(user, seller);
  return "/orders";
}
